"""Programs: ThreadSensitiveContext and AsyncSingleThreadContext."""

from __future__ import annotations

import asyncio
import contextvars
import threading

from parity.library import Library, attempt, outcome, program
from parity.loops import running_loop
from parity.placement import sensitive_inside


@program
def thread_of_a_context(lib: Library) -> object:
    async def main() -> object:
        ask = lib.sync_to_async(threading.current_thread)
        async with lib.ThreadSensitiveContext():
            where = await lib.sync_to_async(lib.where)()
            first, second = await ask(), await ask()
        async with lib.ThreadSensitiveContext():
            other = await ask()
        return where, first is second, first is other

    return asyncio.run(main())


@program
def thread_of_a_context_in_tasks(lib: Library) -> object:
    async def main() -> object:
        ask = lib.sync_to_async(threading.current_thread)
        async with lib.ThreadSensitiveContext():
            threads = [await ask(), *await asyncio.gather(ask(), ask())]
        return len(set(threads))

    return asyncio.run(main())


@program
def two_contexts_at_once_have_two_threads(lib: Library) -> object:
    async def one(both: threading.Barrier) -> int:
        async with lib.ThreadSensitiveContext():
            place: int = await lib.sync_to_async(both.wait)(20)
            return place

    async def main() -> object:
        both = threading.Barrier(2)
        return sorted(await asyncio.gather(one(both), one(both)))

    return asyncio.run(main())


@program
def thread_of_a_context_in_a_frame(lib: Library) -> object:
    async def main() -> object:
        async with lib.ThreadSensitiveContext():
            return await lib.sync_to_async(lib.where)()

    return lib.async_to_sync(main)()


@program
def thread_of_a_context_with_executor(lib: Library) -> object:
    async def main() -> object:
        async with lib.ThreadSensitiveContext(executor=lib.executor()):
            inside = await lib.sync_to_async(lib.where)()
        return inside, await lib.sync_to_async(lib.where)()

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def frame_in_a_context(lib: Library) -> object:
    async def main() -> object:
        async with lib.ThreadSensitiveContext():
            return await lib.sync_to_async(sensitive_inside(lib))()

    return asyncio.run(main())


@program
def frame_in_a_context_with_executor(lib: Library) -> object:
    async def main() -> object:
        async with lib.ThreadSensitiveContext(executor=lib.executor()):
            inside = await lib.sync_to_async(sensitive_inside(lib))()
            pooled = await lib.sync_to_async(sensitive_inside(lib), thread_sensitive=False)()
            return inside, pooled

    return asyncio.run(main())


@program
def insensitive_in_a_context_with_executor(lib: Library) -> object:
    async def main() -> object:
        async with lib.ThreadSensitiveContext(executor=lib.executor()):
            return await lib.sync_to_async(lib.where, thread_sensitive=False)()

    return asyncio.run(main())


@program
def only_the_outermost_context_counts(lib: Library) -> object:
    async def main() -> object:
        ask = lib.sync_to_async(threading.current_thread)
        outer, inner = lib.ThreadSensitiveContext(), lib.ThreadSensitiveContext()
        in_force = lib.SyncToAsync.thread_sensitive_context
        async with outer as entered_outer:
            first = await ask()
            async with inner as entered_inner:
                second = await ask()
                counts = in_force.get() is outer
            third = await ask()
        same = first is second is third
        return same, counts, entered_outer is outer, entered_inner is inner, in_force.get(None)

    return asyncio.run(main())


@program
def context_entered_again_while_it_is_in_force(lib: Library) -> object:
    async def main() -> object:
        context = lib.ThreadSensitiveContext()
        async with context:
            first = await lib.sync_to_async(lib.where)()
            async with context:
                second = await lib.sync_to_async(lib.where)()
            return first, second, await lib.sync_to_async(lib.where)()

    return asyncio.run(main())


@program
def context_may_be_entered_again_after_leaving(lib: Library) -> object:
    async def main() -> object:
        context = lib.ThreadSensitiveContext()
        async with context:
            first = await lib.sync_to_async(lib.where)()
        async with context:
            return first, await lib.sync_to_async(lib.where)()

    return asyncio.run(main())


