"""Where am I? What the current thread is in the middle of, and what the current code belongs to.

The ground that the rest stands on. It knows calls and frames by two small base classes only.
"""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import threading
from asyncio import _get_running_loop
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import ref

from typedbridge._core.current_thread import CurrentThreadExecutor
from typedbridge._core.seam import seam

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable
    from concurrent.futures import Executor
    from typing import Any

    from typedbridge._core.jobs import Job

__all__ = [
    "Hop",
    "Mark",
    "Outside",
    "Waiting",
    "current_call",
    "current_frame",
    "current_home",
    "forget",
    "here",
    "hop_of",
    "innermost_call",
    "innermost_frame",
    "is_home",
    "loop_frames",
]


class Hop:
    """What the code in a `sync_to_async` call is told of it."""

    __slots__ = ("__weakref__", "abandoned", "frame", "home", "lane", "loop", "nests", "origin")

    #: Whose `Local` values the function sees.
    home: object | None
    #: The loop that awaits the call.
    loop: AbstractEventLoop
    #: What runs the call; `None` when it has run.
    lane: Executor | None
    #: The call inside which this one was made.
    origin: Hop | None
    #: Nobody awaits it any more.
    abandoned: bool
    #: The `async_to_sync` call that the function is blocked in.
    frame: Waiting | None
    #: Where asgiref looks for the coroutine to cancel when its call is cancelled.
    tasks: list[Any] | None = None
    #: Whether it can be told later that it waits for ever.
    tellable = True
    #: Whether calls were made on a loop that the function runs in its thread.
    nests: bool

    def waits(self) -> bool:
        """Tell whether the call waits for its turn."""
        raise NotImplementedError

    def func(self) -> Callable[..., object]:
        """Return what is called, for error messages."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """Raise an error where the call is awaited, if it still waits. Called on the loop's thread."""
        raise NotImplementedError

    def holds_process_lane(self) -> bool:
        """Tell whether this runs in the lane of the process, or waits for it."""
        raise NotImplementedError


def hop_of(job: object) -> Hop | None:
    """Return the call that a job is, or that it stands for."""
    if isinstance(job, Hop):
        return job
    hop = getattr(job, "hop", None)
    return hop if isinstance(hop, Hop) else None


class Waiting(CurrentThreadExecutor):
    """What the code under an `async_to_sync` call is told of it: its thread takes work meanwhile."""

    #: What is called, for error messages.
    func: Callable[..., object]
    #: Whose `Local` values the coroutine sees.
    home: object | None
    #: Where the coroutine runs.
    loop: AbstractEventLoop | None

    def asks(self) -> bool:
        """Tell whether the loop has not come to the call yet."""
        raise NotImplementedError

    def task(self) -> Task[None] | None:
        """Return the task of the coroutine that the thread waits for, while there is one."""
        raise NotImplementedError

    def take_over(self, job: Job) -> None:
        """Queue a job that another executor has not come to."""
        hop = hop_of(job)
        if hop is not None:
            hop.lane = self
        super().take_over(job)

    @property
    def over(self) -> bool:
        """Whether the wait has ended."""
        return not self._open

    def cancel(self, message: object = None) -> None:
        """Cancel the coroutine. Called from any thread.

        :param message: as for `asyncio.Task.cancel`.
        """
        raise NotImplementedError


class Outside:
    """What a thread is in the middle of that runs no call of ours."""

    __slots__ = ("home",)

    def __init__(self, home: object) -> None:
        #: `None` on a loop thread, which works for frames of several threads: see `current_home`.
        self.home: object | None = home

    #: The loop that awaits what the thread is in the middle of.
    loop: AbstractEventLoop | None = None
    #: Where asgiref looks for the coroutine to cancel when its call is cancelled.
    tasks: list[Any] | None = None


class Here(threading.local):
    """What the current thread is in the middle of.

    ``scope`` is the innermost `sync_to_async` call that runs on this thread. Its ``home`` is a token
    for the thread, or for the thread on whose behalf a hop runs here: `Local` values belong to it.
    """

    #: One attribute, since a look into a thread local costs as much as a call.
    scope: Hop | Outside
    _loop_by_hand: AbstractEventLoop | None = None

    def __init__(self) -> None:
        self.scope = Outside(object())

    @property
    def main_event_loop(self) -> AbstractEventLoop | None:
        """The loop that awaits the call which this thread runs; users may set another one."""
        loop = self.scope.loop or self._loop_by_hand
        if loop is None and seam.earlier_local is not None and seam.earlier_local.__dict__:
            return seam.earlier_loop()
        return loop

    @main_event_loop.setter
    def main_event_loop(self, loop: AbstractEventLoop | None) -> None:
        self._loop_by_hand = loop


here = Here()


class Mark(ref[Hop]):
    """Tells what is started inside a function that it descends from this call.

    Weak, or the contexts of tasks that live on would keep the call. True while the call, or one that
    it descends from, holds the lane of the process: for users who read ``deadlock_context``.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        call = self()
        while call is not None:
            if call.holds_process_lane():
                return True
            call = call.origin
        return False


#: The `sync_to_async` call inside which the current code was started. Users know the variable as
#: ``SyncToAsync.deadlock_context``, and may set it.
current_call: ContextVar[object] = ContextVar("deadlock_context")

#: The `async_to_sync` call that the current code belongs to; tasks inherit it.
current_frame: ContextVar[Waiting | None] = ContextVar("typedbridge_frame", default=None)

#: Running library loop -> the frame that it works for, the latest of several.
loop_frames: dict[AbstractEventLoop, CurrentThreadExecutor] = {}


def innermost_call(scope: Hop | Outside, mark: object) -> Hop | None:
    """Return the call inside which the current code was started: its chain of calls begins there.

    :param scope: of the current thread.
    :param mark: in the current context.
    """
    if not isinstance(scope, Outside):
        return scope  # the running loop was started in the thread of this call
    # A task, or a loop in a thread that a call started with a copy of its context.
    return mark() if isinstance(mark, Mark) else None


def innermost_frame() -> CurrentThreadExecutor | None:
    """Return the innermost frame of the current context that still waits."""
    frame = current_frame.get()
    if frame is None:
        earlier = seam.earlier_frames
        return None if earlier is None or earlier.get(None) is None else seam.earlier_frame()
    return frame if frame._open else frame.open_executor()


def current_home() -> object | None:
    """Return whose `Local` values the current code sees."""
    home = here.scope.home
    if home is not None:
        return home
    frame = current_frame.get()
    return LoopHome.here() if frame is None else frame.home


class LoopHome:
    """Whose `Local` values a call of asgiref's sees in a thread that is not ours: those of a loop's code.

    What is found in its context belongs to the code that made the call: asgiref moves all of it.
    """

    __slots__ = ("loop",)

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop

    @classmethod
    def here(cls) -> LoopHome | None:
        """Return that of the current code, where there is one."""
        scope = here.scope
        loop = scope.loop if isinstance(scope, Outside) else None
        return None if loop is None else cls(loop)


def is_home(owner: object, home: object) -> bool:
    """Tell whether code whose values are those of a home sees what an owner wrote."""
    if owner is home or isinstance(home, LoopHome):
        return True
    return isinstance(owner, LoopHome) and owner.loop is (
        _get_running_loop() or here.main_event_loop
    )


def forget() -> None:
    """Start anew in a forked child: the calls that its thread runs hold the parent's lanes."""
    call = innermost_call(here.scope, current_call.get(None))
    while call is not None:
        call.lane = None
        call = call.origin
    here.scope = Outside(here.scope.home)
    loop_frames.clear()
