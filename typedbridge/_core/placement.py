"""Which thread runs this call: the table of docs/contract.md, section 1."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Final

from typedbridge._core.current_thread import CurrentThreadExecutor
from typedbridge._core.pool import pool
from typedbridge._core.scope import (
    current_call,
    current_frame,
    here,
    innermost_call,
    innermost_frame,
    loop_frames,
)
from typedbridge._core.seam import seam
from typedbridge._core.threadless import NO_THREADS, inline
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import MutableMapping
    from concurrent.futures import Executor
    from contextvars import ContextVar
    from typing import Protocol

    from typedbridge._core.scope import Hop

    class SensitiveContext(Protocol):
        """What the table asks of a `ThreadSensitiveContext`."""

        #: Given by the user; wins over what is around.
        _executor: Executor | None
        #: The frame that the context was entered in.
        _frame: CurrentThreadExecutor | None

        def _usable_executor(self) -> Executor: ...
        def _lane(self, lanes: MutableMapping[object, Executor]) -> Executor | None: ...

    class Placed(Protocol):
        """What the table asks of a bridge. Users replace the public attributes."""

        _thread_sensitive: bool
        _executor: Executor | None

        @property
        def thread_sensitive_context(self) -> ContextVar[SensitiveContext]: ...
        @property
        def context_to_thread_executor(self) -> MutableMapping[object, Executor]: ...
        @property
        def single_thread_executor(self) -> Executor: ...


__all__ = ["frame_in_force", "lane_of", "process_lane", "row_of"]

#: Runs the sensitive calls that nothing else claims: one thread for the whole process.
process_lane = Lane("typedbridge process lane")

#: Row 2; where there are no threads, all rows.
_POOL: Final = inline if NO_THREADS else pool


def lane_of(bridge: Placed, loop: AbstractEventLoop, origin: Hop | None) -> Executor:
    """Return what runs a call of the bridge: the first row of the table that applies.

    :param origin: the call inside which this one is made.
    """
    if NO_THREADS or not bridge._thread_sensitive:
        return _POOL if bridge._executor is None else bridge._executor  # rows 1 and 2
    frame = innermost_frame()
    if origin is not None and frame is not None and _is_busy_with(frame, origin):
        frame = None
    context = bridge.thread_sensitive_context.get(None)
    if seam.as_ours is not None and (context is not None or seam.entered_before):
        context = seam.as_ours(context)
    if context is not None and _wins(context, frame):
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


def row_of(bridge: Placed, lane: Executor) -> int:
    """Return which row of the table has given a lane. For observers: no call needs it."""
    if not bridge._thread_sensitive:
        return 2 if bridge._executor is None else 1
    if isinstance(lane, CurrentThreadExecutor):
        return 4 if innermost_frame() is lane else 6
    if lane is bridge.single_thread_executor:
        return 7
    return 5 if isinstance(lane, Lane) else 3


def _is_busy_with(frame: CurrentThreadExecutor, origin: Hop) -> bool:
    """Tell whether a frame runs the function that started the current code, in another thread.

    A thread that a function starts, with a copy of its context, knows the frame too; and what it wants of
    that waits for the function, which may well wait for the thread.
    """
    if current_frame.get() is not frame or get_ident() == frame._thread:
        return False
    call: Hop | None = origin
    while call is not None:
        if call.lane is frame and not call.waits():
            return True
        call = call.origin
    return False


def _wins(context: SensitiveContext, frame: CurrentThreadExecutor | None) -> bool:
    """Tell whether a context with an executor was entered inside of the innermost frame."""
    if context._executor is None:
        return False
    entered_in = context._frame
    return frame is None or (entered_in is not None and entered_in.open_executor() is frame)


def frame_in_force(
    variable: ContextVar[SensitiveContext],
) -> CurrentThreadExecutor | None:
    """Return the frame that takes the sensitive calls of the current code, if one does."""
    frame = innermost_frame()
    origin = innermost_call(here.scope, current_call.get(None))
    if origin is not None and frame is not None and _is_busy_with(frame, origin):
        frame = None
    context = variable.get(None)
    if seam.as_ours is not None:
        context = seam.as_ours(context)
    return None if context is not None and _wins(context, frame) else frame
