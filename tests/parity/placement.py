"""Programs: in which thread a sync function runs, and on which loop a coroutine."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any

from parity.library import Library, attempt, outcome, program

if TYPE_CHECKING:
    from collections.abc import Callable


def sensitive_inside(lib: Library) -> Callable[[], Any]:
    """A sync function that enters a frame, in which a sensitive call says where it is."""

    async def coroutine() -> tuple[str, str]:
        return lib.where(), await lib.sync_to_async(lib.where)()

    return lambda: (lib.where(), *lib.async_to_sync(coroutine)())


@program
def sensitive_without_frame(lib: Library) -> object:
    return asyncio.run(lib.sync_to_async(lib.where)())


@program
def insensitive_without_frame(lib: Library) -> object:
    return asyncio.run(lib.sync_to_async(lib.where, thread_sensitive=False)())


@program
def insensitive_where_the_loop_has_an_executor_of_the_users(lib: Library) -> object:
    async def main() -> object:
        asyncio.get_running_loop().set_default_executor(lib.executor())
        return await lib.sync_to_async(lib.where, thread_sensitive=False)()

    return asyncio.run(main())


@program
def own_executor_without_frame(lib: Library) -> object:
    executor = lib.executor()
    return asyncio.run(lib.sync_to_async(lib.where, thread_sensitive=False, executor=executor)())


@program
def sensitive_in_a_frame(lib: Library) -> object:
    return sensitive_inside(lib)()


@program
def sensitive_in_a_frame_of_a_user_thread(lib: Library) -> object:
    return lib.in_thread(sensitive_inside(lib))


@program
def insensitive_in_a_frame(lib: Library) -> object:
    async def coroutine() -> object:
        return await lib.sync_to_async(lib.where, thread_sensitive=False)()

    return lib.async_to_sync(coroutine)()


@program
def own_executor_in_a_frame(lib: Library) -> object:
    executor = lib.executor()

    async def coroutine() -> object:
        return await lib.sync_to_async(lib.where, thread_sensitive=False, executor=executor)()

    return lib.async_to_sync(coroutine)()


@program
def frame_in_the_lane(lib: Library) -> object:
    return asyncio.run(lib.sync_to_async(sensitive_inside(lib))())


@program
def frame_in_the_pool(lib: Library) -> object:
    return asyncio.run(lib.sync_to_async(sensitive_inside(lib), thread_sensitive=False)())


@program
def frame_in_own_executor(lib: Library) -> object:
    function = sensitive_inside(lib)
    executor = lib.executor()
    return asyncio.run(lib.sync_to_async(function, thread_sensitive=False, executor=executor)())


@program
def frame_in_a_frame(lib: Library) -> object:
    async def coroutine() -> object:
        return await lib.sync_to_async(sensitive_inside(lib))()

    return lib.async_to_sync(coroutine)()


@program
def frame_in_the_pool_in_a_frame(lib: Library) -> object:
    async def coroutine() -> object:
        pooled = await lib.sync_to_async(sensitive_inside(lib), thread_sensitive=False)()
        return pooled, await lib.sync_to_async(lib.where)()

    return lib.async_to_sync(coroutine)()


@program
def fifty_deep_both_ways(lib: Library) -> object:
    async def coroutine(depth: int) -> list[str]:
        found: list[str] = await lib.sync_to_async(function)(depth)
        return [lib.where(), *found]

    def function(depth: int) -> list[str]:
        if depth == 0:
            return [lib.where()]
        return [lib.where(), *lib.async_to_sync(coroutine)(depth - 1)]

    return function(50), asyncio.run(coroutine(50))


@program
def sensitive_in_tasks_of_a_frame(lib: Library) -> object:
    async def coroutine() -> object:
        where = lib.sync_to_async(lib.where)
        task = await asyncio.create_task(where())
        gathered = await asyncio.gather(where(), where())
        waited = await asyncio.wait_for(where(), 20)
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(where())
        return task, gathered, waited, grouped.result()

    return lib.async_to_sync(coroutine)()


@program
def sensitive_in_tasks_without_frame(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        return await asyncio.gather(where(), asyncio.create_task(where()))

    return asyncio.run(main())


@program
def sensitive_in_a_task_that_inherited_nothing(lib: Library) -> object:
    async def coroutine() -> object:
        loop = asyncio.get_running_loop()
        where = lib.sync_to_async(lib.where)
        return await loop.create_task(where(), context=contextvars.Context())

    return lib.async_to_sync(coroutine)(), lib.in_thread(lib.async_to_sync(coroutine))


@program
def task_that_inherited_nothing_on_a_users_loop(lib: Library) -> object:
    """The frame is on a loop it did not start, so the loop says nothing about the frame."""

    async def coroutine() -> object:
        loop = asyncio.get_running_loop()
        where = lib.sync_to_async(lib.where)
        return await loop.create_task(where(), context=contextvars.Context())

    # In the pool: in the lane, the lane would wait for itself (asgiref hangs).
    entered = lib.sync_to_async(lib.async_to_sync(coroutine), thread_sensitive=False)
    return asyncio.run(entered())


@program
def task_that_outlives_its_frame(lib: Library) -> object:
    tasks: list[asyncio.Task[object]] = []

    async def main() -> object:
        ended = asyncio.Event()

        async def late() -> object:
            await ended.wait()
            return await outcome(lib.sync_to_async(lib.where)())

        async def coroutine() -> None:
            tasks.append(asyncio.create_task(late()))

        await lib.sync_to_async(lib.async_to_sync(coroutine))()
        ended.set()
        return await tasks[0]

    return asyncio.run(main())


@program
def task_that_outlives_the_inner_of_two_frames(lib: Library) -> object:
    tasks: list[asyncio.Task[object]] = []

    async def outer() -> object:
        ended = asyncio.Event()

        async def late() -> object:
            await ended.wait()
            return await outcome(lib.sync_to_async(lib.where)())

        async def inner() -> None:
            tasks.append(asyncio.create_task(late()))

        await lib.sync_to_async(lib.async_to_sync(inner), thread_sensitive=False)()
        ended.set()
        return await tasks[0]

    return lib.async_to_sync(outer)()


@program
def sensitive_with_a_given_context(lib: Library) -> object:
    """The given context has no part in where the function runs."""

    async def main() -> object:
        empty = lib.sync_to_async(lib.where, context=contextvars.Context())
        copied = lib.sync_to_async(lib.where, context=contextvars.copy_context())
        return await empty(), await copied()

    return lib.async_to_sync(main)(), asyncio.run(main())


@program
def two_user_threads_at_once(lib: Library) -> object:
    both_inside = threading.Barrier(2)

    async def coroutine() -> object:
        await lib.sync_to_async(both_inside.wait)(20)
        return await lib.sync_to_async(threading.get_ident)()

    def main(own: list[bool]) -> None:
        own.append(lib.async_to_sync(coroutine)() == threading.get_ident())

    owns: list[bool] = []
    threads = [threading.Thread(target=main, args=(owns,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return owns


@program
def sensitive_from_to_thread_in_a_frame(lib: Library) -> object:
    async def main() -> object:
        return await asyncio.to_thread(sensitive_inside(lib))

    return lib.async_to_sync(main)()


@program
def sensitive_from_another_loop_in_a_bare_thread_in_a_frame(lib: Library) -> object:
    async def main() -> object:
        loop = asyncio.get_running_loop()
        where = lib.sync_to_async(lib.where)
        return await loop.run_in_executor(None, lambda: asyncio.run(where()))

    return lib.async_to_sync(main)()


@program
def sensitive_from_another_loop_in_a_copied_context_in_a_frame(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        return await asyncio.to_thread(lambda: asyncio.run(where()))

    return lib.async_to_sync(main)()


@program
def sensitive_from_a_loop_in_a_thread_that_a_function_waits_for(lib: Library) -> object:
    """With a copy of its context, while the frame's thread runs the function."""

    def function(ask: Callable[[], object], threads: int = 1) -> object:
        context = contextvars.copy_context()
        again = ask if threads == 1 else lambda: function(ask, threads - 1)
        return lib.in_thread(lambda: context.run(again))

    async def main(threads: int = 1) -> object:
        where = lib.sync_to_async(lib.where)
        of_its_own = await lib.sync_to_async(function)(lambda: asyncio.run(where()), threads)
        of_the_library = await lib.sync_to_async(function)(lib.async_to_sync(where), threads)
        return of_its_own, of_the_library, await where()

    return lib.async_to_sync(main)(), lib.async_to_sync(main)(2)


@program
def no_running_loop_in_a_function(lib: Library) -> object:
    async def main() -> object:
        ask = lib.sync_to_async(attempt)
        insensitive = lib.sync_to_async(attempt, thread_sensitive=False)
        return await ask(asyncio.get_running_loop), await insensitive(asyncio.get_running_loop)

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def sensitive_calls_run_in_order(lib: Library) -> object:
    async def main() -> object:
        seen: list[int] = []
        await asyncio.gather(*(lib.sync_to_async(seen.append)(number) for number in range(50)))
        return seen

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def nothing_starts_before_it_is_awaited(lib: Library) -> object:
    async def main() -> object:
        seen: list[str] = []
        call = lib.sync_to_async(seen.append)("call")
        await lib.sync_to_async(seen.append)("other")
        await call
        return seen

    return asyncio.run(main())


@program
def async_function_is_called_in_the_callers_thread(lib: Library) -> object:
    """Only what it returned is awaited on the loop."""

    def returns_awaitable() -> object:
        async def coroutine(called: str) -> tuple[str, str]:
            return called, lib.where()

        return coroutine(lib.where())

    lib.markcoroutinefunction(returns_awaitable)
    return lib.async_to_sync(returns_awaitable)()
