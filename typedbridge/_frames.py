"""Frames: blocking `async_to_sync` calls, and which of them the current code belongs to."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio import AbstractEventLoop
from contextlib import suppress
from contextvars import copy_context
from queue import Empty
from typing import TYPE_CHECKING, Any

from typedbridge._carry import current_frame, current_home, handling
from typedbridge._current_thread import CurrentThreadExecutor
from typedbridge._local import Local
from typedbridge._marks import describe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Context
    from typing import Protocol

    class Host(Protocol):
        """A loop of ours, which is used again: what a coroutine leaves on it has to be ended."""

        def tidy(self, frame: Frame) -> Coroutine[Any, Any, None] | None:
            """Return what to await behind a frame's coroutine: `None` where it left nothing."""

        def release(self, frame: Frame) -> None:
            """Work no longer for a frame."""


__all__ = [
    "Frame",
    "FrameLocal",
    "LoopGoneError",
    "ask_factory",
    "create_task",
    "forget",
    "innermost_frame",
    "loop_frames",
    "start_task",
]

#: Running library loop -> the frame that it works for, the latest of several.
loop_frames: dict[AbstractEventLoop, CurrentThreadExecutor] = {}

#: Every frame that waits, so that a forked child can tell that none of them does there.
_waiting: set[Frame] = set()

#: Seconds between two looks at what nothing tells a waiting thread: that a loop which is not ours has
#: stopped, or that Ctrl-C came in the moment before the thread began to wait (a lock does not notice).
_LOOK = 0.1


def create_task(drive: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
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
    start_task = create_task


def ask_factory(drive: Coroutine[Any, Any, None], context: Context) -> asyncio.Task[None]:
    """Have the loop's task factory make a frame's task, in a copy of the context.

    Not every factory takes a context.
    """
    return context.run(asyncio.get_running_loop().create_task, drive)


class LoopGoneError(RuntimeError):
    """The loop ended before it entered the coroutine: another one can take it."""


class Frame(CurrentThreadExecutor):
    """One blocking `async_to_sync` call: an answer to wait for, and sensitive work meanwhile.

    The calling thread waits on one queue that carries both. The methods in the first part run on
    the loop's thread. However a coroutine ends, or fails to begin, there is one answer.
    """

    def __init__(self, func: Callable[..., object], parent: CurrentThreadExecutor | None) -> None:
        super().__init__(parent)
        self.func = func
        self.home = current_home()
        self.handled: BaseException | None = None
        # Any: the result of whatever coroutine the user passed.
        self.value: Any = None
        self.error: BaseException | None = None
        #: What the coroutine ran in, as it was at the end.
        self.context: Context | None = None
        self.answered = False
        self.loop: AbstractEventLoop | None = None
        #: Set when the loop ended under the call: what the caller gets instead of an answer.
        self.lost: BaseException | None = None
        #: Whether the loop has entered the coroutine.
        self.entered = False
        self._host: Host | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._last: list[Callable[[], None]] = []
        _waiting.add(self)

    # -- on the loop -------------------------------------------------------------------------

    def begin(
        self,
        make_task: Callable[[Coroutine[Any, Any, None], Context], asyncio.Task[None]],
        awaitable: Awaitable[object],
        context: Context,
        host: Host | None = None,
    ) -> None:
        """Start the coroutine as a task.

        :param host: the loop thread, if it is ours.
        """
        loop = asyncio.get_running_loop()
        self._host = host
        if self._cancelled or self.answered:
            self._finish(loop, asyncio.CancelledError())
            return
        drive = self._drive(awaitable, loop)
        try:
            task = make_task(drive, context)
        except BaseException as error:  # the user's task factory
            drive.close()
            self._finish(loop, error)
            return
        if task.done():
            return  # started eagerly, and over already
        self._task = task
        if not self.entered:
            # A task that is cancelled before its first step never enters `_drive`.
            task.add_done_callback(self._ended)

    async def _drive(self, awaitable: Awaitable[object], loop: AbstractEventLoop) -> None:
        """Await the user's awaitable, clean up behind it, and answer."""
        if self.lost is not None:
            return  # another loop takes it: see `_ended`
        self.entered = True
        outcome: BaseException | None = None
        try:
            try:
                if self.handled is None:
                    self.value = await awaitable
                else:
                    self.value = await handling(self.handled, awaitable)
            except BaseException as error:
                outcome = error
            del awaitable  # a future would keep its result
            if self._host is not None:
                leftovers = self._host.tidy(self)
                if leftovers is not None:
                    await leftovers
        finally:
            self.context = copy_context()
            self._finish(loop, outcome)
            del outcome  # its traceback holds this frame

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self.answered:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            self._finish(task.get_loop(), error)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self.withdraw()

    def withdraw(self) -> None:
        """Never begin the coroutine, if that has not happened yet."""
        self._cancelled = True
        if self._task is None and not self.answered:
            self._finish(asyncio.get_running_loop(), asyncio.CancelledError())

    def _finish(self, loop: AbstractEventLoop, error: BaseException | None) -> None:
        if self._host is not None:
            self._host.release(self)
        self.answer(loop, error)

    def answer(self, loop: AbstractEventLoop, error: BaseException | None = None) -> None:
        """Tell the waiting thread that the outcome is there.

        :param loop: who answers: the frame may have gone on to another loop meanwhile.
        """
        # In this order: `again` leaves the loop before it takes back the answer.
        if self.answered or self.loop is not loop:
            return
        if self.lost is not None:
            error = self.lost if self.entered else LoopGoneError()
        self.error = error
        self.answered = True
        self._task = None
        self._jobs.put(None)
        if self._last:
            self._do_last()

    # -- on the calling thread ---------------------------------------------------------------

    def cancel(self) -> None:
        """Cancel the coroutine. Called from any thread."""
        self._cancelled = True
        loop = self.loop
        if loop is not None:  # else `begin` will see it
            with suppress(RuntimeError):  # the loop is closed: `wait` notices
                loop.call_soon_threadsafe(self._cancel)

    def wait(self, foreign: AbstractEventLoop | None) -> None:
        """Run the frame's work until the answer is there.

        :param foreign: the loop, unless it is ours: watched, since it may end without a word.
        """
        jobs = self._jobs
        watching = foreign is not None or self._thread == threading.main_thread().ident
        look = _LOOK if watching else None
        stopped = False
        while not self.answered:
            try:
                job = jobs.get(timeout=look)
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

    def again(self) -> None:
        """Be as new: the loop ended before it began the coroutine, and another one takes it."""
        self.loop = self._host = None
        self.error = self.lost = None
        self.answered = False

    def at_last(self, action: Callable[[], None]) -> None:
        """Do something when the answer is there: now, or on the loop's thread."""
        self._last.append(action)
        if self.answered:
            self._do_last()

    def _do_last(self) -> None:
        # Both threads may come here: `pop` gives each action to one of them.
        while self._last:
            with suppress(IndexError):
                self._last.pop()()

    def close(self) -> None:
        """End the frame: what it has not run goes to the next lane."""
        _waiting.discard(self)
        super().close()


def innermost_frame() -> Frame | None:
    """Return the innermost frame of the current context that still waits."""
    frame = current_frame.get()
    if frame is None or frame._open:
        return frame
    return frame.open_executor()  # type: ignore[return-value]  # frames stand in for frames only


class FrameLocal(Local, internal=True):
    """`AsyncToSync.executors`: a `Local` whose ``current`` is derived, and so always true."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "current":
            raise AttributeError(
                "AsyncToSync.executors.current is the frame that waits: only read it"
            )
        super().__setattr__(name, value)

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
