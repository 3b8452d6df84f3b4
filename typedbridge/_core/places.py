"""Where was it called, and in which thread? Found from outside, when an error or a report asks."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
from asyncio import current_task
from typing import TYPE_CHECKING, Any, Final

from typedbridge._core.awaits import call_of, links
from typedbridge._core.callers import caller, is_ours
from typedbridge._core.green import allocate_lock
from typedbridge._core.loops import thread_of
from typedbridge._core.scope import Hop, Waiting, hop_of
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Iterator
    from types import FrameType

__all__ = [
    "UNKNOWN",
    "call_site",
    "current_frames",
    "forget",
    "frame_site",
    "loop_thread",
    "running_in",
    "site_of",
    "stack",
    "thread_name",
]

UNKNOWN: Final = "an unknown place"


class _Collector:
    """Held while the garbage collector is switched off."""

    lock = allocate_lock()


_collector = _Collector()


def forget() -> None:
    """Start anew in a forked child: another thread may have held the lock."""
    _collector.lock = allocate_lock()


if sys.version_info >= (3, 12):

    def current_frames() -> dict[int, FrameType]:
        """Return the innermost frame of each thread."""
        return sys._current_frames()

else:  # 3.11

    def current_frames() -> dict[int, FrameType]:
        """Return the innermost frame of each thread."""
        # The collector must not run meanwhile: it may wait for the GIL, under a lock that who has the GIL
        # may wait for (python/cpython#106883, mended in 3.11.9).
        with _collector.lock:
            enabled = gc.isenabled()
            gc.disable()
            try:
                return sys._current_frames()
            finally:
                if enabled:
                    gc.enable()


def call_site() -> str:
    """Return file and line of the code that awaits the call being placed."""
    return _site(caller(), current_task())


def _site(frame: FrameType | None, task: Task[Any] | None) -> str:
    """Return file and line of a coroutine's frame; for other code, what is known of its task."""
    if frame is not None and frame.f_code.co_flags & inspect.CO_COROUTINE:
        return f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return UNKNOWN if task is None else f"the start of {task.get_name()}"


def site_of(call: Hop) -> str:
    """Return file and line of the code that awaits a call.

    Found from outside, so that no call pays for a place that only errors tell. A task that has just
    handed the call over still runs; one that was not found running either has suspended meanwhile.
    """
    return _suspended_site(call) or _running_site(call) or _suspended_site(call) or UNKNOWN


def _suspended_site(call: Hop) -> str | None:
    for task in asyncio.all_tasks(call.loop):
        outer: FrameType | None = None
        for link in links(task):
            if call_of(link) is call:
                return _site(outer, task)
            # Any: generators have a frame too, under another name.
            outer = getattr(link, "cr_frame", None) or outer
    return None


def _running_site(call: Hop) -> str | None:
    for innermost in current_frames().values():
        for frame in _outward(innermost):
            # Other functions of ours have a local variable `call` too.
            if frame.f_code.co_flags & inspect.CO_COROUTINE and frame.f_locals.get("call") is call:
                return _site(frame.f_back, current_task(call.loop))
    return None


def frame_site(blocked: Waiting) -> str:
    """Return file and line of a blocking call."""
    for frame in stack(blocked._thread):
        if frame.f_code.co_name == "__call__" and frame.f_locals.get("frame") is blocked:
            outside = next((outer for outer in _outward(frame) if not is_ours(outer)), None)
            if outside is not None:
                return f"{outside.f_code.co_filename}:{outside.f_lineno}"
    return UNKNOWN


def stack(thread: int | None) -> Iterator[FrameType]:
    """Yield what a thread is in the middle of, from the inside out."""
    yield from _outward(None if thread is None else current_frames().get(thread))


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def running_in(call: Hop) -> int | None:
    """Return the number of the thread that runs a call."""
    lane = call.lane
    if isinstance(lane, Lane):
        return lane.ident()
    if isinstance(lane, Waiting):
        return lane._thread
    for thread, innermost in current_frames().items():
        for frame in _outward(innermost):
            if frame.f_code.co_name == "run" and hop_of(frame.f_locals.get("self")) is call:
                return thread
    return None


def loop_thread(loop: AbstractEventLoop) -> int | None:
    """Return the number of the thread that a loop runs in, if it says so."""
    ours = thread_of(loop)
    if ours is not None:
        return ours.ident()
    ident: int | None = getattr(loop, "_thread_id", None)
    if ident is None and asyncio._get_running_loop() is loop:
        return threading.get_ident()
    return ident


def thread_name(thread: int | None) -> str:
    """Return the name of a thread."""
    named = {each.ident: each.name for each in threading.enumerate()}
    return named.get(thread, "unknown")
