"""Bridges inside bridges: down to depth 50, both ways, from every kind of thread."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import ThreadSensitiveContext, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from threading import Thread

    from conftest import Run

    Step = Callable[[int], Coroutine[Any, Any, list[Thread]]]
    Hop = Callable[[Step, int], Coroutine[Any, Any, list[Thread]]]

DEPTH = 50


async def plainly(step: Step, depth: int) -> list[Thread]:
    return await step(depth)


async def in_task(step: Step, depth: int) -> list[Thread]:
    return await asyncio.create_task(step(depth))


async def in_gather(step: Step, depth: int) -> list[Thread]:
    (threads,) = await asyncio.gather(step(depth))
    return threads


async def in_wait_for(step: Step, depth: int) -> list[Thread]:
    return await asyncio.wait_for(step(depth), 50)


async def in_task_group(step: Step, depth: int) -> list[Thread]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(step(depth))
    return task.result()


HOPS = pytest.mark.parametrize("hop", [plainly, in_task, in_gather, in_wait_for, in_task_group])


def dive(hop: Hop) -> Callable[[int], list[Thread]]:
    """A sync function that goes down ``depth`` levels, each through both bridges.

    It returns the threads of all levels, the deepest first.
    """

    def down(depth: int) -> list[Thread]:
        below = async_to_sync(across)(depth - 1) if depth else []
        return [*below, threading.current_thread()]

    async def across(depth: int) -> list[Thread]:
        return await hop(sync_to_async(down), depth)

    return down


@HOPS
def test_from_sync_code(hop: Hop) -> None:
    """Every level runs in the thread that called the first bridge."""
    assert [threading.current_thread()] * (DEPTH + 1) == dive(hop)(DEPTH)


@HOPS
async def test_from_async_code(hop: Hop) -> None:
    """Every level runs in the process's lane."""
    lane = await sync_to_async(threading.current_thread)()
    threads = await hop(sync_to_async(dive(hop)), DEPTH)
    assert [lane] * (DEPTH + 1) == threads


@HOPS
async def test_in_a_context(hop: Hop) -> None:
    """Every level runs in the context's thread."""
    async with ThreadSensitiveContext():
        own = await sync_to_async(threading.current_thread)()
        assert [own] * (DEPTH + 1) == await hop(sync_to_async(dive(hop)), DEPTH)


@HOPS
async def test_in_a_context_with_executor(hop: Hop) -> None:
    """Every level runs in the executor's thread."""
    with ThreadPoolExecutor(1) as executor:
        async with ThreadSensitiveContext(executor=executor):
            threads = await hop(sync_to_async(dive(hop)), DEPTH)
        own = executor.submit(threading.current_thread).result()
    assert [own] * (DEPTH + 1) == threads


@HOPS
def test_from_a_users_thread(hop: Hop) -> None:
    """Every level runs in the thread that the user started."""
    seen: list[list[Thread]] = []
    thread = threading.Thread(target=lambda: seen.append(dive(hop)(DEPTH)))
    thread.start()
    thread.join()
    assert [[thread] * (DEPTH + 1)] == seen


@HOPS
async def test_from_the_pool(hop: Hop) -> None:
    """Every level runs in the worker thread of the first."""
    pooled = sync_to_async(dive(hop), thread_sensitive=False)
    threads = await hop(pooled, DEPTH)
    assert [threads[-1]] * (DEPTH + 1) == threads
    assert threads[-1] is not await sync_to_async(threading.current_thread)()


@HOPS
def test_from_a_task_without_the_context(hop: Hop) -> None:
    """Every level runs in the thread of the frame that started the loop."""

    async def main() -> list[Thread]:
        call = hop(sync_to_async(dive(hop)), DEPTH)
        loop = asyncio.get_running_loop()
        return await loop.create_task(call, context=contextvars.Context())

    assert [threading.current_thread()] * (DEPTH + 1) == async_to_sync(main)()


async def test_through_an_executor_a_thread_for_each_level() -> None:
    """Insensitive calls hold one thread of their executor each while they wait."""
    with ThreadPoolExecutor(DEPTH + 1) as executor:

        def down(depth: int) -> set[Thread]:
            below = async_to_sync(across)(depth - 1) if depth else set()
            return {*below, threading.current_thread()}

        across = sync_to_async(down, thread_sensitive=False, executor=executor)
        assert DEPTH + 1 == len(await across(DEPTH))


