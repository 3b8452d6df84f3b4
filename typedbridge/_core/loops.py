"""Loop threads: event loops of our own, for coroutines that have none."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from typedbridge._core import vigil
from typedbridge._core.fresh import Fresh
from typedbridge._core.green import allocate_lock, new_event_loop
from typedbridge._core.guests import ask_factory, create_task, start_task
from typedbridge._core.jobs import WorkItem
from typedbridge._core.leavings import Leavings
from typedbridge._core.mailbox import tell
from typedbridge._core.posts import Post
from typedbridge._core.scope import here, loop_frames
from typedbridge._core.workers import start_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Context
    from typing import Protocol

    from typedbridge._core.current_thread import CurrentThreadExecutor
    from typedbridge._core.guests import Guest

    class Lease(Protocol):
        """What holds a loop thread for one call; see `spares`."""

        thread: LoopThread | None


#: What the names of our modules begin with.
_OURS: Final = f"{__package__}."

#: So often what was interrupted is begun again.
_TRIES: Final = 3

__all__ = ["LoopThread", "forget", "thread_of"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class LoopThread(Executor):
    """A thread with a running event loop that works for one frame at a time.

    An `AsyncSingleThreadContext` may have it work for several. User code that stops or closes the
    loop ends the thread; what it worked for then fails.

    :param lease: gets it, as soon as it runs.
    """

    def __init__(self, lease: Lease | None = None) -> None:
        self.loop = new_event_loop()
        #: Whether it takes calls.
        self.alive = True
        #: How the thread looked before the first call; `None` when it is not there.
        self._fresh: Fresh | None = None
        #: How often an idle one was taken.
        self.taken = 0
        #: Held to end `alive` and to add a frame: one is either refused, or answered by this thread.
        self._lock = allocate_lock()
        #: The frames to answer, in the order of their start.
        self._frames: dict[Guest, None] = {}
        #: Those that came while the leavings of others were being ended.
        self._held: list[tuple[Guest, Awaitable[object], Context]] = []
        self._tidying = False
        #: How many coroutines run that came through `submit`, and the frame of asgiref's that waits for them.
        self._submitted = 0
        self._around: CurrentThreadExecutor | None = None
        #: Whether the loop was stopped: `_serve` answers what is left.
        self._over = False
        self._stopped = False
        #: A second Ctrl-C has left a coroutine alone here: it may never end.
        self._abandoned = False
        self._leavings = Leavings(self.loop)
        # Before the thread starts, or a coroutine could come to its turn earlier.
        self.loop.call_soon(self._leavings.watch_generators)
        # A coroutine must not begin in the turn in which user code stops the loop: where that does
        # not show (uvloop), it begins in the next one.
        self._begin_task = start_task if hasattr(self.loop, "_stopping") else create_task
        #: Taken by who sees to the end of the loop: its thread, or this one if there will be none.
        self._end_of_it = iter([True])
        self._ends = False
        #: Taken to give the loop its last turns.
        self._last_turns = iter([None])
        #: The frames that it ended under.
        self._lost: list[Guest] | None = None
        #: An exception has ended it that was set in the thread.
        self._broken = False
        #: What has ended the loop.
        self._ended_by: BaseException | None = None
        # Not through `set_exception_handler`, which is the user's.
        loop: Any = self.loop  # Any: a method is assigned
        loop.call_exception_handler = self._report
        _running[self.loop] = self
        try:
            self._thread = start_thread(self._serve, "typedbridge loop", Post())
        except BaseException:
            self.alive = False
            # No thread can be started, or Ctrl-C came meanwhile: then there may be one.
            ends = False
            for ends in self._end_of_it:
                break
            if ends:
                del _running[self.loop]
                self.loop.close()
            else:
                tell(self.loop, self.loop.stop)
            raise
        if lease is not None:
            lease.thread = self

    # -- on the calling thread ---------------------------------------------------------------

    def start(self, frame: Guest, awaitable: Awaitable[object], context: Context) -> bool:
        """Begin a frame's coroutine on the loop.

        :returns: false if the thread has ended meanwhile, or is about to.
        """
        with self._lock:
            if not self.alive or self.loop.is_closed():
                return False
            if self._frames and not vigil.awake:  # others have the loop, which may not turn
                vigil.rouse()
            # In this order: whatever is raised from now on, the end of the frame is told.
            frame.host = self
            self._frames[frame] = None
        # Outside: the loop's thread goes on at once, and would wait for the lock.
        try:
            tell(self.loop, self._begin, frame, awaitable, context)  # closed: `_serve` answers
        except RuntimeError:
            self._frames.pop(frame)
            raise
        return True

    def abandon(self, frame: Guest) -> None:
        """Work on for a frame whose caller has gone; nobody waits for the end of it."""
        self._abandoned = True
        self._frames.pop(frame, None)
        tell(self.loop, frame.withdraw)

    def serves(self, frame: CurrentThreadExecutor | None) -> bool:
        """Whether this works for a frame, or for one that it stands in."""
        if frame is None:
            return bool(self._frames)
        theirs = loop_frames.get(self.loop) if self._submitted else None
        while frame is not None and frame not in self._frames and frame is not theirs:
            frame = frame._old_executor
        return frame is not None

    def is_as_new(self) -> bool:
        """Whether the next call will find no trace of the last one on the loop."""
        return (
            self.alive
            and not self._frames
            and not self.loop.is_closed()
            and self._leavings.traceless()
        )

    def ident(self) -> int | None:
        """Return the number of the thread."""
        return self._thread.ident

    def forget(self) -> None:
        """Be dead in a forked child; the lock may have been held when it was forked."""
        self.alive = False
        self._lock = allocate_lock()

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Run a function on the loop's thread; where that is `asyncio.run`, the coroutine on the loop."""
        if fn is asyncio.run and len(args) == 1 and asyncio.iscoroutine(args[0]):
            return asyncio.run_coroutine_threadsafe(self._run_submitted(args[0]), self.loop)
        item = WorkItem(fn, args, kwargs)
        self.loop.call_soon_threadsafe(item.run)
        return item.future

    # The signature is `Executor`'s.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; when those that run are over, close the loop and end the thread.

        :param wait: wait for that, unless a second Ctrl-C has left a coroutine alone here.
        """
        with self._lock:
            self.alive = False
        tell(self.loop, self._wind_up)
        if wait and not self._abandoned and self._thread is not threading.current_thread():
            self._thread.join()

    # -- on the loop's thread ----------------------------------------------------------------

    def _serve(self) -> None:
        """Run the loop, and end it. Called again when an exception was set in the thread meanwhile."""
        for self._ends in self._end_of_it:
            break
        if not self._ends:
            return
        loop = self.loop
        if self._ended_by is None:
            self._ended_by = RuntimeError(
                "the event loop stopped before the coroutine was finished"
            )
            here.scope.home = None  # each frame brings its own
            self._fresh = Fresh()
            try:
                loop.run_forever()
            # A task raised SystemExit or KeyboardInterrupt, or an exception was set in the thread.
            except BaseException as error:
                self._ended_by = error
                self._broken = not isinstance(error, (SystemExit, KeyboardInterrupt))
        with self._lock:
            self.alive = False
            self._over = self._stopped = True
            if self._lost is None:
                self._lost = list(self._frames)
        for frame in self._lost:
            frame.lose(loop, self._ended_by)
            if self._broken:  # its last turns may never end
                frame.answer(loop)
        self._end()
        for frame in self._lost:
            frame.answer(loop)
        self._lost = []
        self._ended_by = None  # its traceback

    def _end(self) -> None:
        """Give the loop its last turns, and close it."""
        loop = self.loop
        try:
            for _ in self._last_turns:
                if self._broken:  # a task might never end
                    loop.call_later(_LAST, loop.stop)
                if not loop.is_closed():
                    loop.run_until_complete(self._leavings.end_all())
        except BaseException:
            if not self._broken:
                self._broken = True
                raise
        finally:
            _running.pop(loop, None)
            loop_frames.pop(loop, None)
            with suppress(BaseException):  # half closed, or it passes for one that runs
                loop.close()

    def _report(self, context: dict[str, Any]) -> None:
        """Tell of an error in a callback; end the loop if somebody would wait for ever because of it.

        What goes on with a task, or with a call, does not fail by itself: the loop has caught an exception
        that was set in this thread.
        """
        error = context.get("exception")
        if error is None or not _breaks(error, getattr(context.get("handle"), "_callback", None)):
            type(self.loop).call_exception_handler(self.loop, context)
            return
        self._ended_by = error
        self._broken = True
        self.loop.stop()

    def _begin(self, frame: Guest, awaitable: Awaitable[object], context: Context) -> None:
        if self._over or getattr(self.loop, "_stopping", False):
            return  # `_serve` answers
        if self._tidying:
            self._held.append((frame, awaitable, context))
            return
        if self._submitted and not self._frames.keys() - {frame}:
            self._around = loop_frames.get(self.loop)
        loop_frames[self.loop] = frame
        if self._fresh is not None:
            self._fresh.begin()
        frame.begin(self._begin_task, awaitable, context)

    def begin_inside(
        self,
        outer: CurrentThreadExecutor | None,
        frame: Guest,
        awaitable: Awaitable[object],
        context: Context,
    ) -> None:
        """Begin the coroutine of a frame that was opened by a function of an outer frame."""
        if not self.serves(outer):
            # The function goes on, though nobody waits for it: the loop is somebody else's by now.
            frame.turn_away(self.loop)
            return
        make_task = self._task_inside if self._leavings.factory_is_ours() else ask_factory
        frame.begin(make_task, awaitable, context)

    def _task_inside(
        self, drive: Coroutine[Any, Any, None], context: Context
    ) -> asyncio.Task[None]:
        task = self._begin_task(drive, context)
        self._leavings.note(task)
        return task

    def _wind_up(self) -> None:
        for frame in list(self._frames):
            frame.part()
        self._stop_if_done()

    def _stop_if_done(self) -> None:
        if not (self.alive or self._frames or self._stopped):
            self._stopped = True  # uvloop would stop `_end` with what is told twice
            self.loop.stop()

    def tidy(self, frame: Guest) -> Coroutine[Any, Any, None] | None:
        """Return what is to be awaited behind a frame's coroutine: `None` where it left nothing."""
        others = len(self._frames) - (frame in self._frames)
        if self._over or others or self._submitted:
            return None  # the thread ends, or another call goes on: the last one cleans up
        tasks = self._leavings.tasks()
        if tasks is None:
            return None
        self._tidying = True
        return self._end_leavings(tasks)

    async def _run_submitted(self, coroutine: Coroutine[Any, Any, _R]) -> _R:
        """Await what came through `submit`. It is no leaving of a call that ends meanwhile."""
        self._submitted += 1
        try:
            return await coroutine
        finally:
            self._submitted -= 1
            self._around = None

    def release(self, frame: Guest) -> None:
        """Work no longer for a frame."""
        self._frames.pop(frame, None)
        others = list(self._frames)
        if others:
            loop_frames[self.loop] = others[-1]
        elif self._around is not None:
            loop_frames[self.loop] = self._around
        else:
            loop_frames.pop(self.loop, None)
            self._stop_if_done()

    async def _end_leavings(self, tasks: set[asyncio.Task[Any]]) -> None:
        # Their cleanup may call back into the waiting thread.
        try:
            if not await self._leavings.end(tasks):
                self.alive = False
        finally:
            self._tidying = False
            for held in self._held:
                self.loop.call_soon(self._begin, *held)
            self._held.clear()


