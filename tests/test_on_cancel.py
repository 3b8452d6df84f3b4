"""Choosing what a cancelled call does about a function that runs: abandon it, or wait for it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Literal

import anyio
import pytest
from conftest import happened

from typedbridge import SyncToAsync, async_to_sync, cancelled, check_cancelled, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Gate

NEVER = threading.Event()
"""What a function waits for while it looks again and again whether it was cancelled."""


def waiting(func: Callable[..., Any], **options: Any) -> Any:
    """A bridge whose cancelled caller waits for the function, which runs in a thread of its own."""
    return sync_to_async(func, on_cancel="wait", **{"thread_sensitive": False, **options})


def until_cancelled() -> str:
    """Work until the caller is cancelled."""
    while not cancelled():
        NEVER.wait(0.001)
    return "stopped early"


async def ended(task: asyncio.Task[Any]) -> BaseException | None:
    """Wait for a task; its error, its own cancellation included."""
    await asyncio.wait([task])
    try:
        return task.exception()
    except asyncio.CancelledError as error:
        return error


async def still_waits(task: asyncio.Task[Any]) -> bool:
    """Whether a task has not ended after some turns of the loop."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


# The caller waits.


@pytest.mark.parametrize("thread_sensitive", [True, False])
async def test_a_cancelled_caller_waits_for_the_function(
    gate: Gate, thread_sensitive: bool
) -> None:
    """It gets its CancelledError when the function has ended, and the result is dropped."""
    task = asyncio.create_task(waiting(gate.hold, thread_sensitive=thread_sensitive)())
    await gate.has_begun()
    task.cancel("enough")
    assert await still_waits(task)
    gate.open()
    assert repr(asyncio.CancelledError("enough")) == repr(await ended(task))
    assert (True, True) == (task.cancelled(), gate.left.is_set())


async def test_a_caller_with_an_executor_waits_too(gate: Gate) -> None:
    """The executor may be anybody's."""
    with ThreadPoolExecutor(1) as pool:
        task = asyncio.create_task(waiting(gate.hold, executor=pool)())
        await gate.has_begun()
        task.cancel()
        assert await still_waits(task)
        gate.open()
        await ended(task)
    assert (True, True) == (task.cancelled(), gate.left.is_set())


async def test_by_default_the_caller_leaves_at_once(gate: Gate) -> None:
    """The same as on_cancel="abandon": the function goes on alone."""
    for options in ({}, {"on_cancel": "abandon"}):
        bridge = sync_to_async(gate.hold, thread_sensitive=False, **options)  # type: ignore[call-overload]
        task = asyncio.create_task(bridge())
        await gate.has_begun()
        task.cancel()
        await ended(task)
        assert not gate.left.is_set()


@pytest.mark.parametrize("executor", [True, False])
async def test_a_queued_call_never_runs(gate: Gate, executor: bool) -> None:
    """Nobody waits for a function that has not begun."""
    ran: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        options = {"executor": pool} if executor else {"thread_sensitive": True}
        first = asyncio.create_task(waiting(gate.hold, **options)())
        await gate.has_begun()
        queued = asyncio.create_task(waiting(ran.append, **options)("queued"))
        await asyncio.sleep(0)
        queued.cancel()
        await ended(queued)
        assert (True, False) == (queued.cancelled(), first.done())
        gate.open()
        await first
        await waiting(ran.append, **options)("after")
    assert ["after"] == ran


async def test_an_error_of_the_function_is_not_lost() -> None:
    """It rises instead of the cancellation, as that of a coroutine whose cleanup fails."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail() -> None:
        loop.call_soon_threadsafe(begun.set)
        until_cancelled()
        raise LookupError("in the cleanup")

    task = asyncio.create_task(waiting(fail)())
    await begun.wait()
    task.cancel()
    assert repr(LookupError("in the cleanup")) == repr(await ended(task))


async def test_a_second_cancellation_does_not_end_the_wait(gate: Gate) -> None:
    """The last one's message is what the task gets."""
    task = asyncio.create_task(waiting(gate.hold)())
    await gate.has_begun()
    for message in ("first", "second"):
        task.cancel(message)
        assert await still_waits(task)
    gate.open()
    assert repr(asyncio.CancelledError("second")) == repr(await ended(task))
    assert 2 == task.cancelling()


