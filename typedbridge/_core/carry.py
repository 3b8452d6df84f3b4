"""What travels with a hop: context variables and the handled exception."""

from __future__ import annotations

import threading
from asyncio import current_task
from contextlib import suppress
from contextvars import Context, copy_context
from operator import is_not
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

__all__ = [
    "carry_back",
    "exc_info_of",
    "forget",
    "handling",
    "moved_in",
    "mover",
    "noted",
    "outcome_error",
    "run_handling",
]

_R = TypeVar("_R")

_MISSING = object()


def carry_back(before: Context, after: Context) -> None:
    """Set in the current context every variable that a hop changed in its own.

    Values are compared by identity: a value's ``==`` may be slow, wrong or raise.

    :param before: the hop's context as it was when the hop began.
    :param after: the same context when the hop has ended.
    """
    # Nothing changed, nearly always. `reset` removes a variable only where it was not set before, so
    # equal lengths mean equal keys, and equal keys iterate in one order: the comparison stays in C
    # (50 variables: 1.2 us here, 6 us for the loop below).
    if len(before) == len(after) and not any(map(is_not, before.values(), after.values())):
        return
    for var, value in after.items():
        if before.get(var, _MISSING) is not value:
            var.set(mover.moved(value) if type(value) is mover.kind else value)


class Mover:
    """Moves values to another thread that can be seen in one only: asgiref's `Local` keeps such.

    From 3.12 on it notes with them in which thread they were set. Its own hops note another one.
    """

    def __init__(self) -> None:
        #: Their class, which `beside` has found out. Any: it has `data`, and is made with a thread.
        self.kind: type[Any] | None = None

    def moved(self, value: Any) -> object:
        """Return such a value as one of the current thread."""
        return type(value)(get_ident(), value.data)


mover = Mover()


def moved_in() -> Context:
    """Move the values of the current context to the current thread, and return a copy of it."""
    for var, value in copy_context().items():
        if type(value) is mover.kind:
            var.set(mover.moved(value))
    return copy_context()


def exc_info_of(exc: BaseException | None) -> tuple[Any, Any, Any]:  # Any: as in typeshed
    """Return what `sys.exc_info` gives while an exception is handled."""
    return (None, None, None) if exc is None else (type(exc), exc, exc.__traceback__)


# Not by assignment: a frozen dataclass refuses it.
_set_traceback: Callable[[BaseException, TracebackType | None], None] = vars(BaseException)[
    "__traceback__"
].__set__
_set_context: Callable[[BaseException, BaseException | None], None] = vars(BaseException)[
    "__context__"
].__set__

# Two hops may carry the same exception at once; one must not see the traceback that the other's
# `raise` has just grown.
_raising = threading.Lock()

# The only way to make an exception the handled one is to raise and catch it. That has to be done in
# the frame that calls on, so twice: in a function and in a coroutine. What is called may raise the
# same exception again, whose traceback then holds that frame: the frame must not hold the exception.


def run_handling(
    exc: BaseException, func: Callable[..., object], /, *args: object, **kwargs: object
) -> object:
    """Call a function while `sys.exc_info()` shows an exception, whose traceback stays as it is."""
    traceback, context = None, None
    try:
        with _raising:
            traceback, context = exc.__traceback__, exc.__context__
            try:
                raise exc
            finally:
                _set_traceback(exc, traceback)
                _set_context(exc, context)
    except BaseException as raised:
        if raised is not exc:
            raise  # Ctrl-C
        return func(*args, **kwargs)
    finally:
        del exc, traceback, context, args, kwargs


async def handling(exc: BaseException, awaitable: Awaitable[_R]) -> _R:
    """Await while `sys.exc_info()` shows an exception, whose traceback stays as it is."""
    traceback, context = None, None
    try:
        with _raising:
            traceback, context = exc.__traceback__, exc.__context__
            try:
                raise exc
            finally:
                _set_traceback(exc, traceback)
                _set_context(exc, context)
    except BaseException as raised:
        if raised is not exc:
            raise
        return await awaitable
    finally:
        del exc, traceback, context, awaitable


#: What `ContextVar.reset` says of a token from the other side of a hop.
_FOREIGN = "was created in a different Context"

_FOREIGN_NOTE = (
    "typedbridge: each side of a hop has a context of its own, and the values of its variables are "
    "carried over: reset a variable on the side where it was set, or set the old value again"
)


def outcome_error(error: BaseException) -> BaseException:
    """Return what to raise for an error that crosses into or out of a coroutine."""
    if isinstance(error, ValueError) and _FOREIGN in str(error):
        with suppress(Exception):  # a frozen exception takes no note
            if _FOREIGN_NOTE not in getattr(error, "__notes__", ()):
                error.add_note(_FOREIGN_NOTE)
    if isinstance(error, StopIteration):
        # PEP 479: a coroutine cannot raise it.
        replacement = RuntimeError("the function raised StopIteration")
        replacement.__cause__ = error
        return replacement
    return error


def forget() -> None:
    """Start anew in a forked child: another thread may have held the lock."""
    global _raising
    _raising = threading.Lock()


async def noted(awaitable: Awaitable[_R], tasks: list[Any]) -> _R:
    """Await with the current task on a list, where asgiref looks for what to cancel.

    :param tasks: Any: asgiref's list of tasks of any kind.
    """
    task = current_task()
    tasks.append(task)
    try:
        return await awaitable
    finally:
        tasks.remove(task)
