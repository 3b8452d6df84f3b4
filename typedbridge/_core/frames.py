"""Frames: one blocking `async_to_sync` call, from its question to its answer."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import Empty
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from typedbridge._core import vigil
from typedbridge._core.cancellation import cancellation, shielded
from typedbridge._core.carry import handling, moved_in
from typedbridge._core.guests import Guest
from typedbridge._core.mailbox import tell
from typedbridge._core.marks import describe
from typedbridge._core.scope import current_home

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable, Iterator
    from contextvars import Context

    from typedbridge._core.current_thread import CurrentThreadExecutor
    from typedbridge._core.guests import TaskMaker
    from typedbridge._core.jobs import Job
    from typedbridge._core.observing import Record

__all__ = ["Frame", "LoopStoppedError", "blocked", "forget"]

#: Where a call stands. "asked": a loop was told, and has not entered the coroutine. "entered". "shut
#: out": the loop is ending, and will not enter it. "lost": the loop is ending under the coroutine. Two
#: are the end of the wait: "gone", another loop may take the call, and "answered".
Stage: TypeAlias = Literal["asked", "entered", "shut out", "lost", "gone", "answered"]

# What happens to a call, and where that takes it: all the moves there are, and the picture of them is in
# docs/architecture.md. One thread makes them, the loop's, until it has answered; only then the calling
# thread may ask again. So they need no lock, which would cost 6 % of a call.
_Moves: TypeAlias = dict[Stage, Stage]
_ENTER: Final[_Moves] = {"asked": "entered"}
_LOSE: Final[_Moves] = {"asked": "shut out", "entered": "lost"}
_ANSWER: Final[_Moves] = {
    "asked": "answered",
    "entered": "answered",
    "lost": "answered",
    "shut out": "gone",
}
_AGAIN: Final[_Moves] = {"gone": "asked"}

#: The stages in which the wait is over.
_OVER: Final = frozenset({"answered", "gone"})

#: Every frame that waits, so that a forked child can tell that none of them does there.
_waiting: set[Frame] = set()
#: Seconds between two looks at what nothing tells a waiting thread: that a loop which is not ours has
#: stopped, or that Ctrl-C came in the moment before the thread began to wait (a lock does not notice).
_LOOK = 0.1

#: What a queue never has in it.
_NEVER: Final = object()


class LoopStoppedError(RuntimeError):
    """A loop that is not ours ended without an answer."""


class Frame(Guest):
    """One blocking `async_to_sync` call: an answer to wait for, and sensitive work meanwhile.

    The calling thread waits on one queue that carries both. The methods in the first part run on
    the loop's thread. However a coroutine ends, or fails to begin, there is one answer.
    """

    #: What observers are told of it.
    observed: Record | None = None

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
        #: The same at the beginning, where values of it were moved to the loop's thread.
        self.moved: Context | None = None
        self.loop: AbstractEventLoop | None = None
        self.stage: Stage = "asked"
        #: Somebody wants it to end: a loop that comes to it does not begin the coroutine.
        #: With the message, and no error: one that was raised would keep what its traceback holds.
        self._cancelled: tuple[object] | None = None
        #: Whether that reached the coroutine. It may end in this very moment.
        self._told = False
        self._task: asyncio.Task[None] | None = None
        self._last: list[Callable[[], None]] = []
        #: What the calling thread is to raise, if the loop has not come to the call.
        self.refused: BaseException | None = None
        _waiting.add(self)

    @property
    def rests(self) -> bool:
        """Whether there is something to take before the answer: the wait ends, and the coroutine goes on."""
        return False

    @property
    def over(self) -> bool:
        """Whether the wait has ended: with an answer, or because another loop has to take the call."""
        return self.stage in _OVER

    def asks(self) -> bool:
        """Tell whether the loop has not come to the call yet."""
        return self.stage == "asked" and self.loop is not None and self.refused is None

    def give_up(self, error: BaseException) -> None:
        """Raise an error in the calling thread, if the loop has not come to the call yet."""
        self.refused = error
        self._jobs.put(None)

    def task(self) -> asyncio.Task[None] | None:
        """Return the task of the coroutine that the thread waits for, while there is one."""
        return self._task

    # -- on the loop -------------------------------------------------------------------------

    def begin(self, make_task: TaskMaker, awaitable: Awaitable[object], context: Context) -> None:
        """Start the coroutine as a task."""
        loop = asyncio.get_running_loop()
        if self._cancelled is not None or self.stage != "asked":
            self._finish(loop, self._cancellation())
            return
        drive = self._drive(awaitable, loop)
        try:
            task = make_task(drive, context)
        except (
            BaseException
        ) as error:  # the user's task factory; or one that was set in this thread
            # Any: mypy does not see that the stage may have changed.
            stage: Any = self.stage
            if stage == "entered":
                raise  # and ends the loop
            drive.close()
            self._finish(loop, error)
            return
        if not task.done():  # else started eagerly, and over already
            self._task = task
        if self.stage == "asked":
            # A task that is cancelled before its first step never enters `_drive`.
            task.add_done_callback(self._ended)

    async def arriving(self, awaitable: Awaitable[object]) -> object:
        """Await with the values of the context moved to the loop's thread."""
        self.moved = moved_in()
        return await awaitable

    async def _drive(self, awaitable: Awaitable[object], loop: AbstractEventLoop) -> None:
        """Await the user's awaitable, clean up behind it, and answer."""
        if self._cancelled is not None or self.stage not in _ENTER or self.loop is not loop:
            return  # see `_ended`; or another loop has taken the call
        self.stage = _ENTER[self.stage]
        outcome: BaseException | None = None
        try:
            try:
                if self.observed is not None:
                    self.observed.start()
                if self.handled is None:
                    self.value = await awaitable
                else:
                    self.value = await handling(self.handled, awaitable)
            except BaseException as error:
                outcome = error
            del awaitable  # a future would keep its result
            if self.host is not None:
                leftovers = self.host.tidy(self)
                if leftovers is not None:
                    await leftovers
        finally:
            answered = False
            while not answered:
                try:
                    self.context = copy_context()
                    self._finish(loop, outcome)
                    answered = True
                except BaseException as error:  # one that was set in this thread
                    outcome = outcome or error
            del outcome  # its traceback holds this frame

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self.over:
            error: BaseException | None
            try:
                error = task.exception() or self._cancellation()
            except asyncio.CancelledError as cancelled:  # with the message
                error = cancelled
            self._finish(task.get_loop(), error)
            del error

    def _cancel(self, message: object) -> None:
        task = self._task
        if task is None:
            self._withdraw(message)
        elif not shielded(task, message):
            self._told = task.cancel(message)

    def withdraw(self) -> None:
        """Never begin the coroutine, if that has not happened yet."""
        self._withdraw(None)

    def _withdraw(self, message: object) -> None:
        self._cancelled = (message,)
        loop = asyncio.get_running_loop()
        if self._task is None and self.stage == "asked" and self.loop is loop:
            self._finish(loop, self._cancellation())

    def _cancellation(self) -> asyncio.CancelledError | None:
        return None if self._cancelled is None else cancellation(*self._cancelled)

    def lose(self, loop: AbstractEventLoop, ended_by: BaseException) -> None:
        """Know that the loop has ended: what is answered from now on."""
        if self.loop is loop and self.stage in _LOSE:
            self.stage = _LOSE[self.stage]
            self.error = ended_by

    def part(self) -> None:
        """A coroutine that somebody waits for runs to its end."""

    def turn_away(self, loop: AbstractEventLoop) -> None:
        """Have another loop take the call: this one does not begin it."""
        if self.stage == "asked":
            self.stage = _LOSE[self.stage]
            self.answer(loop)

    def _finish(self, loop: AbstractEventLoop, error: BaseException | None = None) -> None:
        if self.loop is not loop:
            return  # another one has taken the call
        try:
            if self.host is not None:
                self.host.release(self)
        finally:  # whatever is set in this thread
            self.answer(loop, error)

    def answer(self, loop: AbstractEventLoop, error: BaseException | None = None) -> None:
        """Tell the waiting thread that the outcome is there.

        :param loop: who answers: the frame may have gone on to another loop meanwhile.
        """
        # In this order: `again` leaves the loop before it takes back the answer.
        if self.loop is not loop or self.stage not in _ANSWER:
            return
        if self.error is None:  # else the loop was lost
            self.error = error
        self.stage = _ANSWER[self.stage]
        self._task = None
        self._jobs.put(None)
        if self._last:
            self._do_last()

    # -- on the calling thread ---------------------------------------------------------------

    def ask(
        self,
        loop: AbstractEventLoop,
        start: Callable[[], bool],
        foreign: AbstractEventLoop | None,
    ) -> None:
        """Start the coroutine and wait. On Ctrl-C and the like cancel it and wait for its cleanup.

        :param start: tells whether the loop has taken the coroutine.
        :param foreign: the loop, unless it is ours.
        """
        try:
            if not start():
                self.turn_away(loop)
            self.wait(foreign)
        except LoopStoppedError:
            self.cancel()  # should it go on after all
            raise
        except BaseException:  # what a signal's handler raised; or the recursion limit
            self.cancel()
            self.wait_again(foreign)
            raise

    def cancel(self, message: object = None) -> None:
        """Cancel the coroutine. Called from any thread.

        :param message: what the coroutine's `CancelledError` says, as in `asyncio.Task.cancel`.
        """
        self._cancelled = (message,)
        loop = self.loop
        if loop is not None:  # else `begin` will see it; if the loop is closed, `wait` notices
            tell(loop, self._cancel, message)

    def wait(self, foreign: AbstractEventLoop | None) -> None:
        """Run the frame's work until the answer is there.

        :param foreign: the loop, unless it is ours: watched, since it may end without a word.
        :raises LoopStoppedError: if it has.
        """
        jobs = self._jobs
        if foreign is not None and not vigil.awake:  # it may not turn
            vigil.rouse()
        watching = foreign is not None or self._thread == threading.main_thread().ident
        take = partial(jobs.get, timeout=_LOOK) if watching else jobs.get
        # In one step: see `posts`.
        taken: Iterator[Job | None] = iter(take, _NEVER)
        stopped = False
        while self.stage not in _OVER:
            try:
                for self.job in taken:
                    break
            except Empty:
                if foreign is None:
                    continue
                # Stopped at two looks in a row: a loop may be between two `run_until_complete`.
                if foreign.is_closed() or (stopped and not foreign.is_running()):
                    raise LoopStoppedError(
                        f"the event loop stopped while async_to_sync({describe(self.func)}) waited for it"
                    ) from None
                stopped = not foreign.is_running()
                continue
            if self.job is None:
                if self._may_leave():
                    return
            else:
                if not vigil.awake and not jobs.empty():  # came before this one had begun
                    vigil.rouse()
                self.job.run()
                self.job = None

    def _may_leave(self) -> bool:
        """Tell whether the wait ends before the answer. One that was refused ends with the error."""
        if self.refused is not None and self.stage == "asked":
            raise self.refused
        return self.rests

    def wait_again(self, foreign: AbstractEventLoop | None) -> None:
        """Wait for the end of the coroutine after an error; a second one leaves."""
        self.mend()
        if self.refused is None:  # else the loop does not turn
            self.wait(foreign)

    def missed_cancellation(self) -> tuple[object] | None:
        """Return the message of a cancellation that came too late for the coroutine."""
        if self._told or isinstance(self.error, asyncio.CancelledError):
            return None
        return self._cancelled

    def again(self) -> None:
        """Be as new, where the loop has not begun the coroutine and another one is to take it."""
        self.loop = self.host = self.error = None
        self.stage = _AGAIN[self.stage]

    def at_last(self, action: Callable[[], None]) -> None:
        """Do something when the answer is there: now, or on the loop's thread."""
        self._last.append(action)
        if self.over:
            self._do_last()

    def _do_last(self) -> None:
        # Both threads may come here: `pop` gives each action to one of them.
        while self._last:
            with suppress(IndexError):
                self._last.pop()()

    def pause(self) -> None:
        """Wait no more for the time being: what comes meanwhile is kept."""
        _waiting.discard(self)

    def resume(self) -> None:
        """Wait again, in this thread."""
        self._thread = threading.get_ident()
        _waiting.add(self)

    def close(self) -> None:
        """End the frame: what it has not run goes to the next lane."""
        _waiting.discard(self)
        super().close()


def blocked() -> list[Frame]:
    """Return all blocking calls."""
    return list(_waiting)


def forget() -> None:
    """Start anew in a forked child: the threads that would answer are the parent's."""
    for frame in _waiting:
        frame._open = False
    _waiting.clear()
