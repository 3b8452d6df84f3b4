"""Threads and loops are used again; nothing of a finished call is found in them."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import (
    AsyncSingleThreadContext,
    AsyncToSync,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


class FailedError(Exception):
    """What a call ends with."""


async def nothing() -> None:
    await asyncio.sleep(0)


def leave_traces() -> None:
    """Do in a call what might be found afterwards."""
    VARIABLE.set("left behind")
    async_to_sync(nothing)()
    raise FailedError


def traces() -> dict[str, object]:
    """What a thread shows that is in no call."""
    return {
        "variable": VARIABLE.get(),
        "handled": sys.exc_info(),
        "running loop": asyncio._get_running_loop(),
        "frame's executor": AsyncToSync.executors.current,
        "enclosing loop": getattr(SyncToAsync.threadlocal, "main_event_loop", None),
    }


NO_TRACES = {
    "variable": "unset",
    "handled": (None, None, None),
    "running loop": None,
    "frame's executor": None,
    "enclosing loop": None,
}


async def handling_another(call: Any) -> None:
    """Make the call while an exception is handled and a variable set."""
    VARIABLE.set("the caller's")
    try:
        raise KeyError
    except KeyError:
        with pytest.raises(FailedError):
            await call()


class TestThreads:
    """Threads of calls to sync functions."""

    async def test_a_users_thread_shows_nothing_of_a_call(self, pool: ThreadPoolExecutor) -> None:
        """What else runs in that executor is in no call."""
        call = sync_to_async(leave_traces, thread_sensitive=False, executor=pool)
        await handling_another(call)
        assert NO_TRACES == await asyncio.wrap_future(pool.submit(traces))

    async def test_the_lane_shows_nothing_of_a_call(self) -> None:
        """Nor what is submitted to it directly."""
        await handling_another(sync_to_async(leave_traces))
        lane: Executor = SyncToAsync.single_thread_executor
        assert NO_TRACES == await asyncio.wrap_future(lane.submit(traces))

    async def test_the_thread_of_a_context_shows_nothing_of_a_call(self) -> None:
        """The next call in it has its own context alone."""
        async with ThreadSensitiveContext():
            await asyncio.create_task(handling_another(sync_to_async(leave_traces)))
            seen = await sync_to_async(traces)()
        assert {**NO_TRACES, "enclosing loop": asyncio.get_running_loop()} == seen

    async def test_a_worker_shows_nothing_of_a_call(self) -> None:
        """Whichever worker it is."""
        bridge = sync_to_async(leave_traces, thread_sensitive=False)
        await asyncio.create_task(handling_another(bridge))
        seen = await sync_to_async(traces, thread_sensitive=False)()
        assert {**NO_TRACES, "enclosing loop": asyncio.get_running_loop()} == seen

    def test_the_thread_of_a_frame_shows_nothing_of_it(self, pool: ThreadPoolExecutor) -> None:
        """After async_to_sync, a thread is as it was."""

        async def coroutine() -> None:
            await handling_another(sync_to_async(leave_traces))

        pool.submit(contextvars.Context().run, async_to_sync(coroutine)).result()
        assert NO_TRACES == pool.submit(traces).result()

    async def test_a_thread_takes_no_loop_from_a_call_that_has_ended(
        self, pool: ThreadPoolExecutor
    ) -> None:
        """async_to_sync in a thread that once ran a call finds no enclosing loop."""

        async def running() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        await sync_to_async(int, thread_sensitive=False, executor=pool)()
        found = await asyncio.wrap_future(pool.submit(async_to_sync(running)))
        assert asyncio.get_running_loop() is not found

    async def test_a_running_function_that_was_abandoned_stays_in_its_own_call(
        self, pool: ThreadPoolExecutor
    ) -> None:
        """It ends later, and what it set reaches nobody."""
        begun, go_on = threading.Event(), threading.Event()

        def function() -> None:
            begun.set()
            go_on.wait(20)
            VARIABLE.set("too late")

        async def call() -> None:
            await sync_to_async(function, thread_sensitive=False, executor=pool)()

        task = asyncio.create_task(call())
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        assert NO_TRACES == await asyncio.wrap_future(pool.submit(traces))
        assert "unset" == VARIABLE.get()


class TestLoops:
    """Kept loops of calls to async functions."""

    def test_a_timer_of_a_finished_call_never_fires(self) -> None:
        """It would run in the middle of somebody else's call."""
        fired: list[str] = []

        async def sets_a_timer() -> asyncio.AbstractEventLoop:
            loop = asyncio.get_running_loop()
            loop.call_later(3600, fired.append, "by time")
            return loop

        async def two_hours_later() -> asyncio.AbstractEventLoop:
            loop: Any = asyncio.get_running_loop()
            clock = loop.time
            loop.time = lambda: clock() + 7200
            try:
                for _ in range(3):
                    await asyncio.sleep(0)
            finally:
                del loop.time
            return loop  # type: ignore[no-any-return]  # Any, to set the clock

        if "uvloop" in type(async_to_sync(sets_a_timer)()).__module__:
            pytest.skip("uvloop's clock cannot be set")
        async_to_sync(sets_a_timer)()
        async_to_sync(two_hours_later)()
        assert [] == fired

    def test_variables_of_a_finished_call_are_not_in_the_next(
        self, pool: ThreadPoolExecutor
    ) -> None:
        """Neither in its coroutine nor in callbacks of the loop."""

        async def coroutine(value: str) -> tuple[str, str]:
            seen = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(lambda: seen.set_result(VARIABLE.get()))
            before = VARIABLE.get()
            VARIABLE.set(value)
            return before, await seen

        def call(value: str) -> tuple[str, str]:
            return contextvars.Context().run(async_to_sync(coroutine), value)

        assert ("unset", "unset") == pool.submit(call, "first").result()
        assert ("unset", "unset") == pool.submit(call, "second").result()

    def test_no_exception_is_handled_in_the_next_call(self) -> None:
        """What one caller was handling is not what the next one handles."""

        async def coroutine() -> object:
            return sys.exc_info()[1]

        handled = None
        try:
            raise KeyError
        except KeyError:
            handled = async_to_sync(coroutine)()
        assert isinstance(handled, KeyError)
        assert async_to_sync(coroutine)() is None

    def test_no_task_of_a_finished_call_is_left(self) -> None:
        """The next call is alone on its loop."""
        started: list[asyncio.Task[Any]] = []

        async def starts_a_task() -> None:
            started.append(asyncio.create_task(asyncio.Event().wait()))
            await asyncio.sleep(0)

        async def counts_tasks() -> int:
            return len(asyncio.all_tasks())

        async_to_sync(starts_a_task)()
        assert started[0].cancelled()
        assert 1 == async_to_sync(counts_tasks)()

    def test_a_single_thread_context_ends_with_its_thread(self) -> None:
        """Nothing of it is found in the next one."""

        async def thread() -> threading.Thread:
            return threading.current_thread()

        with AsyncSingleThreadContext():
            first = async_to_sync(thread)()
        with AsyncSingleThreadContext():
            assert first is not async_to_sync(thread)()
        first.join(20)
        assert not first.is_alive()


async def test_every_thread_of_the_library_is_a_daemon() -> None:
    """None of them can keep the interpreter from ending."""
    async with ThreadSensitiveContext():
        await sync_to_async(int)()
        await sync_to_async(async_to_sync(nothing), thread_sensitive=False)()
        await asyncio.to_thread(async_to_sync(nothing))
        threads = [one for one in threading.enumerate() if one.name.startswith("typedbridge")]
    # The thread of the context, a worker and a loop thread at least.
    assert len(threads) >= 3
    assert [] == [thread.name for thread in threads if not thread.daemon]
