"""Calls of another library, in the form in which ours know each other: hops and frames.

What is special to asgiref's attributes is in `beside`.
"""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
import threading
from queue import Empty
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from typedbridge._core.mailbox import tell
from typedbridge._core.scope import (
    Hop,
    Outside,
    Waiting,
    current_call,
    current_frame,
    current_home,
    here,
    innermost_call,
    innermost_frame,
    loop_frames,
)
from typedbridge._core.workers import start_thread

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable
    from concurrent.futures import Executor
    from contextvars import ContextVar
    from types import CodeType, FrameType

    from typedbridge._core.current_thread import CurrentThreadExecutor
    from typedbridge._core.jobs import Job

__all__ = [
    "BegunFrame",
    "EarlierFrame",
    "Pooled",
    "Visitor",
    "begun",
    "ended",
    "forget",
    "frame_of",
]


class Visitor(Hop):
    """A sensitive call of theirs: it stands in the chain of calls as ours do.

    :param func: what is called, for error messages.
    :param process_lane: tells which lane is that of the process now.
    """

    __slots__ = ("_func", "_process_lane", "begun", "tasks")

    tellable = False

    def __init__(
        self,
        func: Callable[..., object],
        loop: AbstractEventLoop,
        process_lane: Callable[[], Executor],
    ) -> None:
        scope = here.scope
        self._func = func
        self._process_lane = process_lane
        self.loop = loop
        self.home = scope.home or current_home()
        self.origin = innermost_call(scope, current_call.get(None))
        self.lane = None
        self.abandoned = self.nests = False
        self.begun = False
        self.frame = None
        self.tasks = None

    @property
    def single_thread_executor(self) -> Executor:
        """The lane of the process: with the next, what the look for deadlocks asks of a bridge."""
        return self._process_lane()

    @property
    def deadlock_context(self) -> ContextVar[object]:
        """The variable that says inside which call the current code was started."""
        return current_call

    def func(self) -> Callable[..., object]:
        """Return what is called, for error messages."""
        return self._func

    def waits(self) -> bool:
        """Tell whether the call waits for its turn."""
        return self.lane is not None and not self.begun

    def fail(self, error: BaseException) -> None:
        """Leave it to them: their call cannot be told."""

    def holds_process_lane(self) -> bool:
        """Tell whether this runs in the lane of the process, or waits for it."""
        return self.lane is not None and self.lane is self.single_thread_executor


class Pooled(Outside):
    """What a thread is in the middle of that runs a call of theirs and is not ours.

    Nothing tells when the call ends: it runs as long as what runs it is on the thread's stack.

    :param loop: awaits the call.
    :param outside: what the thread was in the middle of before.
    :param runner: the code that runs the call.
    """

    __slots__ = ("_outside", "_runner", "loop", "tasks")

    def __init__(self, loop: AbstractEventLoop, outside: Outside, runner: CodeType) -> None:
        super().__init__(None)
        self.loop = loop
        self._outside: Outside = outside._outside if isinstance(outside, Pooled) else outside
        self._runner = runner
        self.tasks = None

    # Properties would do, but type checkers take no property for an attribute of the base class.
    def __getattribute__(self, name: str) -> Any:
        if name in ("loop", "tasks") and not object.__getattribute__(self, "_runs")():
            return None
        return object.__getattribute__(self, name)

    def _runs(self) -> bool:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code is self._runner:
                return True
            frame = frame.f_back
        if here.scope is self:
            here.scope = self._outside
        return False


#: A thread.
_NOT_KNOWN: Final = 0


