"""Loop threads: event loops of our own, for coroutines that have none."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from typedbridge._core import vigil
from typedbridge._core.fresh import Fresh
from typedbridge._core.green import allocate_lock, new_event_loop
from typedbridge._core.jobs import WorkItem
from typedbridge._core.leavings import Leavings
from typedbridge._core.mailbox import tell
from typedbridge._core.scope import Waiting, here, loop_frames
from typedbridge._core.workers import start_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Context
    from typing import TypeAlias

    from typedbridge._core.current_thread import CurrentThreadExecutor

    TaskMaker: TypeAlias = Callable[[Coroutine[Any, Any, None], Context], asyncio.Task[None]]

__all__ = [
    "Guest",
    "LoopThread",
    "ask_factory",
    "forget",
    "start_task",
    "thread_of",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Guest(Waiting):
    """What a loop thread asks of a frame that it works for. All but `begin` may come too late."""

    def begin(
        self,
        make_task: TaskMaker,
        awaitable: Awaitable[object],
        context: Context,
        host: LoopThread | None = None,
    ) -> None:
        """Start the coroutine as a task.

        :param host: the loop thread, if it is to tidy up behind the coroutine.
        """
        raise NotImplementedError

    def withdraw(self) -> None:
        """Never begin the coroutine, if that has not happened yet."""
        raise NotImplementedError

    def lose(self, ended_by: BaseException) -> None:
        """Know that the loop has ended: what is answered from now on."""
        raise NotImplementedError

    def part(self) -> None:
        """Know that the thread is to end as soon as it can: what may wait for long ends now."""
        raise NotImplementedError

    def turn_away(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have another loop take the call: this one does not begin it."""
        raise NotImplementedError

    def answer(self, loop: asyncio.AbstractEventLoop, error: BaseException | None = None) -> None:
        """Tell the waiting thread that the outcome is there.

        :param loop: who answers: the frame may have gone on to another loop meanwhile.
        """
        raise NotImplementedError


def _create_task(drive: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
    """Make a frame's task; its first step waits for its turn."""
    return asyncio.Task(drive, loop=asyncio.get_running_loop(), context=context)


if sys.version_info >= (3, 12):

    def start_task(drive: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
        """Make a frame's task and run its first step at once.

        One that waits for its turn costs two more turns of the loop, one to begin and one for the
        callback that tells of a cancellation before that: 57 us instead of 37 us a call.
        """
        loop = asyncio.get_running_loop()
        return asyncio.Task(drive, loop=loop, context=context, eager_start=True)

else:  # 3.11 has no eager start
    start_task = _create_task


def ask_factory(drive: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
    """Have the loop's task factory make a frame's task, in a copy of the context.

    Not every factory takes a context.
    """
    return context.run(asyncio.get_running_loop().create_task, drive)


class LoopThread(Executor):
    """A thread with a running event loop that works for one frame at a time.

    An `AsyncSingleThreadContext` may have it work for several. User code that stops or closes the
    loop ends the thread; what it worked for then fails.
    """

    def __init__(self) -> None:
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
        self._begin_task = start_task if hasattr(self.loop, "_stopping") else _create_task
        #: Taken by who sees to the end of the loop: its thread, or this one if there will be none.
        self._end = [None]
        _running[self.loop] = self
        try:
            self._thread = start_thread(self._serve, "typedbridge loop")
        except BaseException:
            self.alive = False
            # No thread can be started, or Ctrl-C came meanwhile: then there may be one.
            if self._ends_the_loop():
                del _running[self.loop]
                self.loop.close()
            else:
                tell(self.loop, self.loop.stop)
            raise

    def _ends_the_loop(self) -> bool:
        try:
            self._end.pop()
        except IndexError:
            return False
        return True

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
        while frame is not None and frame not in self._frames:
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
            return asyncio.run_coroutine_threadsafe(args[0], self.loop)
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
        if not self._ends_the_loop():
            return
        loop = self.loop
        here.scope.home = None  # each frame brings its own
        self._fresh = Fresh()
        ended_by: BaseException
        try:
            loop.run_forever()
            ended_by = RuntimeError("the event loop stopped before the coroutine was finished")
        except BaseException as error:  # a task raised SystemExit or KeyboardInterrupt
            ended_by = error
        with self._lock:
            self.alive = False
            self._over = self._stopped = True
            frames = list(self._frames)
        for frame in frames:
            frame.lose(ended_by)
        try:
            if not loop.is_closed():
                loop.run_until_complete(self._leavings.end_all())
        finally:
            del _running[loop]
            loop_frames.pop(loop, None)
            loop.close()
            for frame in frames:
                frame.answer(loop)

    def _begin(self, frame: Guest, awaitable: Awaitable[object], context: Context) -> None:
        if self._over or getattr(self.loop, "_stopping", False):
            return  # `_serve` answers
        if self._tidying:
            self._held.append((frame, awaitable, context))
            return
        loop_frames[self.loop] = frame
        if self._fresh is not None:
            self._fresh.begin()
        frame.begin(self._begin_task, awaitable, context, self)

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
        if self._over or others:
            return None  # the thread ends, or another call goes on: the last one cleans up
        tasks = self._leavings.tasks()
        if tasks is None:
            return None
        self._tidying = True
        return self._end_leavings(tasks)

    def release(self, frame: Guest) -> None:
        """Work no longer for a frame."""
        self._frames.pop(frame, None)
        others = list(self._frames)
        if others:
            loop_frames[self.loop] = others[-1]
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
