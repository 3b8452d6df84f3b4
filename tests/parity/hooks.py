"""Programs: where users hook in, by subclassing, replacing and reading."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from typing import Any

from parity.bridges import async_plain, plain
from parity.library import Library, attempt, outcome, program

VARIABLE: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="unset")


@program
def subclass_that_overrides_call(lib: Library) -> object:
    class Loud(lib.SyncToAsync):  # type: ignore[misc, name-defined]  # known at run time
        async def __call__(self, *args: object, **kwargs: object) -> object:
            return "loud", await super().__call__(*args, **kwargs)

    class LoudSync(lib.AsyncToSync):  # type: ignore[misc, name-defined]  # known at run time
        def __call__(self, *args: object, **kwargs: object) -> object:
            return "loud", super().__call__(*args, **kwargs)

    class Holder:
        method = Loud(lambda self, first: first)

        async def coroutine(self, first: int) -> int:
            return first

        to_sync = LoudSync(coroutine)

    async def main() -> object:
        return await Loud(plain)(1), await Holder().method(2)

    return asyncio.run(main()), LoudSync(async_plain)(1), Holder().to_sync(2)


@program
def arguments_of_thread_handler(lib: Library) -> object:
    seen: list[object] = []

    class Seeing(lib.SyncToAsync):  # type: ignore[misc, name-defined]  # known at run time
        def thread_handler(self, *args: Any, **kwargs: Any) -> object:
            loop, exc_info, task_context, func, child = args
            seen.append(
                (
                    isinstance(loop, asyncio.AbstractEventLoop),
                    exc_info,
                    task_context,
                    callable(func),
                    isinstance(child, functools.partial),
                    child.func is self.func,
                    child.args,
                    child.keywords,
                    kwargs,
                    VARIABLE.get(),
                    lib.where(),
                )
            )
            return super().thread_handler(*args, **kwargs)

    async def main() -> object:
        VARIABLE.set("caller")
        return await Seeing(plain)(1, second=3), await Seeing(plain, False)(1)

    return asyncio.run(main()), lib.async_to_sync(main)(), seen


def edits_keywords(standard: Any, *args: Any) -> object:
    args[-1].keywords["second"] = "edited"
    return standard(*args)


def passes_another_child(standard: Any, *args: Any) -> object:
    return standard(*args[:-1], functools.partial(args[-1].func, "other"))


def passes_another_func(standard: Any, *args: Any) -> object:
    bridge, loop, exc_info, task_context, func, child = args
    return standard(bridge, loop, exc_info, task_context, lambda job: ("wrapped", func(job)), child)


def calls_func(standard: Any, *args: Any) -> object:
    return args[-2](args[-1])


def calls_child(standard: Any, *args: Any) -> object:
    return args[-1]()


def calls_nothing(standard: Any, *args: Any) -> object:
    return "nothing was called"


def raises(standard: Any, *args: Any) -> object:
    raise ValueError


@program
def thread_handlers_that_change_the_call(lib: Library) -> object:
    def function(first: object, second: object = 2) -> object:
        before = VARIABLE.get()
        VARIABLE.set("function")
        return first, second, before

    async def one(handler: Any) -> object:
        standard = lib.SyncToAsync.thread_handler
        override = functools.partialmethod(lambda *args: handler(standard, *args))
        cls: Any = type("Override", (lib.SyncToAsync,), {"thread_handler": override})
        VARIABLE.set("caller")
        return await outcome(cls(function)(1)), VARIABLE.get()

    async def main() -> object:
        return [
            await one(edits_keywords),
            await one(passes_another_child),
            await one(passes_another_func),
            await one(calls_func),
            await one(calls_child),
            await one(calls_nothing),
            await one(raises),
        ]

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def thread_handler_replaced_afterwards(lib: Library) -> object:
    async def main() -> object:
        bridge, other = lib.sync_to_async(plain), lib.sync_to_async(plain)
        other.thread_handler = lambda *args: ("on the instance", len(args))
        instance = await other(1)
        before = lib.SyncToAsync.thread_handler
        lib.SyncToAsync.thread_handler = lambda *args: ("on the class", len(args))
        try:
            on_class = await bridge(1)
        finally:
            lib.SyncToAsync.thread_handler = before
        return instance, on_class, await bridge(1)

    return asyncio.run(main())


@program
def arguments_of_main_wrap(lib: Library) -> object:
    seen: list[object] = []

    class Seeing(lib.AsyncToSync):  # type: ignore[misc, name-defined]  # known at run time
        async def main_wrap(self, *args: Any, **kwargs: Any) -> None:
            call_result, exc_info, _, context, awaitable = args
            seen.append(
                (
                    call_result.done(),
                    exc_info,
                    [type(one).__name__ for one in context],
                    inspect.iscoroutine(awaitable),
                    kwargs,
                    lib.where(),
                )
            )
            await super().main_wrap(*args, **kwargs)
            seen.append((call_result.result(), len(context), context[0][VARIABLE]))

    async def coroutine() -> str:
        VARIABLE.set("coroutine")
        return "result"

    top = Seeing(coroutine)()
    return top, VARIABLE.get(), asyncio.run(lib.sync_to_async(Seeing(coroutine))()), seen


@program
def main_wraps_that_change_the_call(lib: Library) -> object:
    class Answers(lib.AsyncToSync):  # type: ignore[misc, name-defined]  # known at run time
        async def main_wrap(self, call_result: Any, *args: Any) -> None:
            args[-1].close()
            call_result.set_result("another answer")

    class Raises(lib.AsyncToSync):  # type: ignore[misc, name-defined]  # known at run time
        async def main_wrap(self, call_result: Any, *args: Any) -> None:
            args[-1].close()
            raise ValueError

    # One that sets no result is left out: asgiref waits for it for ever.
    return attempt(Answers(async_plain), 1), attempt(Raises(async_plain), 1)


@program
def executors_while_frames_wait(lib: Library) -> object:
    """Which executor is current, told by position; and which loops are in the table."""
    executors, table = lib.AsyncToSync.executors, lib.AsyncToSync.loop_thread_executors
    met: list[object] = [None]

    def current() -> int:
        found = getattr(executors, "current", None)
        if found not in met:
            met.append(found)
        return met.index(found)

    async def inner() -> object:
        return current(), len(table)

    def function() -> object:
        return current(), lib.async_to_sync(inner)(), current()

    async def outer() -> object:
        found = [current(), len(table), table[asyncio.get_running_loop()] is met[1]]
        return found, await lib.sync_to_async(function)(), current()

    async def without_frame() -> object:
        return current(), await lib.sync_to_async(current)(), len(table)

    framed = lib.async_to_sync(outer)()
    shape = [isinstance(one, lib.CurrentThreadExecutor) for one in met[1:]]
    return framed, shape, current(), len(table), asyncio.run(without_frame())


@program
def enclosing_loop_seen_in_threadlocal(lib: Library) -> object:
    def function() -> object:
        return lib.SyncToAsync.threadlocal.main_event_loop

    async def main() -> object:
        return await lib.sync_to_async(function)() is asyncio.get_running_loop()

    return asyncio.run(main())


@program
def deadlock_context_seen_in_calls(lib: Library) -> object:
    def function() -> object:
        return bool(lib.SyncToAsync.deadlock_context.get(False))

    async def main() -> object:
        lane = await lib.sync_to_async(function)()
        pool = await lib.sync_to_async(function, thread_sensitive=False)()
        return lane, pool, function()

    return asyncio.run(main())
