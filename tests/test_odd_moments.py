"""Exceptions that come, or are set, where nobody expects them; and what is left for later turns."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import shows_its_state

from typedbridge import async_to_sync, sync_to_async
from typedbridge._core import loops, workers
from typedbridge._core.mailbox import Mailbox, mailbox_of


def loop_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "typedbridge loop"}


class TestStartingALoopThread:
    """Ctrl-C in the very moment in which a loop thread is started."""

    @pytest.mark.parametrize("started", [True, False])
    def test_nothing_is_left(self, monkeypatch: pytest.MonkeyPatch, started: bool) -> None:
        """KeyboardInterrupt rises as it is; a thread that is there already ends with its loop."""
        before = loop_threads()
        began: list[threading.Thread] = []

        def interrupted(target: Any, name: str, post: object = None) -> threading.Thread:
            if started:
                thread = threading.Thread(target=target, name=name, daemon=True)
                thread.start()
                began.append(thread)
            raise KeyboardInterrupt

        async def nothing() -> int:
            return 1

        monkeypatch.setattr(loops, "start_thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            async_to_sync(nothing, force_new_loop=True)()
        for thread in began:
            thread.join(30)
        assert set() == loop_threads() - before
        monkeypatch.setattr(loops, "start_thread", workers.start_thread)
        assert 1 == async_to_sync(nothing, force_new_loop=True)()


class Reply:
    """A finished job whose future is settled, with an interruption the first time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, interrupted: bool = False) -> None:
        self.awaited: asyncio.Future[None] = loop.create_future()
        self._interrupted = interrupted

    @property
    def future(self) -> asyncio.Future[None]:
        if self._interrupted:
            self._interrupted = False
            raise InterruptedError
        return self.awaited

    def forget(self) -> None:
        raise NotImplementedError


async def test_an_interrupted_mailbox_loses_nothing() -> None:
    """Results that wait behind the one at which a signal's handler raised are still delivered."""
    loop = asyncio.get_running_loop()
    raised: list[object] = []
    loop.set_exception_handler(lambda _, told: raised.append(told.get("exception")))
    mailbox: Mailbox = mailbox_of(loop)
    replies = [Reply(loop), Reply(loop, interrupted=True), Reply(loop)]
    for reply in replies:
        mailbox.deliver(reply, loop)  # type: ignore[arg-type]  # what it reads can be read
    await asyncio.gather(*[reply.awaited for reply in replies])
    assert [InterruptedError] == [type(error) for error in raised]
    assert 3 == await sync_to_async(lambda: 3)()


@dataclass(frozen=True)
class FrozenError(Exception):
    """An exception whose attributes cannot be set."""

    code: int


class TestFrozenExceptions:
    """Exceptions that are frozen dataclasses cross hops like any other."""

    async def test_raised_in_a_function(self) -> None:
        """The caller gets the object."""
        error = FrozenError(1)

        def fail() -> None:
            raise error

        with pytest.raises(FrozenError) as caught:
            await sync_to_async(fail)()
        assert error is caught.value

    async def test_handled_across_both_hops(self, run: Any) -> None:
        """sys.exc_info() shows it on the other side, and its traceback grows by nothing."""
        error = FrozenError(2)

        async def coroutine() -> BaseException | None:
            return await sync_to_async(handled)()

        def function() -> BaseException | None:
            assert handled() is error
            return async_to_sync(coroutine)()

        try:
            raise error
        except FrozenError as caught:
            before = caught.__traceback__
            seen = await sync_to_async(function)()
            after = caught.__traceback__
        assert error is seen
        assert before is after


def handled() -> BaseException | None:
    return sys.exception()


class TestTokens:
    """A variable that one side of a hop sets and the other resets."""

    variable: ContextVar[str] = ContextVar("variable")

    async def test_the_error_says_what_helps(self) -> None:
        """Once, however many hops it crosses."""
        token = self.variable.set("outer")

        def reset() -> None:
            self.variable.reset(token)

        async def between() -> None:
            await sync_to_async(reset)()

        with pytest.raises(ValueError, match="different Context") as caught:
            await sync_to_async(async_to_sync(between))()
        (note,) = caught.value.__notes__
        assert "reset a variable on the side where it was set" in note

    async def test_what_helps(self) -> None:
        """Resetting on the side that set it, and setting the old value on the other."""
        self.variable.set("old")

        def within() -> str:
            token: Token[str] = self.variable.set("inner")
            self.variable.reset(token)
            return self.variable.get()

        assert "old" == await sync_to_async(within)()
        await sync_to_async(self.variable.set)("inner")
        await sync_to_async(self.variable.set)("old")
        assert "old" == self.variable.get()

    async def test_other_errors_get_no_note(self) -> None:
        """Nor does one that cannot take it lose anything."""

        @dataclass(frozen=True)
        class FrozenValueError(ValueError):
            text: str = "was created in a different Context"

            def __str__(self) -> str:
                return self.text

        def fail(error: Exception) -> None:
            raise error

        for error in (ValueError("other"), FrozenValueError()):
            with pytest.raises(ValueError, match=str(error)) as caught:
                await sync_to_async(fail)(error)
            assert error is caught.value
            assert not hasattr(caught.value, "__notes__")


class TestCallbacks:
    """Callbacks that a coroutine leaves on a loop of the library."""

    def test_they_run_within_the_call(self) -> None:
        """As in asyncio.run, with those that they ask for; not inside the next call."""
        log: list[str] = []

        async def leave() -> None:
            loop = asyncio.get_running_loop()
            loop.call_soon(log.append, "first")
            loop.call_soon(lambda: loop.call_soon(log.append, "second"))

        async_to_sync(leave)()
        assert ["first", "second"] == log

    @shows_its_state
    def test_one_that_never_ends_is_in_no_other_call(self) -> None:
        """The loop is thrown away."""
        turns = 0

        threads: list[threading.Thread] = []

        async def leave() -> asyncio.AbstractEventLoop:
            threads.append(threading.current_thread())
            loop = asyncio.get_running_loop()

            def again() -> None:
                nonlocal turns
                turns += 1
                if loop.is_running():
                    loop.call_soon(again)

            loop.call_soon(again)
            return loop

        async def look() -> tuple[asyncio.AbstractEventLoop, int]:
            before = turns
            for _ in range(20):
                await asyncio.sleep(0)
            return asyncio.get_running_loop(), turns - before

        left = async_to_sync(leave)()
        (thread,) = threads
        thread.join(30)
        loop, meanwhile = async_to_sync(look)()
        assert left is not loop
        assert 0 == meanwhile
