"""Cancelling a bridged call: while it is queued, while it runs, and what it started."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from conftest import Gate, NewGate

    Bridge = Callable[[Callable[[], Any]], Callable[[], Coroutine[Any, Any, Any]]]


class Overriding(SyncToAsync[..., Any]):
    """Takes the path on which thread_handler is honoured."""

    def thread_handler(self, *args: Any, **kwargs: Any) -> Any:
        return super().thread_handler(*args, **kwargs)


def overriding(function: Callable[[], Any]) -> Any:
    return Overriding(function)


BRIDGES = pytest.mark.parametrize("bridge", [sync_to_async, overriding])


async def cancelled(task: asyncio.Task[Any]) -> bool:
    """Wait for a task; whether it ended by cancellation."""
    await asyncio.wait([task])
    return task.cancelled()


# While the call is queued.


async def cancel_the_queued_one(bridge: Bridge, gate: Gate) -> list[str]:
    """Fill the place where sensitive calls run, queue three more and cancel the middle one."""
    ran: list[str] = []
    first = asyncio.create_task(bridge(gate.hold)())
    await gate.has_begun()
    before = asyncio.create_task(bridge(lambda: ran.append("before"))())
    queued = asyncio.create_task(bridge(lambda: ran.append("cancelled"))())
    after = asyncio.create_task(bridge(lambda: ran.append("after"))())
    await asyncio.sleep(0)  # each task has come to its await, in order
    queued.cancel()
    assert await cancelled(queued)
    assert not first.done()
    gate.open()
    await asyncio.gather(first, before, after)
    return ran


@BRIDGES
async def test_a_queued_call_never_runs_in_the_lane(bridge: Bridge, gate: Gate) -> None:
    """It is cancelled at once; its neighbours in the process's lane run."""
    assert ["before", "after"] == await cancel_the_queued_one(bridge, gate)


@BRIDGES
async def test_a_queued_call_never_runs_in_a_context(bridge: Bridge, gate: Gate) -> None:
    """The same for the thread of a ThreadSensitiveContext."""
    async with ThreadSensitiveContext():
        assert ["before", "after"] == await cancel_the_queued_one(bridge, gate)


@BRIDGES
async def test_a_queued_call_never_runs_in_a_contexts_executor(bridge: Bridge, gate: Gate) -> None:
    """The same for the executor of a ThreadSensitiveContext."""
    with ThreadPoolExecutor(1) as executor:
        async with ThreadSensitiveContext(executor=executor):
            assert ["before", "after"] == await cancel_the_queued_one(bridge, gate)


@BRIDGES
def test_a_queued_call_never_runs_in_a_frame(bridge: Bridge, gate: Gate) -> None:
    """The same for the thread that waits in async_to_sync."""
    assert ["before", "after"] == async_to_sync(cancel_the_queued_one)(bridge, gate)


async def test_a_queued_call_never_runs_in_an_executor(gate: Gate) -> None:
    """The same for an executor that a function was wrapped with."""
    with ThreadPoolExecutor(1) as executor:

        def bridge(function: Callable[[], Any]) -> Any:
            return sync_to_async(function, thread_sensitive=False, executor=executor)

        assert ["before", "after"] == await cancel_the_queued_one(bridge, gate)


async def test_a_queued_call_never_runs_in_the_pool(new_gate: NewGate) -> None:
    """The same for the worker pool, when all its threads are busy."""
    gate = new_gate()
    ran: list[str] = []
    hold = sync_to_async(gate.hold, thread_sensitive=False)
    # More calls than the pool has threads, whatever the machine.
    busy = [asyncio.create_task(hold()) for _ in range(64)]
    bridge = sync_to_async(ran.append, thread_sensitive=False)
    queued = asyncio.create_task(bridge("cancelled"))
    await gate.has_begun()
    queued.cancel()
    assert await cancelled(queued)
    gate.open()
    await asyncio.gather(*busy)
    await bridge("after")
    assert ["after"] == ran


async def test_a_call_cancelled_before_it_was_awaited_never_runs() -> None:
    """A task that is cancelled before its first step submits nothing."""
    ran: list[str] = []
    task = asyncio.create_task(sync_to_async(ran.append)("cancelled"))
    task.cancel()
    assert await cancelled(task)
    await sync_to_async(ran.append)("after")
    assert ["after"] == ran


async def test_cancelled_calls_in_large_numbers(gate: Gate) -> None:
    """Of a thousand queued calls, exactly those that were not cancelled run."""
    ran: list[int] = []
    append = sync_to_async(ran.append)
    first = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()
    tasks = [asyncio.create_task(append(number)) for number in range(1000)]
    await asyncio.sleep(0)  # each task has come to its await
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks[::2])
    gate.open()
    await asyncio.wait([first, *tasks])
    assert list(range(1, 1000, 2)) == ran
    assert all(task.cancelled() for task in tasks[::2])


