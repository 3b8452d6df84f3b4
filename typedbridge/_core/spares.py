"""The loop threads that are kept for the next call."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from typedbridge._core.loops import LoopThread
from typedbridge._core.workers import start_thread

__all__ = ["finish", "forget", "give_back", "take"]

#: How many idle loop threads are kept for good. Each has a thread and three file descriptors.
_KEPT = 32

#: Seconds for which more than that are kept, unused: making one takes eight times as long as a call,
#: and who calls from 128 threads at once is likely to do so again.
_LINGER = 10.0

_idle: list[LoopThread] = []

#: Held by the thread that ends what is kept beyond `_KEPT`: there is one at a time.
_trimming = threading.Lock()


def take() -> LoopThread:
    """Return an idle loop thread, or a new one. It is the caller's until `give_back`."""
    while True:
        try:
            thread = _idle.pop()
        except IndexError:
            return LoopThread()
        if thread.alive and not thread.loop.is_closed():
            thread.taken += 1
            return thread


def give_back(thread: LoopThread) -> None:
    """Keep a loop thread for the next call, unless the last one has left its mark on it."""
    if not thread.is_as_new():
        thread.shutdown(wait=False)
        return
    _idle.append(thread)
    if len(_idle) > _KEPT:
        _trim_later()


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
