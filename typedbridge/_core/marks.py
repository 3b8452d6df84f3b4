"""What a callable is, on every supported Python, and what a bridge takes over from it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

if sys.version_info >= (3, 12):
    from inspect import iscoroutinefunction, markcoroutinefunction

    #: The instance attributes that mark a callable as a coroutine function.
    MARKS = frozenset({"_is_coroutine_marker", "_is_coroutine"})
else:  # 3.11
    # `inspect` has no mark before 3.12; asyncio's own is the one that frameworks look for there.
    from asyncio import iscoroutinefunction

    MARKS = frozenset({"_is_coroutine"})

    def markcoroutinefunction(func: _F) -> _F:
        """Mark a callable that returns a coroutine as a coroutine function.

        :param func: the callable; the mark is an attribute on it.
        :returns: the callable itself.
        """
        func._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # asyncio's mark is private
        return func


__all__ = [
    "adopt_attributes",
    "describe",
    "describe_bridge",
    "is_async",
    "is_generator",
    "iscoroutinefunction",
    "markcoroutinefunction",
    "refuse_descriptors",
]


def _bodies(func: Any) -> tuple[object, ...]:  # Any: what a user passed
    """Return what may carry the function flags of a callable: itself, and its class's `__call__`."""
    while isinstance(func, functools.partial):
        func = func.func
    if inspect.isclass(func):
        return (func,)
    return (func, getattr(func.__class__, "__call__", func))  # noqa: B004  # not to test whether there is one


def is_async(func: object) -> bool:
    """Tell whether calling the object gives a coroutine, also behind a partial or `__call__`."""
    return any(
        iscoroutinefunction(body)  # pyright: ignore[reportDeprecated]  # on 3.11 there is no other
        or _makes_awaitable_generators(body)
        for body in _bodies(func)
    )


def is_generator(func: object) -> bool:
    """Tell whether calling the object gives a generator or an async generator."""
    return is_async_generator(func) or any(
        inspect.isgeneratorfunction(body) and not _makes_awaitable_generators(body)
        for body in _bodies(func)
    )


def is_async_generator(func: object) -> bool:
    """Tell whether calling the object gives an async generator."""
    return any(map(inspect.isasyncgenfunction, _bodies(func)))


def _makes_awaitable_generators(func: object) -> bool:
    """Tell whether `types.coroutine` has made the generators of a function awaitable."""
    code = getattr(getattr(func, "__func__", func), "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def describe(func: Any) -> str:  # Any: what a user passed
    """Name a callable for an error message: its qualified name, or else its repr."""
    target: Any = func
    while isinstance(target, functools.partial):
        target = target.func
    target = getattr(target, "__func__", target)  # a class or static method
    name = getattr(target, "__qualname__", None)
    return repr(func) if name is None else f"{getattr(target, '__module__', None)}.{name}"


def describe_bridge(self: object) -> str:
    """Be the `__repr__` of a bridge, which names the callable."""
    return f"<{type(self).__name__} of {describe(getattr(self, '__wrapped__', None))}>"


def adopt_attributes(bridge: object, func: Callable[..., object]) -> None:
    """Make the bridge look like the callable it wraps, but for what makes a bridge."""
    functools.update_wrapper(bridge, func, updated=())  # type: ignore[arg-type]  # any callable object
    del bridge.__wrapped__  # type: ignore[attr-defined]  # update_wrapper set it; `Likeness` tells it
    hidden = MARKS | _BRIDGE_ATTRIBUTES
    vars(bridge).update(
        {name: value for name, value in getattr(func, "__dict__", {}).items() if name not in hidden}
    )


_BRIDGE_ATTRIBUTES = frozenset(
    {
        "__self__",
        "__wrapped__",
        "_executor",
        "_on_cancel",
        "force_new_loop",
        "_thread_sensitive",
        "awaitable",
        "context",
        "func",
    }
)


def refuse_descriptors(decorator: str, func: Any) -> None:  # Any: what a user passed
    """Refuse a `classmethod` or `staticmethod` object."""
    kind = next(
        (kind.__name__ for kind in (classmethod, staticmethod) if isinstance(func, kind)), ""
    )
    if kind:
        raise TypeError(
            f"{decorator} cannot wrap the {kind} {describe(func)}: "
            f"put @{decorator} under @{kind}, so that it wraps the function"
        )