@pytest.mark.parametrize("fails", [True, False])
async def test_an_outcome_that_comes_as_the_caller_is_cancelled(gate: Gate, fails: bool) -> None:
    """The caller does not wait for it for ever, and an error is not lost."""

    def function() -> None:
        gate.hold()
        if fails:
            raise LookupError

    with ThreadPoolExecutor(1) as pool:
        task = asyncio.create_task(waiting(function, executor=pool)())
        await gate.has_begun()
        gate.open()
        # Without a turn of the loop: the outcome is behind the cancellation in the loop's queue, or before.
        happened(gate.left)
        pool.submit(type(None)).result()
        task.cancel()
        expected = LookupError if fails else asyncio.CancelledError
        assert isinstance(await ended(task), expected)


async def test_variables_that_the_function_set_come_back(gate: Gate) -> None:
    """The caller has waited for them."""
    variable: ContextVar[str] = ContextVar("variable", default="before")

    def function() -> None:
        gate.hold()
        variable.set("set")

    async def caller() -> str:
        try:
            await waiting(function)()
        except asyncio.CancelledError:
            return variable.get()
        return "not cancelled"

    task = asyncio.create_task(caller())
    await gate.has_begun()
    task.cancel()
    await asyncio.sleep(0)
    gate.open()
    assert "set" == await task


class Service:
    """Has a bridge as a method, and one of a subclass of SyncToAsync."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @sync_to_async(thread_sensitive=False, on_cancel="wait")
    def method(self) -> None:
        self.gate.hold()

    def _plain(self) -> None:
        self.gate.hold()

    subclassed = type("Subclass", (SyncToAsync,), {})(_plain, False, on_cancel="wait")


@pytest.mark.parametrize("name", ["method", "subclassed"])
async def test_a_method_waits_too(gate: Gate, name: str) -> None:
    """A bridge in a class, and a subclass of SyncToAsync."""
    task: asyncio.Task[Any] = asyncio.create_task(getattr(Service(gate), name)())
    await gate.has_begun()
    task.cancel()
    assert await still_waits(task)
    gate.open()
    assert isinstance(await ended(task), asyncio.CancelledError)


# What stands around the call.


async def test_a_timeout_is_a_timeout() -> None:
    """asyncio.timeout knows its cancellation again, and the task is not left cancelled."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await waiting(until_cancelled)()
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting(until_cancelled)(), 0.01)


async def test_a_task_group_waits_for_its_functions() -> None:
    """One that fails cancels the others, and they stop early."""
    stopped: list[str] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        stopped.append(until_cancelled())

    async def fail() -> None:
        await begun.wait()
        raise LookupError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(waiting(work)())
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:
        await both()
    assert [LookupError] == [type(error) for error in caught.value.exceptions]
    assert ["stopped early"] == stopped


async def test_an_anyio_scope_ends_when_the_function_has() -> None:
    """anyio's scopes know their cancellation; the loop has turns meanwhile, but none is burnt."""
    cancellations = 0
    first = asyncio.Event()

    class Counting(asyncio.Task[Any]):
        def cancel(self, msg: Any = None) -> bool:
            nonlocal cancellations
            cancellations += 1
            first.set()
            return super().cancel(msg)

    async def main() -> tuple[bool, bool]:
        with anyio.move_on_after(0.01) as scope:
            await waiting(until_cancelled_and_some_turns)()
        with pytest.raises(TimeoutError), anyio.fail_after(0.01):
            await waiting(until_cancelled)()
        return scope.cancelled_caught, scope.cancel_called

    turns = threading.Event()

    def until_cancelled_and_some_turns() -> None:
        until_cancelled()
        happened(turns)

    async def open_after_turns() -> None:
        await first.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        turns.set()

    other = asyncio.create_task(open_after_turns())
    task = Counting(main(), loop=asyncio.get_running_loop())
    assert (True, True) == await task
    await other
    assert cancellations < 50


# The function asks.


def test_a_function_that_is_called_directly_was_not_cancelled() -> None:
    """The same function works in sync code."""
    assert not cancelled()
    check_cancelled()


@pytest.mark.parametrize("on_cancel", ["abandon", "wait"])
async def test_a_function_is_told(on_cancel: Literal["abandon", "wait"]) -> None:
    """cancelled() is false while its caller waits, and true afterwards; with both choices."""
    begun, done = threading.Event(), threading.Event()
    seen: list[bool] = []

    def function() -> None:
        seen.append(cancelled())
        begun.set()
        until_cancelled()
        seen.append(cancelled())
        done.set()

    task = asyncio.create_task(
        sync_to_async(function, thread_sensitive=False, on_cancel=on_cancel)()
    )
    await asyncio.to_thread(happened, begun)
    task.cancel()
    await ended(task)
    await asyncio.to_thread(happened, done)
    assert [False, True] == seen


