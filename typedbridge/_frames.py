"""Frames: blocking `async_to_sync` calls, and which of them the current code belongs to."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import sys
from asyncio import AbstractEventLoop
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Any, TypeVar

from typedbridge._carry import current_frame, current_home
from typedbridge._current_thread import CurrentThreadExecutor
from typedbridge._local import Local
from typedbridge._marks import describe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Context

__all__ = [
    "Frame",
    "FrameLocal",
    "LoopGoneError",
    "create_task",
    "forget",
    "innermost_frame",
    "loop_frames",
    "start_task",
]

_R = TypeVar("_R")

#: Running library loop -> the frame that it works for.
loop_frames: dict[AbstractEventLoop, CurrentThreadExecutor] = {}

#: Every frame that waits, so that a forked child can tell that none of them does there.
_waiting: set[Frame] = set()

#: Seconds between two looks at what nothing tells a waiting thread: that a loop which is not ours has
#: stopped, or that Ctrl-C came in the moment before the thread began to wait (a lock does not notice).
_LOOK = 0.1


def create_task(drive: Coroutine[Any, Any, None], *, context: Context) -> asyncio.Task[None]:
    """Make a frame's task; its first step waits for its turn."""
    return asyncio.Task(drive, loop=asyncio.get_running_loop(), context=context)


if sys.version_info >= (3, 12):

    def start_task(drive: Coroutine[Any, Any, None], *, context: Context) -> asyncio.Task[None]:
        """Make a frame's task and run its first step at once.

        One that waits for its turn costs two more turns of the loop, one to begin and one for the
        callback that tells of a cancellation before that: 57 us instead of 37 us a call.
        """
        loop = asyncio.get_running_loop()
        return asyncio.Task(drive, loop=loop, context=context, eager_start=True)

else:  # 3.11 has no eager start
    start_task = create_task


class LoopGoneError(RuntimeError):
    """The loop ended before it entered the coroutine: another one can take it."""


class Frame(CurrentThreadExecutor):
    """One blocking `async_to_sync` call: an answer to wait for, and sensitive work meanwhile.

    The calling thread waits on one queue that carries both. All methods but `wait` and
    `close` run on the loop's thread.
    """

    def __init__(self, func: Callable[..., object], parent: CurrentThreadExecutor | None) -> None:
        super().__init__(parent)
        self.func = func
        self.home = current_home()
        self.handled: BaseException | None = None
        # Any: the result of whatever coroutine the user passed.
        self.value: Any = None
        self.error: BaseException | None = None
        self.answered = False
        self.loop: AbstractEventLoop | None = None
        #: Set when the loop ended under the call: what the caller gets instead of an answer.
        self.lost: BaseException | None = None
        #: Whether the loop has entered the coroutine.
        self.entered = False
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        _waiting.add(self)

    # -- on the loop -------------------------------------------------------------------------

    def begin(
        self,
        create_task: Callable[..., asyncio.Task[Any]],  # Any: a generic function, for pyright
        drive: Coroutine[Any, Any, None],
        context: Context,
    ) -> None:
        """Start the coroutine as a task."""
        task = create_task(drive, context=context)
        if self.answered:
            return  # started eagerly, and over already
        self._task = task
        if not self.entered:
            # A task that is cancelled before its first step never enters `drive`.
            task.add_done_callback(self._ended)
        if self._cancelled:
            task.cancel()

    def again(self) -> None:
        """Be as new: the loop ended before it began the coroutine, and another one takes it."""
        self.loop = None
        self.error = self.lost = None
        self.answered = False

    async def drive(
        self, awaitable: Awaitable[object], tidy: Callable[[], Coroutine[Any, Any, None] | None]
    ) -> None:
        """Await the user's awaitable, clean up behind it, and answer."""
        if self.lost is not None:
            return  # another loop takes it: see `_ended`
        self.entered = True
        try:
            if self.handled is None:
                self.value = await awaitable
            else:
                self.value = await handling(self.handled, awaitable)
        except BaseException as error:
            self.error = error
        del awaitable  # a future would keep its result
        leftovers = tidy()
        if leftovers is not None:
            await leftovers
        self.answer(asyncio.get_running_loop())

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self.answered:
            self.error = asyncio.CancelledError() if task.cancelled() else task.exception()
            self.answer(task.get_loop())

    def answer(self, loop: AbstractEventLoop) -> None:
        """Tell the waiting thread that the outcome is there.

        :param loop: who answers: the frame may have gone on to another loop meanwhile.
        """
        # In this order: `again` leaves the loop before it takes back the answer.
        if self.answered or self.loop is not loop:
            return
        if self.lost is not None:
            self.error = self.lost if self.entered else LoopGoneError()
        self.answered = True
        self._task = None
        self._jobs.put(None)

    def cancel(self) -> None:
        """Cancel the coroutine. Called from any thread."""
        self._cancelled = True
        loop = self.loop
        if loop is None:
            return  # `begin` will see it

        def cancel_task() -> None:
            if self._task is not None:
                self._task.cancel()

        with suppress(RuntimeError):  # the loop is closed: `wait` notices
            loop.call_soon_threadsafe(cancel_task)

    # -- on the calling thread ---------------------------------------------------------------

    def wait(self, foreign: AbstractEventLoop | None) -> None:
        """Run the frame's work until the answer is there.

        :param foreign: the loop, unless it is ours: watched, since it may end without a word.
        """
        jobs = self._jobs
        stopped = False
        while not self.answered:
            try:
                job = jobs.get(timeout=_LOOK)
            except Empty:
                if foreign is None:
                    continue
                # Stopped at two looks in a row: a loop may be between two `run_until_complete`.
                if foreign.is_closed() or (stopped and not foreign.is_running()):
                    self.error = RuntimeError(
                        f"the event loop stopped while async_to_sync({describe(self.func)}) waited for it"
                    )
                    self.answered = True
                stopped = not foreign.is_running()
                continue
            if job is not None:
                job.run()
                del job

    def close(self) -> None:
        """End the frame: what it has not run goes to the next lane."""
        _waiting.discard(self)
        super().close()


async def handling(exc: BaseException, awaitable: Awaitable[_R]) -> _R:
    """Await while `sys.exc_info()` shows an exception, whose traceback stays as it is."""
    traceback, context = exc.__traceback__, exc.__context__
    try:
        raise exc
    except BaseException:
        exc.__traceback__, exc.__context__ = traceback, context
        return await awaitable


def innermost_frame() -> Frame | None:
    """Return the innermost frame of the current context that still waits."""
    frame = current_frame.get()
    if frame is None or frame._open:
        return frame
    return frame.open_executor()  # type: ignore[return-value]  # frames stand in for frames only


class FrameLocal(Local, internal=True):
    """`AsyncToSync.executors`: a `Local` whose ``current`` is derived, and so always true."""

    @property
    def current(self) -> CurrentThreadExecutor | None:
        """The innermost waiting frame of the current context."""
        return innermost_frame()


def forget() -> None:
    """Start anew in a forked child: the threads that would answer are the parent's."""
    for frame in _waiting:
        frame._open = False
    _waiting.clear()
    loop_frames.clear()
