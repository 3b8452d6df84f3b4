"""The loop threads that are kept for the next call."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from typedbridge._core.loops import LoopThread
from typedbridge._core.workers import start_thread

__all__ = ["Lease", "NewLoop", "Shared", "finish", "forget"]

#: How many idle loop threads are kept for good. Each has a thread and three file descriptors.
_KEPT = 32

#: Seconds for which more than that are kept, unused: making one takes eight times as long as a call,
#: and who calls from 128 threads at once is likely to do so again.
_LINGER = 10.0


class Spares(list[LoopThread]):
    """Idle loop threads."""

    def __init__(self) -> None:
        super().__init__()
        #: Gives out the last one, in one step: see `posts`. `IndexError` where there is none.
        self.each = iter(self.pop, None)


_idle = Spares()

#: Held by the thread that ends what is kept beyond `_KEPT`: there is one at a time.
_trimming = threading.Lock()


class Lease:
    """The loop thread of one call. It comes back however the call ends.

    A signal's handler may raise between any two steps of the call, also when the thread was just taken, or
    is about to be given back: then it comes back with the lease.
    """

    __slots__ = ("thread",)

    def __init__(self) -> None:
        self.thread: LoopThread | None = None

    def take(self) -> LoopThread:
        """Return an idle loop thread, or a new one. It is the caller's until `end`."""
        while True:
            try:
                for self.thread in _idle.each:
                    break
            except IndexError:
                self.thread = None
            thread = self.thread
            if thread is None:
                return LoopThread(self)
            if thread.alive and not thread.loop.is_closed():
                thread.taken += 1
                return thread

    def end(self) -> None:
        """Keep the loop thread for the next call, unless this one has left its mark on it."""
        thread = self.thread
        if thread is None:
            return
        if not thread.is_as_new():
            self._shut_down(wait=False)
            return
        self.thread = None
        _idle.append(thread)
        if len(_idle) > _KEPT:
            _trim_later()

    __del__ = end

    def _shut_down(self, *, wait: bool) -> None:
        if self.thread is not None:
            self.thread.shutdown(wait)
            self.thread = None


class NewLoop(Lease):
    """A new loop thread, for one call alone."""

    __slots__ = ()

    def take(self) -> LoopThread:
        """Return it."""
        return LoopThread(self)

    def end(self) -> None:
        """End it, and wait for that."""
        self._shut_down(wait=True)

    def __del__(self) -> None:
        self._shut_down(wait=False)


class Shared(Lease):
    """One that is kept for a whole context."""

    __slots__ = ("_kept",)

    def __init__(self, thread: LoopThread) -> None:
        super().__init__()
        self._kept = thread

    def take(self) -> LoopThread:
        """Return it."""
        self.thread = self._kept
        return self._kept

    def end(self) -> None:
        """Leave it to the context."""

    __del__ = end


def _surplus() -> dict[LoopThread, int]:
    """Return what is kept beyond `_KEPT`, and how often each was taken. The last one is taken first."""
    return {thread: thread.taken for thread in _idle[:-_KEPT]}


def _trim_later() -> None:
    """See to it that a thread ends what is idle for too long."""
    if not _trimming.acquire(blocking=False):
        return
    try:
        start_thread(_trim, "typedbridge spare loops")
    except RuntimeError:  # the interpreter is exiting, and ends them all
        _trimming.release()


def _trim() -> None:
    trimming = _trimming
    while True:
        while seen := _surplus():
            time.sleep(_LINGER)
            _end_unused(seen)
            del seen  # or it would keep the threads that have ended
        trimming.release()
        # More may have come meanwhile: one of the two sees it.
        if not _surplus() or not trimming.acquire(blocking=False):
            return


def _end_unused(seen: dict[LoopThread, int]) -> None:
    """End the idle threads that nobody has taken since they were seen."""
    for thread, taken in seen.items():
        if thread.taken == taken:
            with suppress(ValueError):  # taken just now
                _idle.remove(thread)
                thread.shutdown(wait=False)


def forget() -> None:
    """Start anew in a forked child: no thread of the parent's runs there."""
    global _trimming
    _trimming = threading.Lock()
    _idle.clear()


def finish() -> None:
    """End the idle threads when the interpreter exits."""
    while _idle:
        with suppress(IndexError):  # `_trim` was faster
            _idle.pop().shutdown()