async def test_check_cancelled_ends_the_function() -> None:
    """It raises where the function stands; the caller gets its own error."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    raised: list[BaseException] = []

    def function() -> None:
        loop.call_soon_threadsafe(begun.set)
        try:
            while True:
                check_cancelled()
                NEVER.wait(0.001)
        except asyncio.CancelledError as error:
            raised.append(error)
            raise

    task = asyncio.create_task(waiting(function)())
    await begun.wait()
    task.cancel("enough")
    error = await ended(task)
    assert [repr(asyncio.CancelledError("enough"))] == [repr(each) for each in raised]
    assert repr(asyncio.CancelledError("enough")) == repr(error)
    assert error is not raised[0]


async def test_a_function_may_swallow_its_cancellation() -> None:
    """One that catches the error gives its result to the caller, as a coroutine would."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def function() -> str:
        loop.call_soon_threadsafe(begun.set)
        until_cancelled()
        with pytest.raises(asyncio.CancelledError):
            check_cancelled()
        return "result"

    task = asyncio.create_task(waiting(function)())
    await begun.wait()
    task.cancel()
    assert await ended(task) is None
    assert "result" == task.result()


async def test_what_the_function_starts_may_ask(gate: Gate) -> None:
    """A thread with a copy of its context sees the same; one without sees nothing."""
    seen: list[bool] = []

    def function() -> None:
        gate.hold()
        until_cancelled()
        for target in (copy_context().run, lambda ask: ask()):
            thread = threading.Thread(target=target, args=(lambda: seen.append(cancelled()),))
            thread.start()
            thread.join()

    task = asyncio.create_task(waiting(function, thread_sensitive=True)())
    await gate.has_begun()
    task.cancel()
    gate.open()
    await ended(task)
    assert [True, False] == seen


# Nested.


async def test_a_coroutine_that_the_function_comes_to_is_cancelled() -> None:
    """A cancellation that came before is delivered at the next async_to_sync call, once."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    log: list[str] = []

    async def inner(name: str) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            log.append(f"{name}: {error}")
            raise
        log.append(name)

    def function() -> None:
        loop.call_soon_threadsafe(begun.set)
        until_cancelled()
        with pytest.raises(asyncio.CancelledError):
            async_to_sync(inner)("first")
        async_to_sync(inner)("second")

    task = asyncio.create_task(waiting(function)())
    await begun.wait()
    task.cancel("enough")
    assert await ended(task) is None  # swallowed by the function
    assert ["second"] == log[-1:]
    assert len(log) <= 2  # `first` was told when it waited, or never began


async def test_each_level_waits() -> None:
    """Through a function, a coroutine and a function again, with the cleanup of each in its turn."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    log: list[str] = []

    def innermost() -> None:
        loop.call_soon_threadsafe(begun.set)
        until_cancelled()
        log.append("innermost")

    async def between() -> None:
        try:
            await waiting(innermost)()
        finally:
            log.append("between")

    def outermost() -> None:
        try:
            async_to_sync(between)()
        finally:
            log.append("outermost")

    task = asyncio.create_task(waiting(outermost)())
    await begun.wait()
    task.cancel()
    await ended(task)
    log.append("caller")
    assert ["innermost", "between", "outermost", "caller"] == log


async def test_a_reference_that_is_kept_cancels_nobody_else() -> None:
    """Cancelling the task of a call that has ended does nothing to the next call on its loop."""
    tasks: list[asyncio.Task[Any]] = []

    async def keep() -> asyncio.AbstractEventLoop:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        return asyncio.get_running_loop()

    async def next_one() -> str:
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        return "not cancelled"

    def calls() -> tuple[object, str]:
        return async_to_sync(keep)(), async_to_sync(next_one)()

    for where in (asyncio.to_thread(calls), sync_to_async(calls)()):
        _, outcome = await where
        assert "not cancelled" == outcome


# What is refused.


@pytest.mark.parametrize("on_cancel", ["Wait", "", None, True])
def test_there_are_two_choices(on_cancel: Any) -> None:
    """Any other is refused when wrapping, by name, and where the options are given."""
    with pytest.raises(ValueError, match=r"until_cancelled.*on_cancel must be 'abandon' or 'wait'"):
        sync_to_async(until_cancelled, on_cancel=on_cancel)
    with pytest.raises(ValueError, match=r"on_cancel must be 'abandon' or 'wait', not"):
        sync_to_async(on_cancel=on_cancel)
    with pytest.raises(ValueError, match=r"on_cancel must be 'abandon' or 'wait', not"):
        SyncToAsync(until_cancelled, on_cancel=on_cancel)
