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
from typing import TYPE_CHECKING, Any, Final, TypeVar

from typedbridge._core.awaits import call_of, links
from typedbridge._core.callers import caller, is_ours
from typedbridge._core.loops import thread_of
from typedbridge._core.scope import Hop, Waiting, hop_of
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

__all__ = [
    "UNKNOWN",
    "all_frames",
    "call_site",
    "forget",
    "frame_site",
    "hop_in",
    "loop_thread",
    "running_in",
    "site_of",
    "stack",
    "thread_name",
    "variables",
]

UNKNOWN: Final = "an unknown place"

_R = TypeVar("_R")


class _Collector:
    """What keeps the garbage collector away on Python 3.11."""

    #: Reentrant: a signal handler may look too, in the middle of another look.
    lock = threading.RLock()
    #: Whether it runs by itself again afterwards, while a look has switched it off.
    returns = False


def forget() -> None:
    """Start anew in a forked child: another thread may have been looking."""
    _Collector.lock = threading.RLock()
    if _Collector.returns:
        _Collector.returns = False
        gc.enable()


if sys.version_info >= (3, 12):

    def _undisturbed(look: Callable[[], _R]) -> _R:
        """Look at the frames of other threads."""
        return look()

else:  # 3.11

    def _undisturbed(look: Callable[[], _R]) -> _R:
        """Look at the frames of other threads while the garbage collector does not run by itself.

        Up to Python 3.11 it runs inside the making of an object, and lets other threads go on: a frame
        that is being looked at could end meanwhile, which crashes the interpreter; and it may wait for
        the GIL under a lock that who has the GIL waits for (python/cpython#106883).
        """
        with _Collector.lock:
            if not gc.isenabled():
                return look()
            _Collector.returns = True
            gc.disable()
            try:
                return look()
            finally:
                gc.enable()
                _Collector.returns = False


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
    for _, frame in all_frames():
        # Other functions of ours have a local variable `call` too.
        if frame.f_code.co_flags & inspect.CO_COROUTINE and variables(frame).get("call") is call:
            return _site(frame.f_back, current_task(call.loop))
    return None


def frame_site(blocked: Waiting) -> str:
    """Return file and line of a blocking call."""
    frames = iter(stack(blocked._thread))
    for frame in frames:
        if frame.f_code.co_name == "__call__" and variables(frame).get("frame") is blocked:
            outside = next((outer for outer in frames if not is_ours(outer)), None)
            if outside is not None:
                return f"{outside.f_code.co_filename}:{outside.f_lineno}"
    return UNKNOWN


def all_frames() -> Iterator[tuple[int, FrameType]]:
    """Yield what each thread is in the middle of, from the inside out."""
    # No list of them for who asks: it would be in a variable of a frame that is in it.
    yield from _undisturbed(
        lambda: [
            (thread, frame)
            for thread, innermost in sys._current_frames().items()
            for frame in _outward(innermost)
        ]
    )


def stack(thread: int | None) -> list[FrameType]:
    """Return what a thread is in the middle of, from the inside out."""
    if thread is None:
        return []
    return _undisturbed(lambda: list(_outward(sys._current_frames().get(thread))))


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        # Not this looking itself: it would be in what it holds, and live until the collector comes.
        if frame.f_globals is not globals():
            yield frame
        frame = frame.f_back


# Any: what somebody's code has in its variables.
def variables(frame: FrameType) -> Mapping[str, Any]:
    """Return the variables of a function that another thread may be running."""
    return _undisturbed(lambda: frame.f_locals)


def hop_in(frame: FrameType) -> Hop | None:
    """Return the call whose function runs inside of a frame, if it is the one that a call runs in."""
    return hop_of(variables(frame).get("self")) if frame.f_code.co_name == "run" else None


def running_in(call: Hop) -> int | None:
    """Return the number of the thread that runs a call."""
    lane = call.lane
    if isinstance(lane, Lane):
        return lane.ident()
    if isinstance(lane, Waiting):
        return lane._thread
    for thread, frame in all_frames():
        if hop_in(frame) is call:
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
