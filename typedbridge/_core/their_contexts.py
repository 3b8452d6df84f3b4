"""Contexts of either library: one thread for each, whoever asks first, and one form for our table."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from typedbridge._core.contexts import AsyncSingleThreadContext, ThreadSensitiveContext
from typedbridge._core.loops import LoopThread
from typedbridge._core.to_async import SyncToAsync
from typedbridge._core.to_sync import AsyncToSync
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from contextvars import ContextVar

    from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["Before", "Kept", "as_ours", "executor_contexts", "lane_for", "loop_for"]

# Any, throughout: a context of asgiref's is of whatever version is there.


class Kept(WeakKeyDictionary[Any, Executor]):
    """`context_to_thread_executor`: has a thread for the context in force, whoever asks first.

    :param variable: says which context that is.
    :param make: makes the thread.
    """

    def __init__(
        self, variable: ContextVar[Any], make: Callable[[Any, Kept], Executor], earlier: Any
    ) -> None:
        super().__init__(earlier)
        self._variable = variable
        self._make = make

    def __contains__(self, context: object) -> bool:
        return super().__contains__(context) or context is self._variable.get(None)

    def __getitem__(self, context: Any) -> Executor:
        found = self.get(context)
        if found is not None:
            return found
        if context is not self._variable.get(None):
            raise KeyError(context)
        return self._make(context, self)


def lane_for(context: Any, lanes: MutableMapping[Any, Executor]) -> Executor:
    """Return the thread for a `ThreadSensitiveContext` that has none yet."""
    if not isinstance(context, ThreadSensitiveContext):
        return lanes.setdefault(context, Lane("asgiref's ThreadSensitiveContext"))
    if context._executor is not None:
        return context._usable_executor()
    return context._lane(lanes) or SyncToAsync.single_thread_executor


def loop_for(context: Any, threads: MutableMapping[Any, Executor]) -> Executor:
    """Return the thread for an `AsyncSingleThreadContext` that has none yet."""
    if not isinstance(context, AsyncSingleThreadContext):
        return threads.setdefault(context, LoopThread())
    return context._loop_thread(threads) or ThreadPoolExecutor(max_workers=1)


class Before:
    """What was there before the libraries met."""

    #: Our variable for the `ThreadSensitiveContext` in force, if it was used.
    variable: ContextVar[Any] | None = None


def _moved_context(before: ContextVar[Any]) -> object:
    """Return our context that was entered before the libraries met, and have asgiref know it, too."""
    context: ThreadSensitiveContext | None = before.get(None)
    if context is not None and not context._ended:
        context._moved.append(SyncToAsync.thread_sensitive_context.set(context))
    return context


#: The contexts of asgiref's that were entered with an executor, and the frame around each.
executor_contexts: Final[WeakKeyDictionary[Any, CurrentThreadExecutor | None]] = WeakKeyDictionary()


class _PlainContext:
    """A context of asgiref's without executor, in the form that ours have."""

    _executor: Executor | None = None
    _frame: CurrentThreadExecutor | None = None

    def _usable_executor(self) -> Executor:
        raise NotImplementedError

    def _lane(self, lanes: MutableMapping[object, Executor]) -> Executor | None:
        context = SyncToAsync.thread_sensitive_context.get()
        found = lanes.get(context)
        return lane_for(context, lanes) if found is None else found

    def _loop_thread(self, threads: MutableMapping[object, Executor]) -> LoopThread | None:
        context = AsyncToSync.async_single_thread_context.get()
        thread = threads.get(context)
        if not isinstance(thread, LoopThread) or not thread.alive:
            thread = threads[context] = LoopThread()
        return thread


class _ExecutorContext(_PlainContext):
    """One with an executor."""

    def __init__(self, context: object) -> None:
        self._executor = SyncToAsync.single_thread_executor  # there is one; which, is asked below
        self._frame = executor_contexts[context]

    def _usable_executor(self) -> Executor:
        context = SyncToAsync.thread_sensitive_context.get()
        executor = SyncToAsync.context_to_thread_executor.get(context)
        if executor is None:
            raise RuntimeError(
                "a sensitive call was made by a task that outlived its ThreadSensitiveContext: "
                "await the task inside the context"
            )
        return executor


_plain_context: Final = _PlainContext()


def as_ours(context: object) -> object:
    """Return a context of either library's in the form that ours have.

    :param context: `None` if there is none.
    """
    if context is None:
        return None if Before.variable is None else _moved_context(Before.variable)
    if isinstance(context, ThreadSensitiveContext | AsyncSingleThreadContext):
        return context
    if executor_contexts and context in executor_contexts:
        return _ExecutorContext(context)
    return _plain_context
