"""Which loop runs the coroutine of async_to_sync, and in what state the loop is left."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import AsyncSingleThreadContext, AsyncToSync, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import NewGate, Run


async def running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


# Which loop.


@pytest.mark.parametrize("thread_sensitive", [True, False])
async def test_the_loop_of_the_enclosing_call(thread_sensitive: bool) -> None:
    """Below sync_to_async the coroutine runs on the loop that awaits it, in its thread."""

    async def home() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
        return asyncio.get_running_loop(), threading.current_thread()

    bridge = sync_to_async(async_to_sync(home), thread_sensitive=thread_sensitive)
    assert (asyncio.get_running_loop(), threading.current_thread()) == await bridge()


def test_a_loop_of_the_library_without_a_loop_around() -> None:
    """In plain sync code the coroutine runs in a thread of the library, not in the caller's."""

    async def home() -> threading.Thread:
        return threading.current_thread()

    assert threading.current_thread() is not async_to_sync(home)()


def test_the_loop_of_a_frame_is_the_enclosing_one_for_its_work() -> None:
    """Work that came back to the frame's thread calls async code on the same loop."""

    async def main() -> bool:
        return await sync_to_async(async_to_sync(running))() is asyncio.get_running_loop()

    assert async_to_sync(main)()


async def test_a_new_loop_by_force() -> None:
    """force_new_loop=True: not the enclosing loop, and closed afterwards."""
    loop = await sync_to_async(async_to_sync(running, force_new_loop=True))()
    assert asyncio.get_running_loop() is not loop
    assert loop.is_closed()


def test_a_new_loop_by_force_is_new_each_time() -> None:
    """Each call has its own."""
    bridge = async_to_sync(running, force_new_loop=True)
    loops = [bridge(), bridge()]
    assert loops[0] is not loops[1]
    assert all(loop.is_closed() for loop in loops)


