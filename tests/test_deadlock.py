"""Sensitive calls that would wait for a lane which their own chain of calls holds."""

from __future__ import annotations

import asyncio
import contextvars
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import (
    DeadlockError,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).name


def wanted() -> int:
    """The call that cannot be made."""
    return 42


async def call_wanted() -> int:
    return await sync_to_async(wanted)()


def run_a_loop_of_its_own() -> int:
    """Holds its lane while a loop in the same thread asks for it."""
    return asyncio.run(call_wanted())


def in_a_users_thread(function: Callable[[], Any]) -> Any:
    """Run a function in a new thread, in the context of the calling one, and wait for it."""
    outcome: list[Any] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.append(context.run(function))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def run_a_loop_in_a_thread() -> Any:
    """Holds its lane while a loop in a thread that it waits for asks for it."""
    return in_a_users_thread(run_a_loop_of_its_own)


HOLDERS = pytest.mark.parametrize("holder", [run_a_loop_of_its_own, run_a_loop_in_a_thread])


def test_it_is_a_runtime_error() -> None:
    """Code that caught asgiref's RuntimeError catches it."""
    assert issubclass(DeadlockError, RuntimeError)


@HOLDERS
async def test_the_lane_of_the_process(holder: Callable[[], int]) -> None:
    """A function in the lane that waits for a sensitive call to the lane is told so."""
    with pytest.raises(DeadlockError):
        await sync_to_async(holder)()


@HOLDERS
async def test_the_thread_of_a_context(holder: Callable[[], int]) -> None:
    """So it is in the thread of a ThreadSensitiveContext."""
    async with ThreadSensitiveContext():
        with pytest.raises(DeadlockError):
            await sync_to_async(holder)()


def test_the_thread_of_a_frame() -> None:
    """So it is in the thread that waits in async_to_sync."""

    async def main() -> None:
        await sync_to_async(run_a_loop_of_its_own)()

    with pytest.raises(DeadlockError):
        async_to_sync(main)()


async def test_the_error_names_everything() -> None:
    """Both calls, where each was made, and the lane: enough to find the mistake."""
    with pytest.raises(DeadlockError) as raised:
        await sync_to_async(run_a_loop_of_its_own)()
    message = str(raised.value)
    assert "run_a_loop_of_its_own" in message
    assert "wanted" in message
    lines = {int(number) for number in re.findall(rf"{re.escape(HERE)}:(\d+)", message)}
    wanted_line = call_wanted.__code__.co_firstlineno + 1
    assert wanted_line in lines
    assert 2 == len(lines)
    assert "lane" in message or "thread" in message


async def test_the_error_finds_a_caller_that_has_not_suspended_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fast thread may run into the deadlock before the loop's thread has gone on to wait."""

    class Eager(ThreadPoolExecutor):
        """Its submit returns when the function has: the caller cannot suspend before."""

        def submit(self, *args: Any, **kwargs: Any) -> Any:
            future = super().submit(*args, **kwargs)
            future.exception()
            return future

    async def outer() -> int:
        return await sync_to_async(run_a_loop_of_its_own)()

    with Eager(1) as executor:
        monkeypatch.setattr(SyncToAsync, "single_thread_executor", executor)
        with pytest.raises(DeadlockError) as awaited:
            await outer()
        with pytest.raises(DeadlockError) as started:
            await asyncio.create_task(sync_to_async(run_a_loop_of_its_own)(), name="the outer task")
    assert f"{HERE}:{outer.__code__.co_firstlineno + 1}" in str(awaited.value)
    assert "the start of the outer task" in str(started.value)


async def test_the_error_names_the_lane_of_a_context() -> None:
    """The message tells the process's lane from a context's."""
    with pytest.raises(DeadlockError) as of_process:
        await sync_to_async(run_a_loop_of_its_own)()
    async with ThreadSensitiveContext():
        with pytest.raises(DeadlockError) as of_context:
            await sync_to_async(run_a_loop_of_its_own)()
    assert "ThreadSensitiveContext" in str(of_context.value)
    assert "ThreadSensitiveContext" not in str(of_process.value)


async def test_the_error_names_methods_by_their_qualified_names() -> None:
    """A method of a nested class is found by its name."""

    class Repository:
        @sync_to_async
        def save(self) -> int:
            return asyncio.run(self.load())

        @sync_to_async
        def load(self) -> int:
            return 1

    with pytest.raises(DeadlockError) as raised:
        await Repository().save()
    assert "Repository.save" in str(raised.value)
    assert "Repository.load" in str(raised.value)


async def test_the_error_names_the_task_of_a_call_that_is_a_task() -> None:
    """A call that nobody awaits in a line of code is found by its task's name."""

    async def inner() -> int:
        return await asyncio.create_task(sync_to_async(wanted)(), name="the inner task")

    def holder() -> int:
        return asyncio.run(inner())

    with pytest.raises(DeadlockError) as raised:
        await asyncio.create_task(sync_to_async(holder)(), name="the outer task")
    message = str(raised.value)
    assert "the inner task" in message
    assert "the outer task" in message
    assert "asyncio/events.py" not in message


