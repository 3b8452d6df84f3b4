"""Loop threads: event loops of our own, kept and reused, for coroutines that have none."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from weakref import WeakSet

from typedbridge._carry import here
from typedbridge._frames import Frame, LoopGoneError, create_task, loop_frames, start_task
from typedbridge._workers import MOST_THREADS, WorkItem, start_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
    from contextvars import Context

__all__ = ["LoopThread", "finish", "forget", "give_back", "take"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class LoopThread(Executor):
    """A thread with a running event loop that works for one frame at a time.

    An `AsyncSingleThreadContext` may have it work for several. User code that stops or closes the
    loop ends the thread; what it worked for then fails.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.alive = True
        #: Guards `alive` and `_frames`: a frame is either refused, or answered by this thread.
        self._lock = threading.Lock()
        self._frames: set[Frame] = set()
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()
        factory: Any = self._make_task  # Any: typeshed's protocol asks for a generic callable
        self._factory = factory
        self.loop.set_task_factory(factory)
        # A coroutine must not begin in the turn in which user code stops the loop: where that does
        # not show (uvloop), it begins in the next one.
        self._begin_task = start_task if hasattr(self.loop, "_stopping") else create_task
        self._debug = self.loop.get_debug()
        try:
            self._thread = start_thread(self._serve, "typedbridge loop")
        except BaseException:
            self.loop.close()
            raise

    # -- on the calling thread ---------------------------------------------------------------

    def start(self, frame: Frame, awaitable: Awaitable[object], context: Context) -> None:
        """Begin a frame's coroutine on the loop.

        :raises LoopGoneError: if the thread has ended meanwhile.
        """
        with self._lock:
            if not self.alive or self.loop.is_closed():
                raise LoopGoneError
            self._frames.add(frame)
            self.loop.call_soon_threadsafe(self._begin, frame, awaitable, context)

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Run a function on the loop's thread."""
        item = WorkItem(fn, args, kwargs)
        self.loop.call_soon_threadsafe(item.run)
        return item.future

    # The signature is `Executor`'s.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop and close the loop; its thread ends.

        :param wait: wait for that.
        """
        self.alive = False
        try:
            self.loop.call_soon_threadsafe(self.loop.stop)
        except RuntimeError:
            return  # closed already
        if wait:
            self._thread.join()

    # -- on the loop's thread ----------------------------------------------------------------

    def _serve(self) -> None:
        loop = self.loop
        here.scope.home = None  # each frame brings its own
        loop.call_soon(self._watch_generators)
        ended_by: BaseException
        try:
            loop.run_forever()
            ended_by = RuntimeError("the event loop stopped before the coroutine was finished")
        except BaseException as error:  # a task raised SystemExit or KeyboardInterrupt
            ended_by = error
        with self._lock:
            self.alive = False
            frames = list(self._frames)
        for frame in frames:
            frame.lost = ended_by
        try:
            if not loop.is_closed():
                loop.run_until_complete(self._end())
                loop.close()
        finally:
            loop_frames.pop(loop, None)
            for frame in frames:
                frame.answer(loop)

    async def _end(self) -> None:
        own = asyncio.current_task()
        await self._end_tasks({task for task in asyncio.all_tasks() if task is not own})
        await self._end_generators()
        with suppress(RuntimeError):  # at exit no thread can be started, as this needs
            await self.loop.shutdown_default_executor()

    def _begin(self, frame: Frame, awaitable: Awaitable[object], context: Context) -> None:
        if not self.alive or getattr(self.loop, "_stopping", False):
            return  # `_serve` answers
        loop_frames[self.loop] = frame
        drive = frame.drive(awaitable, partial(self._tidy, frame))
        frame.begin(self._begin_task, drive, context)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **kwargs: Any
    ) -> asyncio.Task[Any]:
        """Make a task of the user's, known to be cleaned up (the loop's task factory)."""
        # `asyncio.all_tasks` would do without, but walks the tasks of every loop of the process.
        task = asyncio.Task(coro, loop=loop, **kwargs)
        self._tasks.add(task)
        return task

    def _watch_generators(self) -> None:
        """Know the async generators of this thread, since `shutdown_asyncgens` ends a loop's life."""
        firstiter, _ = sys.get_asyncgen_hooks()

        def watch(generator: AsyncGenerator[Any, Any]) -> None:
            self._generators.add(generator)
            if firstiter is not None:
                firstiter(generator)

        sys.set_asyncgen_hooks(firstiter=watch)

    def _tidy(self, frame: Frame) -> Coroutine[Any, Any, None] | None:
        """Return what is to be awaited behind a finished coroutine: `None` where it left nothing."""
        self._frames.discard(frame)
        loop = self.loop
        if self._frames or not self.alive:
            return None  # another call goes on, or the thread ends: the last one cleans up
        del loop_frames[loop]
        # Timers cannot be listed publicly; uvloop's are not found, and fire when their time comes.
        for timer in getattr(loop, "_scheduled", ()):
            timer.cancel()
        if (
            loop.get_exception_handler() is None
            and loop.get_task_factory() is self._factory
            and loop.get_debug() == self._debug
        ):
            if not self._tasks and not self._generators:
                return None
            tasks = set(self._tasks)
        else:
            tasks = asyncio.all_tasks(loop)
            tasks.discard(asyncio.current_task(loop))
        return self._end_leftovers(frame, tasks)

    async def _end_leftovers(self, frame: Frame, tasks: set[asyncio.Task[Any]]) -> None:
        # Their cleanup may call back into the waiting thread.
        loop_frames[self.loop] = frame
        try:
            while tasks := {task for task in tasks if not task.done()}:
                await self._end_tasks(tasks)
                tasks = set(self._tasks)
            await self._end_generators()
        finally:
            loop_frames.pop(self.loop, None)
            # What the call changed on the loop must not reach the next one.
            self.loop.set_debug(self._debug)
            self.loop.set_exception_handler(None)
            self.loop.set_task_factory(self._factory)

    async def _end_tasks(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Cancel tasks and await them; tell the loop's exception handler of their errors."""
        for task in tasks:
            task.cancel()
        while pending := {task for task in tasks if not task.done()}:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError:
                continue  # cancelled again meanwhile: the clean-up goes on
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                self.loop.call_exception_handler(
                    {
                        "message": "unhandled exception in a task left over by async_to_sync",
                        "exception": error,
                        "task": task,
                    }
                )

    async def _end_generators(self) -> None:
        for generator in list(self._generators):
            try:
                await generator.aclose()
            except Exception as error:
                self.loop.call_exception_handler(
                    {
                        "message": f"an error occurred while closing {generator!r}",
                        "exception": error,
                        "asyncgen": generator,
                    }
                )
        self._generators.clear()


#: Loop threads kept for later, `MOST_THREADS` at most; more are ended when their call is over.
_idle: list[LoopThread] = []


def take() -> LoopThread:
    """Return an idle loop thread, or a new one. It is the caller's until `give_back`."""
    while True:
        try:
            thread = _idle.pop()
        except IndexError:
            return LoopThread()
        if thread.alive and not thread.loop.is_closed():
            return thread


def give_back(thread: LoopThread) -> None:
    """Keep a loop thread for the next call."""
    if thread.alive:
        if len(_idle) < MOST_THREADS:
            _idle.append(thread)
        else:
            thread.shutdown(wait=False)


def forget() -> None:
    """Start anew in a forked child."""
    _idle.clear()


def finish() -> None:
    """End the idle threads when the interpreter exits."""
    while _idle:
        _idle.pop().shutdown()