def _breaks(error: BaseException, callback: object) -> bool:
    """Tell whether an error in a callback keeps a task or a call of ours from going on."""
    if isinstance(error, (asyncio.InvalidStateError, AssertionError)):
        return False  # a future that user code has settled as well
    of = getattr(callback, "func", callback)
    if isinstance(getattr(of, "__self__", None), asyncio.Task):
        return True
    return type(of).__name__ == "TaskStepMethWrapper" or str(
        getattr(of, "__module__", None)
    ).startswith(_PARTS)


#: Seconds for the cleanup of what runs on a loop that is broken.
_LAST: Final = 1.0

#: What the names of modules begin with whose callbacks call no code of the user's.
_PARTS: Final = (
    *("asyncio.futures", "asyncio.locks", "asyncio.tasks", "asyncio.timeouts"),
    f"{__package__}.",
)

#: The library's loops that run, and who runs them.
_running: dict[asyncio.AbstractEventLoop, LoopThread] = {}


def thread_of(loop: asyncio.AbstractEventLoop) -> LoopThread | None:
    """Return the thread of a loop of ours, or nothing for any other loop."""
    return _running.get(loop)


def forget() -> None:
    """Start anew in a forked child: no thread of the parent's runs there."""
    for thread in _running.values():
        thread.forget()
    _running.clear()
