"""The loop of an enclosing call ends while a thread waits on it, or works for it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Gate

    Factory = Callable[[], asyncio.AbstractEventLoop]

pytestmark = pytest.mark.usefixtures("loop_factory")


class UsersLoop:
    """A loop in a thread of the user's, who may stop and close it at any time."""

    def __init__(self, factory: Factory) -> None:
        self.loop = factory()
        # A task that is lost on purpose is reported to nobody.
        self.loop.set_exception_handler(lambda _, context: None)
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def spawn(self, coroutine: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def begin_to_stop(self) -> None:
        """Call loop.stop() in its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    def has_stopped(self) -> None:
        """Wait until it has stopped."""
        self._thread.join(20)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        """Stop it and wait until it has stopped."""
        self.begin_to_stop()
        self.has_stopped()

    def close(self) -> None:
        self.stop()
        self.loop.close()

    def tidy(self) -> None:
        """Cancel what is left, if it is not too late for that."""
        if self.loop.is_closed():
            return
        if self._thread.is_alive():
            self.stop()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left))
        self.loop.close()


@pytest.fixture
def users_loop(loop_factory: Factory) -> Iterator[UsersLoop]:
    loop = UsersLoop(loop_factory)
    yield loop
    loop.tidy()


class Waiting:
    """A function that waits in async_to_sync for a coroutine that never ends."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.outcome: Future[object] = Future()

    async def coroutine(self) -> None:
        self.begun.set()
        await asyncio.Event().wait()

    def function(self) -> None:
        try:
            async_to_sync(self.coroutine)()
        except BaseException as error:
            self.outcome.set_result(error)
        else:
            self.outcome.set_result(None)


@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_a_thread_that_waits_on_a_loop_that_is_stopped(
    users_loop: UsersLoop, thread_sensitive: bool
) -> None:
    """It gets RuntimeError: nobody will finish its coroutine."""
    waiting = Waiting()
    users_loop.spawn(sync_to_async(waiting.function, thread_sensitive=thread_sensitive)())
    assert waiting.begun.wait(20)
    users_loop.stop()
    error = waiting.outcome.result(20)
    assert isinstance(error, RuntimeError)
    assert "loop" in str(error)


def test_a_thread_that_waits_on_a_frame_under_a_loop_that_is_stopped(
    users_loop: UsersLoop,
) -> None:
    """The innermost wait of several is the one that ends first."""
    waiting = Waiting()
    inner = sync_to_async(waiting.function)
    users_loop.spawn(sync_to_async(async_to_sync(inner))())
    assert waiting.begun.wait(20)
    users_loop.stop()
    assert isinstance(waiting.outcome.result(20), RuntimeError)


def test_a_loop_that_is_stopped_before_the_coroutine_began(
    users_loop: UsersLoop, gate: Gate
) -> None:
    """Either the loop's end is noticed or another loop takes the coroutine; no hang."""

    async def answer() -> int:
        return 42

    outcome: Future[object] = Future()

    def function() -> None:
        gate.hold()
        try:
            outcome.set_result(async_to_sync(answer)())
        except RuntimeError as error:
            outcome.set_result(error)

    users_loop.spawn(sync_to_async(function)())
    assert gate.begun.wait(20)
    # The stop is queued before the coroutine can be.
    users_loop.begin_to_stop()
    gate.open()
    result = outcome.result(20)
    users_loop.has_stopped()
    assert 42 == result or isinstance(result, RuntimeError)


def test_a_loop_that_is_gone_when_the_function_needs_one(users_loop: UsersLoop, gate: Gate) -> None:
    """The enclosing loop no longer runs, so the coroutine has a loop of the library."""

    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    outcome: Future[object] = Future()

    def function() -> None:
        gate.hold()
        outcome.set_result(async_to_sync(running)())

    users_loop.spawn(sync_to_async(function)())
    assert gate.begun.wait(20)
    users_loop.stop()
    gate.open()
    assert users_loop.loop is not outcome.result(20)


@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_a_function_that_ends_after_its_loop_was_closed(
    users_loop: UsersLoop, gate: Gate, thread_sensitive: bool
) -> None:
    """Nobody takes its result; its thread goes on to the next call."""
    bridge = sync_to_async(gate.hold, thread_sensitive=thread_sensitive)
    call = users_loop.spawn(bridge())
    assert gate.begun.wait(20)
    # Cancelled, so that no task is lost: this is about the function's side.
    call.cancel()
    users_loop.close()
    gate.open()
    again = sync_to_async(threading.current_thread, thread_sensitive=thread_sensitive)
    assert asyncio.run(asyncio.wait_for(again(), 20)).is_alive()


def test_a_function_that_ends_after_its_loop_was_stopped(users_loop: UsersLoop, gate: Gate) -> None:
    """A loop that runs again finds the result."""

    async def call() -> str:
        await sync_to_async(gate.hold)()
        return "found"

    task = users_loop.spawn(call())
    assert gate.begun.wait(20)
    users_loop.stop()
    gate.open()
    assert gate.left.wait(20)
    users_loop._start()
    assert "found" == task.result(20)


def test_calls_of_other_loops_go_on_when_one_is_stopped(
    users_loop: UsersLoop, loop_factory: Factory
) -> None:
    """Each loop's calls are its own."""
    other = UsersLoop(loop_factory)
    go_on = threading.Event()
    begun = threading.Event()

    async def coroutine() -> str:
        begun.set()
        await sync_to_async(go_on.wait, thread_sensitive=False)(20)
        return "finished"

    try:
        through = sync_to_async(async_to_sync(coroutine), thread_sensitive=False)
        finishing = other.spawn(through())
        assert begun.wait(20)
        waiting = Waiting()
        users_loop.spawn(sync_to_async(waiting.function)())
        assert waiting.begun.wait(20)
        users_loop.stop()
        assert isinstance(waiting.outcome.result(20), RuntimeError)
        go_on.set()
        assert "finished" == finishing.result(20)
    finally:
        other.tidy()
