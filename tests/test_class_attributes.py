"""Class attributes of the bridges that users read, and replace at run time."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest

from typedbridge import (
    AsyncSingleThreadContext,
    AsyncToSync,
    CurrentThreadExecutor,
    DeadlockError,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Thread

    from conftest import Gate

where = sync_to_async(threading.current_thread)


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


async def running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def thread_of(executor: Executor) -> Thread:
    """The one thread of an executor."""
    return executor.submit(threading.current_thread).result()


# SyncToAsync.


async def test_single_thread_executor_replaced(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any Executor may be the process's lane, from the next call on and until it is put back."""
    lane = await where()
    with monkeypatch.context() as patch:
        patch.setattr(SyncToAsync, "single_thread_executor", executor)
        assert thread_of(executor) is await where()
    assert lane is await where()


async def test_single_thread_executor_of_a_subclass(executor: ThreadPoolExecutor) -> None:
    """A subclass may have a lane of its own."""

    class OwnLane(SyncToAsync[..., Any]):
        single_thread_executor = executor

    assert thread_of(executor) is await OwnLane(threading.current_thread)()
    assert thread_of(executor) is not await where()


async def test_single_thread_executor_is_an_executor() -> None:
    """A user may submit to the process's lane directly."""
    lane: Any = SyncToAsync.single_thread_executor
    assert isinstance(lane, Executor)
    assert await where() is lane.submit(threading.current_thread).result(20)
    error = lane.submit(int, "not a number").exception(20)
    assert isinstance(error, ValueError)


async def test_single_thread_executor_that_was_shut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sensitive calls get one clear error each; the pool goes on."""
    async with ThreadSensitiveContext() as context:
        await where()
        lane = SyncToAsync.context_to_thread_executor[context]
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", lane)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="has been shut down"):
            await where()
        assert 5 == await sync_to_async(int, thread_sensitive=False)("5")
    with pytest.raises(RuntimeError, match="has been shut down"):
        lane.submit(int)


async def test_calls_to_a_lane_that_is_being_shut_down(gate: Gate) -> None:
    """What was queued before still runs, what comes later fails, and the thread ends."""
    async with ThreadSensitiveContext() as context:
        held = asyncio.create_task(sync_to_async(gate.hold)())
        await gate.has_begun()
        queued = asyncio.create_task(where())
        await asyncio.sleep(0)
        SyncToAsync.context_to_thread_executor[context].shutdown(wait=False)
        late = asyncio.create_task(where())
        await asyncio.sleep(0)
        gate.open()
        thread = await held
        assert thread is await queued
        with pytest.raises(RuntimeError, match="has been shut down"):
            await late
    await asyncio.to_thread(thread.join, 20)
    assert not thread.is_alive()


async def test_a_deadlock_is_found_on_a_replaced_lane(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain of calls knows it, whoever made it."""
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", executor)
    with pytest.raises(DeadlockError):
        await sync_to_async(lambda: asyncio.run(where()))()


async def test_context_to_thread_executor_is_read_at_call_time(
    executor: ThreadPoolExecutor,
) -> None:
    """An executor that the user registers for a context takes its calls."""
    async with ThreadSensitiveContext() as context:
        SyncToAsync.context_to_thread_executor[context] = executor
        assert thread_of(executor) is await where()
        del SyncToAsync.context_to_thread_executor[context]


async def test_context_to_thread_executor_holds_the_contexts_lane() -> None:
    """After first use the context's own executor is found there; after leaving it is not."""
    mapping: Any = SyncToAsync.context_to_thread_executor
    assert isinstance(mapping, MutableMapping)
    async with ThreadSensitiveContext() as context:
        own = await where()
        assert isinstance(mapping[context], Executor)
        assert own is await asyncio.wrap_future(mapping[context].submit(threading.current_thread))
    assert context not in mapping


