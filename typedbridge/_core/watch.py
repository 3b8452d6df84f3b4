"""The watch: tells of what has waited too long, and ends what would wait for ever."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from typedbridge._core import vigil
from typedbridge._core.deadlock import deadlock, verdict
from typedbridge._core.frames import Frame, blocked
from typedbridge._core.green import SimpleQueue, allocate_lock, are_green
from typedbridge._core.mailbox import tell
from typedbridge._core.pool import pool
from typedbridge._core.reports import in_the_way, told, waiting_calls, ways
from typedbridge._core.scope import Hop
from typedbridge._core.workers import lanes, start_thread

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from typedbridge._core.chains import Step

__all__ = ["Watch", "finish", "forget", "watch"]

#: Seconds between two looks.
_LOOK: Final = 1.0

_log = logging.getLogger("typedbridge")


class Watch:
    """Looks at what waits.

    :param clock: tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: Seconds after which a wait is told of; `None`: never.
        self.patience: float | None = 10.0
        self._since: WeakKeyDictionary[Step, float] = WeakKeyDictionary()
        self._told: WeakKeyDictionary[Step, None] = WeakKeyDictionary()
        #: What was in the way at the last look, where something waited.
        self._held: dict[int, object] = {}
        self._walked = -math.inf

    def look(self) -> bool:
        """Look once; tell whether anything waits.

        To walk the tasks of all loops takes about 2 us a task. So that is done where something has not
        moved since the last look; and now and then, for long queues that do move.
        """
        now = self._clock()
        held = _in_use()
        moved = not any(self._held.get(place) == job for place, job in held.items())
        self._held = held
        patience = self.patience
        if held and moved and patience is not None and now - self._walked < patience / 4:
            return True
        self._walked = now
        waits = self._walk(now) or bool(held)
        if not waits:
            self._walked = -math.inf
        return waits

    def _walk(self, now: float) -> bool:
        waiting: list[Step] = [*waiting_calls(), *(frame for frame in blocked() if frame.asks())]
        since = WeakKeyDictionary({step: self._since.get(step, now) for step in waiting})
        # Only what was there at the last look too: in a moment the rest may have been resolved. The
        # youngest first: it is the one that closed the circle.
        old = sorted(
            (step for step in waiting if step in self._since), key=since.__getitem__, reverse=True
        )
        self._since = since
        for way in ways(old):
            _end(way)
        patience = self.patience
        for step in old:
            if patience is not None and now - since[step] >= patience and step not in self._told:
                self._told[step] = None
                _tell_of(step, now - since[step])
        return bool(waiting)


def _in_use() -> dict[int, object]:
    """Return what is in the way, by the place where something waits for it: their identities."""
    held: dict[int, object] = {
        id(lane): id(lane.post.job)
        for lane in lanes()
        if lane.post.job is not None and lane.waiting()
    }
    working = pool.in_use()
    if working:
        held[id(pool)] = working
    for frame in blocked():
        if frame.asks():
            held[id(frame)] = None
        elif frame.job is not None and frame.waiting():
            held[id(frame)] = id(frame.job)
    return held


def _tell_of(step: Step, seconds: float) -> None:
    behind = in_the_way(step)
    _log.warning(
        "%s. It has waited for %.0f seconds. In its way: %s",
        told(step),
        seconds,
        "; ".join(map(str, behind)) or "nothing that the library knows of",
    )


def _end(way: list[Step]) -> None:
    """Raise `DeadlockError` in the first of a circle that can be told."""
    first = way[0]
    error = deadlock(list(map(told, way)))
    if isinstance(first, Frame):
        with verdict.lock:
            if first.asks() and ways([first]):
                first.give_up(error)
    elif isinstance(first, Hop):
        # On its loop: there it is neither begun nor cancelled meanwhile.
        tell(first.loop, _fail, first, error)


def _fail(call: Hop, error: BaseException) -> None:
    with verdict.lock:
        if call.waits() and ways([call]):
            call.fail(error)


class _Guard:
    """The thread that looks, while there is something to look at."""

    def __init__(self) -> None:
        # What greenlets and real threads share has to be real.
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._lock = allocate_lock()
        self._ending = False
        self._thread: threading.Thread | None = None

    def rouse(self) -> None:
        """Begin to look."""
        with self._lock:
            if vigil.awake:
                return
            vigil.awake = True
            if are_green():
                return  # neither the stack of a thread nor its locks are what they seem
            if self._thread is None:
                try:
                    self._thread = start_thread(self._serve, "typedbridge watch")
                except RuntimeError:  # no threads here, or no more of them
                    return
        self._bell.put(None)

    def _serve(self) -> None:
        while True:
            self._bell.get()
            while not self._ending:
                if self._pause():
                    return
                if watch.look():
                    continue
                vigil.awake = False
                # Marked first, looked at after: who queues something now rouses, or is seen here.
                if not watch.look():
                    break
                vigil.awake = True
            if self._ending:
                return

    def _pause(self) -> bool:
        """Wait for the next look; tell whether there is none."""
        with suppress(Empty):
            self._bell.get(timeout=_LOOK)
            return self._ending
        return False

    def finish(self) -> None:
        """End the thread."""
        self._ending = True
        vigil.awake = True
        thread = self._thread
        if thread is not None:
            self._bell.put(None)
            thread.join()


watch = Watch()
_guard = _Guard()
vigil.rouse = _guard.rouse


def finish() -> None:
    """End the watch when the interpreter exits."""
    _guard.finish()


def forget() -> None:
    """Start anew in a forked child: the thread that looks is the parent's."""
    global _guard
    verdict.forget()
    _guard = _Guard()
    vigil.rouse = _guard.rouse
    vigil.awake = False