async def test_with_a_context_at_each_level() -> None:
    """Frames inside contexts inside frames: the innermost frame's thread takes the call."""

    def down(depth: int) -> list[Thread]:
        below = async_to_sync(across)(depth - 1) if depth else []
        return [*below, threading.current_thread()]

    async def across(depth: int) -> list[Thread]:
        async with ThreadSensitiveContext():
            return await sync_to_async(down)(depth)

    threads = await across(DEPTH)
    assert [threads[-1]] * (DEPTH + 1) == threads


def test_with_an_executor_at_each_level() -> None:
    """Contexts with executors inside frames: each level is in the executor around it."""
    with ThreadPoolExecutor(1) as left, ThreadPoolExecutor(1) as right:
        executors = [left, right]

        def down(depth: int) -> list[Thread]:
            below = async_to_sync(across)(depth - 1) if depth else []
            return [*below, threading.current_thread()]

        async def across(depth: int) -> list[Thread]:
            # Two executors of one thread are enough for two levels at a time only: the others
            # are the calling thread's.
            if depth >= len(executors):
                return await sync_to_async(down)(depth)
            async with ThreadSensitiveContext(executor=executors[depth]):
                return await sync_to_async(down)(depth)

        threads = down(DEPTH)
        owns = [pool.submit(threading.current_thread).result() for pool in executors]
    main = threading.current_thread()
    assert [*owns, *[main] * (DEPTH - 1)] == threads


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_many_dives_at_once(force_new_loop: bool) -> None:
    """Tasks that nest side by side in one frame share its thread and do not block each other."""

    def down(depth: int) -> int:
        bridge = async_to_sync(across, force_new_loop=force_new_loop)
        return 1 + (bridge(depth - 1) if depth else 0)

    async def across(depth: int) -> int:
        return await sync_to_async(down)(depth)

    async def main() -> list[int]:
        return await asyncio.gather(*(across(5) for _ in range(10)))

    assert [6] * 10 == async_to_sync(main)()


def test_frames_in_many_users_threads_at_once() -> None:
    """Each thread keeps its own work, whatever loops they are given."""
    barrier = threading.Barrier(8)
    wrong: list[Thread] = []

    def work() -> None:
        barrier.wait(20)
        for _ in range(5):
            mine = threading.current_thread()
            wrong.extend(thread for thread in dive(in_task)(3) if thread is not mine)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong


def test_the_loop_is_one_all_the_way_down(run: Run) -> None:
    """Below the first loop no level starts another."""

    def down(depth: int) -> set[asyncio.AbstractEventLoop]:
        return async_to_sync(across)(depth - 1)

    async def across(depth: int) -> set[asyncio.AbstractEventLoop]:
        loop = asyncio.get_running_loop()
        return {loop} | (await sync_to_async(down)(depth) if depth else set())

    async def main() -> tuple[asyncio.AbstractEventLoop, set[asyncio.AbstractEventLoop]]:
        return asyncio.get_running_loop(), await across(DEPTH)

    loop, loops = run(main)
    assert {loop} == loops
    assert 1 == len(down(DEPTH))


def test_new_loops_all_the_way_down() -> None:
    """force_new_loop at every level: as many loops as levels, and still one thread of work."""
    levels = 10

    def down(depth: int) -> list[Thread]:
        bridge = async_to_sync(across, force_new_loop=True)
        return [*(bridge(depth - 1) if depth else []), threading.current_thread()]

    async def across(depth: int) -> list[Thread]:
        loops.add(asyncio.get_running_loop())
        return await sync_to_async(down)(depth)

    loops: set[asyncio.AbstractEventLoop] = set()
    assert [threading.current_thread()] * (levels + 1) == down(levels)
    assert levels == len(loops)
    assert all(loop.is_closed() for loop in loops)


def test_results_and_errors_come_up_from_the_bottom() -> None:
    """An error from depth 50 is the same object at the top."""
    error = LookupError("bottom")

    def down(depth: int) -> None:
        if not depth:
            raise error
        async_to_sync(across)(depth - 1)

    async def across(depth: int) -> None:
        await sync_to_async(down)(depth)

    with pytest.raises(LookupError) as raised:
        down(DEPTH)
    assert error is raised.value


def test_a_context_variable_comes_up_from_the_bottom() -> None:
    """A variable set at depth 50 is set at the top, and the top's value is seen at the bottom."""
    variable = contextvars.ContextVar("variable", default="unset")

    def down(depth: int) -> str:
        if depth:
            return async_to_sync(across)(depth - 1)
        seen = variable.get()
        variable.set("from the bottom")
        return seen

    async def across(depth: int) -> str:
        return await sync_to_async(down)(depth)

    def top() -> list[str]:
        variable.set("from the top")
        return [down(DEPTH), variable.get()]

    assert ["from the top", "from the bottom"] == contextvars.copy_context().run(top)
