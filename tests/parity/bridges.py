"""Programs: what can be wrapped, what a bridge shows, and where users hook in."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from parity.library import Library, attempt, outcome, program

VARIABLE: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="unset")


def plain(first: int, second: int = 2) -> tuple[int, int]:
    """Say what came in."""
    return first, second


async def async_plain(first: int, second: int = 2) -> tuple[int, int]:
    """Say what came in, async."""
    return first, second


def generator() -> Any:
    yield 1


async def async_generator() -> Any:
    yield 1


class Callable:
    def __call__(self, first: int) -> int:
        return first


class AsyncCallable:
    async def __call__(self, first: int) -> int:
        return first


def made(wrap: Any, target: object) -> object:
    """Whether wrapping works, warns or raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = attempt(wrap, target)
    if caught:
        return caught[0].category.__name__
    return result if isinstance(result, str) else "made"


@program
def refused_by_sync_to_async(lib: Library) -> object:
    targets: tuple[Any, ...] = (
        3,
        async_plain,
        functools.partial(async_plain, 1),
        AsyncCallable(),
        AsyncCallable().__call__,
        lib.markcoroutinefunction(lambda: None),
        lib.SyncToAsync(plain),
        classmethod(lambda cls: cls),
    )
    return [made(lib.sync_to_async, target) for target in targets]


@program
def taken_by_sync_to_async(lib: Library) -> object:
    targets: tuple[Any, ...] = (
        plain,
        int,
        len,
        [].append,
        functools.partial(plain, 1),
        Callable(),
        lambda: async_plain(1),
    )
    return [made(lib.sync_to_async, target) for target in targets]


@program
def generators_given_to_sync_to_async(lib: Library) -> object:
    return made(lib.sync_to_async, generator), made(lib.sync_to_async, async_generator)


@program
def misplaced_static_method(lib: Library) -> object:
    return made(lib.sync_to_async, staticmethod(plain))


@program
def not_marked_async(lib: Library) -> object:
    targets = (plain, functools.partial(plain, 1), lambda: async_plain(1), Callable(), int)
    return [made(lib.async_to_sync, target) for target in targets]


@program
def not_callable(lib: Library) -> object:
    return made(lib.sync_to_async, 3), made(lib.async_to_sync, 3)


@program
def marked_async(lib: Library) -> object:
    targets: tuple[Any, ...] = (
        async_plain,
        functools.partial(async_plain, 1),
        AsyncCallable(),
        AsyncCallable().__call__,
        lib.sync_to_async(plain),
        lib.markcoroutinefunction(lambda: async_plain(1)),
    )
    return [made(lib.async_to_sync, target) for target in targets]


@program
def executor_that_is_not_allowed(lib: Library) -> object:
    executor = lib.executor()
    return (
        attempt(lib.sync_to_async, plain, executor=executor),
        attempt(lib.SyncToAsync, plain, True, executor),
        attempt(lambda: lib.sync_to_async(executor=executor)(plain)),
    )


@program
def executor_without_submit(lib: Library) -> object:
    """The outcome of wrapping, and of a call where that is possible."""
    wrapped: Any = attempt(lib.sync_to_async, plain, thread_sensitive=False, executor=object())
    return wrapped if isinstance(wrapped, str) else attempt(asyncio.run, outcome(wrapped(1)))


@program
def options_that_are_keywords_only(lib: Library) -> object:
    return attempt(lib.sync_to_async, plain, False), attempt(lib.async_to_sync, async_plain, True)


@program
def options_by_position_of_the_classes(lib: Library) -> object:
    context = contextvars.copy_context()
    bridge = lib.SyncToAsync(VARIABLE.set, False, lib.executor(), context)
    asyncio.run(bridge("set"))
    return VARIABLE.get(), context[VARIABLE], lib.AsyncToSync(async_plain, True)(1)


@program
def ways_to_write_it(lib: Library) -> object:
    async def main() -> object:
        return [
            await lib.sync_to_async(plain)(1),
            await lib.sync_to_async(func=plain)(1, second=3),
            await lib.sync_to_async()(plain)(1),
            await lib.sync_to_async(thread_sensitive=False)(plain)(1),
            await lib.SyncToAsync(plain)(1),
        ]

    return asyncio.run(main()), [
        lib.async_to_sync(async_plain)(1),
        lib.async_to_sync(awaitable=async_plain)(1, second=3),
        lib.async_to_sync()(async_plain)(1),
        lib.async_to_sync(force_new_loop=True)(async_plain)(1),
        lib.AsyncToSync(async_plain)(1),
    ]


@program
def what_a_bridge_to_async_shows(lib: Library) -> object:
    bridge = lib.sync_to_async(plain)
    return (
        bridge.__name__,
        bridge.__qualname__,
        bridge.__doc__,
        bridge.__wrapped__ is plain,
        bridge.func is plain,
        str(inspect.signature(bridge)),
        lib.iscoroutinefunction(bridge),
        # On 3.11, where it knows no marks, a function of asgiref's is none to it.
        sys.version_info < (3, 12) or inspect.iscoroutinefunction(bridge),
        attempt(lambda: bridge.__self__),
        hasattr(lib.sync_to_async(functools.partial(plain, 1)), "__name__"),
        inspect.iscoroutine(call := bridge(1)),
        call.close(),
    )