async def test_context_to_thread_executor_replaced(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole mapping may be another one."""
    mapping: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
    async with ThreadSensitiveContext() as context:
        mapping[context] = executor
        with monkeypatch.context() as patch:
            patch.setattr(SyncToAsync, "context_to_thread_executor", mapping)
            assert thread_of(executor) is await where()
        assert thread_of(executor) is not await where()


async def test_thread_sensitive_context_set_by_hand() -> None:
    """Setting the variable puts a context in force, as frameworks do around a request."""
    lane = await where()
    context = ThreadSensitiveContext()
    token = SyncToAsync.thread_sensitive_context.set(context)
    try:
        own = await where()
        assert own is not lane
        assert own is await where()
    finally:
        SyncToAsync.thread_sensitive_context.reset(token)
    assert lane is await where()


async def test_thread_sensitive_context_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call in progress of a context that another variable holds is not affected by it."""
    variable: ContextVar[Any] = ContextVar("replaced")
    lane = await where()
    async with ThreadSensitiveContext():
        with monkeypatch.context() as patch:
            patch.setattr(SyncToAsync, "thread_sensitive_context", variable)
            assert lane is await where()
        assert lane is not await where()


async def test_deadlock_context_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another variable is marked from then on, and deadlocks are found as before."""
    variable: ContextVar[bool] = ContextVar("replaced")
    monkeypatch.setattr(SyncToAsync, "deadlock_context", variable)
    assert await sync_to_async(lambda: bool(variable.get(False)))()
    assert not variable.get(False)
    with pytest.raises(DeadlockError):
        await sync_to_async(lambda: asyncio.run(where()))()


async def test_threadlocal_names_the_loop_of_the_enclosing_call() -> None:
    """Inside a bridged function threadlocal.main_event_loop is the caller's loop."""
    loop = asyncio.get_running_loop()

    def get() -> object:
        return getattr(SyncToAsync.threadlocal, "main_event_loop", None)

    assert loop is await sync_to_async(get)()
    assert loop is await sync_to_async(get, thread_sensitive=False)()


async def test_threadlocal_set_by_hand() -> None:
    """A user's own thread may say which loop async_to_sync shall use."""
    loop = asyncio.get_running_loop()

    def work() -> asyncio.AbstractEventLoop:
        SyncToAsync.threadlocal.main_event_loop = loop
        SyncToAsync.threadlocal.main_event_loop_pid = os.getpid()
        return async_to_sync(running)()

    with ThreadPoolExecutor(1) as pool:
        assert loop is await asyncio.wrap_future(pool.submit(work))


async def test_threadlocal_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another threading.local may name the loop of a thread as well."""
    loop = asyncio.get_running_loop()
    local: Any = threading.local()
    monkeypatch.setattr(SyncToAsync, "threadlocal", local)

    def work() -> asyncio.AbstractEventLoop:
        local.main_event_loop = loop
        local.main_event_loop_pid = os.getpid()
        return async_to_sync(running)()

    with ThreadPoolExecutor(1) as pool:
        assert loop is await asyncio.wrap_future(pool.submit(work))
    assert loop is await sync_to_async(async_to_sync(running))()


async def test_threadlocal_replaced_and_nested_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call inside a call leaves the outer one's loop as it was."""
    loop = asyncio.get_running_loop()
    local: Any = threading.local()
    monkeypatch.setattr(SyncToAsync, "threadlocal", local)

    def get() -> object:
        return getattr(local, "main_event_loop", None)

    async def back() -> object:
        return await sync_to_async(get)()

    def outer() -> tuple[object, object, object]:
        return async_to_sync(back)(), get(), async_to_sync(running)()

    assert (loop, loop, loop) == await sync_to_async(outer)()
    assert await sync_to_async(get)() is loop


# AsyncToSync.


def test_executors_current_is_the_innermost_waiting_frame() -> None:
    """Inside a frame it is that frame's CurrentThreadExecutor, outside None."""
    seen: list[Any] = []

    async def inner() -> None:
        seen.append(AsyncToSync.executors.current)

    async def outer() -> None:
        seen.append(AsyncToSync.executors.current)
        await sync_to_async(async_to_sync(inner))()
        seen.append(AsyncToSync.executors.current)

    assert AsyncToSync.executors.current is None
    async_to_sync(outer)()
    assert AsyncToSync.executors.current is None
    first, second, third = seen
    assert isinstance(first, CurrentThreadExecutor)
    assert isinstance(second, CurrentThreadExecutor)
    assert first is third
    assert first is not second


async def test_executors_current_without_a_frame() -> None:
    """In async code that no async_to_sync waits for it is None, also in the lane."""
    assert AsyncToSync.executors.current is None
    assert await sync_to_async(lambda: AsyncToSync.executors.current)() is None


async def test_executors_current_set_to_none_for_a_task_that_outlives_the_frame() -> None:
    """The task's sensitive calls do not wait for a thread that has something else to do."""

    async def detached() -> Thread:
        AsyncToSync.executors.current = None
        return await where()

    async def main() -> tuple[Thread, Thread]:
        return await asyncio.create_task(detached()), await where()

    found, own = await sync_to_async(async_to_sync(main), thread_sensitive=False)()
    assert own is not found
    assert await where() is found


def test_executors_current_set_to_another_executor(executor: ThreadPoolExecutor) -> None:
    """It takes the sensitive calls in this context, until it is put back or ends."""

    async def main() -> list[Thread]:
        before = AsyncToSync.executors.current
        found = [await where()]
        AsyncToSync.executors.current = executor
        assert executor is AsyncToSync.executors.current
        found.append(await where())
        AsyncToSync.executors.current = before
        found.append(await where())
        AsyncToSync.executors.current = executor
        executor.shutdown()
        found.append(await where())
        return found

    own = threading.current_thread()
    other = thread_of(executor)
    found = async_to_sync(main)()
    # The last one is found through the loop, whose frame still waits.
    assert [own, other, own, own] == found


def test_executors_current_must_be_an_executor() -> None:
    """Anything else is refused at once, and deleting it is setting it to None."""
    with pytest.raises(TypeError, match="must be an executor or None"):
        AsyncToSync.executors.current = "an executor"
    del AsyncToSync.executors.current
    assert AsyncToSync.executors.current is None


def test_executors_current_where_a_context_has_an_executor(executor: ThreadPoolExecutor) -> None:
    """The context takes the sensitive calls: nobody else does."""

    async def main() -> list[bool]:
        seen = [AsyncToSync.executors.current is None]
        async with ThreadSensitiveContext(executor=executor):
            seen.append(AsyncToSync.executors.current is None)
            seen.append(await sync_to_async(async_to_sync(inner))())
        return [*seen, AsyncToSync.executors.current is None]

    async def inner() -> bool:
        return AsyncToSync.executors.current is None

    assert [False, True, False, False] == async_to_sync(main)()


def test_executors_current_takes_work() -> None:
    """Frameworks submit to it directly: the work runs in the waiting thread."""

    async def main() -> Thread:
        executor: Any = AsyncToSync.executors.current
        thread: Thread = await asyncio.wrap_future(executor.submit(threading.current_thread))
        return thread

    assert threading.current_thread() is async_to_sync(main)()


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_loop_thread_executors_maps_a_library_loop_to_its_frame(force_new_loop: bool) -> None:
    """While the frame waits, and no longer."""

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        mapping: Any = AsyncToSync.loop_thread_executors
        return mapping[loop] is AsyncToSync.executors.current

    assert async_to_sync(main, force_new_loop=force_new_loop)()
    assert {} == AsyncToSync.loop_thread_executors


async def test_loop_thread_executors_knows_no_loop_of_the_user() -> None:
    """A frame on an enclosing loop did not start that loop."""

    async def main() -> bool:
        return asyncio.get_running_loop() in AsyncToSync.loop_thread_executors

    assert not await sync_to_async(async_to_sync(main))()


def test_loop_thread_executors_is_read_at_call_time(executor: ThreadPoolExecutor) -> None:
    """An executor that the user puts there takes the calls of tasks without the context."""

    async def main() -> Thread:
        loop = asyncio.get_running_loop()
        mapping: Any = AsyncToSync.loop_thread_executors
        frames_own = mapping[loop]
        mapping[loop] = executor
        try:
            return await loop.create_task(where(), context=Context())
        finally:
            mapping[loop] = frames_own

    assert thread_of(executor) is async_to_sync(main)()


def test_the_single_thread_context_in_force_can_be_asked_for() -> None:
    """AsyncToSync.async_single_thread_context and its mapping of executors."""
    mapping: Any = AsyncToSync.context_to_thread_executor
    assert AsyncToSync.async_single_thread_context.get(None) is None
    with AsyncSingleThreadContext() as context:
        assert context is AsyncToSync.async_single_thread_context.get()
        assert 42 == async_to_sync(answer)()
        assert context in mapping
    assert AsyncToSync.async_single_thread_context.get(None) is None
    assert context not in mapping


def test_a_single_thread_context_set_by_hand() -> None:
    """Setting the variable puts it in force."""
    context = AsyncSingleThreadContext()
    with context:
        expected = async_to_sync(running)()
        token = AsyncToSync.async_single_thread_context.set(context)
        try:
            assert expected is async_to_sync(running)()
        finally:
            AsyncToSync.async_single_thread_context.reset(token)