@program
def contexts_with_executors_nest(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        one, two = lib.executor("one"), lib.executor("two")
        seen = []
        async with lib.ThreadSensitiveContext(executor=one):
            seen.append(await where())
            async with lib.ThreadSensitiveContext():
                seen.append(await where())
            async with lib.ThreadSensitiveContext(executor=two):
                seen.append(await where())
                async with lib.ThreadSensitiveContext():
                    seen.append(await where())
            seen.append(await where())
        return seen

    return asyncio.run(main())


@program
def context_with_executor_wins_over_one_without(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        async with lib.ThreadSensitiveContext():
            before = await where()
            async with lib.ThreadSensitiveContext(executor=lib.executor()):
                inside = await where()
            return before, inside, await where()

    return asyncio.run(main())


@program
def executor_of_a_context_is_not_shut_down(lib: Library) -> object:
    async def main() -> object:
        executor = lib.executor()
        async with lib.ThreadSensitiveContext(executor=executor):
            await lib.sync_to_async(int)()
        return executor.submit(lib.where).result()

    return asyncio.run(main())


@program
def context_with_executor_entered_twice(lib: Library) -> object:
    async def enter(context: object) -> None:
        async with context:  # type: ignore[attr-defined]  # either library's context
            pass

    async def main() -> object:
        used = lib.ThreadSensitiveContext(executor=lib.executor())
        await enter(used)
        open_one = lib.ThreadSensitiveContext(executor=lib.executor())
        async with open_one:
            nested = await outcome(enter(open_one))
        return await outcome(enter(used)), nested

    return asyncio.run(main())


@program
def task_that_outlives_a_context_with_executor(lib: Library) -> object:
    async def main() -> object:
        left = asyncio.Event()

        async def late() -> object:
            await left.wait()
            insensitive = lib.sync_to_async(lib.where, thread_sensitive=False)
            return await outcome(lib.sync_to_async(lib.where)()), await insensitive()

        async with lib.ThreadSensitiveContext(executor=lib.executor()):
            task = asyncio.create_task(late())
        left.set()
        return await task

    return asyncio.run(main())


@program
def task_that_outlives_a_context(lib: Library) -> object:
    async def main() -> object:
        left = asyncio.Event()

        async def late() -> object:
            await left.wait()
            return await outcome(lib.sync_to_async(len)("done"))

        async with lib.ThreadSensitiveContext():
            task = asyncio.create_task(late())
        left.set()
        return await task

    return asyncio.run(main())


@program
def context_takes_its_executor_by_keyword_only(lib: Library) -> object:
    return attempt(lib.ThreadSensitiveContext, lib.executor())


@program
def executor_of_a_context_is_found_in_the_table(lib: Library) -> object:
    async def main() -> object:
        table = lib.SyncToAsync.context_to_thread_executor
        context = lib.ThreadSensitiveContext()
        async with context:
            before = context in table
            await lib.sync_to_async(int)()
            during = context in table
        return before, during, context in table

    return asyncio.run(main())


@program
def one_thread_for_async_code_in_a_single_thread_context(lib: Library) -> object:
    async def thread() -> threading.Thread:
        return threading.current_thread()

    ask = lib.async_to_sync(thread)
    with lib.AsyncSingleThreadContext() as entered:
        first, second = ask(), ask()
        with lib.AsyncSingleThreadContext():
            third = ask()
            outer_counts = lib.AsyncToSync.async_single_thread_context.get() is entered
        fourth = ask()
        copied = contextvars.copy_context()
        elsewhere = lib.in_thread(lambda: copied.run(ask))
        uninvolved = lib.in_thread(ask)
    same = first is second is third is fourth is elsewhere
    left = lib.AsyncToSync.async_single_thread_context.get(None)
    return same, first is uninvolved, outer_counts, left


@program
def one_loop_for_async_code_in_a_single_thread_context(lib: Library) -> object:
    with lib.AsyncSingleThreadContext():
        first = lib.async_to_sync(running_loop)()
        return first is lib.async_to_sync(running_loop)(), first.is_closed()


@program
def single_thread_context_gives_way_to_the_enclosing_loop(lib: Library) -> object:
    async def main() -> object:
        with lib.AsyncSingleThreadContext():
            inner = await lib.sync_to_async(lib.async_to_sync(running_loop))()
            return inner is asyncio.get_running_loop()

    return asyncio.run(main())


@program
def sensitive_calls_in_a_single_thread_context(lib: Library) -> object:
    with lib.AsyncSingleThreadContext():
        return sensitive_inside(lib)()


@program
def new_loop_forced_in_a_single_thread_context(lib: Library) -> object:
    with lib.AsyncSingleThreadContext():
        first = lib.async_to_sync(running_loop)()
        forced = lib.async_to_sync(running_loop, force_new_loop=True)()
        return forced is first, forced.is_closed()
