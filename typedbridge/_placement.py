"""Which thread runs this call: the table of docs/contract.md, section 1."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import inspect
import sys
from asyncio import AbstractEventLoop, all_tasks, current_task
from threading import get_ident
from typing import TYPE_CHECKING, Any

from typedbridge._carry import Mark, Outside, current_frame, here
from typedbridge._current_thread import CurrentThreadExecutor
from typedbridge._frames import Frame, innermost_frame, loop_frames
from typedbridge._jobs import DirectExecutor
from typedbridge._marks import describe
from typedbridge._workers import Lane, pool

if TYPE_CHECKING:
    from asyncio import Task
    from concurrent.futures import Executor
    from types import FrameType

    from typedbridge._to_async import Call, SyncToAsync

__all__ = ["DeadlockError", "lane_of", "name_of", "process_lane", "refuse_deadlock"]

#: Runs the sensitive calls that nothing else claims: one thread for the whole process.
process_lane = Lane("typedbridge process lane")


class DeadlockError(RuntimeError):
    """A sensitive call would wait for a lane that its own chain of calls already holds."""


def lane_of(bridge: SyncToAsync[..., Any], loop: AbstractEventLoop) -> Executor:
    """Return what runs a call of the bridge: the first row of the table that applies."""
    if not bridge._thread_sensitive:
        return pool if bridge._executor is None else bridge._executor  # rows 1 and 2
    frame = current_frame.get()
    if frame is not None and not frame._open:
        frame = innermost_frame()
    context = bridge.thread_sensitive_context.get(None)
    if context is not None and context._executor is not None:
        entered_in = context._frame
        if frame is None or (entered_in is not None and entered_in.open_executor() is frame):
            return context._usable_executor()  # row 3
    if frame is not None:
        return frame  # row 4
    if context is not None:
        own = context._lane(bridge.context_to_thread_executor)
        if own is not None:
            return own  # row 5
    waiting = loop_frames.get(loop)
    if waiting is not None and getattr(waiting, "_open", True):  # users may put others there
        return waiting  # row 6
    return bridge.single_thread_executor  # row 7


def refuse_deadlock(call: Call, lane: Executor) -> None:
    """Raise `DeadlockError` if a sensitive call would wait for its lane for ever."""
    holder = _holder(call, lane)
    if holder is not None:
        raise DeadlockError(
            f"{describe(call.bridge.func)}, called at {_call_site()}, would wait for "
            f"{name_of(lane)}, which {holder} holds until this call is over. Start the inner "
            f"event loop with async_to_sync instead of asyncio.run, or use "
            f"thread_sensitive=False for one of the two."
        )


def _holder(call: Call, lane: Executor) -> str | None:
    """Return what holds the lane and waits for the call, if anything does."""
    outer = call.origin
    if outer is not None:
        if not (isinstance(lane, DirectExecutor) or lane is call.bridge.single_thread_executor):
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
    if lane is call.bridge.single_thread_executor:
        mark = call.bridge.deadlock_context.get(None)
        if mark and not isinstance(mark, Mark):
            return "SyncToAsync.deadlock_context says that somebody"
    return None


def _described(call: Call) -> str:
    return f"{describe(call.bridge.func)}, called at {_site_of(call)},"


def name_of(lane: Executor) -> str:
    """Return what an error message calls a lane."""
    if lane is pool:
        return "the worker pool"
    if isinstance(lane, Lane):
        return f"the lane {lane.name!r}"
    if isinstance(lane, Frame):
        return f"the thread that waits in async_to_sync({describe(lane.func)})"
    return f"the lane {lane!r}"


def _call_site() -> str:
    """Return file and line of the code that awaits the call being placed."""
    frame = sys._getframe()
    package = frame.f_globals["__package__"]
    while frame.f_back is not None and frame.f_globals.get("__package__") == package:
        frame = frame.f_back
    return _site(frame, current_task())


def _site(frame: FrameType | None, task: Task[Any] | None) -> str:
    """Return file and line of a coroutine's frame; for other code, what is known of its task."""
    if frame is not None and frame.f_code.co_flags & inspect.CO_COROUTINE:
        return f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return "an unknown place" if task is None else f"the start of {task.get_name()}"


def _site_of(call: Call) -> str:
    """Return file and line of the code that awaits a running call.

    Found from outside, so that no call pays for a place that only errors tell. A task that has just
    handed the call over still runs; one that was not found running either has suspended meanwhile.
    """
    return (
        _suspended_site(call) or _running_site(call) or _suspended_site(call) or "an unknown place"
    )


def _suspended_site(call: Call) -> str | None:
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


def _running_site(call: Call) -> str | None:
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            # Other functions of ours have a local variable `call` too.
            if frame.f_code.co_flags & inspect.CO_COROUTINE and frame.f_locals.get("call") is call:
                return _site(frame.f_back, current_task(call.loop))
            frame = frame.f_back
    return None
