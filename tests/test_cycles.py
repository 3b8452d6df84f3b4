"""Waits that go round in a circle: lanes, frames, workers and loops that wait for each other."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from conftest import LIMIT, Gate, happened, shows_its_state

import typedbridge
from typedbridge import (
    AsyncSingleThreadContext,
    DeadlockError,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)
from typedbridge._core.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE: Final = Path(__file__).name


@pytest.fixture(autouse=True)
def watched(nobody_watches: None) -> Iterator[None]:
    """Have the watch look all the time, where a circle shows only once all in it are suspended."""
    watch, over = Watch(), threading.Event()
    watch.patience = None

    def look() -> None:
        while not over.wait(0.001):
            watch.look()

    thread = threading.Thread(target=look)
    thread.start()
    yield
    over.set()
    thread.join(LIMIT)


def wanted() -> int:
    """The call that closes the circle."""
    return 42


async def call_wanted() -> int:
    return await sync_to_async(wanted)()


async def call_in(context: ThreadSensitiveContext, function: Callable[[], Any]) -> Any:
    async with context:
        return await sync_to_async(function)()


def lanes(number: int) -> list[ThreadSensitiveContext]:
    """Make contexts that stay in force, so that each has one lane to the end."""
    contexts = [ThreadSensitiveContext() for _ in range(number)]
    for context in contexts:
        contextvars.Context().run(context.__enter__)
    return contexts


def outcomes(*functions: Callable[[], Any]) -> list[Any]:
    """Run functions in threads of their own; return what each returned or raised."""
    with ThreadPoolExecutor(len(functions)) as executor:
        futures: list[Future[Any]] = [executor.submit(function) for function in functions]
        return [future.exception(LIMIT) or future.result() for future in futures]


def refused(results: list[Any]) -> list[DeadlockError]:
    return [result for result in results if isinstance(result, DeadlockError)]


class TestLanes:
    """Functions that hold a lane and wait, in loops of their own, for another one."""

    @pytest.mark.parametrize("number", [2, 3, 5])
    def test_in_a_circle(self, number: int) -> None:
        """One of the calls is refused, and then all the others go on."""
        contexts = lanes(number)
        all_hold = threading.Barrier(number)

        def hold(own: int) -> Any:
            all_hold.wait(LIMIT)
            return asyncio.run(call_in(contexts[(own + 1) % number], wanted))

        def main(own: int) -> Any:
            return asyncio.run(call_in(contexts[own], lambda: contextvars.Context().run(hold, own)))

        results = outcomes(*[lambda own=own: main(own) for own in range(number)])
        assert [42] * (number - 1) == [result for result in results if result == 42]
        (error,) = refused(results)
        assert 2 * number == len(error.chain)

    @shows_its_state
    def test_the_error_tells_the_whole_chain(self) -> None:
        """Function, thread and place of each, as text and as data."""
        one, other = lanes(2)
        both_hold = threading.Barrier(2)

        def first() -> Any:
            both_hold.wait(LIMIT)
            return contextvars.Context().run(asyncio.run, call_in(other, wanted))

        def second() -> Any:
            both_hold.wait(LIMIT)
            return contextvars.Context().run(asyncio.run, call_in(one, wanted))

        results = outcomes(
            lambda: asyncio.run(call_in(one, first)), lambda: asyncio.run(call_in(other, second))
        )
        (error,) = refused(results)
        functions = [wait.function.rpartition(".")[2] for wait in error.chain]
        assert ["wanted", "wanted"] == functions[::2]
        assert {"first", "second"} == set(functions[1::2])
        for wait in error.chain:
            assert HERE in wait.called_at
            assert "typedbridge ThreadSensitiveContext" == wait.thread
            assert str(wait) in str(error)

    def test_a_call_behind_a_cancelled_one_that_still_holds_the_lane(self) -> None:
        """Its function goes on alone, and waits for the lane that it has."""
        begun = threading.Event()
        told: list[object] = []

        def holder() -> None:
            begun.set()
            happened(cancelled)
            try:
                asyncio.run(call_wanted())
            except DeadlockError as error:
                told.append(error)

        cancelled = threading.Event()

        async def main() -> int:
            async with ThreadSensitiveContext():
                task = asyncio.create_task(sync_to_async(holder)())
                await asyncio.to_thread(happened, begun)
                task.cancel()
                await asyncio.wait([task])
                cancelled.set()
                return await call_wanted()  # behind it

        assert 42 == asyncio.run(main())
        assert [DeadlockError] == list(map(type, told))

    def test_through_several_loops(self) -> None:
        """A lane, a worker, a thread: each runs a loop that waits for the next."""
        pooled = sync_to_async(lambda: asyncio.run(call_wanted()), thread_sensitive=False)

        async def in_a_thread() -> Any:
            return await asyncio.to_thread(lambda: asyncio.run(pooled()))

        async def main() -> Any:
            async with ThreadSensitiveContext():
                return await sync_to_async(lambda: asyncio.run(in_a_thread()))()

        with pytest.raises(DeadlockError):
            asyncio.run(main())


def in_a_new_thread(function: Callable[[], Any]) -> Any:
    """Wait for a thread that knows nothing of the context."""
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


def in_a_new_thread_with_the_context(function: Callable[[], Any]) -> Any:
    context = contextvars.copy_context()
    return in_a_new_thread(lambda: context.run(function))


def in_an_executor(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


def on_another_loop(function: Callable[[], Any]) -> Any:
    """Wait for a coroutine on a loop in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def work() -> Any:
        return await asyncio.to_thread(function)

    try:
        return asyncio.run_coroutine_threadsafe(work(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


WAYS = pytest.mark.parametrize(
    "way",
    [in_a_new_thread, in_a_new_thread_with_the_context, in_an_executor, on_another_loop],
)


class TestThreads:
    """A function that holds a lane waits for a thread whose loop needs the lane."""

    @WAYS
    def test_of_a_context(self, way: Callable[[Callable[[], Any]], Any]) -> None:
        """With the context or without: what the holder is blocked in shows it."""
        context = ThreadSensitiveContext()

        def holder() -> Any:
            return way(lambda: asyncio.run(call_in(context, wanted)))

        async def main() -> Any:
            async with context:
                return await sync_to_async(holder)()

        with pytest.raises(DeadlockError):
            asyncio.run(main())

    @WAYS
    def test_of_the_process(self, way: Callable[[Callable[[], Any]], Any]) -> None:
        """So it is with the lane of the process."""
        holder = sync_to_async(lambda: way(lambda: asyncio.run(call_wanted())))
        with pytest.raises(DeadlockError):
            asyncio.run(holder())


async def gathered(task: asyncio.Task[int]) -> None:
    await asyncio.gather(task)


async def awaited(task: asyncio.Task[int]) -> None:
    await task


async def waited_for(task: asyncio.Task[int]) -> None:
    await asyncio.wait([task])
    task.result()


async def in_a_group(task: asyncio.Task[int]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(awaited(task))


class TestTasks:
    """A function that holds a lane is blocked in a coroutine that awaits a task which needs the lane."""

    @pytest.mark.parametrize("await_", [gathered, awaited, waited_for, in_a_group])
    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_task_from_outside(
        self, await_: Callable[[asyncio.Task[int]], Any], when: str
    ) -> None:
        """Whether it has come to its call before the function blocks or comes to it then."""
        go_on, queued = asyncio.Event(), threading.Event()

        async def outside() -> int:
            await go_on.wait()
            asyncio.get_running_loop().call_soon(queued.set)
            return await call_wanted()

        loop = asyncio.get_running_loop()
        task = asyncio.create_task(outside())

        async def main() -> None:
            loop.call_later(0, go_on.set)
            await await_(task)

        def holder() -> None:
            if when == "before":
                loop.call_soon_threadsafe(go_on.set)
                happened(queued)
            async_to_sync(main)()

        async with ThreadSensitiveContext():
            pass
        results = await asyncio.gather(sync_to_async(holder)(), task, return_exceptions=True)
        assert [DeadlockError] == [type(results[1])]

    async def test_a_function_of_a_frame_that_another_one_waits_for(self) -> None:
        """The thread of a frame does one thing at a time: what runs there waits for what comes next."""
        tasks: list[asyncio.Task[int]] = []

        async def inner() -> int:
            return await tasks[0]

        async def outer() -> list[Any]:
            go_on = asyncio.Event()

            async def second() -> int:
                await go_on.wait()
                return await call_wanted()

            tasks.append(asyncio.create_task(second()))
            loop = asyncio.get_running_loop()

            def first() -> int:
                loop.call_soon_threadsafe(go_on.set)
                return async_to_sync(inner)()

            return await asyncio.gather(sync_to_async(first)(), *tasks, return_exceptions=True)

        results = await sync_to_async(async_to_sync(outer), thread_sensitive=False)()
        assert DeadlockError in set(map(type, results))


class TestFrames:
    """Two blocking calls whose coroutines each need the other's thread."""

    def test_through_contexts_that_went_round(self) -> None:
        """Each thread runs a loop that calls back into the other thread, as its context says."""
        both_hold = threading.Barrier(2)
        contexts: dict[int, contextvars.Context] = {}

        async def main(own: int) -> Any:
            contexts[own] = contextvars.copy_context()

            def hold() -> Any:
                both_hold.wait(LIMIT)
                return contexts[1 - own].run(asyncio.run, call_wanted())

            return await sync_to_async(hold)()

        results = outcomes(lambda: async_to_sync(main)(0), lambda: async_to_sync(main)(1))
        assert 1 == len(refused(results))
        assert 42 in results


class TestExecutors:
    """An executor with one thread is as good as a lane."""

    def test_of_a_context(self) -> None:
        """Its thread waits for itself."""

        async def main() -> Any:
            with ThreadPoolExecutor(1) as executor:
                async with ThreadSensitiveContext(executor=executor):
                    return await sync_to_async(lambda: asyncio.run(call_wanted()))()

        with pytest.raises(DeadlockError):
            asyncio.run(main())

    def test_of_a_bridge(self) -> None:
        """So it does where the bridge names it."""
        with ThreadPoolExecutor(1) as executor:
            inner = sync_to_async(wanted, thread_sensitive=False, executor=executor)
            outer = sync_to_async(
                lambda: asyncio.run(inner()), thread_sensitive=False, executor=executor
            )
            with pytest.raises(DeadlockError):
                asyncio.run(outer())

    def test_with_two_threads(self) -> None:
        """The other one takes the call."""
        with ThreadPoolExecutor(2) as executor:
            inner = sync_to_async(wanted, thread_sensitive=False, executor=executor)
            outer = sync_to_async(
                lambda: asyncio.run(inner()), thread_sensitive=False, executor=executor
            )
            assert 42 == asyncio.run(outer())


class TestLoops:
    """The loop that is to run a coroutine does not turn, since its thread waits."""

    def test_of_a_single_thread_context(self) -> None:
        """For a thread that waits for the loop."""

        async def main() -> Any:
            return in_a_new_thread_with_the_context(async_to_sync(call_wanted))

        with AsyncSingleThreadContext(), pytest.raises(DeadlockError) as raised:
            async_to_sync(main)()
        assert "its event loop" in str(raised.value)


CAPPED = """
import asyncio
from typedbridge import async_to_sync, sync_to_async, DeadlockError

def dive(depth):
    async def deeper():
        return await sync_to_async(dive, thread_sensitive=False)(depth - 1)
    return 1 + BLOCK(deeper) if depth else 0

async def main():
    # Several may be refused: asyncio.run would log those that nobody looked at.
    done = await asyncio.gather(
        *(sync_to_async(dive, thread_sensitive=False)(DEPTH) for _ in range(CALLS)),
        return_exceptions=True,
    )
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return done

try:
    print(asyncio.run(main()))
except DeadlockError as error:
    print(type(error).__name__, len(error.chain) > 2, "TYPEDBRIDGE_MAX_WORKERS" in str(error))
"""


@pytest.mark.parametrize(
    "block", ["async_to_sync(f)()", "asyncio.run(f())", "async_to_sync(f, force_new_loop=True)()"]
)
@pytest.mark.parametrize(
    ("depth", "calls", "expected"), [(9, 1, "DeadlockError True True"), (3, 1, "[3]"), (3, 9, "?")]
)
def test_nested_calls_in_the_pool(block: str, depth: int, calls: int, expected: str) -> None:
    """Beyond the limit all workers wait for one more: the call that would wait as well is refused."""
    program = CAPPED.replace("BLOCK", f"(lambda f: {block})").replace("DEPTH", str(depth))
    done = subprocess.run(
        [sys.executable, "-c", program.replace("CALLS", str(calls))],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(typedbridge.__file__).parents[1]),
            "ASGI_THREADS": "2",
            "TYPEDBRIDGE_MAX_WORKERS": "6",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert "" == done.stderr
    assert expected in ("?", done.stdout.strip())


async def ends_by_itself(task: asyncio.Task[int]) -> None:
    """Blocks in nothing but time."""
    del task
    await asyncio.sleep(0.03)


async def is_timed(task: asyncio.Task[int]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.03):
            await asyncio.shield(task)


async def is_timed_over_another_task(task: asyncio.Task[int]) -> None:
    waiting = asyncio.ensure_future(asyncio.shield(task))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(waiting, 0.03)


async def waits_with_a_timeout(task: asyncio.Task[int]) -> None:
    await asyncio.wait([task], timeout=0.03)


async def waits_for_the_first(task: asyncio.Task[int]) -> None:
    other = asyncio.create_task(asyncio.sleep(0.03))
    await asyncio.wait([task, other], return_when=asyncio.FIRST_COMPLETED)


async def gathers_what_fails(task: asyncio.Task[int]) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.03)
        raise LookupError

    with contextlib.suppress(LookupError):
        await asyncio.gather(asyncio.shield(task), fail())


async def has_a_scope(task: asyncio.Task[int]) -> None:
    with anyio.move_on_after(0.03):
        await asyncio.shield(task)


async def has_a_scope_over_another_task(task: asyncio.Task[int]) -> None:
    async def wait() -> None:
        await asyncio.shield(task)

    with anyio.move_on_after(0.03):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)


class TestNoCircle:
    """Waits that end: none of these calls is refused, though something looks all the time."""

    @pytest.mark.parametrize(
        "blocked",
        [
            ends_by_itself,
            is_timed,
            is_timed_over_another_task,
            waits_with_a_timeout,
            waits_for_the_first,
            gathers_what_fails,
            has_a_scope,
            has_a_scope_over_another_task,
        ],
    )
    async def test_a_holder_that_goes_on_by_itself(
        self, blocked: Callable[[asyncio.Task[int]], Any]
    ) -> None:
        """It is blocked in a coroutine that needs the task for a while, or perhaps."""
        go_on = asyncio.Event()

        async def outside() -> int:
            await go_on.wait()
            return await call_wanted()

        task = asyncio.create_task(outside())

        async def main() -> None:
            go_on.set()
            await blocked(task)

        await asyncio.gather(sync_to_async(async_to_sync(main))(), task)
        assert 42 == task.result()

    @pytest.mark.parametrize("copied", [True, False])
    async def test_a_thread_that_the_holder_does_not_wait_for(self, copied: bool) -> None:
        """It has the context of a call that holds the lane, and outlives it."""
        results: list[object] = []
        threads: list[threading.Thread] = []
        begun = threading.Event()

        def work() -> None:
            async def main() -> int:
                begun.set()
                return await call_wanted()

            try:
                results.append(asyncio.run(main()))
            except DeadlockError as error:
                results.append(error)

        def holder() -> None:
            target = contextvars.copy_context().run if copied else contextvars.Context().run
            threads.append(threading.Thread(target=target, args=(work,)))
            threads[0].start()
            happened(begun)
            if not copied:
                threads[0].join(0.03)  # not for ever

        await sync_to_async(holder)()
        await asyncio.to_thread(threads[0].join, LIMIT)
        assert [42] == results

    async def test_a_holder_that_runs_long(self, gate: Gate) -> None:
        """Any number of calls wait for it, from several loops."""
        holding = asyncio.create_task(sync_to_async(gate.hold)())
        await gate.has_begun()
        waiting = [asyncio.create_task(call_wanted()) for _ in range(20)]
        elsewhere = [asyncio.to_thread(asyncio.run, call_wanted()) for _ in range(3)]
        tasks = [asyncio.ensure_future(other) for other in elsewhere]
        await asyncio.sleep(0.02)
        gate.open()
        assert [42] * 23 == await asyncio.gather(*waiting, *tasks)
        await holding

    def test_lanes_one_after_the_other(self) -> None:
        """Two functions go from lane to lane in opposite directions, each through the other's."""
        one, other = lanes(2)

        def into(context: ThreadSensitiveContext, function: Callable[[], Any]) -> Any:
            return contextvars.Context().run(asyncio.run, call_in(context, function))

        def there_and_on(first: ThreadSensitiveContext, then: ThreadSensitiveContext) -> list[Any]:
            return [into(first, wanted), into(then, wanted), into(first, wanted)]

        results = outcomes(
            *[lambda: there_and_on(one, other), lambda: there_and_on(other, one)] * 3
        )
        assert [[42, 42, 42]] * 6 == results

    def test_frames_run_work_while_they_wait(self) -> None:
        """Two threads blocked in async_to_sync work for each other's coroutines."""
        contexts: dict[int, contextvars.Context] = {}
        both = threading.Barrier(2)

        async def main(own: int) -> Any:
            contexts[own] = contextvars.copy_context()
            await asyncio.to_thread(both.wait, LIMIT)
            return await asyncio.create_task(call_wanted(), context=contexts[1 - own])

        assert [42, 42] == outcomes(lambda: async_to_sync(main)(0), lambda: async_to_sync(main)(1))
