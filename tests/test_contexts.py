"""ThreadSensitiveContext and AsyncSingleThreadContext: entering, sharing, leaving."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
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
    from threading import Thread

    from conftest import Gate, NewGate

where = sync_to_async(threading.current_thread)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def other_executor() -> Iterator[ThreadPoolExecutor]:
    """Another executor of one thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def thread_of(executor: ThreadPoolExecutor) -> Thread:
    """The one thread of an executor."""
    return executor.submit(threading.current_thread).result()


def ends(thread: Thread) -> bool:
    """Wait for a thread to end."""
    thread.join(20)
    return not thread.is_alive()


# ThreadSensitiveContext without an executor.


async def test_entering_gives_the_context() -> None:
    """``as`` names the context itself, in both forms."""
    context = ThreadSensitiveContext()
    async with context as entered:
        assert context is entered
    context = ThreadSensitiveContext()
    with context as entered:
        assert context is entered


async def test_the_sync_form_does_the_same() -> None:
    """A plain with in async code gives its sensitive calls a thread of their own."""
    lane = await where()
    with ThreadSensitiveContext():
        own = await where()
        assert own is await where()
    assert own is not lane
    assert lane is await where()


@pytest.mark.parametrize("form", ["async", "sync"])
async def test_the_thread_ends_with_its_context(form: str) -> None:
    """Leaving the context ends its thread."""
    if form == "async":
        async with ThreadSensitiveContext():
            own = await where()
    else:
        with ThreadSensitiveContext():
            own = await where()
    assert await asyncio.to_thread(ends, own)


async def test_the_thread_ends_after_an_error_too() -> None:
    """Leaving by an exception is leaving; the exception passes."""
    threads: list[Thread] = []
    with pytest.raises(LookupError):  # noqa: PT012  # leaving the context is what is tested
        async with ThreadSensitiveContext():
            threads.append(await where())
            raise LookupError
    assert await asyncio.to_thread(ends, threads[0])


async def test_only_the_outermost_context_counts() -> None:
    """Inner contexts use the thread of the outer one, and leave it alone when they end."""
    async with ThreadSensitiveContext() as outer:
        own = await where()
        async with ThreadSensitiveContext():
            assert own is await where()
            assert outer is SyncToAsync.thread_sensitive_context.get()
        with ThreadSensitiveContext():
            assert own is await where()
        assert own is await where()
        assert own.is_alive()
    assert await asyncio.to_thread(ends, own)


async def test_a_context_can_be_entered_again_inside_itself() -> None:
    """It is re-entrant."""
    context = ThreadSensitiveContext()
    async with context:
        own = await where()
        async with context:
            assert own is await where()
        assert own is await where()


async def test_a_context_can_be_entered_again_after_it_ended() -> None:
    """The second time it has another thread."""
    context = ThreadSensitiveContext()
    async with context:
        first = await where()
    async with context:
        second = await where()
        assert second is await where()
    assert first is not second


async def test_the_context_in_force_can_be_asked_for() -> None:
    """SyncToAsync.thread_sensitive_context holds it, inside and in the threads."""
    assert SyncToAsync.thread_sensitive_context.get(None) is None
    async with ThreadSensitiveContext() as context:
        assert context is SyncToAsync.thread_sensitive_context.get()
        assert context is await sync_to_async(SyncToAsync.thread_sensitive_context.get)()
    assert SyncToAsync.thread_sensitive_context.get(None) is None


async def test_leaving_does_not_block_the_loop(gate: Gate) -> None:
    """While a call still runs in its thread, the loop goes on."""
    async with ThreadSensitiveContext():
        task = asyncio.create_task(sync_to_async(gate.hold)())
        await gate.has_begun()
        # Only a loop that is not blocked comes to run this.
        asyncio.get_running_loop().call_soon(gate.open)
    own = await task
    assert await asyncio.to_thread(ends, own)


