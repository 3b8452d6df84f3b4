"""Programs: lanes that are held, replaced or broken."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

from parity.library import Library, outcome, program


@program
def other_loop_in_the_lane(lib: Library) -> object:
    """The call would wait for the lane that waits for it."""

    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        return await lib.sync_to_async(lambda: asyncio.run(where()))()

    return asyncio.run(main())


@program
def other_loop_in_the_lane_through_the_pool(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)

        async def through_the_pool() -> object:
            again = lib.sync_to_async(lambda: asyncio.run(where()), thread_sensitive=False)
            return await again()

        return await lib.sync_to_async(lambda: asyncio.run(through_the_pool()))()

    return asyncio.run(main())


@program
def other_loop_in_the_lane_in_a_thread_with_its_context(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)

        def function() -> object:
            context = contextvars.copy_context()
            return lib.in_thread(lambda: context.run(asyncio.run, where()))

        return await lib.sync_to_async(function)()

    return asyncio.run(main())


@program
def other_loop_in_the_thread_of_a_frame(lib: Library) -> object:
    async def coroutine() -> object:
        where = lib.sync_to_async(lib.where)
        return await lib.sync_to_async(lambda: asyncio.run(where()))()

    return lib.async_to_sync(coroutine)()


@program
def other_loop_in_an_executor_with_a_second_worker(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        async with lib.ThreadSensitiveContext(executor=lib.executor(workers=2)):
            return await lib.sync_to_async(lambda: asyncio.run(where()))()

    return asyncio.run(main())


@program
def new_loop_forced_in_the_lane(lib: Library) -> object:
    async def main() -> object:
        where = lib.sync_to_async(lib.where)
        forced = lib.async_to_sync(where, force_new_loop=True)
        return await lib.sync_to_async(forced)()

    return asyncio.run(main())


class Refusing(ThreadPoolExecutor):
    def submit(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        raise RuntimeError("takes nothing")


@program
def call_after_one_that_could_not_be_submitted(lib: Library) -> object:
    class Refused(lib.SyncToAsync):  # type: ignore[misc, name-defined]  # known at run time
        single_thread_executor = Refusing(1)

    async def main() -> object:
        refused = await outcome(Refused(lib.where)())
        return refused, await outcome(lib.sync_to_async(lib.where)())

    return asyncio.run(main())


@program
def executor_that_was_shut_down(lib: Library) -> object:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    call = lib.sync_to_async(lib.where, thread_sensitive=False, executor=executor)
    return asyncio.run(call())


@program
def lane_replaced_in_a_subclass(lib: Library) -> object:
    class Elsewhere(lib.SyncToAsync):  # type: ignore[misc, name-defined]  # known at run time
        single_thread_executor = lib.executor()

    async def main() -> object:
        return await Elsewhere(lib.where)(), await lib.sync_to_async(lib.where)()

    return asyncio.run(main())


@program
def lane_replaced_for_everybody(lib: Library) -> object:
    async def main() -> object:
        bridge = lib.sync_to_async(lib.where)
        before = lib.SyncToAsync.single_thread_executor
        lib.SyncToAsync.single_thread_executor = lib.executor()
        try:
            replaced = await bridge()
        finally:
            lib.SyncToAsync.single_thread_executor = before
        return replaced, await bridge()

    return asyncio.run(main())