def test_a_new_loop_by_force_is_closed_after_an_error() -> None:
    """Success is no condition."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def fail() -> None:
        loops.append(asyncio.get_running_loop())
        raise LookupError

    with pytest.raises(LookupError):
        async_to_sync(fail, force_new_loop=True)()
    assert loops[0].is_closed()


def test_the_loop_is_kept_for_the_next_call() -> None:
    """A call that comes after another one needs no new loop and no new thread."""
    first = async_to_sync(running)()
    assert not first.is_closed()
    assert first is async_to_sync(running)()


def test_two_calls_at_once_have_two_loops(new_gate: NewGate) -> None:
    """A loop of the library runs one call at a time."""
    barrier = threading.Barrier(2)
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        barrier.wait(20)  # blocks the loop: both calls are running
        loops.append(asyncio.get_running_loop())

    threads = [threading.Thread(target=async_to_sync(main)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 == len(set(loops))


def test_a_users_thread_below_a_call_has_no_enclosing_loop() -> None:
    """A thread that a bridged function started is not inside the call."""
    loops: list[asyncio.AbstractEventLoop] = []

    def function() -> None:
        thread = threading.Thread(target=lambda: loops.append(async_to_sync(running)()))
        thread.start()
        thread.join()

    async def main() -> asyncio.AbstractEventLoop:
        await sync_to_async(function)()
        return asyncio.get_running_loop()

    assert async_to_sync(main)() is not loops[0]


def test_a_bridge_works_on_any_loop(run: Run) -> None:
    """One bridge may be used on one loop after the other, and without any."""
    bridge = async_to_sync(running)

    async def main() -> bool:
        return await sync_to_async(bridge)() is asyncio.get_running_loop()

    assert run(main)
    bridge()
    assert run(main)


def test_the_enclosing_loop_is_forgotten_with_its_call(run: Run) -> None:
    """A worker that once served a loop, now closed, does not look for it again."""

    async def main() -> threading.Thread:
        return await sync_to_async(threading.current_thread)()

    lane = run(main)
    executor: Any = sync_to_async(threading.current_thread).single_thread_executor
    in_lane = lambda: (threading.current_thread(), async_to_sync(running)())  # noqa: E731
    thread, loop = executor.submit(in_lane).result(20)
    assert lane is thread
    assert not loop.is_closed()


def test_a_policy_decides_what_loops_the_library_makes() -> None:
    """New loops are made as asyncio makes them: uvloop's policy gives uvloop's loops."""
    uvloop = pytest.importorskip("uvloop")
    # Any: mypy tells of the deprecation of later versions.
    policies: Any = asyncio
    before = policies.get_event_loop_policy()
    policies.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        assert isinstance(async_to_sync(running, force_new_loop=True)(), uvloop.Loop)
    finally:
        policies.set_event_loop_policy(before)


def test_a_whole_program_on_uvloop() -> None:
    """With the policy set first, kept loops are uvloop's as well, and the process ends cleanly."""
    pytest.importorskip("uvloop")
    program = """
import asyncio, threading, uvloop
from typedbridge import async_to_sync, sync_to_async
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
async def main():
    loop = asyncio.get_running_loop()
    return isinstance(loop, uvloop.Loop), await sync_to_async(threading.current_thread)()
assert async_to_sync(main)() == (True, threading.main_thread())
assert async_to_sync(main)() == (True, threading.main_thread())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)


# What is left over when the call ends.


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_tasks_left_over_are_cancelled_and_awaited(force_new_loop: bool) -> None:
    """Their cleanup is done before the call returns."""
    log: list[str] = []

    async def leftover() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            await asyncio.sleep(0)
            log.append("cleaned up")
            raise

    async def main() -> asyncio.Task[None]:
        task = asyncio.create_task(leftover())
        await asyncio.sleep(0)  # the task has begun
        return task

    task = async_to_sync(main, force_new_loop=force_new_loop)()
    assert ["cancelled", "cleaned up"] == log
    assert task.cancelled()


def test_tasks_left_over_after_an_error_are_cancelled_too() -> None:
    """The error is raised, and the loop is clean all the same."""
    tasks: list[asyncio.Task[bool]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(asyncio.Event().wait()))
        await asyncio.sleep(0)  # the task has begun
        raise LookupError

    with pytest.raises(LookupError):
        async_to_sync(main)()
    assert tasks[0].cancelled()


def test_tasks_left_over_may_use_the_frames_thread_to_clean_up() -> None:
    """Sensitive calls in their cleanup are answered; nothing hangs."""
    threads: list[threading.Thread] = []

    async def leftover() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            threads.append(await sync_to_async(threading.current_thread)())

    async def main() -> None:
        tasks.append(asyncio.create_task(leftover()))
        await asyncio.sleep(0)  # the task has begun

    tasks: list[asyncio.Task[None]] = []
    async_to_sync(main)()
    assert tasks[0].cancelled()
    assert [threading.current_thread()] == threads


async def test_tasks_left_over_on_an_enclosing_loop_go_on() -> None:
    """That loop is the user's; its tasks are not the library's to cancel."""
    go_on = asyncio.Event()
    tasks: list[asyncio.Task[bool]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(go_on.wait()))

    await sync_to_async(async_to_sync(main))()
    go_on.set()
    assert await tasks[0]


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_async_generators_left_over_are_closed(force_new_loop: bool) -> None:
    """An async generator that was begun and not finished cleans up before the call returns."""
    log: list[str] = []
    kept: list[AsyncIterator[int]] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            log.append("closed")

    async def main() -> int:
        generator = numbers()
        kept.append(generator)
        return await anext(generator)

    assert 1 == async_to_sync(main, force_new_loop=force_new_loop)()
    assert ["closed"] == log


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_errors_of_tasks_left_over_go_to_the_exception_handler(force_new_loop: bool) -> None:
    """An error that nobody can await is not lost."""
    errors: list[object] = []
    error = LookupError("in the cleanup")

    async def leftover() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise error

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context.get("exception")))
        tasks.append(asyncio.create_task(leftover()))
        await asyncio.sleep(0)  # the task has begun

    tasks: list[asyncio.Task[None]] = []
    async_to_sync(main, force_new_loop=force_new_loop)()
    assert [error] == errors


def test_what_a_call_set_on_its_loop_is_gone_for_the_next() -> None:
    """Exception handler, task factory and debug mode do not leak into another caller's loop."""

    def factory(loop: Any, coroutine: Any, **kwargs: Any) -> Any:
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    async def change() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: None)
        loop.set_task_factory(factory)
        loop.set_debug(True)
        return loop

    async def look() -> list[object]:
        loop = asyncio.get_running_loop()
        return [loop.get_exception_handler(), loop.get_task_factory(), loop.get_debug()]

    expected = async_to_sync(look)()
    async_to_sync(change)()
    assert expected == async_to_sync(look)()


