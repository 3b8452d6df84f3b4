"""Who waits for whom: a call that would wait for ever is refused."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import inspect
import sys
from asyncio import all_tasks, current_task
from threading import get_ident
from typing import TYPE_CHECKING, Any

from typedbridge._core.callers import caller
from typedbridge._core.current_thread import CurrentThreadExecutor
from typedbridge._core.jobs import DirectExecutor
from typedbridge._core.marks import describe
from typedbridge._core.pool import pool
from typedbridge._core.scope import Mark, Outside, Waiting, here
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from asyncio import Task
    from concurrent.futures import Executor
    from contextvars import ContextVar
    from types import FrameType
    from typing import Protocol

    from typedbridge._core.scope import Hop

    class Chained(Protocol):
        """What this asks of a bridge. Users replace both attributes."""

        @property
        def single_thread_executor(self) -> Executor: ...
        @property
        def deadlock_context(self) -> ContextVar[object]: ...


__all__ = ["DeadlockError", "name_of", "refuse_deadlock"]


class DeadlockError(RuntimeError):
    """A sensitive call would wait for a lane that its own chain of calls already holds."""


def refuse_deadlock(bridge: Chained, call: Hop, lane: Executor) -> None:
    """Raise `DeadlockError` if a sensitive call would wait for its lane for ever."""
    holder = _holder(bridge, call, lane)
    if holder is not None:
        raise DeadlockError(
            f"{describe(call.func())}, called at {_call_site()}, would wait for "
            f"{name_of(lane)}, which {holder} holds until this call is over. Start the inner "
            f"event loop with async_to_sync instead of asyncio.run, or use "
            f"thread_sensitive=False for one of the two."
        )


def _holder(bridge: Chained, call: Hop, lane: Executor) -> str | None:
    """Return what holds the lane and waits for the call, if anything does."""
    outer = call.origin
    if outer is not None:
        if not (isinstance(lane, DirectExecutor) or lane is bridge.single_thread_executor):
            return None  # a user's executor may have more threads
        inside = not isinstance(here.scope, Outside)
        while outer is not None and not outer.abandoned:
            # A call that this very loop awaits does not wait for the loop: the task outlived the
            # frame that it was started in, and waits its turn.
            if outer.lane is lane and (inside or outer.loop is not call.loop):
                return _described(outer)
            outer = outer.origin
    if isinstance(lane, CurrentThreadExecutor):
        return "the running event loop" if lane._thread == get_ident() else None
    if lane is bridge.single_thread_executor:
        mark = bridge.deadlock_context.get(None)
        if mark and not isinstance(mark, Mark):
            return "SyncToAsync.deadlock_context says that somebody"
    return None


def _described(call: Hop) -> str:
    return f"{describe(call.func())}, called at {_site_of(call)},"


def name_of(lane: Executor) -> str:
    """Return what an error message calls a lane."""
    if lane is pool:
        return "the worker pool"
    if isinstance(lane, Lane):
        return f"the lane {lane.name!r}"
    if isinstance(lane, Waiting):
        return f"the thread that waits in async_to_sync({describe(lane.func)})"
    return f"the lane {lane!r}"


def _call_site() -> str:
    """Return file and line of the code that awaits the call being placed."""
    return _site(caller(), current_task())


def _site(frame: FrameType | None, task: Task[Any] | None) -> str:
    """Return file and line of a coroutine's frame; for other code, what is known of its task."""
    if frame is not None and frame.f_code.co_flags & inspect.CO_COROUTINE:
        return f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return "an unknown place" if task is None else f"the start of {task.get_name()}"


def _site_of(call: Hop) -> str:
    """Return file and line of the code that awaits a running call.

    Found from outside, so that no call pays for a place that only errors tell. A task that has just
    handed the call over still runs; one that was not found running either has suspended meanwhile.
    """
    return (
        _suspended_site(call) or _running_site(call) or _suspended_site(call) or "an unknown place"
    )


def _suspended_site(call: Hop) -> str | None:
    for task in all_tasks(call.loop):
        outer: FrameType | None = None
        coroutine: Any = task.get_coro()  # Any: coroutines and generators have different attributes
        while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
            frame = coroutine.cr_frame
            if frame.f_locals.get("call") is call:
                return _site(outer, task)
            outer = frame
            coroutine = coroutine.cr_await
    return None


def _running_site(call: Hop) -> str | None:
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            # Other functions of ours have a local variable `call` too.
            if frame.f_code.co_flags & inspect.CO_COROUTINE and frame.f_locals.get("call") is call:
                return _site(frame.f_back, current_task(call.loop))
            frame = frame.f_back
    return None
