"""Where a bridged function runs: one section for each row of the contract's placement table."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import ThreadSensitiveContext, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager
    from threading import Thread

    from conftest import Gate, NewGate, Run

    Where = Callable[[], Coroutine[Any, Any, Thread]]
    Away = Callable[[Callable[[], Thread]], Thread]
    Via = Callable[[Where], Coroutine[Any, Any, Thread]]

where = sync_to_async(threading.current_thread)
where_in_pool = sync_to_async(threading.current_thread, thread_sensitive=False)


async def directly(call: Where) -> Thread:
    return await call()


async def by_create_task(call: Where) -> Thread:
    return await asyncio.create_task(call())


async def by_task_in_task(call: Where) -> Thread:
    return await asyncio.create_task(by_create_task(call))


async def by_gather(call: Where) -> Thread:
    first, second = await asyncio.gather(call(), call())
    assert first is second
    return first


async def by_wait_for(call: Where) -> Thread:
    return await asyncio.wait_for(call(), 20)


async def by_task_group(call: Where) -> Thread:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call())
    return task.result()


async def by_shield(call: Where) -> Thread:
    return await asyncio.shield(call())


async def by_async_generator(call: Where) -> Thread:
    async def generate() -> Any:
        yield await call()

    async for thread in generate():
        return thread  # type: ignore[no-any-return]  # the generator yields what call returns
    raise AssertionError


# Every way to make a task keeps the frame and the context, and with them the thread.
WAYS = pytest.mark.parametrize(
    "via",
    [
        directly,
        by_create_task,
        by_task_in_task,
        by_gather,
        by_wait_for,
        by_task_group,
        by_shield,
        by_async_generator,
    ],
)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        yield pool


def thread_of(executor: Executor) -> Thread:
    """The one thread of an executor."""
    return executor.submit(threading.current_thread).result()


# Row 1: thread_sensitive=False with an executor.


@WAYS
async def test_row_1_the_given_executor(executor: ThreadPoolExecutor, via: Via) -> None:
    """The function runs in the executor it was wrapped with."""
    bridge = sync_to_async(threading.current_thread, thread_sensitive=False, executor=executor)
    assert thread_of(executor) is await via(bridge)


def test_row_1_wins_over_a_frame(executor: ThreadPoolExecutor) -> None:
    """Inside async_to_sync the executor is still the one it was wrapped with."""
    bridge = sync_to_async(threading.current_thread, thread_sensitive=False, executor=executor)
    assert thread_of(executor) is async_to_sync(bridge)()


async def test_row_1_wins_over_a_context(executor: ThreadPoolExecutor) -> None:
    """A ThreadSensitiveContext is for sensitive calls only."""
    bridge = sync_to_async(threading.current_thread, thread_sensitive=False, executor=executor)
    with ThreadPoolExecutor(1) as other:
        async with ThreadSensitiveContext(executor=other):
            assert thread_of(executor) is await bridge()


class InlineExecutor(Executor):
    """Runs at once, in the thread that submits."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


async def test_row_1_an_executor_may_run_on_the_loops_thread() -> None:
    """The library does not second-guess the executor that the user chose."""
    bridge = sync_to_async(
        threading.current_thread, thread_sensitive=False, executor=InlineExecutor()
    )
    assert threading.current_thread() is await bridge()


# Row 2: thread_sensitive=False.


@WAYS
async def test_row_2_the_pool(via: Via) -> None:
    """The function runs in a worker thread: not the loop's thread, not the process's lane."""
    lane = await where()

    async def pooled() -> Thread:
        thread = await where_in_pool()
        return lane if thread in {lane, threading.current_thread()} else threading.main_thread()

    assert threading.main_thread() is await via(pooled)


async def test_row_2_runs_side_by_side() -> None:
    """Two calls that wait for each other both run."""
    barrier = threading.Barrier(2)
    meet = sync_to_async(barrier.wait, thread_sensitive=False)
    assert {0, 1} == set(await asyncio.gather(meet(20), meet(20)))