async def test_it_can_be_caught_and_the_lane_goes_on() -> None:
    """Nothing is broken afterwards: not in the function, not in the lane."""

    def careful() -> str:
        try:
            run_a_loop_of_its_own()
        except DeadlockError:
            return "told"
        return "not told"

    assert "told" == await sync_to_async(careful)()
    assert 42 == await call_wanted()
    assert "told" == await sync_to_async(careful)()


async def test_an_empty_context_on_the_lanes_own_thread() -> None:
    """A loop that runs on the lane's own thread cannot wait for it, whatever its context."""

    def holder() -> int:
        return contextvars.Context().run(run_a_loop_of_its_own)

    with pytest.raises(DeadlockError):
        await sync_to_async(holder)()


# What is no deadlock.


async def test_nesting_through_async_to_sync_is_no_deadlock() -> None:
    """The frame's thread runs the call while it waits: that is what frames are for."""
    assert 42 == await sync_to_async(async_to_sync(call_wanted))()
    new_loop = async_to_sync(call_wanted, force_new_loop=True)
    assert 42 == await sync_to_async(new_loop)()


async def test_a_task_that_outlives_the_holder_is_fine() -> None:
    """When the function has returned, its lane is free for what it started."""
    go_on = asyncio.Event()
    tasks: list[asyncio.Task[int]] = []

    async def late() -> int:
        await go_on.wait()
        return await call_wanted()

    async def start() -> None:
        tasks.append(asyncio.create_task(late()))

    await sync_to_async(async_to_sync(start))()
    go_on.set()
    assert 42 == await tasks[0]


async def test_a_task_that_outlives_its_frame_waits_its_turn() -> None:
    """The function that opened the frame still holds the lane; it may well end, so the task waits.

    A false alarm would fail a task that was only sent on its way.
    """
    about_to_call = threading.Event()
    tasks: list[asyncio.Task[int]] = []

    async def late() -> int:
        about_to_call.set()
        return await call_wanted()

    async def start() -> None:
        tasks.append(asyncio.create_task(late()))

    def holder() -> bool:
        async_to_sync(start)()
        return about_to_call.wait(20)

    assert await sync_to_async(holder)()
    assert 42 == await tasks[0]


async def test_another_lane_is_no_deadlock() -> None:
    """From a context's thread to the process's lane, and from the lane into a context."""

    async def into_a_context() -> int:
        async with ThreadSensitiveContext():
            return await call_wanted()

    assert 42 == await sync_to_async(lambda: asyncio.run(into_a_context()))()

    with ThreadPoolExecutor(1) as executor:

        async def into_an_executor() -> int:
            async with ThreadSensitiveContext(executor=executor):
                return await call_wanted()

        assert 42 == await sync_to_async(lambda: asyncio.run(into_an_executor()))()


async def test_the_pool_is_no_deadlock() -> None:
    """An insensitive call needs no lane."""
    pooled = sync_to_async(wanted, thread_sensitive=False)
    assert 42 == await sync_to_async(lambda: asyncio.run(pooled()))()


async def test_from_the_pool_is_no_deadlock() -> None:
    """A worker holds no lane."""
    assert 42 == await sync_to_async(run_a_loop_of_its_own, thread_sensitive=False)()


async def test_a_lane_held_by_a_stranger_is_no_deadlock(gate: Any) -> None:
    """A call waits for a lane that is merely busy."""
    blocker = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()
    waiting = asyncio.create_task(call_wanted())
    await asyncio.sleep(0)  # the call is queued
    assert not waiting.done()
    gate.open()
    assert 42 == await waiting
    await blocker


async def test_calls_one_after_the_other_are_no_deadlock() -> None:
    """The mark of a call ends with it, by return and by exception."""

    def fail() -> None:
        raise LookupError

    for _ in range(3):
        assert 42 == await call_wanted()
        with pytest.raises(LookupError):
            await sync_to_async(fail)()


async def test_a_task_started_before_the_lane_was_held_is_no_deadlock() -> None:
    """Only a call's own chain counts: its task was made outside of it."""
    go_on = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def waiting() -> int:
        await go_on.wait()
        return await call_wanted()

    task = asyncio.create_task(waiting())
    await sync_to_async(loop.call_soon_threadsafe)(go_on.set)
    assert 42 == await task


# The marks that asgiref's users read.


async def test_the_mark_is_readable_inside_the_lane() -> None:
    """SyncToAsync.deadlock_context is true inside a call on the process's lane, and only there."""

    def marked() -> bool:
        return bool(SyncToAsync.deadlock_context.get(False))

    assert not marked()
    assert await sync_to_async(marked)()
    assert not await sync_to_async(marked, thread_sensitive=False)()
    assert not marked()


async def test_a_mark_set_by_the_user_counts() -> None:
    """As in asgiref, a user may declare the lane taken."""
    token = SyncToAsync.deadlock_context.set(True)
    try:
        with pytest.raises(DeadlockError, match="wanted"):
            await call_wanted()
    finally:
        SyncToAsync.deadlock_context.reset(token)
    assert 42 == await call_wanted()
