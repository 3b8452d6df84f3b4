"""Programs: on which loop a coroutine runs, and what becomes of the loop."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from parity.library import Library, attempt, outcome, program


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@program
def loop_of_the_enclosing_call(lib: Library) -> object:
    async def main() -> object:
        enter = lib.async_to_sync(running_loop)
        loop = asyncio.get_running_loop()
        lane = await lib.sync_to_async(enter)()
        pool = await lib.sync_to_async(enter, thread_sensitive=False)()
        executor = lib.executor()
        own = await lib.sync_to_async(enter, thread_sensitive=False, executor=executor)()
        return lane is loop, pool is loop, own is loop

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def loop_when_a_new_one_is_forced(lib: Library) -> object:
    async def coroutine() -> object:
        return asyncio.get_running_loop(), lib.where(), await lib.sync_to_async(lib.where)()

    async def main() -> object:
        forced = lib.async_to_sync(coroutine, force_new_loop=True)
        loop, where, sensitive = await lib.sync_to_async(forced)()
        return loop is asyncio.get_running_loop(), loop.is_closed(), where, sensitive

    return asyncio.run(main())


@program
def loop_after_the_call(lib: Library) -> object:
    """Whether it is closed, and whether it does the next call."""
    first = lib.async_to_sync(running_loop)()
    return first.is_closed(), lib.async_to_sync(running_loop)() is first


@program
def loop_in_a_thread_of_the_users_in_a_call(lib: Library) -> object:
    """A thread that the wrapped function starts is not part of the call."""

    async def main() -> object:
        async def coroutine() -> object:
            same = asyncio.get_running_loop() is loop
            return same, await lib.sync_to_async(lib.where)()

        def function() -> object:
            context = contextvars.copy_context()
            enter = lib.async_to_sync(coroutine)
            return lib.in_thread(enter), lib.in_thread(lambda: context.run(enter))

        loop = asyncio.get_running_loop()
        return await lib.sync_to_async(function)()

    return asyncio.run(main())


@program
def loop_in_to_thread(lib: Library) -> object:
    async def main() -> object:
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(lib.async_to_sync(running_loop)) is loop

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def loop_in_a_thread_that_once_ran_a_call(lib: Library) -> object:
    """Whether a frame takes the loop of a call that has ended in its thread."""

    async def main() -> object:
        executor, loop = lib.executor(), asyncio.get_running_loop()
        await lib.sync_to_async(int, thread_sensitive=False, executor=executor)()
        return await loop.run_in_executor(executor, lib.async_to_sync(running_loop)) is loop

    return asyncio.run(main())


@program
def left_over_tasks_of_a_frame(lib: Library) -> object:
    log: list[str] = []
    kept: list[object] = []

    async def left_over(started: asyncio.Event) -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            await asyncio.sleep(0)
            log.append("cleaned up")
            raise

    async def generator() -> Any:
        try:
            yield 1
        finally:
            log.append("generator closed")

    async def coroutine() -> str:
        started = asyncio.Event()
        numbers = generator()
        await anext(numbers)
        kept.extend([asyncio.create_task(left_over(started)), numbers])
        await started.wait()
        return "result"

    return lib.async_to_sync(coroutine)(), log


@program
def left_over_task_that_swallows_its_cancellation(lib: Library) -> object:
    log: list[str] = []

    async def left_over(started: asyncio.Event) -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("swallowed")
        await asyncio.sleep(0)
        log.append("finished")

    async def coroutine() -> str:
        started = asyncio.Event()
        task = asyncio.create_task(left_over(started))
        await started.wait()
        return "result" if not task.done() else "too early"

    return lib.async_to_sync(coroutine)(), log


@program
def error_of_a_left_over_task(lib: Library) -> object:
    reported: list[object] = []

    async def left_over(started: asyncio.Event) -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            raise ValueError("left over")

    async def coroutine() -> str:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, report: reported.append(repr(report["exception"])))
        started = asyncio.Event()
        task = asyncio.create_task(left_over(started))
        await started.wait()
        return "result" if not task.done() else "too early"

    return lib.async_to_sync(coroutine)(), reported


@program
def left_over_task_on_a_users_loop_is_left_alone(lib: Library) -> object:
    async def main() -> object:
        go_on = asyncio.Event()
        tasks: list[asyncio.Task[object]] = []

        async def coroutine() -> None:
            tasks.append(asyncio.create_task(go_on.wait()))

        await lib.sync_to_async(lib.async_to_sync(coroutine))()
        go_on.set()
        return await outcome(tasks[0])

    return asyncio.run(main())


@program
def coroutine_that_stops_its_loop(lib: Library) -> object:
    async def coroutine() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.Event().wait()

    stopped = attempt(lib.async_to_sync(coroutine))
    return stopped, lib.async_to_sync(running_loop)() is not None


@program
def sensitive_call_in_the_cleanup_of_a_left_over_task(lib: Library) -> object:
    """The frame still waits while its left-over tasks are cancelled."""
    seen: list[object] = []

    async def left_over(started: asyncio.Event) -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            seen.append(await outcome(lib.sync_to_async(lib.where)()))

    tasks: list[asyncio.Task[None]] = []

    async def coroutine() -> None:
        started = asyncio.Event()
        tasks.append(asyncio.create_task(left_over(started)))
        await started.wait()

    lib.async_to_sync(coroutine)()
    return seen, lib.in_thread(lib.async_to_sync(coroutine)), seen


@program
def loop_of_the_enclosing_call_after_work_of_a_new_loop(lib: Library) -> object:
    """Whether it is the one that awaits the call, before and after a sensitive call elsewhere."""

    async def nothing() -> None:
        await lib.sync_to_async(int)()

    async def main() -> object:
        home = asyncio.get_running_loop()

        async def at_home() -> bool:
            return asyncio.get_running_loop() is home

        def function() -> object:
            before = lib.async_to_sync(at_home)()
            lib.async_to_sync(nothing, force_new_loop=True)()
            return before, lib.async_to_sync(at_home)()

        return await lib.sync_to_async(function)()

    return asyncio.run(main())