async def test_a_queued_call_times_out() -> None:
    """asyncio.timeout works on a call that never came to run."""
    lane_is_blocked = threading.Event()
    go_on = threading.Event()
    ran: list[str] = []

    def block() -> None:
        lane_is_blocked.set()
        assert go_on.wait(20)

    blocker = asyncio.create_task(sync_to_async(block)())
    await asyncio.to_thread(lane_is_blocked.wait, 20)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await sync_to_async(ran.append)("timed out")
    go_on.set()
    await blocker
    await sync_to_async(ran.append)("after")
    assert ["after"] == ran


# While the call runs.


@BRIDGES
async def test_the_awaiting_task_of_a_running_call_is_cancelled(bridge: Bridge, gate: Gate) -> None:
    """It does not wait for the function, which goes on in its thread."""
    task = asyncio.create_task(bridge(gate.hold)())
    await gate.has_begun()
    task.cancel("enough")
    assert await cancelled(task)
    assert not gate.left.is_set()
    gate.open()
    # The lane takes the next call only when the function has returned.
    await sync_to_async(lambda: None)()
    assert gate.left.is_set()


async def test_a_running_call_times_out(gate: Gate) -> None:
    """asyncio.timeout ends the wait, not the function."""
    with pytest.raises(TimeoutError):  # noqa: PT012  # the call has to be inside both
        async with asyncio.timeout(None) as timeout:
            expiry = asyncio.create_task(expire_when_begun(gate, timeout))
            await sync_to_async(gate.hold, thread_sensitive=False)()
    await expiry
    assert not gate.left.is_set()
    gate.open()


async def expire_when_begun(gate: Gate, limit: asyncio.Timeout) -> None:
    """End a timeout as soon as the gate's function runs."""
    await gate.has_begun()
    limit.reschedule(asyncio.get_running_loop().time())


async def test_the_result_of_a_cancelled_call_goes_nowhere(gate: Gate) -> None:
    """A function that fails after its task was cancelled disturbs nobody."""
    errors: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context))

    def fail() -> None:
        gate.hold()
        raise ValueError("nobody waits for this")

    task = asyncio.create_task(sync_to_async(fail)())
    await gate.has_begun()
    task.cancel()
    assert await cancelled(task)
    gate.open()
    assert "works" == await sync_to_async(lambda: "works")()
    assert [] == errors


# What the running function has started.


async def test_a_coroutine_of_the_running_function_is_cancelled_first() -> None:
    """It is cancelled and its cleanup awaited before the awaiting task sees the cancellation."""
    log: list[str] = []
    begun = asyncio.Event()

    async def inner() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("inner is cancelled")
            await asyncio.sleep(0)
            log.append("inner has cleaned up")
            raise

    def function() -> None:
        try:
            async_to_sync(inner)()
        except asyncio.CancelledError:
            log.append("function sees the cancellation")
            raise

    async def outer() -> None:
        try:
            await sync_to_async(function)()
        except asyncio.CancelledError:
            log.append("outer is cancelled")
            raise

    task = asyncio.create_task(outer())
    await begun.wait()
    task.cancel()
    assert await cancelled(task)
    await sync_to_async(lambda: None)()  # the function has left its lane
    assert {
        "inner is cancelled",
        "inner has cleaned up",
        "function sees the cancellation",
        "outer is cancelled",
    } == set(log)
    assert ["inner is cancelled", "inner has cleaned up"] == log[:2]


async def test_a_coroutine_on_a_new_loop_is_cancelled_first_too() -> None:
    """With force_new_loop the cancellation crosses to the other loop and its thread."""
    log: list[str] = []
    begun = threading.Event()

    async def inner() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("inner has cleaned up")

    async def outer() -> None:
        try:
            await sync_to_async(async_to_sync(inner, force_new_loop=True))()
        finally:
            log.append("outer ends")

    task = asyncio.create_task(outer())
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    assert await cancelled(task)
    assert ["inner has cleaned up", "outer ends"] == log


async def test_cancellation_goes_down_through_all_levels() -> None:
    """The deepest coroutine is cancelled first, then each above it."""
    log: list[int] = []
    begun = asyncio.Event()
    depth = 10

    async def across(level: int) -> None:
        try:
            if level == depth:
                begun.set()
                await asyncio.Event().wait()
            await sync_to_async(async_to_sync(across))(level + 1)
        finally:
            log.append(level)

    task = asyncio.create_task(across(0))
    await begun.wait()
    task.cancel()
    assert await cancelled(task)
    assert list(range(depth, -1, -1)) == log


async def test_cancellation_arrives_inside_a_frame() -> None:
    """The same when the outermost call is async_to_sync and a task in it is cancelled."""
    log: list[str] = []

    async def main() -> None:
        begun = asyncio.Event()

        async def inner() -> None:
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                log.append("inner")

        task = asyncio.create_task(sync_to_async(async_to_sync(inner))())
        await begun.wait()
        task.cancel()
        log.append(f"cancelled: {await cancelled(task)}")

    await sync_to_async(async_to_sync(main))()
    assert ["inner", "cancelled: True"] == log


