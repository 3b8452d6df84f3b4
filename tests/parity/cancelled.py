"""Programs: cancelling a call."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from parity.library import LIMIT, Library, kind, outcome, program

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

Log = list[object]
AsyncFunction = Callable[[], Coroutine[Any, Any, object]]


async def cancel_while_inside(lib: Library, inner: AsyncFunction, log: Log) -> None:
    """Cancel a sync function that waits for a coroutine; log what each of them sees."""
    started = asyncio.Event()

    async def coroutine() -> object:
        started.set()
        return await inner()

    def function() -> object:
        try:
            result = lib.async_to_sync(coroutine)()
        except BaseException as error:
            log.append(f"function: {kind(error)}")
            raise
        log.append(f"function: {result}")
        return result

    task = asyncio.create_task(lib.sync_to_async(function)())
    await started.wait()
    task.cancel()
    log.append(await outcome(task))
    log.append(task.cancelled())


@program
def cancelled_while_queued(lib: Library) -> object:
    async def main() -> object:
        begun, go_on = threading.Event(), threading.Event()
        ran: list[str] = []

        def first() -> None:
            begun.set()
            go_on.wait(LIMIT)

        running = asyncio.create_task(lib.sync_to_async(first)())
        await asyncio.to_thread(begun.wait, LIMIT)
        queued = asyncio.create_task(lib.sync_to_async(ran.append)("ran"))
        await asyncio.sleep(0)
        queued.cancel()
        result = await outcome(queued)
        go_on.set()
        await running
        await lib.sync_to_async(int)()
        return result, ran

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def cancelled_before_the_first_step(lib: Library) -> object:
    async def main() -> object:
        ran: list[str] = []
        task = asyncio.create_task(lib.sync_to_async(ran.append)("ran"))
        task.cancel()
        result = await outcome(task)
        await lib.sync_to_async(int)()
        return result, ran

    return asyncio.run(main())


@program
def cancelled_while_the_function_blocks(lib: Library) -> object:
    """The awaiting task does not wait for a function that cannot be told."""

    async def one(*, sensitive: bool) -> object:
        begun, go_on, left = threading.Event(), threading.Event(), threading.Event()

        def function() -> None:
            begun.set()
            go_on.wait(LIMIT)
            left.set()

        task = asyncio.create_task(lib.sync_to_async(function, thread_sensitive=sensitive)())
        await asyncio.to_thread(begun.wait, LIMIT)
        task.cancel()
        result = await outcome(task)
        still_running = not left.is_set()
        go_on.set()
        return result, still_running, await asyncio.to_thread(left.wait, LIMIT)

    async def main() -> object:
        return await one(sensitive=True), await one(sensitive=False)

    return asyncio.run(main())


@program
def coroutine_entered_after_the_cancellation(lib: Library) -> object:
    async def main() -> object:
        begun, go_on, left = threading.Event(), threading.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        log: Log = []

        async def late() -> str:
            log.append("started")
            await asyncio.sleep(0)
            return "finished"

        def function() -> None:
            begun.set()
            go_on.wait(LIMIT)
            log.append(lib.async_to_sync(late)())
            loop.call_soon_threadsafe(left.set)

        task = asyncio.create_task(lib.sync_to_async(function)())
        await asyncio.to_thread(begun.wait, LIMIT)
        task.cancel()
        log.append(await outcome(task))
        go_on.set()
        await left.wait()
        return log

    return asyncio.run(main())


@program
def coroutine_inside_is_cancelled_and_cleaned_up_first(lib: Library) -> object:
    async def main() -> object:
        log: Log = []

        async def inner() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("inner: cancelled")
                await asyncio.sleep(0)
                log.append("inner: cleaned up")
                raise

        await cancel_while_inside(lib, inner, log)
        return log

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def coroutine_inside_swallows_the_cancellation(lib: Library) -> object:
    async def main() -> object:
        log: Log = []

        async def inner() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("inner: cancelled")
            await asyncio.sleep(0)
            return "swallowed"

        await cancel_while_inside(lib, inner, log)
        return log

    return asyncio.run(main())


@program
def coroutine_inside_answers_the_cancellation_with_an_error(lib: Library) -> object:
    async def main() -> object:
        log: Log = []

        async def inner() -> str:
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError

        await cancel_while_inside(lib, inner, log)
        return log

    return asyncio.run(main())


@program
def coroutine_inside_shields_its_work(lib: Library) -> object:
    async def main() -> object:
        log: Log = []
        go_on = asyncio.Event()
        shielded: list[asyncio.Task[object]] = []

        async def work() -> str:
            await go_on.wait()
            return "work: finished"

        async def inner() -> None:
            shielded.append(asyncio.create_task(work()))
            await asyncio.shield(shielded[0])

        await cancel_while_inside(lib, inner, log)
        log.append(shielded[0].done())
        go_on.set()
        log.append(await shielded[0])
        return log

    return asyncio.run(main())


@program
def call_that_is_shielded(lib: Library) -> object:
    async def main() -> object:
        log: Log = []
        started, go_on = asyncio.Event(), asyncio.Event()

        async def coroutine() -> str:
            started.set()
            await go_on.wait()
            return "finished"

        call = asyncio.ensure_future(lib.sync_to_async(lib.async_to_sync(coroutine))())
        task = asyncio.ensure_future(asyncio.shield(call))
        await started.wait()
        task.cancel()
        log.append(await outcome(task))
        go_on.set()
        log.append(await outcome(call))
        return log

    return asyncio.run(main())


@program
def cancelled_more_than_once(lib: Library) -> object:
    async def main() -> object:
        log: Log = []
        seen = [asyncio.Event() for _ in range(3)]

        async def coroutine() -> str:
            for number, event in enumerate(seen):
                event.set()
                if number == 2:
                    return "finished"
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    log.append(f"cancelled {number}")
            return "never here"

        task = asyncio.create_task(lib.sync_to_async(lib.async_to_sync(coroutine))())
        await seen[0].wait()
        task.cancel()
        await seen[1].wait()
        task.cancel()
        log.append(await outcome(task))
        return log, task.cancelled(), task.cancelling()

    return asyncio.run(main())


async def cancel_and_let_the_function_end(
    lib: Library, end: Callable[[], object], log: Log
) -> object:
    started = asyncio.Event()

    async def coroutine() -> None:
        started.set()
        await asyncio.Event().wait()

    def function() -> object:
        try:
            lib.async_to_sync(coroutine)()
        except asyncio.CancelledError:
            log.append("function: cancelled")
        return end()

    task = asyncio.create_task(lib.sync_to_async(function)())
    await started.wait()
    task.cancel()
    return await outcome(task), task.cancelled()


@program
def function_swallows_the_cancellation(lib: Library) -> object:
    async def main() -> object:
        log: Log = []
        return await cancel_and_let_the_function_end(lib, lambda: "value", log), log

    return asyncio.run(main())


@program
def function_answers_the_cancellation_with_an_error(lib: Library) -> object:
    async def main() -> object:
        log: Log = []
        return await cancel_and_let_the_function_end(lib, lambda: 1 / 0, log), log

    return asyncio.run(main())


@program
def function_enters_another_coroutine_after_the_cancelled_one(lib: Library) -> object:
    async def main() -> object:
        log: Log = []

        async def second() -> str:
            log.append("second: started")
            await asyncio.sleep(0)
            return "second: finished"

        end = lib.async_to_sync(second)
        return await cancel_and_let_the_function_end(lib, end, log), log

    return asyncio.run(main())


@program
def timeout_of_a_call(lib: Library) -> object:
    async def main() -> object:
        log: Log = []
        began = asyncio.Event()

        async def coroutine() -> None:
            try:
                began.set()
                await asyncio.Event().wait()
            finally:
                log.append("cleaned up")

        async def limited() -> None:
            async with asyncio.timeout(None) as limit:
                call = asyncio.ensure_future(lib.sync_to_async(lib.async_to_sync(coroutine))())
                await began.wait()
                limit.reschedule(asyncio.get_running_loop().time())
                await call

        return await outcome(limited()), log

    return asyncio.run(main())


@program
def variables_of_a_cancelled_call(lib: Library) -> object:
    async def main() -> object:
        started = asyncio.Event()

        async def coroutine() -> None:
            VARIABLE.set("coroutine")
            started.set()
            await asyncio.Event().wait()

        async def caller() -> str:
            await outcome(lib.sync_to_async(lib.async_to_sync(coroutine))())
            return VARIABLE.get()

        task = asyncio.create_task(caller())
        await started.wait()
        task.cancel()
        return await task

    return asyncio.run(main())


@program
def cancelled_through_two_frames(lib: Library) -> object:
    async def main() -> object:
        log: Log = []

        async def innermost() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("innermost: cancelled")
                raise

        async def inner() -> object:
            await cancel_while_inside(lib, innermost, log)
            return "inner: finished"

        log.append(await lib.sync_to_async(lib.async_to_sync(inner))())
        return log

    return asyncio.run(main())


@program
def frame_that_is_cancelled_through_its_task(lib: Library) -> object:
    """A coroutine may cancel its own task."""

    async def coroutine() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()

    try:
        lib.async_to_sync(coroutine)()
    except BaseException as error:
        return kind(error)
    return "nothing raised"
