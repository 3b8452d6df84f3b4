"""Iterators, generators and context managers on the other side of the bridge."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import typedbridge._core.life  # noqa: F401  # pyright: ignore[reportUnusedImport]  # fork and exit hooks
from typedbridge._core.keeping import refuse_processes
from typedbridge._core.likeness import function_like
from typedbridge._core.managers import AsyncManager, SyncManager, is_async_manager, is_manager
from typedbridge._core.marks import describe, is_async, refuse_descriptors
from typedbridge._core.stream_to_async import AsyncStream
from typedbridge._core.stream_to_sync import SyncStream
from typedbridge._core.to_async import refuse_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from concurrent.futures import Executor

__all__ = [
    "AsyncManager",
    "AsyncStream",
    "SyncManager",
    "SyncStream",
    "async_to_sync_context",
    "async_to_sync_generator",
    "async_to_sync_iter",
    "sync_to_async_context",
    "sync_to_async_generator",
    "sync_to_async_iter",
]

#: How many items a producer is ahead of its consumer at most, where it may be.
_AHEAD: Final = 64


# Any, here and below: the stub says what goes in and comes out.
def sync_to_async_iter(
    iterable: Any,
    *,
    prefetch: int = _AHEAD,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> AsyncStream[Any, None]:
    """Iterate over something sync with ``async for``.

    All steps run in one thread: where `sync_to_async` would run a call with these options. A sensitive
    one is free for others between two batches; without a place of its own (``thread_sensitive=False``)
    a stream has a thread to itself. The event loop goes on meanwhile.

    :param iterable: also a generator; that is closed with the stream. `iter` is called in the thread.
    :param prefetch: how many items the producer may be ahead of the consumer. Items that come slowly
        arrive one by one. With 0 it never runs ahead.
    :param thread_sensitive: as for `sync_to_async`.
    :param executor: run there instead; needs ``thread_sensitive=False``. One of its threads is taken until
        the end of the stream.
    :returns: an async iterator that is closed by ``async with``, by ``aclose``, or when it is dropped.
    :raises TypeError: if it cannot be iterated over, or only by ``async for``; or if the options do not go
        together.
    :raises ValueError: if ``prefetch`` is negative.
    """
    user = "sync_to_async_iter"
    source: Any = iterable  # a name of its own, which a check of its class does not narrow
    if isinstance(iterable, AsyncIterable) and not isinstance(iterable, Iterable):
        raise TypeError(f"{user}: {iterable!r} is async already: use async for")
    _refuse_functions(user, iterable, "sync_to_async_generator")
    if not (isinstance(iterable, Iterable) or hasattr(iterable, "__getitem__")):
        raise TypeError(f"{user}: {iterable!r} cannot be iterated over")
    name = _name_of(iterable)
    _refuse(f"{user}({name})", prefetch, thread_sensitive, executor)
    make = source if isinstance(iterable, Generator) else partial(iter, source)
    return AsyncStream(make, name, prefetch, thread_sensitive, executor)


def sync_to_async_generator(
    func: Callable[..., Iterable[Any]] | None = None,
    *,
    prefetch: int = 0,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> Any:
    """Make a generator function give an async generator.

    Usable bare, with options, and as a call. The body runs as `sync_to_async_iter` says; by default in
    lock step, so that what stands after a ``yield`` runs when the next item is asked for, as in any
    generator, and ``asend`` and ``athrow`` work.

    :param func: the generator function or method, or one that returns an iterable.
    :param prefetch: as for `sync_to_async_iter`.
    :param thread_sensitive: as for `sync_to_async`.
    :param executor: as for `sync_to_async_iter`.
    :returns: a function that returns an `AsyncStream`, or a decorator that makes one.
    :raises TypeError: if ``func`` cannot be wrapped; the message says what to do instead.
    :raises ValueError: if ``prefetch`` is negative.
    """
    user = "sync_to_async_generator"

    def wrap(func: Callable[..., Iterable[Any]]) -> Callable[..., AsyncStream[Any, Any]]:
        _refuse_values(user, func, "sync_to_async_iter")
        if is_async(func) or inspect.isasyncgenfunction(func):
            raise TypeError(f"{user}: {describe(func)} is async already: use async for")
        name = describe(func)
        lazy = inspect.isgeneratorfunction(func)

        def stream(*args: Any, **kwargs: Any) -> AsyncStream[Any, Any]:
            # The body of a generator function waits for the first step; any other function runs in it.
            make: Any = func(*args, **kwargs) if lazy else partial(_iterate, func, args, kwargs)
            return AsyncStream(make, name, prefetch, thread_sensitive, executor)

        return function_like(func, stream)

    _refuse(user, prefetch, thread_sensitive, executor)
    return wrap if func is None else wrap(func)


def async_to_sync_iter(async_iterable: Any, *, prefetch: int = _AHEAD) -> SyncStream[Any, None]:
    """Iterate over something async with ``for``.

    One task makes all steps. It runs where `async_to_sync` would run a coroutine: in the event loop of the
    enclosing `sync_to_async` call, or else in a loop thread of the library. The caller blocks while there
    is no item, and meanwhile runs the sensitive work that the task sends back.

    :param async_iterable: also an async generator; that is closed with the stream.
    :param prefetch: how many items the task may be ahead of the consumer. With 0 it never runs ahead.
    :returns: an iterator that is closed by ``with``, by ``close``, or when it is dropped.
    :raises TypeError: if ``async for`` cannot iterate over it.
    :raises ValueError: if ``prefetch`` is negative.
    """
    user = "async_to_sync_iter"
    _refuse_functions(user, async_iterable, "async_to_sync_generator")
    if not isinstance(async_iterable, AsyncIterable):
        hint = ": use for" if isinstance(async_iterable, Iterable) else ""
        raise TypeError(f"{user}: async for cannot iterate over {async_iterable!r}{hint}")
    name = _name_of(async_iterable)
    _refuse_prefetch(f"{user}({name})", prefetch)
    return SyncStream(partial(aiter, async_iterable), name, prefetch)


def async_to_sync_generator(
    func: Callable[..., AsyncIterable[Any]] | None = None, *, prefetch: int = 0
) -> Any:
    """Make an async generator function give a generator.

    Usable bare, with options, and as a call. The body runs as `async_to_sync_iter` says; by default in lock
    step, so that ``send`` and ``throw`` work.

    :param func: the async generator function or method, or one that returns an async iterable.
    :param prefetch: as for `async_to_sync_iter`.
    :returns: a function that returns a `SyncStream`, or a decorator that makes one.
    :raises TypeError: if ``func`` cannot be wrapped; the message says what to do instead.
    :raises ValueError: if ``prefetch`` is negative.
    """
    user = "async_to_sync_generator"

    def wrap(func: Callable[..., AsyncIterable[Any]]) -> Callable[..., SyncStream[Any, Any]]:
        _refuse_values(user, func, "async_to_sync_iter")
        if inspect.isgeneratorfunction(func):
            raise TypeError(f"{user}: {describe(func)} is sync already: use for")
        if is_async(func):
            raise TypeError(
                f"{user}: {describe(func)} is a coroutine function: wrap it with async_to_sync"
            )
        name = describe(func)
        lazy = inspect.isasyncgenfunction(func)

        def stream(*args: Any, **kwargs: Any) -> SyncStream[Any, Any]:
            made = func(*args, **kwargs) if lazy else None
            make = (
                partial(_iterate_async, func, args, kwargs)
                if made is None
                else partial(aiter, made)
            )
            return SyncStream(make, name, prefetch)

        return function_like(func, stream)

    _refuse_prefetch(user, prefetch)
    return wrap if func is None else wrap(func)


def sync_to_async_context(
    manager: Any = None, *, thread_sensitive: bool = True, executor: Executor | None = None
) -> Any:
    """Make a sync context manager one for ``async with``.

    It is entered and left in one thread: where `sync_to_async` would run a call with these options. The
    event loop goes on meanwhile. A cancellation never leaves it half done.

    :param manager: a context manager; or a class, function or method that gives one, which is then called in
        the thread. Without it a decorator is returned.
    :param thread_sensitive: as for `sync_to_async`.
    :param executor: run there instead; needs ``thread_sensitive=False``. One of its threads is taken until
        the manager is left.
    :returns: an `AsyncManager`; or a function that returns one, or a decorator that makes that.
    :raises TypeError: if ``manager`` is none, or the options do not go together.
    """
    user = "sync_to_async_context"

    def wrap(manager: Any) -> Any:
        refuse_descriptors(user, manager)
        if is_manager(manager):
            return AsyncManager(lambda: manager, _name_of(manager), thread_sensitive, executor)
        if is_async_manager(manager) or _gives_async(manager):
            raise TypeError(f"{user}: {_name_of(manager)} is async already: use async with")
        if not callable(manager):
            raise TypeError(f"{user}: {manager!r} is no context manager, and gives none")
        name = describe(manager)
        factory: Callable[..., Any] = manager

        def enter(*args: Any, **kwargs: Any) -> AsyncManager[Any]:
            return AsyncManager(partial(factory, *args, **kwargs), name, thread_sensitive, executor)

        return function_like(manager, enter)

    _refuse(user, 0, thread_sensitive, executor)
    return wrap if manager is None else wrap(manager)


def async_to_sync_context(manager: Any) -> Any:
    """Make an async context manager one for ``with``.

    It is entered and left in one task, which runs where `async_to_sync` would run a coroutine. The caller
    blocks meanwhile, and runs the sensitive work that the task sends back.

    :param manager: an async context manager; or a class, function or method that gives one, which is then
        called in the task.
    :returns: a `SyncManager`, or a function that returns one.
    :raises TypeError: if ``manager`` is none.
    """
    user = "async_to_sync_context"
    refuse_descriptors(user, manager)
    if is_async_manager(manager):
        return SyncManager(lambda: manager, _name_of(manager))
    if is_manager(manager) or _gives_sync(manager):
        raise TypeError(f"{user}: {_name_of(manager)} is sync already: use with")
    if not callable(manager):
        raise TypeError(f"{user}: {manager!r} is no async context manager, and gives none")
    name = describe(manager)
    factory: Callable[..., Any] = manager

    def enter(*args: Any, **kwargs: Any) -> SyncManager[Any]:
        return SyncManager(partial(factory, *args, **kwargs), name)

    return function_like(manager, enter)


def _iterate(func: Callable[..., Iterable[Any]], args: Any, kwargs: Any) -> Iterator[Any]:
    return iter(func(*args, **kwargs))


def _iterate_async(
    func: Callable[..., AsyncIterable[Any]], args: Any, kwargs: Any
) -> AsyncIterator[Any]:
    return aiter(func(*args, **kwargs))


# What a function gives shows only where it is a generator function under `contextlib`'s decorators.
def _gives_async(factory: object) -> bool:
    """Tell whether a class or function gives what only ``async with`` takes, as far as that can be seen."""
    if inspect.isclass(factory):
        return hasattr(factory, "__aenter__") and not hasattr(factory, "__enter__")
    return is_async(factory) or inspect.isasyncgenfunction(inspect.unwrap(factory))  # type: ignore[arg-type]  # any object


def _gives_sync(factory: object) -> bool:
    """Tell whether a class or function gives what only ``with`` takes, as far as that can be seen."""
    if inspect.isclass(factory):
        return hasattr(factory, "__enter__") and not hasattr(factory, "__aenter__")
    return inspect.isgeneratorfunction(inspect.unwrap(factory))  # type: ignore[arg-type]  # any object


def _name_of(thing: Any) -> str:
    """Name what is iterated over or entered: the function of a generator, or else the class."""
    frame = getattr(thing, "gi_frame", None) or getattr(thing, "ag_frame", None)
    if frame is not None:
        return f"{frame.f_globals.get('__name__')}.{thing.__qualname__}"
    return describe(thing if inspect.isclass(thing) or inspect.isfunction(thing) else type(thing))


def _refuse_functions(user: str, iterable: object, decorator: str) -> None:
    """Refuse a function where what it returns is wanted."""
    if inspect.isroutine(iterable):
        raise TypeError(
            f"{user}: {describe(iterable)} is a function: call it, or decorate it with {decorator}"
        )


def _refuse_values(user: str, func: object, function: str) -> None:
    """Refuse what a function returns where the function is wanted."""
    refuse_descriptors(user, func)
    if not callable(func):
        hint = f": give it to {function}" if isinstance(func, Iterable | AsyncIterable) else ""
        raise TypeError(f"{user}: {func!r} is not callable{hint}")


def _refuse(user: str, prefetch: object, thread_sensitive: bool, executor: Executor | None) -> None:
    """Raise for options that there are not, or that do not go together."""
    refuse_options(user, thread_sensitive, executor, "abandon")
    refuse_processes(user, executor)
    _refuse_prefetch(user, prefetch)


def _refuse_prefetch(user: str, prefetch: object) -> None:
    if isinstance(prefetch, bool) or not isinstance(prefetch, int):
        raise TypeError(f"{user}: prefetch must be a whole number of items, not {prefetch!r}")
    if prefetch < 0:
        raise ValueError(f"{user}: prefetch must not be negative, and is {prefetch}")