class _TheirFrame(Waiting):
    """A blocking call of theirs: work for its thread goes through its executor."""

    # Any: of another library.
    def __init__(
        self,
        func: Callable[..., object],
        executor: Any,
        parent: CurrentThreadExecutor | None,
    ) -> None:
        super().__init__(parent)
        self.func = func
        self.home = current_home()
        self.executor = executor
        self.loop = None

    def put(self, job: Job) -> None:
        """Queue a job here, and a turn in their queue, which drops what comes late."""
        self._jobs.put(job)
        if not self._open:
            self._hand_on()
        elif not self._has_turn():
            # They take nothing from the thread itself, which hands on what a frame inside has not run.
            if self._thread in (_NOT_KNOWN, get_ident()):
                self._ask_elsewhere()
            else:
                self.close()

    def _has_turn(self) -> bool:
        """Queue a turn; tell whether they have taken it."""
        try:
            self.executor.submit(self._turn)
        # Their executor goes on to those that it stands in for, and ours are not as it expects.
        except (RuntimeError, AttributeError):
            return False
        return True

    def _ask_elsewhere(self) -> None:
        """Queue a turn from another thread. If they do not take it there, they are over."""

        def ask() -> None:
            if not self._has_turn():
                self.close()

        try:
            start_thread(ask, "typedbridge turn")
        except RuntimeError:  # the interpreter is exiting
            self.close()

    def _turn(self) -> None:
        try:
            job = self._jobs.get_nowait()
        except Empty:
            return
        if job is not None:
            self.job = job
            job.run()
            self.job = None

    def close(self) -> None:
        """Take no more work. Called from any thread: what runs there goes on."""
        self._open = False
        self._hand_on()

    def asks(self) -> bool:
        """Tell whether the loop has not come to the call yet: nobody knows."""
        return False

    def task(self) -> Task[None] | None:
        """Return the task of the coroutine that the thread waits for, where they tell of it."""
        return None


class BegunFrame(_TheirFrame):
    """One that tells when it ends. Made in the thread that is about to wait."""

    def __init__(self, func: Callable[..., object], executor: Any) -> None:
        super().__init__(func, executor, innermost_frame())
        scope = here.scope
        self.tasks: list[Any] = _Tasks(self, scope.tasks)
        self.cancelled = False
        self._outer = current_frame.get()
        self._scope = scope
        if isinstance(scope, Hop):
            self._blocked_in = scope.frame
            scope.frame = self
        frame_of[id(executor)] = self
        begun.frames.append(self)
        current_frame.set(self)

    def cancel(self, message: object = None) -> None:
        """Cancel the coroutine. Called from any thread.

        :param message: as for `asyncio.Task.cancel`.
        """
        self.cancelled = True
        for task in self.tasks:
            tell(task.get_loop(), task.cancel, message)

    def task(self) -> Task[None] | None:
        """Return the task of the coroutine that the thread waits for."""
        return next(iter(self.tasks), None) if self._open else None

    def end(self) -> None:
        """Wait no more."""
        del frame_of[id(self.executor)]
        if self.job is not None:
            self.mend()
        self.close()
        current_frame.set(self._outer)
        if isinstance(self._scope, Hop):
            self._scope.frame = self._blocked_in


class _Tasks(list[Any]):
    """The list on which a call of theirs puts its task, in the loop's thread and the call's context."""

    def __init__(self, frame: BegunFrame, outer: list[Any] | None) -> None:
        super().__init__()
        self._frame = frame
        #: That of the call around, which looks there for what to cancel.
        self._outer = outer

    def append(self, task: Any, /) -> None:
        super().append(task)
        if self._outer is not None:
            self._outer.append(task)
        if self._frame.cancelled:
            task.cancel()
        scope = here.scope
        if isinstance(scope, Outside) and loop_frames.get(task.get_loop()) is self._frame:
            scope.home = None  # a thread that was made for this call: the frame's home counts

    def remove(self, task: Any, /) -> None:
        super().remove(task)
        if self._outer is not None:
            self._outer.remove(task)


#: The frame of each executor of theirs that waits, by `id`.
frame_of: Final[dict[int, BegunFrame]] = {}


class _Begun(threading.local):
    """The calls of theirs that wait in this thread, from the outside in."""

    def __init__(self) -> None:
        self.frames: list[BegunFrame] = []


begun: Final = _Begun()


class EarlierFrame(_TheirFrame):
    """One whose executor alone can tell that it has ended.

    It began before the libraries met, or a user has put the executor there.
    """

    def __init__(self, func: Callable[..., object], executor: Any) -> None:
        super().__init__(func, executor, None)
        self._thread = _NOT_KNOWN

    def close(self) -> None:
        """Take no more work."""
        ended.add(self.executor)
        super().close()


#: The executors of those that are over.
ended: Final[WeakSet[Any]] = WeakSet()


def forget() -> None:
    """Start anew in a forked child: what would end the frames does not run there."""
    for frame in begun.frames:
        frame._open = False
    begun.frames.clear()
    frame_of.clear()
