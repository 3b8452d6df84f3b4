"""Programs: what travels with a hop: context variables, the handled exception, errors."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from typing import Any

from parity.library import Library, attempt, kind, outcome, program

VARIABLE: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="unset")
BARE: contextvars.ContextVar[object] = contextvars.ContextVar("bare")


def swap(value: object) -> object:
    """Set the variable and tell what was there."""
    before = VARIABLE.get()
    VARIABLE.set(value)
    return before


async def async_swap(value: object) -> object:
    return swap(value)


@program
def variables_to_a_thread_and_back(lib: Library) -> object:
    async def main() -> object:
        VARIABLE.set("main")
        sensitive = await lib.sync_to_async(swap)("lane")
        insensitive = await lib.sync_to_async(swap, thread_sensitive=False)("pool")
        executor = lib.executor()
        own = lib.sync_to_async(swap, thread_sensitive=False, executor=executor)
        return sensitive, insensitive, await own("own"), VARIABLE.get()

    return asyncio.run(main()), lib.async_to_sync(main)(), VARIABLE.get()


@program
def variables_to_a_loop_and_back(lib: Library) -> object:
    VARIABLE.set("top")
    first = lib.async_to_sync(async_swap)("loop")
    second = lib.async_to_sync(async_swap, force_new_loop=True)("forced")
    return first, second, VARIABLE.get()


@program
def variables_through_both_ways(lib: Library) -> object:
    def function() -> object:
        before = swap("function")
        return before, lib.async_to_sync(async_swap)("inner"), VARIABLE.get()

    async def main() -> object:
        VARIABLE.set("main")
        seen = await lib.sync_to_async(function)()
        return seen, VARIABLE.get()

    return asyncio.run(main()), lib.async_to_sync(main)(), VARIABLE.get()


@program
def variables_set_before_an_error(lib: Library) -> object:
    def function() -> None:
        VARIABLE.set("before the error")
        raise ValueError

    async def coroutine() -> None:
        VARIABLE.set("before the async error")
        raise ValueError

    async def main() -> object:
        return await outcome(lib.sync_to_async(function)()), VARIABLE.get()

    from_thread = asyncio.run(main())
    return from_thread, attempt(lib.async_to_sync(coroutine)), VARIABLE.get()


@program
def variable_that_was_not_set_before(lib: Library) -> object:
    async def main() -> object:
        await lib.sync_to_async(BARE.set)("new")
        return BARE.get()

    return asyncio.run(main())


@program
def variable_set_and_reset_in_the_function(lib: Library) -> object:
    def function() -> None:
        BARE.reset(BARE.set("for a while"))

    async def main() -> object:
        await lib.sync_to_async(function)()
        unset = BARE.get("unset")
        BARE.set("main")
        await lib.sync_to_async(function)()
        return unset, BARE.get()

    return asyncio.run(main())


@program
def tokens_belong_to_one_side(lib: Library) -> object:
    async def main() -> object:
        outside = VARIABLE.set("outside")
        inside = await lib.sync_to_async(VARIABLE.set)("inside")
        wrong_side = await outcome(lib.sync_to_async(VARIABLE.reset)(outside))
        other_wrong_side = attempt(VARIABLE.reset, inside)
        VARIABLE.reset(outside)
        return wrong_side, other_wrong_side, VARIABLE.get()

    return asyncio.run(main())


@program
def variables_are_compared_by_identity(lib: Library) -> object:
    class Equal:
        __hash__ = None  # type: ignore[assignment]  # the point: nothing but identity works

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

    async def main() -> object:
        VARIABLE.set(Equal())
        inside = Equal()
        await lib.sync_to_async(VARIABLE.set)(inside)
        return VARIABLE.get() is inside

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def variables_with_a_given_context(lib: Library) -> object:
    async def main() -> object:
        VARIABLE.set("main")
        context = contextvars.copy_context()
        context.run(VARIABLE.set, "context")
        bridge = lib.sync_to_async(swap, context=context)
        first, second = await bridge("first"), await bridge("second")
        return first, second, VARIABLE.get(), context[VARIABLE]

    return asyncio.run(main())


@program
def given_context_used_twice_at_once(lib: Library) -> object:
    async def main() -> object:
        begun, go_on = threading.Event(), threading.Event()
        context = contextvars.copy_context()

        def first() -> None:
            begun.set()
            go_on.wait(20)

        def options() -> dict[str, Any]:
            return {"thread_sensitive": False, "context": context}

        task = asyncio.create_task(lib.sync_to_async(first, **options())())
        await asyncio.to_thread(begun.wait, 20)
        second = await outcome(lib.sync_to_async(int, **options())())
        go_on.set()
        await task
        return second

    return asyncio.run(main())


@program
def variables_of_tasks_stay_in_them(lib: Library) -> object:
    async def main() -> object:
        bridge = lib.sync_to_async(VARIABLE.set)
        await asyncio.gather(bridge("gather"))
        async with asyncio.TaskGroup() as group:
            group.create_task(bridge("group"))
        await asyncio.create_task(bridge("task"))
        return VARIABLE.get()

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def exception_handled_by_the_caller(lib: Library) -> object:
    async def coroutine() -> object:
        return sys.exc_info()[1]

    async def main() -> object:
        try:
            raise KeyError
        except KeyError as error:
            plain = await lib.sync_to_async(sys.exc_info)()
            through = await lib.sync_to_async(lib.async_to_sync(coroutine))()
            return plain[1] is error, plain[0], through is error

    def enter() -> object:
        try:
            raise KeyError
        except KeyError as error:
            return lib.async_to_sync(coroutine)() is error

    return asyncio.run(main()), enter(), lib.async_to_sync(main)()


@program
def no_exception_handled_by_the_caller(lib: Library) -> object:
    async def main() -> object:
        sensitive = await lib.sync_to_async(sys.exc_info)()
        return sensitive, await lib.sync_to_async(sys.exc_info, thread_sensitive=False)()

    async def coroutine() -> object:
        return sys.exc_info()

    return asyncio.run(main()), lib.async_to_sync(coroutine)()


@program
def context_of_an_exception(lib: Library) -> object:
    def function() -> None:
        raise ValueError

    async def coroutine() -> None:
        raise ValueError

    async def main() -> object:
        try:
            raise KeyError
        except KeyError as handled:
            try:
                await lib.sync_to_async(function)()
            except ValueError as error:
                return error.__context__ is handled, error.__cause__
            return "nothing raised"

    def enter() -> object:
        try:
            raise KeyError
        except KeyError as handled:
            try:
                lib.async_to_sync(coroutine)()
            except ValueError as error:
                return error.__context__ is handled, error.__cause__
            return "nothing raised"

    return asyncio.run(main()), enter()


@program
def traceback_of_a_handled_exception_grows(lib: Library) -> object:
    def length(error: BaseException) -> int:
        traceback, count = error.__traceback__, 0
        while traceback is not None:
            traceback, count = traceback.tb_next, count + 1
        return count

    async def coroutine() -> None:
        sys.exc_info()

    async def main() -> object:
        try:
            raise KeyError
        except KeyError as error:
            before = length(error)
            await lib.sync_to_async(int)()
            to_thread = length(error) > before
            before = length(error)
            await lib.sync_to_async(lib.async_to_sync(coroutine))()
            return to_thread, length(error) > before

    return asyncio.run(main())


@program
def same_exception_object(lib: Library) -> object:
    error = ValueError("the one")

    def function() -> None:
        raise error

    async def coroutine() -> None:
        raise error

    async def caught(function: Any) -> object:
        try:
            await lib.sync_to_async(function)()
        except ValueError as caught:
            return caught is error, caught.args, caught.__context__, caught.__cause__
        return "nothing raised"

    through = lib.async_to_sync(coroutine)
    same = False
    try:
        through()
    except ValueError as caught_here:
        same = caught_here is error
    return asyncio.run(caught(function)), asyncio.run(caught(through)), same


# Without GeneratorExit: a coroutine that awaits cannot be given one, Python closes it instead.
ODD_ERRORS = [
    StopAsyncIteration,
    asyncio.CancelledError,
    SystemExit,
    KeyboardInterrupt,
    BaseExceptionGroup,
]


def make(cls: type[BaseException]) -> BaseException:
    if cls is BaseExceptionGroup:
        return BaseExceptionGroup("both", [SystemExit(1), ValueError()])
    return cls("odd")


@program
def odd_errors_from_a_function(lib: Library) -> object:
    async def one(error: BaseException) -> object:
        def function() -> None:
            raise error

        try:
            await lib.sync_to_async(function)()
        except BaseException as caught:
            return caught is error
        return "nothing raised"

    async def main() -> object:
        seen = [await one(make(cls)) for cls in ODD_ERRORS]
        return seen, await lib.sync_to_async(lib.where)()

    return asyncio.run(main())


@program
def odd_errors_from_a_function_in_a_frame(lib: Library) -> object:
    async def one(error: BaseException) -> object:
        def function() -> None:
            raise error

        try:
            await lib.sync_to_async(function)()
        except BaseException as caught:
            return caught is error
        return "nothing raised"

    async def main() -> object:
        seen = [await one(make(cls)) for cls in ODD_ERRORS]
        return seen, await lib.sync_to_async(lib.where)()

    return lib.async_to_sync(main)()


@program
def odd_errors_from_a_coroutine(lib: Library) -> object:
    def one(error: BaseException) -> object:
        async def coroutine() -> None:
            raise error

        try:
            lib.async_to_sync(coroutine)()
        except BaseException as caught:
            # asyncio makes a new CancelledError on the way out of a cancelled task.
            return kind(caught)
        return "nothing raised"

    return [one(make(cls)) for cls in ODD_ERRORS], lib.async_to_sync(async_swap)("after")


# In the first releases of 3.12, and before, asyncio's future drops a StopIteration, and asgiref
# waits for it for ever.
@program(asgiref_needs=(3, 13))
def stop_iteration_from_a_function(lib: Library) -> object:
    def function() -> None:
        raise StopIteration(3)

    async def main() -> object:
        try:
            await lib.sync_to_async(function)()
        except BaseException as error:
            return kind(error), repr(error.__cause__)
        return "nothing raised"

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def stop_iteration_from_a_coroutine(lib: Library) -> object:
    async def coroutine() -> None:
        raise StopIteration(3)

    try:
        lib.async_to_sync(coroutine)()
    except BaseException as error:
        return kind(error), repr(error.__cause__)
    return "nothing raised"


@program
def wrong_arguments(lib: Library) -> object:
    async def main() -> object:
        return await outcome(lib.sync_to_async(swap)())

    return asyncio.run(main()), attempt(lib.async_to_sync(async_swap), 1, 2)


@program
def exception_handled_around_a_coroutine_that_has_caught_another(lib: Library) -> object:
    """asgiref throws an error into the coroutines, and CPython then forgets what is handled."""

    def fail() -> None:
        raise ValueError

    async def call() -> None:
        await lib.sync_to_async(fail)()

    async def catch() -> None:
        try:
            await call()
        except ValueError:
            return

    async def handle() -> object:
        await catch()
        error = sys.exception()
        return None if error is None else kind(error)

    async def main() -> object:
        try:
            raise KeyError
        except KeyError:
            return await handle()

    return asyncio.run(main())
