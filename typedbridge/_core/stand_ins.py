"""What stands in for asgiref's class attributes, each a class that names the attribute.

Found out by running asgiref 3.8 to 3.13. Its users set these attributes as well: it reads them at each
call. Nothing of asgiref's is patched.
"""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
import sys
import threading
from asyncio import _get_running_loop, current_task
from collections import UserDict
from concurrent.futures import Executor, Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from weakref import ref

from typedbridge._core.call import Call
from typedbridge._core.deadlock import refuse_deadlock
from typedbridge._core.frame_local import FrameLocal
from typedbridge._core.jobs import WorkItem
from typedbridge._core.loops import thread_of
from typedbridge._core.placement import process_lane
from typedbridge._core.scope import (
    Mark,
    Outside,
    Waiting,
    current_call,
    current_frame,
    here,
    innermost_frame,
    loop_frames,
)
from typedbridge._core.seam import ASGIREF, seam
from typedbridge._core.their_contexts import executor_contexts
from typedbridge._core.to_async import SyncToAsync
from typedbridge._core.to_sync import outer_frame
from typedbridge._core.visitors import (
    BegunFrame,
    EarlierFrame,
    Pooled,
    Visitor,
    begun,
    ended,
    frame_of,
)
from typedbridge._core.visits import Visit

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Mapping
    from contextvars import ContextVar

