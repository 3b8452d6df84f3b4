"""Contexts that give sensitive calls a thread, or `async_to_sync` calls a loop, of their own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from typedbridge._frames import Frame, innermost_frame
from typedbridge._loops import LoopThread
from typedbridge._to_async import SyncToAsync
from typedbridge._to_sync import AsyncToSync
from typedbridge._workers import Lane

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from concurrent.futures import Executor
    from contextvars import Token
    from types import TracebackType

__all__ = ["AsyncSingleThreadContext", "ThreadSensitiveContext"]


class ThreadSensitiveContext:
    """Give the sensitive calls inside a thread of their own, instead of the process-wide one.

    An async and a sync context manager. Without executor it is re-entrant and only the outermost
    counts; its thread is started on first use and ends with it. With an executor it wins over what
    is around it.

    :param executor: run the sensitive calls there. It is never shut down here.
    :raises RuntimeError: when a context with an executor is entered twice, or used by a task that
        outlived it.
    """

    _frame: Frame | None = None

    def __init__(self, *, executor: Executor | None = None) -> None:
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise TypeError(
                f"ThreadSensitiveContext: executor must have a submit method, as a "
                f"concurrent.futures.Executor has, and {executor!r} has none"
            )
        self._executor = executor
        #: Left: tasks that live on are not in it any more.
        self._ended = False
        self._token: Token[ThreadSensitiveContext] | None = None
        self._lock = threading.Lock()
        self._depth = 0

    def __enter__(self) -> Self:
        variable = SyncToAsync.thread_sensitive_context
        if self._executor is not None:
            if self._token is not None:
                raise RuntimeError(
                    "a ThreadSensitiveContext with an executor can be entered only once: make "
                    "another one"
                )
        elif variable.get(None) is not None:
            self._depth += 1
            return self
        self._frame = innermost_frame()
        self._ended = False
        self._token = variable.set(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        if self._depth:
            self._depth -= 1
            return
        if self._token is None:
            return
        self._ended = True
        SyncToAsync.thread_sensitive_context.reset(self._token)
        self._frame = None
        if self._executor is None:
            self._token = None
            lane = SyncToAsync.context_to_thread_executor.pop(self, None)
            if lane is not None:
                # The thread ends by itself: waiting for it would block an event loop.
                lane.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def _usable_executor(self) -> Executor:
        if self._ended or self._executor is None:
            raise RuntimeError(
                "a sensitive call was made by a task that outlived its ThreadSensitiveContext: "
                "await the task inside the context"
            )
        return self._executor

    def _lane(self, lanes: MutableMapping[object, Executor]) -> Executor:
        """Return the thread that runs the sensitive calls inside."""
        lane = lanes.get(self)
        if lane is None:
            with self._lock:
                lane = lanes.get(self)
                if lane is None:
                    lane = lanes[self] = Lane("typedbridge ThreadSensitiveContext")
        return lane


class AsyncSingleThreadContext:
    """Have every `async_to_sync` call inside share one thread and one event loop.

    A sync and an async context manager, re-entrant: only the outermost counts. Calls inside a
    `sync_to_async` call go to that call's event loop, as ever.
    """

    def __init__(self) -> None:
        self._token: Token[AsyncSingleThreadContext] | None = None
        self._lock = threading.Lock()
        self._depth = 0

    def __enter__(self) -> Self:
        variable = AsyncToSync.async_single_thread_context
        if variable.get(None) is None:
            self._token = variable.set(self)
        else:
            self._depth += 1
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._leave(wait=True)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._leave(wait=False)

    def _leave(self, *, wait: bool) -> None:
        if self._depth:
            self._depth -= 1
            return
        if self._token is None:
            return
        AsyncToSync.async_single_thread_context.reset(self._token)
        self._token = None
        thread = AsyncToSync.context_to_thread_executor.pop(self, None)
        if thread is not None:
            thread.shutdown(wait=wait)

    def _loop_thread(self, threads: MutableMapping[object, Executor]) -> LoopThread | None:
        """Return the kept loop thread, or nothing when the context has been left."""
        if self._token is None:
            return None
        with self._lock:
            thread = threads.get(self)
            if not isinstance(thread, LoopThread) or not thread.alive:
                thread = threads[self] = LoopThread()
            return thread