async def test_leaving_the_sync_form_does_not_block_the_loop(gate: Gate) -> None:
    """The plain with cannot await, and does not wait either."""
    with ThreadSensitiveContext():
        task = asyncio.create_task(sync_to_async(gate.hold)())
        await gate.has_begun()
    assert not gate.left.is_set()
    gate.open()
    own = await task
    assert await asyncio.to_thread(ends, own)


async def test_queued_calls_run_after_leaving(gate: Gate) -> None:
    """What was submitted inside is still done, in the same thread."""
    async with ThreadSensitiveContext():
        running = asyncio.create_task(sync_to_async(gate.hold)())
        queued = asyncio.create_task(where())
        await gate.has_begun()
        asyncio.get_running_loop().call_soon(gate.open)
    assert await running is await queued


async def test_a_task_that_outlives_its_context_still_works() -> None:
    """Without an executor there is nothing that could be missing: the call runs in a thread."""
    go_on = asyncio.Event()

    async def late() -> Thread:
        await go_on.wait()
        return await where()

    async with ThreadSensitiveContext():
        task = asyncio.create_task(late())
    go_on.set()
    assert threading.current_thread() is not await task


async def test_tasks_inside_share_the_thread() -> None:
    """Tasks inherit the context with the thread."""
    async with ThreadSensitiveContext():
        threads = await asyncio.gather(*(where() for _ in range(10)))
    assert 1 == len(set(threads))


async def test_a_context_of_one_task_is_not_in_force_in_another() -> None:
    """Contexts follow the context variables of their task."""
    inside, leave = asyncio.Event(), asyncio.Event()

    async def request() -> Thread:
        async with ThreadSensitiveContext():
            inside.set()
            await leave.wait()
            return await where()

    task = asyncio.create_task(request())
    await inside.wait()
    lane = await where()
    leave.set()
    assert lane is not await task


async def test_many_contexts_at_once() -> None:
    """Each of many requests has a thread to itself."""
    everyone = threading.Barrier(20)

    async def request() -> Thread:
        async with ThreadSensitiveContext():
            await sync_to_async(everyone.wait)(20)
            return await where()

    assert 20 == len(set(await asyncio.gather(*(request() for _ in range(20)))))


async def test_a_task_may_enter_its_parents_context_and_outlive_it() -> None:
    """The parent leaves for itself; the task leaves later, without harm."""
    context = ThreadSensitiveContext()
    entered, left = asyncio.Event(), asyncio.Event()

    async def child() -> tuple[Thread, ThreadSensitiveContext | None]:
        async with context:
            entered.set()
            await left.wait()
            thread = await where()
        return thread, SyncToAsync.thread_sensitive_context.get(None)

    lane = await where()
    async with context:
        own = await where()
        task = asyncio.create_task(child())
        await entered.wait()
    assert SyncToAsync.thread_sensitive_context.get(None) is None
    assert lane is await where()
    assert ends(own)
    left.set()
    assert (lane, context) == await task


async def test_a_task_may_enter_another_context_when_its_parents_has_ended() -> None:
    """What has ended does not count as what is around."""
    left = asyncio.Event()

    async def child() -> tuple[bool, bool]:
        await left.wait()
        before = await where()
        async with ThreadSensitiveContext():
            inside = await where()
        return inside is before, before is await where()

    async with ThreadSensitiveContext():
        task = asyncio.create_task(child())
    left.set()
    assert (False, True) == await task


@pytest.mark.parametrize("first_out", [0, 1])
async def test_tasks_may_enter_one_context_at_once(first_out: int) -> None:
    """They share its thread, which ends when the last of them has left."""
    context = ThreadSensitiveContext()
    entered = asyncio.Barrier(3)
    left = [asyncio.Event(), asyncio.Event()]

    async def user(leave: asyncio.Event) -> tuple[Thread, Thread, bool]:
        async with context:
            thread = await where()
            await entered.wait()
            await leave.wait()
            again = await where()
        return thread, again, SyncToAsync.thread_sensitive_context.get(None) is None

    tasks = [asyncio.create_task(user(leave)) for leave in left]
    await entered.wait()
    left[first_out].set()
    thread, again, out = await tasks[first_out]
    assert thread.is_alive()
    left[1 - first_out].set()
    assert (thread, thread, True) == await tasks[1 - first_out]
    assert (thread, True) == (again, out)
    assert ends(thread)


