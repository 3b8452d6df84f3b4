"""Contexts that give sensitive calls a thread, or `async_to_sync` calls a loop, of their own."""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

from typedbridge._core.loops import LoopThread
from typedbridge._core.scope import innermost_frame
from typedbridge._core.to_async import SyncToAsync, refuse_executor
from typedbridge._core.to_sync import AsyncToSync
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from concurrent.futures import Executor
    from contextvars import Token
    from types import TracebackType

    from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["AsyncSingleThreadContext", "ThreadSensitiveContext"]


class _Scope:
    """What both contexts do: of the `with` blocks around some code only the outermost counts.

    Tasks inherit the blocks that they were started in, and may enter and leave more, also when the
    former have been left. One object may be entered by several tasks or threads; it ends when the
    last outermost block is left.
    """

    #: The blocks around the current code: each one's object, and whether it counts. Begins with the
    #: first that does not, so that there is nothing to note for most code.
    _blocks: ContextVar[tuple[tuple[_Scope, bool], ...]]
    #: Whether there has been any.
    used = False
    #: What was waited in when this was entered, if that matters.
    _frame: CurrentThreadExecutor | None = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: One for each block that counts.
        self._tokens: list[Token[Any]] = []
        #: Of asgiref's variable, where that took the place of ours while this was in force.
        self._moved: list[Token[Any]] = []
        #: Left: tasks that live on are not in it any more.
        self._ended = False

    # Any: each class has a public variable of its own.
    def _variable(self) -> ContextVar[Any]:
        """Return the variable that says what is in force. Users may replace it."""
        raise NotImplementedError

    def _kept(self) -> MutableMapping[object, Executor]:
        """Return the mapping that has the thread kept for an object. Users may replace it."""
        raise NotImplementedError

    def _wins(self) -> bool:
        """Tell whether the block that is being entered counts inside other ones too."""
        return False

    def __enter__(self) -> Self:
        variable = self._variable()
        outer = variable.get(None)
        # One of asgiref's counts as long as it is there.
        counts = self._wins() or outer is None or getattr(outer, "_ended", False)
        if counts:
            _Scope.used = True
            with self._lock:
                self._tokens.append(variable.set(self))
                self._ended = False
        blocks = self._blocks.get(())
        if blocks or not counts:
            self._blocks.set((*blocks, (self, counts)))
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
        """Leave a block.

        :param wait: wait for the end of a thread, if that is the last one.
        """
        blocks = self._blocks.get(())
        # Another block may be the last where this one was not entered: an async test fixture may end in
        # a task of its own.
        if blocks and blocks[-1][0] is self:
            self._blocks.set(blocks[:-1])
            if not blocks[-1][1]:
                return
        with self._lock:
            if not self._tokens:
                return
            self._reset()
            if self._tokens:
                return
            for token in self._moved:
                with suppress(ValueError):  # of another context
                    token.var.reset(token)
            self._moved.clear()
            self._ended = True
            self._frame = None
            thread = self._kept().pop(self, None)
        if thread is not None:
            thread.shutdown(wait=wait)

    def _reset(self) -> None:
        """Put in force what was before."""
        for token in self._tokens:
            try:
                token.var.reset(token)
            except ValueError:
                continue  # of another context
            self._tokens.remove(token)
            return
        # All of other contexts. What was in force before is not known in this one.
        variable = self._tokens.pop().var
        if variable.get(None) is self:
            variable.set(None)


class ThreadSensitiveContext(_Scope):
    """Give the sensitive calls inside a thread of their own, instead of the process-wide one.

    An async and a sync context manager. Without executor it is re-entrant and only the outermost
    counts; its thread is started on first use and ends with it. With an executor it wins over what
    is around it.

    :param executor: run the sensitive calls there. It is never shut down here.
    :raises TypeError: if ``executor`` has no ``submit``.
    :raises RuntimeError: when a context with an executor is entered twice, or used by a task that
        outlived it.
    """

    _blocks = ContextVar("typedbridge_sensitive_blocks")
    #: asgiref asks; its question for an executor gets the error.
    _exited = False

    def __init__(self, *, executor: Executor | None = None) -> None:
        if executor is not None:
            refuse_executor("ThreadSensitiveContext", executor)
        super().__init__()
        self._executor = executor

    def _variable(self) -> ContextVar[Any]:
        return SyncToAsync.thread_sensitive_context

    def _kept(self) -> MutableMapping[object, Executor]:
        return SyncToAsync.context_to_thread_executor

    def _wins(self) -> bool:
        if self._executor is None:
            return False
        if self._tokens or self._ended:
            raise RuntimeError(
                "a ThreadSensitiveContext with an executor can be entered only once: make "
                "another one"
            )
        self._frame = innermost_frame()
        return True

    def __exit__(self, *_: object) -> None:
        # The thread ends by itself: waiting for it could block an event loop.
        self._leave(wait=False)

    def _usable_executor(self) -> Executor:
        if self._ended or self._executor is None:
            raise RuntimeError(
                "a sensitive call was made by a task that outlived its ThreadSensitiveContext: "
                "await the task inside the context"
            )
        return self._executor

    def _lane(self, lanes: MutableMapping[object, Executor]) -> Executor | None:
        """Return the thread that runs the sensitive calls inside: none when all is left."""
        if self._ended:
            return None
        lane = lanes.get(self)
        if lane is None:
            with self._lock:
                lane = lanes.get(self)
                if lane is None and not self._ended:
                    lane = lanes[self] = Lane("typedbridge ThreadSensitiveContext")
        return lane


class AsyncSingleThreadContext(_Scope):
    """Have every `async_to_sync` call inside share one thread and one event loop.

    A sync and an async context manager, re-entrant: only the outermost counts. Calls inside a
    `sync_to_async` call go to that call's event loop, as ever.
    """

    _blocks = ContextVar("typedbridge_single_thread_blocks")

    def _variable(self) -> ContextVar[Any]:
        return AsyncToSync.async_single_thread_context

    def _kept(self) -> MutableMapping[object, Executor]:
        return AsyncToSync.context_to_thread_executor

    def _loop_thread(self, threads: MutableMapping[object, Executor]) -> LoopThread | None:
        """Return the kept loop thread, or nothing when the context has been left."""
        with self._lock:
            if not self._tokens:
                return None
            thread = threads.get(self)
            if not isinstance(thread, LoopThread) or not thread.alive:
                thread = threads[self] = LoopThread()
            return thread
