"""Programs: Local, both kinds."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from parity.library import Library, attempt, outcome, program

if TYPE_CHECKING:
    from collections.abc import Callable


def read(local: Any) -> object:
    return getattr(local, "value", "nothing")


def swap(local: Any, value: object) -> object:
    before = read(local)
    local.value = value
    return before


async def async_swap(local: Any, value: object) -> object:
    return swap(local, value)


def both(lib: Library, use: Callable[[Any], object]) -> object:
    """The outcome with the default kind and with the thread-critical kind."""
    return attempt(use, lib.Local()), attempt(use, lib.Local(thread_critical=True))


@program
def attributes(lib: Library) -> object:
    def use(local: Any) -> object:
        missing = attempt(getattr, local, "value"), attempt(delattr, local, "value")
        local.value, local.other = 1, None
        present = local.value, local.other
        del local.value
        return missing, present, hasattr(local, "value"), hasattr(local, "other")

    return both(lib, use)


@program
def attribute_names(lib: Library) -> object:
    def use(local: Any) -> object:
        local.__odd__ = 1
        return local.__odd__, attempt(setattr, local, 1, 1), hasattr(local, "__name__")

    return both(lib, use)


@program
def making_one(lib: Library) -> object:
    def make_subclass() -> object:
        # asgiref lets the class be made and refuses to make an instance.
        return type("Sub", (lib.Local,), {})()

    return (
        isinstance(lib.Local(), lib.Local),
        isinstance(lib.Local(True), lib.Local),
        attempt(lib.Local, False, 1),
        attempt(lib.Local, value=1),
        attempt(make_subclass),
    )


@program
def in_a_plain_thread(lib: Library) -> object:
    def use(local: Any) -> object:
        local.value = "caller"
        context = contextvars.copy_context()
        bare = lib.in_thread(lambda: swap(local, "thread"))
        copied = lib.in_thread(lambda: context.run(read, local))
        return bare, copied, read(local)

    return both(lib, use)


@program
def in_to_thread(lib: Library) -> object:
    def use(local: Any) -> object:
        async def main() -> object:
            local.value = "main"
            in_thread = await asyncio.to_thread(swap, local, "thread")
            return in_thread, read(local)

        return asyncio.run(main()), lib.async_to_sync(main)()

    return both(lib, use)


@program
def in_tasks(lib: Library) -> object:
    def use(local: Any) -> object:
        async def main() -> object:
            local.value = "main"
            task = await asyncio.create_task(async_swap(local, "task"))
            gathered = await asyncio.gather(async_swap(local, "a"), async_swap(local, "b"))
            kept = read(local)
            awaited = await async_swap(local, "awaited")
            return task, gathered, kept, awaited, read(local)

        return asyncio.run(main())

    return both(lib, use)


@program
def in_a_task_started_before_a_write(lib: Library) -> object:
    def use(local: Any) -> object:
        async def main() -> object:
            local.value = "before"
            task = asyncio.create_task(async_swap(local, "task"))
            local.value = "after"
            return await task, read(local)

        return asyncio.run(main())

    return both(lib, use)


@program
def in_a_task_with_an_empty_context(lib: Library) -> object:
    async def main() -> object:
        local = lib.Local()
        local.value = "main"
        loop = asyncio.get_running_loop()
        return await loop.create_task(async_swap(local, "task"), context=contextvars.Context())

    return asyncio.run(main())


@program
def in_asyncio_run(lib: Library) -> object:
    def use(local: Any) -> object:
        local.value = "caller"
        return asyncio.run(async_swap(local, "main")), read(local)

    return both(lib, use)


@program
def in_callbacks(lib: Library) -> object:
    def use(local: Any) -> object:
        async def main() -> object:
            local.value = "main"
            seen: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(lambda: seen.set_result(swap(local, "back")))
            return await seen, read(local)

        return asyncio.run(main())

    return both(lib, use)


@program
def in_a_context_run(lib: Library) -> object:
    def use(local: Any) -> object:
        local.value = "before"
        context = contextvars.copy_context()
        local.value = "after"
        in_context = context.run(swap, local, "context")
        return in_context, context.run(read, local), read(local)

    return use(lib.Local())


@program
def across_a_hop_to_a_thread(lib: Library) -> object:
    async def one(local: Any, **options: Any) -> object:
        local.value = "main"
        inside = await lib.sync_to_async(swap, **options)(local, "function")
        return inside, read(local)

    async def main() -> object:
        executor = lib.executor()
        return [
            await one(lib.Local(kind), **options)
            for kind in (False, True)
            for options in (
                {},
                {"thread_sensitive": False},
                {"thread_sensitive": False, "executor": executor},
            )
        ]

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def across_a_hop_to_a_loop(lib: Library) -> object:
    def use(local: Any) -> object:
        local.value = "caller"
        inside = lib.async_to_sync(async_swap)(local, "coroutine")
        after = read(local)
        forced = lib.async_to_sync(async_swap, force_new_loop=True)(local, "forced")
        return inside, after, forced, read(local)

    return both(lib, use), lib.in_thread(lambda: both(lib, use))


@program
def across_hops_both_ways(lib: Library) -> object:
    def use(local: Any) -> object:
        def function() -> object:
            local.value = "function"
            return lib.async_to_sync(async_swap)(local, "inner"), read(local)

        async def main() -> object:
            local.value = "main"
            return await lib.sync_to_async(function)(), read(local)

        return asyncio.run(main()), lib.async_to_sync(main)(), read(local)

    return use(lib.Local())


@program
def thread_critical_across_hops_both_ways(lib: Library) -> object:
    def use(local: Any) -> object:
        def function() -> object:
            return read(local), lib.async_to_sync(async_swap)(local, "inner"), read(local)

        async def main() -> object:
            local.value = "main"
            return await lib.sync_to_async(function, thread_sensitive=False)(), read(local)

        return asyncio.run(main())

    return use(lib.Local(thread_critical=True))


@program
def thread_critical_in_one_frame_after_another(lib: Library) -> object:
    local = lib.Local(thread_critical=True)
    enter = lib.async_to_sync(async_swap)
    return enter(local, 1), enter(local, 2), read(local)


@program
def deleted_in_a_function(lib: Library) -> object:
    async def main() -> object:
        local = lib.Local()
        local.value = "main"
        await lib.sync_to_async(delattr)(local, "value")
        return hasattr(local, "value")

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def written_before_an_error(lib: Library) -> object:
    def function(local: Any) -> None:
        local.value = "function"
        raise ValueError

    async def coroutine(local: Any) -> None:
        local.value = "coroutine"
        raise ValueError

    async def main() -> object:
        local = lib.Local()
        return await outcome(lib.sync_to_async(function)(local)), read(local)

    local = lib.Local()
    return asyncio.run(main()), attempt(lib.async_to_sync(coroutine), local), read(local)


@program
def with_a_given_context(lib: Library) -> object:
    async def main() -> object:
        local = lib.Local()
        local.value = "main"
        empty = lib.sync_to_async(swap, context=contextvars.Context())
        copied = lib.sync_to_async(swap, context=contextvars.copy_context())
        return (
            await empty(local, "empty"),
            await copied(local, "copied"),
            await copied(local, "again"),
            read(local),
        )

    return asyncio.run(main())


@program
def frame_in_a_thread_that_inherited_nothing(lib: Library) -> object:
    async def main() -> object:
        local = lib.Local()
        local.value = "main"
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lib.async_to_sync(async_swap), local, "frame")

    return asyncio.run(main())


@program
def frame_in_to_thread(lib: Library) -> object:
    """The frame adopts the copied context, though plain code in that thread does not see it."""

    async def main() -> object:
        local = lib.Local()
        local.value = "main"
        return await asyncio.to_thread(lib.async_to_sync(async_swap), local, "frame")

    return asyncio.run(main())


@program
def coroutine_sent_back_from_to_thread(lib: Library) -> object:
    def use(local: Any) -> object:
        async def main() -> object:
            local.value = "main"
            loop = asyncio.get_running_loop()

            def send() -> object:
                sent = asyncio.run_coroutine_threadsafe(async_swap(local, "sent"), loop)
                return sent.result(20)

            return await asyncio.to_thread(send), read(local)

        return asyncio.run(main())

    return both(lib, use)


@program
def values_are_the_same_objects(lib: Library) -> object:
    async def main() -> object:
        local = lib.Local()
        local.value = {}
        await asyncio.create_task(lib.sync_to_async(lambda: local.value.update(key=1))())
        return local.value

    return asyncio.run(main())


@program
def thread_critical_in_the_lane(lib: Library) -> object:
    """A thread local stays in its thread from call to call."""

    async def main() -> object:
        local = lib.Local(thread_critical=True)
        swap_in_lane = lib.sync_to_async(swap)
        return [await swap_in_lane(local, number) for number in range(3)], read(local)

    return asyncio.run(main())


@program
def default_in_the_lane(lib: Library) -> object:
    async def main() -> object:
        local = lib.Local()
        swap_in_lane = lib.sync_to_async(swap)
        return [await asyncio.create_task(swap_in_lane(local, number)) for number in range(3)]

    return asyncio.run(main())