async def test_a_context_may_be_left_where_it_was_not_entered() -> None:
    """As an async test fixture does: its end runs in a task of its own."""
    context = ThreadSensitiveContext()

    async def enter() -> Thread:
        await context.__aenter__()
        return await where()

    async def leave() -> None:
        await context.__aexit__(None, None, None)

    thread = await asyncio.create_task(enter())
    await asyncio.create_task(leave())
    assert ends(thread)


async def test_a_context_may_be_entered_and_left_by_functions_in_threads() -> None:
    """Both hops carry it to the caller."""
    context = ThreadSensitiveContext()
    lane = await where()
    await sync_to_async(context.__enter__)()
    own = await where()
    await sync_to_async(context.__exit__)(None, None, None)
    assert own is not lane
    assert lane is await where()
    assert ends(own)


def test_around_async_to_sync_the_calling_thread_comes_first() -> None:
    """Entered in sync code, a context does not draw work away from the thread that waits."""
    with ThreadSensitiveContext():
        assert threading.current_thread() is async_to_sync(where)()


def test_entered_in_sync_code_it_reaches_a_task_that_outlives_the_frame() -> None:
    """The sync form sets the same context variable as the async one."""
    with ThreadSensitiveContext() as context:
        assert context is SyncToAsync.thread_sensitive_context.get()
    assert SyncToAsync.thread_sensitive_context.get(None) is None


# ThreadSensitiveContext with an executor.


async def test_executors_nest(
    executor: ThreadPoolExecutor, other_executor: ThreadPoolExecutor
) -> None:
    """The inner context's executor is used inside it, the outer one's again afterwards."""
    outer, inner = thread_of(executor), thread_of(other_executor)
    async with ThreadSensitiveContext(executor=executor):
        assert outer is await where()
        async with ThreadSensitiveContext(executor=other_executor):
            assert inner is await where()
        assert outer is await where()


async def test_an_executor_wins_over_a_context_around_it(executor: ThreadPoolExecutor) -> None:
    """Inside a context without executor, and only there."""
    async with ThreadSensitiveContext():
        own = await where()
        async with ThreadSensitiveContext(executor=executor):
            assert thread_of(executor) is await where()
        assert own is await where()


async def test_a_context_inside_one_with_an_executor_uses_the_executor(
    executor: ThreadPoolExecutor,
) -> None:
    """A context without executor is not the outermost here, so it does not count."""
    async with ThreadSensitiveContext(executor=executor):
        async with ThreadSensitiveContext():
            assert thread_of(executor) is await where()
        assert thread_of(executor) is await where()


async def test_the_sync_form_with_an_executor(executor: ThreadPoolExecutor) -> None:
    """A plain with does the same."""
    lane = await where()
    with ThreadSensitiveContext(executor=executor):
        assert thread_of(executor) is await where()
    assert lane is await where()


async def test_an_executor_is_not_shut_down(executor: ThreadPoolExecutor) -> None:
    """It belongs to the user."""
    async with ThreadSensitiveContext(executor=executor):
        await where()
    with ThreadSensitiveContext(executor=executor):
        await where()
    assert thread_of(executor).is_alive()


@pytest.mark.parametrize("form", ["async", "sync"])
async def test_a_context_with_an_executor_may_be_entered_once(
    form: str, executor: ThreadPoolExecutor
) -> None:
    """A second time, inside or afterwards, is a RuntimeError."""
    context = ThreadSensitiveContext(executor=executor)

    async def enter() -> None:
        if form == "async":
            async with context:
                await where()
        else:
            with context:
                await where()

    async with context:
        with pytest.raises(RuntimeError, match="ThreadSensitiveContext"):
            await enter()
        assert thread_of(executor) is await where()
    with pytest.raises(RuntimeError, match="ThreadSensitiveContext"):
        await enter()