async def test_a_shielded_piece_of_the_coroutine_is_waited_for() -> None:
    """A coroutine that shields its work and waits for it keeps the call waiting."""
    log: list[str] = []
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        log.append("work is done")

    async def inner() -> None:
        task = asyncio.ensure_future(work())
        begun.set()
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            go_on.set()
            await task
            raise

    async def outer() -> None:
        try:
            await sync_to_async(async_to_sync(inner))()
        finally:
            log.append("outer ends")

    task = asyncio.create_task(outer())
    await begun.wait()
    task.cancel()
    assert await cancelled(task)
    assert ["work is done", "outer ends"] == log


async def test_a_shielded_call_goes_on() -> None:
    """asyncio.shield around the bridged call keeps the cancellation from it."""
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def inner() -> str:
        begun.set()
        await go_on.wait()
        return "not cancelled"

    call = asyncio.ensure_future(sync_to_async(async_to_sync(inner))())

    async def outer() -> str:
        return await asyncio.shield(call)

    task = asyncio.create_task(outer())
    await begun.wait()
    task.cancel()
    assert await cancelled(task)
    assert not call.done()
    go_on.set()
    assert "not cancelled" == await call


async def test_a_coroutine_that_swallows_the_cancellation_is_waited_for() -> None:
    """Then nothing was cancelled: the function goes on, and its result is the call's."""
    begun = asyncio.Event()

    async def inner() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "swallowed"

    def function() -> str:
        return async_to_sync(inner)() + " and went on"

    task = asyncio.create_task(sync_to_async(function)())
    await begun.wait()
    task.cancel()
    assert "swallowed and went on" == await task


async def test_an_error_in_the_cleanup_reaches_the_function() -> None:
    """What the coroutine raises instead of CancelledError is raised in the thread."""
    begun = asyncio.Event()
    seen: list[BaseException] = []
    error = LookupError("in the cleanup")

    async def inner() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise error

    def function() -> None:
        try:
            async_to_sync(inner)()
        except BaseException as caught:
            seen.append(caught)
            raise

    task = asyncio.create_task(sync_to_async(function)())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    await sync_to_async(lambda: None)()  # the function has left its lane
    assert [error] == seen


async def test_a_coroutine_that_has_ended_is_not_cancelled(gate: Gate) -> None:
    """Of several async_to_sync calls in one function only the one that runs is cancelled."""
    log: list[str] = []
    begun = asyncio.Event()

    async def first() -> None:
        log.append("first")

    async def second() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("second is cancelled")
            raise

    def function() -> None:
        async_to_sync(first)()
        async_to_sync(second)()

    task = asyncio.create_task(sync_to_async(function)())
    await begun.wait()
    task.cancel()
    assert await cancelled(task)
    assert ["first", "second is cancelled"] == log


async def test_other_calls_are_not_cancelled() -> None:
    """Cancelling one task leaves the coroutines of other tasks' functions alone."""
    both_begun = asyncio.Barrier(3)
    go_on = asyncio.Event()

    async def inner() -> str:
        await both_begun.wait()
        await go_on.wait()
        return "not cancelled"

    bridge = sync_to_async(async_to_sync(inner), thread_sensitive=False)
    one, two = asyncio.create_task(bridge()), asyncio.create_task(bridge())
    await both_begun.wait()
    one.cancel()
    assert await cancelled(one)
    go_on.set()
    assert "not cancelled" == await two


async def test_a_task_group_cancels_its_calls() -> None:
    """When one task of a group fails, the coroutines under the others clean up."""
    log: list[str] = []

    async def inner() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            log.append("cleaned up")

    async def fail() -> None:
        await begun.wait()
        raise LookupError

    begun = asyncio.Event()
    with pytest.raises(ExceptionGroup) as raised:  # noqa: PT012  # a group is a block
        async with asyncio.TaskGroup() as group:
            group.create_task(sync_to_async(async_to_sync(inner))())
            group.create_task(fail())
    assert raised.group_contains(LookupError)
    assert ["cleaned up"] == log


# In the sync direction.


def test_a_coroutine_that_cancels_itself() -> None:
    """The sync caller gets asyncio's CancelledError."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel("enough")
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        async_to_sync(main)()


def test_a_loop_serves_the_next_call_after_a_cancellation() -> None:
    """A cancelled call takes nothing with it."""

    async def main() -> None:
        raise asyncio.CancelledError

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    for _ in range(3):
        with pytest.raises(asyncio.CancelledError):
            async_to_sync(main)()
        assert 42 == async_to_sync(answer)()


async def test_a_worker_serves_the_next_call_after_a_cancellation(gate: Gate) -> None:
    """Nothing of a cancelled call is left in the lane: no task to cancel, no context."""
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    task = asyncio.create_task(sync_to_async(async_to_sync(wait))())
    await begun.wait()
    task.cancel()
    assert await cancelled(task)
    assert 42 == await sync_to_async(async_to_sync(answer))()