__all__ = [
    "Asgiref",
    "DeadlockContext",
    "Executors",
    "LoopExecutors",
    "ThreadLocal",
    "earlier_frame",
    "earlier_loop",
    "job_of",
    "lane",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

# Any, throughout: what is asgiref's is of whatever version is there.


class Asgiref:
    """What was there before the libraries met."""

    sync: Any
    executors: Any
    threadlocal: Any
    #: In which `executors` keeps its values.
    variable: ContextVar[Any]


def _asked_by_asgiref() -> bool:
    """Tell whether asgiref's own code, and no user, uses what stands in for its attribute."""
    return sys._getframe(2).f_globals.get("__name__") == ASGIREF


# -- calls of asgiref's sync_to_async ------------------------------------------------------------


def job_of(
    executor: Executor,
    func: Callable[..., Any],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    /,
) -> WorkItem:
    """Make the job of what comes to an executor of ours through `submit`."""
    loop = _get_running_loop()
    # What `run_in_executor` is given: `thread_handler`, with the loop, the handled exception, a list for
    # tasks, what runs the call, and the call.
    handler: Any = func
    given: tuple[Any, ...] = handler.args if type(handler) is partial else ()
    if loop is None or len(given) != 5 or given[0] is not loop or type(given[2]) is not list:
        return WorkItem(func, args, kwargs)
    child = given[4]
    visitor = DeadlockContext.announced()
    if visitor is None:
        visitor = _visitor(getattr(child, "func", child), loop)
        func = partial[Any](handler.func, *given[:3], _marking(visitor, given[3]), child)
    refuse_deadlock(visitor, visitor, executor)
    visitor.lane = executor
    return Visit(visitor, func, args, kwargs)


def _marking(visitor: Visitor, run: Callable[..., Any]) -> Callable[..., Any]:
    """Have what runs a function of asgiref's in its context mark it there, as calls of ours are marked."""

    def marked(child: Callable[[], Any]) -> Any:
        before = current_call.set(Mark(visitor))
        try:
            return child()
        finally:
            current_call.reset(before)  # what a function sets is carried back

    def run_marked(child: Callable[[], Any]) -> Any:
        return run(partial(marked, child))

    return run_marked


def _visitor(func: Callable[..., object], loop: AbstractEventLoop) -> Visitor:
    return Visitor(func, loop, lambda: SyncToAsync.single_thread_executor)


class _Announced(Mark):
    """A call that asgiref is about to submit to the lane of the process."""

    __slots__ = ("before", "task")

    #: What the variable was before the call.
    before: object
    #: The task that makes the call.
    task: ref[Task[Any]] | None


class DeadlockContext:
    """`SyncToAsync.deadlock_context`: true while a call is in the lane of the process.

    asgiref refuses calls to that lane where it is. Here the chain of calls tells, when the call is
    submitted: a task that inherited the variable may outlive the call.
    """

    name: Final = "deadlock_context"
    _next: Final = threading.local()

    def get(self, default: object = None, /) -> object:
        """Return what a user set; a mark of ours is none."""
        value = current_call.get(default)
        return False if isinstance(value, Mark) else value

    def set(self, value: object, /) -> object:
        """Note that a call begins or ends."""
        mark = current_call.get(None)
        if not _asked_by_asgiref() or not lane.is_asgirefs():
            return None if isinstance(mark, Mark) and not value else current_call.set(value)
        loop = _get_running_loop()
        if value and loop is not None:
            visitor = self._next.visitor = _visitor(Asgiref.sync.sync_to_async, loop)
            task = current_task()
            announced = _Announced(visitor)
            announced.before = mark
            announced.task = None if task is None else ref(task)
            current_call.set(announced)
        elif (
            isinstance(mark, _Announced) and mark.task is not None and mark.task() is current_task()
        ):
            current_call.set(mark.before)
        return None

    def reset(self, token: Any, /) -> None:
        """Undo a user's `set`."""
        if token is not None:
            current_call.reset(token)

    @classmethod
    def announced(cls) -> Visitor | None:
        """Return the call that this thread is about to submit, if it told of it."""
        visitor: Visitor | None = getattr(cls._next, "visitor", None)
        cls._next.visitor = None
        mark = current_call.get(None)
        return visitor if isinstance(mark, _Announced) and mark() is visitor else None


class ThreadLocal(threading.local):
    """`SyncToAsync.threadlocal`: set in the thread that runs a call; read by `async_to_sync`."""

    @property
    def main_event_loop(self) -> AbstractEventLoop | None:
        loop = here.main_event_loop
        thread = None if loop is None else thread_of(loop)
        if thread is not None and _asked_by_asgiref():
            scope, frame = here.scope, current_frame.get()
            if not thread.serves(outer_frame(scope, frame) if isinstance(scope, Call) else frame):
                # The function goes on, though nobody waits for it: the loop is somebody else's by now.
                return None
        return loop

    @main_event_loop.setter
    def main_event_loop(self, loop: AbstractEventLoop) -> None:
        scope = here.scope
        if not _asked_by_asgiref():
            here.main_event_loop = loop
        elif isinstance(scope, Outside):
            here.scope = Pooled(loop, scope, sys._getframe(1).f_code)

    @property
    def main_event_loop_pid(self) -> int | None:
        return None if self.main_event_loop is None else os.getpid()

    @main_event_loop_pid.setter
    def main_event_loop_pid(self, pid: int) -> None:
        """After a fork `scope.forget` has forgotten the loop."""

    @property
    def task_context(self) -> list[Any] | None:
        frames = begun.frames
        return frames[-1].tasks if frames else here.scope.tasks

    @task_context.setter
    def task_context(self, tasks: list[Any]) -> None:
        scope = here.scope
        if isinstance(scope, Visitor | Pooled):
            scope.tasks = tasks


# -- calls of asgiref's async_to_sync ------------------------------------------------------------


class Executors(FrameLocal, internal=True):
    """`AsyncToSync.executors`: `current` is set by a call that begins to wait, and set back by it.

    A `ThreadSensitiveContext` with an executor sets it to `None`, in async code, and back.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "current":
            super().__setattr__(name, value)
        elif _get_running_loop() is not None:
            context = SyncToAsync.thread_sensitive_context.get(None)
            if value is None and context is not None:
                executor_contexts[context] = innermost_frame()
        elif value is None or isinstance(value, Waiting):
            if begun.frames:
                begun.frames.pop().end()
            elif value is None:
                Asgiref.executors.current = None
        else:
            BegunFrame(Asgiref.sync.async_to_sync, value)


class LoopExecutors(UserDict[Any, Any]):
    """`AsyncToSync.loop_thread_executors`: set by a call that makes a loop, and deleted by it."""

    def __init__(self) -> None:
        super().__init__()
        self.data = loop_frames

    def __setitem__(self, loop: Any, executor: Any) -> None:
        self.data[loop] = frame_of.get(id(executor), executor)

    def __delitem__(self, loop: Any) -> None:
        self.data.pop(loop, None)


def earlier_frame() -> EarlierFrame | None:
    """Return the frame that waited before the libraries met, in whose coroutine we are."""
    stored = Asgiref.variable.get()
    executor = getattr(stored, "data", stored).get("current")
    if executor is None or executor in ended:
        return None
    return EarlierFrame(Asgiref.sync.async_to_sync, executor)


def earlier_loop() -> AbstractEventLoop | None:
    """Return the loop of the call that this thread began before the libraries met."""
    before: dict[str, Any] = Asgiref.threadlocal.__dict__
    if before.get("main_event_loop_pid") != os.getpid():
        return None
    return before.get("main_event_loop")


class ProcessLane(Executor):
    """`SyncToAsync.single_thread_executor`: the lane of the process, also if a user replaced ours."""

    #: What `follow` has made ours.
    _followed: Executor = process_lane

    def is_asgirefs(self) -> bool:
        """Whether asgiref uses it: its own may have had a thread before, or a user's may be there."""
        return Asgiref.sync.SyncToAsync.single_thread_executor is self

    def follow(self) -> None:
        """Have ours be what a user put in the place of asgiref's, as long as that is there."""
        theirs = Asgiref.sync.SyncToAsync.single_thread_executor
        wanted = process_lane if theirs is self else theirs
        if wanted is not self._followed:
            if SyncToAsync.single_thread_executor is self._followed:
                SyncToAsync.single_thread_executor = wanted
            self._followed = wanted
        seam.lane = theirs

    def _lane(self) -> Executor:
        self.follow()
        ours = SyncToAsync.single_thread_executor
        return process_lane if ours is self else ours

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call there."""
        return self._lane().submit(fn, *args, **kwargs)

    # The signature is `Executor`'s.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut that down."""
        self._lane().shutdown(wait, cancel_futures=cancel_futures)


lane: Final = ProcessLane()