@pytest.mark.parametrize("form", ["async", "sync"])
async def test_a_task_that_outlives_a_context_with_an_executor_is_refused(
    form: str, executor: ThreadPoolExecutor
) -> None:
    """Its next sensitive call raises RuntimeError; the executor may be gone."""
    go_on = asyncio.Event()

    async def late() -> Thread:
        await go_on.wait()
        return await where()

    if form == "async":
        async with ThreadSensitiveContext(executor=executor):
            task = asyncio.create_task(late())
    else:
        with ThreadSensitiveContext(executor=executor):
            task = asyncio.create_task(late())
    go_on.set()
    with pytest.raises(RuntimeError, match="ThreadSensitiveContext"):
        await task


async def test_a_task_that_outlives_it_may_still_call_the_pool(
    executor: ThreadPoolExecutor,
) -> None:
    """Only sensitive calls need the executor."""
    go_on = asyncio.Event()

    async def late() -> int:
        await go_on.wait()
        return await sync_to_async(lambda: 42, thread_sensitive=False)()

    async with ThreadSensitiveContext(executor=executor):
        task = asyncio.create_task(late())
    go_on.set()
    assert 42 == await task


async def test_two_contexts_may_share_an_executor(executor: ThreadPoolExecutor) -> None:
    """Once is for the context, not for the executor."""
    for _ in range(2):
        async with ThreadSensitiveContext(executor=executor):
            assert thread_of(executor) is await where()


async def test_an_executor_is_for_keywords_only(executor: ThreadPoolExecutor) -> None:
    """ThreadSensitiveContext(executor=...)."""
    make: Any = ThreadSensitiveContext
    with pytest.raises(TypeError):
        make(executor)


# AsyncSingleThreadContext.


async def loop_and_thread() -> tuple[asyncio.AbstractEventLoop, Thread]:
    return asyncio.get_running_loop(), threading.current_thread()


class Homes:
    """Collects where the coroutines of async_to_sync ran."""

    def __init__(self) -> None:
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self.threads: set[Thread] = set()

    def note(self) -> None:
        loop, thread = async_to_sync(loop_and_thread)()
        self.loops.add(loop)
        self.threads.add(thread)


def test_a_single_thread_context_has_one_thread_and_one_loop() -> None:
    """Every async_to_sync inside runs there."""
    homes = Homes()
    with AsyncSingleThreadContext():
        for _ in range(5):
            homes.note()
    assert 1 == len(homes.loops)
    assert 1 == len(homes.threads)
    assert threading.current_thread() not in homes.threads


def test_a_single_thread_context_is_re_entrant() -> None:
    """Inner contexts, the same object or another, change nothing; the outer one goes on."""
    homes = Homes()
    context = AsyncSingleThreadContext()
    with context:
        homes.note()
        with context:
            homes.note()
        homes.note()
        with AsyncSingleThreadContext():
            homes.note()
        homes.note()
    assert 1 == len(homes.loops)


async def test_a_task_may_outlive_a_single_thread_context_it_entered_too() -> None:
    """The parent leaves for itself; the task leaves later, without harm."""
    context = AsyncSingleThreadContext()
    entered, left = asyncio.Event(), asyncio.Event()

    async def child() -> None:
        async with context:
            entered.set()
            await left.wait()

    async with context:
        task = asyncio.create_task(child())
        await entered.wait()
    assert AsyncToSync.async_single_thread_context.get(None) is None
    left.set()
    await task


def test_a_single_thread_context_gives_itself() -> None:
    """``as`` names the context, and the context variable holds it."""
    context = AsyncSingleThreadContext()
    variable: Any = async_to_sync(loop_and_thread).async_single_thread_context
    with context as entered:
        assert context is entered
        assert context is variable.get()
    assert variable.get(None) is None


def test_a_single_thread_context_ends_its_thread() -> None:
    """After it, the thread and the loop are gone."""
    homes = Homes()
    with AsyncSingleThreadContext():
        homes.note()
    assert all(ends(thread) for thread in homes.threads)
    assert all(loop.is_closed() for loop in homes.loops)