async def test_row_2_is_the_librarys_own_pool() -> None:
    """The loop's default executor is not used, unlike in asgiref."""

    class Refusing(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("the default executor was used")

    asyncio.get_running_loop().set_default_executor(Refusing(1))
    assert threading.current_thread() is not await where_in_pool()


def test_row_2_wins_over_a_frame() -> None:
    """Inside async_to_sync an insensitive call does not come back to the calling thread."""
    assert threading.current_thread() is not async_to_sync(where_in_pool)()


async def test_row_2_wins_over_a_context() -> None:
    """Inside a ThreadSensitiveContext an insensitive call does not use its thread."""
    async with ThreadSensitiveContext():
        assert await where() is not await where_in_pool()


# Row 3: a ThreadSensitiveContext with an executor, inside the innermost frame or without a frame.


@WAYS
async def test_row_3_without_a_frame(executor: ThreadPoolExecutor, via: Via) -> None:
    """The context's executor takes the sensitive calls."""
    async with ThreadSensitiveContext(executor=executor):
        assert thread_of(executor) is await via(where)


@WAYS
def test_row_3_inside_the_frame(executor: ThreadPoolExecutor, via: Via) -> None:
    """A context entered inside async_to_sync wins over the calling thread."""

    async def main() -> Thread:
        async with ThreadSensitiveContext(executor=executor):
            return await via(where)

    assert thread_of(executor) is async_to_sync(main)()


def test_row_3_ends_with_its_context(executor: ThreadPoolExecutor) -> None:
    """After the context the frame's thread takes the calls again."""

    async def main() -> list[Thread]:
        before = await where()
        async with ThreadSensitiveContext(executor=executor):
            inside = await where()
        return [before, inside, await where()]

    main_thread = threading.current_thread()
    assert [main_thread, thread_of(executor), main_thread] == async_to_sync(main)()


async def test_row_3_outside_the_innermost_frame(executor: ThreadPoolExecutor) -> None:
    """A frame opened inside the context wins: its thread waits for this very work."""

    def frame() -> list[Thread]:
        return [threading.current_thread(), async_to_sync(where)()]

    pooled_frame = sync_to_async(frame, thread_sensitive=False)
    async with ThreadSensitiveContext(executor=executor):
        frame_thread, call_thread = await pooled_frame()
    assert frame_thread is not thread_of(executor)
    assert frame_thread is call_thread


async def test_row_3_the_innermost_frame_counts(executor: ThreadPoolExecutor) -> None:
    """A context between two frames is outside the inner one."""

    def inner() -> list[Thread]:
        return [threading.current_thread(), async_to_sync(where)()]

    async def between() -> list[Thread]:
        async with ThreadSensitiveContext(executor=executor):
            return [*await sync_to_async(inner, thread_sensitive=False)(), await where()]

    pooled_frame = sync_to_async(async_to_sync(between), thread_sensitive=False)
    inner_thread, inner_call, outer_call = await pooled_frame()
    assert inner_thread is inner_call
    assert thread_of(executor) is outer_call


async def test_row_3_a_task_that_outlives_its_frame(executor: ThreadPoolExecutor) -> None:
    """Without a waiting frame the context around it counts again."""
    tasks: list[asyncio.Task[Thread]] = []
    go_on = asyncio.Event()

    async def late() -> Thread:
        await go_on.wait()
        return await where()

    async def start() -> None:
        tasks.append(asyncio.create_task(late()))

    async with ThreadSensitiveContext(executor=executor):
        await sync_to_async(async_to_sync(start), thread_sensitive=False)()
        go_on.set()
        assert thread_of(executor) is await tasks[0]


async def test_row_3_work_queued_for_a_frame_that_ends(
    executor: ThreadPoolExecutor, gate: Gate
) -> None:
    """It is not lost: the frame's thread still takes it, or the context around the frame."""
    tasks: list[asyncio.Task[Thread]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(sync_to_async(gate.hold)()))
        tasks.append(asyncio.create_task(where()))
        await gate.has_begun()

    def frame() -> Thread:
        async_to_sync(main)()
        return threading.current_thread()

    async with ThreadSensitiveContext(executor=executor):
        frame_call = asyncio.create_task(sync_to_async(frame, thread_sensitive=False)())
        await gate.has_begun()
        gate.open()
        frame_thread, held_thread, queued_thread = await asyncio.gather(frame_call, *tasks)
    assert frame_thread is held_thread
    assert queued_thread in {frame_thread, thread_of(executor)}


# Row 4: a frame of the current context is still waiting.


@WAYS
def test_row_4_the_calling_thread(via: Via) -> None:
    """Sensitive work comes back to the thread that called async_to_sync."""

    async def main() -> Thread:
        return await via(where)

    assert threading.current_thread() is async_to_sync(main)()


@WAYS
async def test_row_4_on_the_loop_of_an_enclosing_call(via: Via) -> None:
    """So it does when the coroutine runs on a loop that was there before."""

    def frame() -> list[Thread]:
        async def main() -> Thread:
            return await via(where)

        return [threading.current_thread(), async_to_sync(main)()]

    thread, call_thread = await sync_to_async(frame, thread_sensitive=False)()
    assert thread is call_thread


def test_row_4_wins_over_a_context_without_executor() -> None:
    """A ThreadSensitiveContext starts no thread where one is waiting."""

    async def main() -> Thread:
        async with ThreadSensitiveContext():
            return await where()

    assert threading.current_thread() is async_to_sync(main)()


def test_row_4_the_innermost_frame() -> None:
    """Of several frames that wait, the nearest takes the call."""

    def inner() -> list[Thread]:
        return [threading.current_thread(), async_to_sync(where)()]

    async def main() -> list[Thread]:
        return [*await sync_to_async(inner, thread_sensitive=False)(), await where()]

    inner_thread, inner_call, outer_call = async_to_sync(main)()
    assert inner_thread is inner_call
    assert threading.current_thread() is outer_call
    assert inner_thread is not outer_call


def test_row_4_a_finished_frame_passes_on_to_its_nearest_waiting_ancestor() -> None:
    """A task that outlives its own frame finds the frame around it."""
    tasks: list[asyncio.Task[Thread]] = []

    async def late(go_on: asyncio.Event) -> Thread:
        await go_on.wait()
        return await where()

    async def main() -> Thread:
        go_on = asyncio.Event()

        async def start() -> None:
            tasks.append(asyncio.create_task(late(go_on)))

        await sync_to_async(async_to_sync(start), thread_sensitive=False)()
        go_on.set()
        return await tasks[0]

    assert threading.current_thread() is async_to_sync(main)()


def test_row_4_passes_over_several_finished_frames() -> None:
    """Frames that have ended in between are skipped, however many."""
    tasks: list[asyncio.Task[Thread]] = []

    async def late(go_on: asyncio.Event) -> Thread:
        await go_on.wait()
        return await where()

    async def start(depth: int, go_on: asyncio.Event) -> None:
        if depth:
            step = sync_to_async(async_to_sync(start), thread_sensitive=False)
            await step(depth - 1, go_on)
        else:
            tasks.append(asyncio.create_task(late(go_on)))

    async def main() -> Thread:
        go_on = asyncio.Event()
        await start(3, go_on)
        go_on.set()
        return await tasks[0]

    assert threading.current_thread() is async_to_sync(main)()


def test_row_4_in_a_thread_that_the_user_started() -> None:
    """async_to_sync in a user's thread makes that thread the one its sensitive work runs in."""
    seen: list[Thread] = []
    thread = threading.Thread(target=lambda: seen.append(async_to_sync(where)()))
    thread.start()
    thread.join()
    assert [thread] == seen


def test_row_4_one_call_at_a_time(gate: Gate) -> None:
    """Calls of one frame run in order, one after the other."""
    order: list[str] = []

    def first() -> None:
        gate.hold()
        order.append("first")

    async def main() -> None:
        tasks = [
            asyncio.create_task(sync_to_async(first)()),
            asyncio.create_task(sync_to_async(order.append)("second")),
            asyncio.create_task(sync_to_async(order.append)("third")),
        ]
        await gate.has_begun()
        gate.open()
        await asyncio.gather(*tasks)

    async_to_sync(main)()
    assert ["first", "second", "third"] == order


async def in_a_worker(function: Callable[[], Thread]) -> Thread:
    """Run it in a worker of ours."""
    return await sync_to_async(function, thread_sensitive=False)()


def by_a_thread(function: Callable[[], Thread]) -> Thread:
    """Run it in a new thread, with a copy of the context."""
    with ThreadPoolExecutor(1) as own:
        return own.submit(contextvars.copy_context().run, function).result()


def by_a_thread_of_a_thread(function: Callable[[], Thread]) -> Thread:
    return by_a_thread(lambda: by_a_thread(function))


def by_a_worker(function: Callable[[], Thread]) -> Thread:
    return asyncio.run(in_a_worker(function))


def by_a_thread_of_a_worker(function: Callable[[], Thread]) -> Thread:
    return by_a_worker(lambda: by_a_thread(function))


AWAY = pytest.mark.parametrize(
    "away", [by_a_thread, by_a_thread_of_a_thread, by_a_worker, by_a_thread_of_a_worker]
)


def seen_from(away: Away, via: Via, around: AbstractAsyncContextManager[object]) -> list[Thread]:
    """Which threads take a function's call by a loop elsewhere, and a call after it."""

    def function() -> Thread:
        return away(lambda: asyncio.run(via(where)))

    async def main() -> list[Thread]:
        async with around:
            return [await sync_to_async(function)(), await where()]

    return async_to_sync(main)()


@AWAY
@WAYS
def test_row_4_leaves_out_the_frame_that_runs_the_function(away: Away, via: Via) -> None:
    """A loop that the function started elsewhere, and waits for, gets the next lane of the table."""
    called, after = seen_from(away, via, nullcontext())
    assert called is asyncio.run(where())
    assert threading.current_thread() is after


@AWAY
def test_row_5_where_the_frame_runs_the_function(away: Away) -> None:
    """A context in force is the next lane."""
    called, after = seen_from(away, directly, ThreadSensitiveContext())
    assert called not in {after, asyncio.run(where())}
    assert threading.current_thread() is after


def test_row_4_stays_for_who_is_not_inside_the_function() -> None:
    """A thread that the coroutine started, and not a function that the frame runs."""

    async def main() -> Thread:
        return await asyncio.to_thread(lambda: asyncio.run(where()))

    assert threading.current_thread() is async_to_sync(main)()


def test_row_4_is_back_when_the_function_has_returned(gate: Gate) -> None:
    """A thread that goes on behind the function finds the frame's thread free."""
    late: list[Future[Thread]] = []

    def afterwards() -> Thread:
        gate.hold()
        return asyncio.run(where())

    def function() -> None:
        late.append(own.submit(contextvars.copy_context().run, afterwards))

    async def main() -> Thread:
        await sync_to_async(function)()
        gate.open()
        return await asyncio.wrap_future(late[0])

    with ThreadPoolExecutor(1) as own:
        assert threading.current_thread() is async_to_sync(main)()


# Row 5: a ThreadSensitiveContext is in force.


@WAYS
async def test_row_5_the_contexts_own_thread(via: Via) -> None:
    """All sensitive calls of a context run in one thread, which is not the process's lane."""
    lane = await where()
    async with ThreadSensitiveContext():
        thread = await where()
        assert thread is await via(where)
    assert thread not in {lane, threading.current_thread()}


async def test_row_5_two_contexts_do_not_wait_for_each_other() -> None:
    """Each context has a thread of its own, so that calls of two of them can meet."""
    barrier = threading.Barrier(2)

    async def request() -> Thread:
        async with ThreadSensitiveContext():
            await sync_to_async(barrier.wait)(20)
            return await where()

    first, second = await asyncio.gather(request(), request())
    assert first is not second


async def test_row_5_starts_its_thread_on_first_use() -> None:
    """A context that is only entered costs no thread."""
    before = threading.active_count()
    async with ThreadSensitiveContext():
        assert before == threading.active_count()
        thread = await where()
        assert thread in threading.enumerate()


async def test_row_5_a_task_that_outlives_its_frame() -> None:
    """It finds the context around the frame that has ended."""
    tasks: list[asyncio.Task[Thread]] = []
    go_on = asyncio.Event()

    async def late() -> Thread:
        await go_on.wait()
        return await where()

    async def start() -> None:
        tasks.append(asyncio.create_task(late()))

    async with ThreadSensitiveContext():
        await sync_to_async(async_to_sync(start))()
        go_on.set()
        assert await where() is await tasks[0]


# Row 6: the running loop was started by a frame that is still waiting.


def in_empty_context(call: Where) -> asyncio.Task[Thread]:
    """A task that knows nothing of the frame around it, as a server's protocol callback would."""
    return asyncio.get_running_loop().create_task(call(), context=contextvars.Context())


@WAYS
@pytest.mark.parametrize("force_new_loop", [False, True])
def test_row_6_a_task_without_the_context(via: Via, force_new_loop: bool) -> None:
    """A task on the frame's own loop comes back to the frame's thread."""

    async def main() -> Thread:
        return await in_empty_context(lambda: via(where))

    bridge = async_to_sync(main, force_new_loop=force_new_loop)
    assert threading.current_thread() is bridge()


def test_row_6_the_frame_that_started_the_loop_counts() -> None:
    """Frames of other threads that merely use the loop are not asked."""

    def inner() -> Thread:
        async def use_the_loop() -> Thread:
            return await in_empty_context(where)

        return async_to_sync(use_the_loop)()

    async def main() -> Thread:
        return await sync_to_async(inner, thread_sensitive=False)()

    assert threading.current_thread() is async_to_sync(main)()


async def test_row_6_is_not_for_loops_that_no_frame_started() -> None:
    """On the user's loop such a task goes to the process's lane."""

    def frame() -> Thread:
        async def main() -> Thread:
            return await in_empty_context(where)

        return async_to_sync(main)()

    lane = await where()
    assert lane is await sync_to_async(frame, thread_sensitive=False)()


def test_row_6_comes_after_a_context(executor: ThreadPoolExecutor) -> None:
    """A ThreadSensitiveContext that the task entered itself comes first."""

    async def with_executor() -> Thread:
        async with ThreadSensitiveContext(executor=executor):
            return await where()

    async def without_executor() -> Thread:
        async with ThreadSensitiveContext():
            return await where()

    async def main() -> list[Thread]:
        return [await in_empty_context(with_executor), await in_empty_context(without_executor)]

    with_thread, without_thread = async_to_sync(main)()
    assert thread_of(executor) is with_thread
    assert without_thread not in {threading.current_thread(), with_thread}


# Row 7: none of these.


@WAYS
async def test_row_7_the_lane_of_the_process(via: Via) -> None:
    """Sensitive calls without frame and context share one thread, which is not the loop's."""
    assert threading.current_thread() is not await where()
    assert await where() is await via(where)


def test_row_7_is_the_same_for_every_loop(run: Run) -> None:
    """Two loops, one after the other and in another thread, use the same lane."""
    seen: list[Thread] = []
    thread = threading.Thread(target=lambda: seen.append(run(where)))
    thread.start()
    thread.join()
    assert [run(where)] == seen


async def test_row_7_in_a_thread_that_the_user_started_inside_a_frame() -> None:
    """A thread that does not run in the context of the frame does not belong to it."""

    async def main() -> list[Thread]:
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def work() -> None:
            thread = asyncio.run(where())
            loop.call_soon_threadsafe(done.set_result, thread)

        threading.Thread(target=work).start()
        return [await where(), await done]

    lane = await where()
    frame_thread, user_call = await sync_to_async(async_to_sync(main), thread_sensitive=False)()
    assert lane is user_call
    assert lane is not frame_thread


async def test_row_7_one_call_at_a_time(gate: Gate) -> None:
    """A second call waits until the first is done."""
    order: list[str] = []

    def first() -> None:
        gate.hold()
        order.append("first")

    tasks = [
        asyncio.create_task(sync_to_async(first)()),
        asyncio.create_task(sync_to_async(order.append)("second")),
    ]
    await gate.has_begun()
    gate.open()
    await asyncio.gather(*tasks)
    assert ["first", "second"] == order


async def test_row_7_calls_keep_their_order() -> None:
    """A thousand calls that were made in order run in order."""
    order: list[int] = []
    append = sync_to_async(order.append)
    await asyncio.gather(*(append(number) for number in range(1000)))
    assert list(range(1000)) == order


async def test_row_7_a_task_that_outlives_its_frame() -> None:
    """It goes to the lane of the process, where asgiref would fail."""
    tasks: list[asyncio.Task[Thread]] = []
    go_on = asyncio.Event()

    async def late() -> Thread:
        await go_on.wait()
        return await where()

    async def start() -> None:
        tasks.append(asyncio.create_task(late()))

    await sync_to_async(async_to_sync(start), thread_sensitive=False)()
    go_on.set()
    assert await where() is await tasks[0]


async def test_row_7_after_a_context() -> None:
    """When a context has ended, calls go to the lane again."""
    lane = await where()
    async with ThreadSensitiveContext():
        assert lane is not await where()
    assert lane is await where()


async def test_different_lanes_run_side_by_side(new_gate: NewGate) -> None:
    """A blocked lane of the process holds up neither contexts, frames nor the pool."""
    gate = new_gate()
    blocked = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()
    async with ThreadSensitiveContext():
        in_context = await where()
    in_frame = await sync_to_async(async_to_sync(where), thread_sensitive=False)()
    in_pool = await where_in_pool()
    assert not blocked.done()
    gate.open()
    assert await blocked not in {in_context, in_frame, in_pool}