@program
def what_a_bridge_to_sync_shows(lib: Library) -> object:
    bridge = lib.async_to_sync(async_plain)
    return attempt(lambda: (bridge.__name__, bridge.__doc__, str(inspect.signature(bridge))))


@program
def coroutine_marker_of_a_bridge_to_sync(lib: Library) -> object:
    bridge = lib.async_to_sync(async_plain)
    return lib.iscoroutinefunction(bridge), bridge.awaitable is async_plain


@program
def what_is_possible_with_a_bridge(lib: Library) -> object:
    class Holder:
        def method(self, first: int) -> object:
            return self, first

        async def async_method(self, first: int) -> object:
            return self, first

    holder = Holder()
    to_async = lib.sync_to_async(holder.method)
    to_sync = lib.async_to_sync(holder.async_method)
    to_async.own = to_sync.own = "attribute"
    return (
        to_async.__self__ is holder,
        to_sync.__self__ is holder,
        to_async.own,
        weakref.ref(to_async)() is to_async,
        weakref.ref(to_sync)() is to_sync,
        lib.SyncToAsync[[int], str] is not None,
        lib.AsyncToSync[[int], str] is not None,
        asyncio.run(to_async(1)) == (holder, 1) == to_sync(1),
    )


@program
def attributes_of_the_function(lib: Library) -> object:
    def function() -> None: ...

    function.mark = "own"  # type: ignore[attr-defined]  # functions take attributes
    return lib.sync_to_async(function).mark


@program
def methods(lib: Library) -> object:
    class Holder:
        to_async = lib.sync_to_async(lambda self, first: (type(self).__name__, first))
        of_class: Any = classmethod(lib.sync_to_async(lambda cls, first: (cls.__name__, first)))
        static = staticmethod(lib.sync_to_async(lambda first: first))
        value = property(lib.sync_to_async(lambda self: type(self).__name__))

        async def coroutine(self, first: int) -> object:
            return type(self).__name__, first

        to_sync = lib.async_to_sync(coroutine)
        class_to_sync: Any = classmethod(lib.async_to_sync(coroutine))
        value_to_sync = property(lib.async_to_sync(functools.partial(coroutine, first=0)))

    async def main() -> object:
        holder = Holder()
        return (
            await holder.to_async(1),
            await holder.of_class(2),
            await Holder.of_class(3),
            await holder.static(4),
            await Holder.static(5),
            await holder.value,
            lib.iscoroutinefunction(holder.to_async),
            lib.iscoroutinefunction(Holder.to_async),
            lib.iscoroutinefunction(holder.to_sync),
        )

    holder = Holder()
    return asyncio.run(main()), holder.to_sync(1), Holder.class_to_sync(2), holder.value_to_sync


@program
def class_access(lib: Library) -> object:
    class Holder:
        to_async = lib.sync_to_async(lambda self, first: (type(self).__name__, first))

    async def main() -> object:
        return await outcome(call(Holder(), 5))

    call = Holder.to_async
    return isinstance(call, lib.SyncToAsync), asyncio.run(main())


@program
def self_of_a_bound_bridge(lib: Library) -> object:
    class Holder:
        to_async = lib.sync_to_async(lambda self: None)

    holder = Holder()
    return attempt(lambda: holder.to_async.__self__ is holder)


@program
def async_to_sync_on_a_running_loop(lib: Library) -> object:
    called: list[str] = []

    async def coroutine() -> None:
        called.append("called")

    async def main() -> object:
        seen = asyncio.get_running_loop().create_future()
        call = lib.async_to_sync(coroutine)
        asyncio.get_running_loop().call_soon(lambda: seen.set_result(attempt(call)))
        return attempt(call), await seen, called

    return asyncio.run(main()), lib.async_to_sync(main)()


@program
def result_that_is_not_awaitable(lib: Library) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return attempt(lib.async_to_sync(plain), 1)


@program
def results_that_are_awaitable(lib: Library) -> object:
    class Awaitable:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return "object"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lib.async_to_sync(Awaitable)(), lib.async_to_sync(lambda: async_plain(1))()


@program
def result_that_is_awaitable_is_handed_out(lib: Library) -> object:
    async def main() -> object:
        return await (await lib.sync_to_async(lambda: async_plain(1))())

    return asyncio.run(main())


@program
def bridge_awaited_without_a_loop(lib: Library) -> object:
    call = lib.sync_to_async(plain)(1)
    return attempt(call.send, None)


@program
def bridge_made_in_one_loop_used_in_another(lib: Library) -> object:
    bridge = lib.sync_to_async(plain)
    return asyncio.run(bridge(1)), asyncio.run(bridge(2)), lib.async_to_sync(bridge)(3)


@program
def function_in_a_user_made_pool(lib: Library) -> object:
    """A frame entered in a plain pool's thread."""
    with ThreadPoolExecutor(1) as pool:
        thread = pool.submit(threading.current_thread).result()
        ask = lib.async_to_sync(lib.sync_to_async(threading.current_thread))
        return pool.submit(ask).result() is thread