def test_two_single_thread_contexts_have_two_threads() -> None:
    """One after the other, in one thread or in two."""
    homes = Homes()
    for _ in range(2):
        with AsyncSingleThreadContext():
            homes.note()
    assert 2 == len(homes.loops)


async def test_a_single_thread_context_in_async_code() -> None:
    """The async form works; calls from threads below use the loop that is running."""
    async with AsyncSingleThreadContext():
        loop, thread = await sync_to_async(async_to_sync(loop_and_thread))()
    assert asyncio.get_running_loop() is loop
    assert threading.current_thread() is thread


def test_an_enclosing_call_comes_before_a_single_thread_context() -> None:
    """Nested inside, a call runs on the loop of the sync_to_async call around it."""

    async def main() -> list[object]:
        home = asyncio.get_running_loop()
        with AsyncSingleThreadContext():
            loop, _ = await sync_to_async(async_to_sync(loop_and_thread))()
        return [home, loop]

    home, loop = async_to_sync(main)()
    assert home is loop


def test_a_new_loop_is_new_inside_a_single_thread_context() -> None:
    """force_new_loop means what it says."""
    with AsyncSingleThreadContext():
        kept, _ = async_to_sync(loop_and_thread)()
        new, _ = async_to_sync(loop_and_thread, force_new_loop=True)()
        again, _ = async_to_sync(loop_and_thread)()
        assert kept is not new
        assert kept is again
        assert new.is_closed()


def test_sensitive_work_inside_comes_back_to_the_calling_thread() -> None:
    """The kept loop thread is for coroutines; the caller runs its own sync work."""
    with AsyncSingleThreadContext():
        for _ in range(3):
            assert threading.current_thread() is async_to_sync(where)()


def test_objects_bound_to_a_loop_live_on_inside() -> None:
    """What the context is for: a future of one call is awaited in the next."""
    futures: list[asyncio.Future[int]] = []

    async def make() -> None:
        futures.append(asyncio.get_running_loop().create_future())

    async def use() -> int:
        asyncio.get_running_loop().call_soon(futures[0].set_result, 42)
        return await futures[0]

    with AsyncSingleThreadContext():
        async_to_sync(make)()
        assert 42 == async_to_sync(use)()


def test_leaving_by_an_error_ends_the_thread_too() -> None:
    """The exception passes."""
    homes = Homes()
    with pytest.raises(LookupError), AsyncSingleThreadContext():  # noqa: PT012  # as above
        homes.note()
        raise LookupError
    assert all(ends(thread) for thread in homes.threads)


def test_an_unused_single_thread_context_starts_no_thread() -> None:
    """Entering is free."""
    before = threading.active_count()
    with AsyncSingleThreadContext():
        assert before == threading.active_count()


def test_a_single_thread_context_follows_the_context_variables() -> None:
    """Another thread, with a context of its own, is not inside."""
    homes = Homes()
    others = Homes()
    with AsyncSingleThreadContext():
        homes.note()
        thread = threading.Thread(target=others.note)
        thread.start()
        thread.join()
        copied = threading.Thread(target=contextvars.copy_context().run, args=(homes.note,))
        copied.start()
        copied.join()
    assert 1 == len(homes.loops)
    assert homes.loops.isdisjoint(others.loops)


def test_nested_frames_on_one_single_thread_loop(new_gate: NewGate) -> None:
    """Deep nesting inside needs no second loop: the first is the enclosing one."""
    gate = new_gate()
    gate.open()

    def down(depth: int) -> set[asyncio.AbstractEventLoop]:
        gate.hold()
        return async_to_sync(across)(depth - 1)

    async def across(depth: int) -> set[asyncio.AbstractEventLoop]:
        below = await sync_to_async(down)(depth) if depth else set()
        return {asyncio.get_running_loop(), *below}

    with AsyncSingleThreadContext():
        assert 1 == len(down(10))