def test_a_callback_left_over_does_not_break_the_next_call() -> None:
    """What a call scheduled for later may still come; the next call's result is its own."""

    async def main(number: int) -> int:
        asyncio.get_running_loop().call_soon(lambda: None)
        return number

    assert list(range(20)) == [async_to_sync(main)(number) for number in range(20)]


# Loops that user code stopped or closed.


def test_a_stopped_loop_is_thrown_away() -> None:
    """The call that stopped it has its result; the next call has another loop."""

    async def stop() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        loop.stop()
        return loop

    stopped = async_to_sync(stop)()
    assert stopped is not async_to_sync(running)()


def test_a_call_whose_loop_is_stopped_raises() -> None:
    """A coroutine that can never end because its loop was stopped: RuntimeError, not a hang."""

    async def stop_and_wait() -> None:
        loops.append(asyncio.get_running_loop())
        loops[0].stop()
        await asyncio.Event().wait()

    loops: list[asyncio.AbstractEventLoop] = []
    with pytest.raises(RuntimeError, match="stop"):
        async_to_sync(stop_and_wait)()
    assert loops[0] is not async_to_sync(running)()


def test_a_loop_stopped_between_calls_is_thrown_away() -> None:
    """User code that kept the loop and stopped it does no harm to the next call."""
    loop = async_to_sync(running)()
    stopped = threading.Event()

    def stop() -> None:
        loop.stop()
        stopped.set()

    loop.call_soon_threadsafe(stop)
    assert stopped.wait(20)
    assert loop is not async_to_sync(running)()


def test_a_loop_that_is_about_to_stop_is_thrown_away() -> None:
    """A call that comes while the loop stops has not begun there: it gets another loop."""
    loop = async_to_sync(running)()
    if "uvloop" in type(loop).__module__:
        pytest.skip("uvloop does not show that it is about to stop: the coroutine may begin")
    loop.call_soon_threadsafe(loop.stop)
    for _ in range(5):
        assert 42 == async_to_sync(answer)()


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_a_stopped_loop_of_a_single_thread_context() -> None:
    """The context throws it away as well: the next call inside has another."""

    async def stop() -> threading.Thread:
        asyncio.get_running_loop().stop()
        return threading.current_thread()

    with AsyncSingleThreadContext():
        async_to_sync(stop)().join(20)
        assert 42 == async_to_sync(answer)()


# Meanwhile the calling thread.


def test_a_thread_that_waits_runs_work_of_its_frame_until_the_end() -> None:
    """Any number of calls, from tasks side by side, in the order in which they were made."""
    order: list[int] = []

    async def main() -> None:
        append = sync_to_async(order.append)
        await asyncio.gather(*(append(number) for number in range(500)))

    async_to_sync(main)()
    assert list(range(500)) == order


def test_the_frame_is_visible_only_while_it_waits() -> None:
    """Before and after there is no current executor."""
    assert AsyncToSync.executors.current is None
    async_to_sync(answer)()
    assert AsyncToSync.executors.current is None
    assert contextvars.copy_context().run(lambda: AsyncToSync.executors.current) is None
