"""Bridges between sync and async code, under the names of `asgiref.sync`."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typedbridge._core.life  # noqa: F401  # pyright: ignore[reportUnusedImport]  # fork and exit hooks
from typedbridge._core.asking import cancelled, check_cancelled
from typedbridge._core.carry import carry_back
from typedbridge._core.contexts import AsyncSingleThreadContext, ThreadSensitiveContext
from typedbridge._core.current_thread import (  # noqa: F401
    CurrentThreadExecutor,  # pyright: ignore[reportUnusedImport]  # some take it from here
)
from typedbridge._core.deadlock import DeadlockError
from typedbridge._core.local import Local  # noqa: F401  # pyright: ignore[reportUnusedImport]  # as above
from typedbridge._core.marks import iscoroutinefunction, markcoroutinefunction
from typedbridge._core.to_async import SyncToAsync, refuse_options
from typedbridge._core.to_sync import AsyncToSync

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Executor
    from contextvars import Context

    from typedbridge._core.cancellation import OnCancel

__all__ = [
    "AsyncSingleThreadContext",
    "AsyncToSync",
    "DeadlockError",
    "SyncToAsync",
    "ThreadSensitiveContext",
    "async_to_sync",
    "call_async",
    "call_sync",
    "cancelled",
    "check_cancelled",
    "iscoroutinefunction",
    "markcoroutinefunction",
    "sync_to_async",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _restore_context(context: Context) -> None:  # pyright: ignore[reportUnusedFunction]
    """Set what a context has in the current one: other libraries take this from asgiref."""
    carry_back(copy_context(), context)


# Any: the stub says what comes back, for each form of the call.
def sync_to_async(
    func: Callable[..., Any] | None = None,
    *,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
    context: Context | None = None,
    on_cancel: OnCancel = "abandon",
) -> Any:
    """Make a blocking function awaitable.

    Usable bare, as ``@sync_to_async``, with options, as ``@sync_to_async(thread_sensitive=False)``,
    and as a call. The function runs in a thread while the event loop goes on; its context variables
    come back.

    :param func: the function; without it a decorator is returned.
    :param thread_sensitive: run where all sensitive calls run, one at a time: in the thread that
        waits in `async_to_sync` if there is one, else in that of the `ThreadSensitiveContext` in
        force, else in one thread for the process. When false, run in a pool of worker threads,
        ``ASGI_THREADS`` at most.
    :param executor: run there instead of the pool; needs ``thread_sensitive=False``.
    :param context: run in this context; what the function sets there is not carried back.
    :param on_cancel: what a cancelled call does about a function that runs. ``"abandon"``: the awaiting
        task gets its `CancelledError` at once, the function goes on alone, and its outcome is dropped.
        ``"wait"``: the task waits until the function has ended, and then gets it. The function can ask
        with `cancelled` and `check_cancelled`. One that has not begun never runs.
    :returns: a `SyncToAsync`, or a decorator that makes one.
    :raises TypeError: if ``func`` cannot be wrapped, or the options do not go together; the message
        says what to do instead.
    :raises ValueError: if ``on_cancel`` is neither.
    """

    def wrap(func: Callable[_P, _R]) -> SyncToAsync[_P, _R]:
        return SyncToAsync(func, thread_sensitive, executor, context, on_cancel=on_cancel)

    if func is None:
        # Here and not where the decorator is used: that may be another module.
        refuse_options("sync_to_async", thread_sensitive, executor, on_cancel)
        return wrap
    return wrap(func)


# Any: as above.
def async_to_sync(
    awaitable: Callable[..., Awaitable[Any]] | None = None, *, force_new_loop: bool = False
) -> Any:
    """Make a coroutine function callable from sync code.

    Usable bare, with options, and as a call. The coroutine runs in the event loop of the enclosing
    `sync_to_async` call, or else in a loop thread of the library; the caller blocks until it ends.

    :param awaitable: the coroutine function; without it a decorator is returned.
    :param force_new_loop: run in a new event loop that is closed afterwards.
    :returns: an `AsyncToSync`, or a decorator that makes one.
    :raises TypeError: if ``awaitable`` cannot be wrapped; the message says what to do instead.
    """

    def wrap(awaitable: Callable[_P, Awaitable[_R]]) -> AsyncToSync[_P, _R]:
        return AsyncToSync(awaitable, force_new_loop)

    return wrap if awaitable is None else wrap(awaitable)


def call_sync(
    func: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs
) -> Coroutine[Any, Any, _R]:
    """Await one call of a blocking function.

    The same as ``sync_to_async(func)(...)``, where the function is used only here.

    :raises TypeError: if ``func`` cannot be wrapped; the message says what to do instead.
    """
    return SyncToAsync(func)(*args, **kwargs)


def call_async(func: Callable[_P, Awaitable[_R]], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call a coroutine function once from sync code, and block until it ends.

    The same as ``async_to_sync(func)(...)``, where the function is used only here.

    :raises RuntimeError: in a thread whose event loop is running: await the coroutine there.
    """
    return AsyncToSync(func)(*args, **kwargs)
