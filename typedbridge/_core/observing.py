"""Who is told of calls, and what: observers, and one `ObservedCall` for each call that they see."""

from __future__ import annotations

import logging
import threading
from asyncio import CancelledError
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from typedbridge._core.marks import describe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Direction", "Ear", "ObservedCall", "Observer", "Outcome", "Record", "begin", "watchers"]

Direction: TypeAlias = Literal["to_async", "to_sync"]
Outcome: TypeAlias = Literal["returned", "raised", "cancelled"]

_log: Final = logging.getLogger("typedbridge")


class ObservedCall:
    """One call of a bridge, as observers see it. What has not happened yet is `None`.

    Times are seconds of `time.perf_counter`, which all threads share.
    """

    __slots__ = (
        *("called", "caller", "direction", "ended", "error", "function"),
        *("outcome", "row", "started", "thread"),
    )

    direction: Direction
    #: What is called.
    function: Callable[..., object]
    #: Which row of the contract's table said where it runs; `None` for `async_to_sync`.
    row: int | None
    #: The threads in which the call was made, and in which the function began.
    caller: threading.Thread
    thread: threading.Thread | None
    called: float
    started: float | None
    ended: float | None
    outcome: Outcome | None
    #: What was raised, for as long as observers are told of the end.
    error: BaseException | None

    @property
    def name(self) -> str:
        """Module and qualified name of the function."""
        return describe(self.function)

    @property
    def wait(self) -> float | None:
        """Seconds from the call to the begin of the function."""
        return None if self.started is None else self.started - self.called

    @property
    def run(self) -> float | None:
        """Seconds from the begin of the function to its end."""
        if self.started is None or self.ended is None:
            return None
        return self.ended - self.started


class Record(ObservedCall):
    """An `ObservedCall` as the library has it."""

    __slots__ = ("_ears",)

    def __init__(
        self,
        direction: Direction,
        function: Callable[..., object],
        row: int | None,
        ears: tuple[Ear, ...],
    ) -> None:
        self.direction = direction
        self.function = function
        self.row = row
        self.caller = threading.current_thread()
        self.thread = self.started = self.ended = self.outcome = self.error = None
        self._ears = ears
        self.called = perf_counter()

    def start(self) -> None:
        """Begin to run, in this thread."""
        self.thread = threading.current_thread()
        self.started = perf_counter()
        for ear in self._ears:
            if ear.started is not None:
                ear.tell(ear.started, self)

    def end(self, error: BaseException | None) -> None:
        """Be over."""
        if self.ended is not None:
            return
        self.ended = perf_counter()
        self.error = error
        if error is None:
            self.outcome = "returned"
        else:
            self.outcome = "cancelled" if isinstance(error, CancelledError) else "raised"
        for ear in self._ears:
            if ear.ended is not None:
                ear.tell(ear.ended, self)
        self.error = None  # its traceback holds the frame of the call

    def cancel(self) -> None:
        """Be wanted no more."""
        if self.started is None:
            self.outcome = "cancelled"
        for ear in self._ears:
            if ear.cancelled is not None:
                ear.tell(ear.cancelled, self)


class Observer:
    """Is told of calls. Override what you want to know; what is not overridden costs nothing.

    A method runs in the thread in which the thing happens, and holds it up: it should be short, must not
    block, and must not call a bridge. One that raises is reported once, on the ``typedbridge`` logger, and
    the observer is told nothing more.
    """

    def called(self, call: ObservedCall) -> None:
        """Somebody made the call, in this thread. Where the function will run is settled."""

    def started(self, call: ObservedCall) -> None:
        """The function begins, in this thread."""

    def ended(self, call: ObservedCall) -> None:
        """The function has ended: in its thread; of a call to sync code, in the thread that waited."""

    def cancelled(self, call: ObservedCall) -> None:
        """Who awaited the call was cancelled. A function that has begun goes on."""


class Ear:
    """What an observer wants to be told."""

    __slots__ = ("called", "cancelled", "ended", "observer", "started")

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.called = self._wanted("called")
        self.started = self._wanted("started")
        self.ended = self._wanted("ended")
        self.cancelled = self._wanted("cancelled")

    def _wanted(self, name: str) -> Callable[[ObservedCall], None] | None:
        method: Callable[[ObservedCall], None] = getattr(self.observer, name)
        return None if getattr(method, "__func__", None) is getattr(Observer, name) else method

    def tell(self, method: Callable[[ObservedCall], None], call: ObservedCall) -> None:
        """Tell the observer; drop it if it raises."""
        try:
            method(call)
        except Exception:
            dropped = self.called is self.started is self.ended is self.cancelled is None
            self.called = self.started = self.ended = self.cancelled = None
            watchers.remove(self)
            if not dropped:
                _log.exception("the observer %r failed, and is told nothing more", self.observer)


class Watchers:
    """Who is told."""

    __slots__ = ("_lock", "_users", "everywhere", "here", "on")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Whether somebody is told of some calls: asked at each call.
        self.on = False
        self._users = 0
        #: Those that are told of all.
        self.everywhere: tuple[Ear, ...] = ()
        #: Those that are told of what is called from a context.
        self.here: ContextVar[tuple[Ear, ...]] = ContextVar("typedbridge_observers", default=())

    def use(self, change: int) -> None:
        """Count who is told of what is called from some context."""
        with self._lock:
            self._users += change
            self.on = bool(self._users or self.everywhere)

    def add(self, ear: Ear) -> None:
        """Tell it of all calls from now on."""
        with self._lock:
            self.everywhere = (*self.everywhere, ear)
            self.on = True

    def remove(self, ear: Ear) -> None:
        """Tell it of no more."""
        with self._lock:
            self.everywhere = tuple(one for one in self.everywhere if one is not ear)
            self.on = bool(self._users or self.everywhere)

    def forget(self) -> None:
        """Start anew in a forked child: the lock may have been held."""
        self._lock = threading.Lock()


watchers: Final = Watchers()


def begin(
    direction: Direction, function: Callable[..., object], row: int | None = None
) -> Record | None:
    """Tell of a call, if somebody is to be told of it."""
    ears = watchers.everywhere + watchers.here.get()
    if not ears:
        return None
    call = Record(direction, function, row, ears)
    for ear in ears:
        if ear.called is not None:
            ear.tell(ear.called, call)
    return call
