"""Real threads where gevent or eventlet have put greenlets in the place of threads.

They may patch `threading` before this is imported, or after. A greenlet shares its thread, which has one
running event loop at most, and a lock or a queue blocks them all. So the library's threads are real ones,
with locks and queues as they were before the patch, and a greenlet that waits lets the others go on.
"""

from __future__ import annotations

import asyncio
import sys
import time
from _queue import SimpleQueue  # of C, which nobody patches
from collections import deque
from queue import Empty
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from typedbridge._core.jobs import Job

__all__ = [
    "NativeThread",
    "SimpleQueue",
    "allocate_lock",
    "are_green",
    "new_event_loop",
    "new_queue",
]

#: Seconds between two looks of a greenlet that waits: neither library wakes one from another thread.
_LOOK = 0.001


def are_green() -> bool:
    """Tell whether `threading` starts greenlets now."""
    # Any: neither is a dependency; who has patched `threading` has imported them.
    gevent: Any = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("threading"):
        return True
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return eventlet is not None and bool(eventlet.is_monkey_patched("thread"))


def _original(name: str) -> Any:  # Any: functions of `_thread`
    """Return what `_thread` had under a name before it was patched."""
    gevent: Any = sys.modules.get("gevent.monkey")
    if gevent is not None:
        return gevent.get_original("_thread", name)
    eventlet: Any = sys.modules.get("eventlet.patcher")
    module: Any = sys.modules["_thread"] if eventlet is None else eventlet.original("_thread")
    return getattr(module, name)


# Taken now: unpatched if these modules have not been there yet.
allocate_lock: Callable[[], Any] = _original("allocate_lock")
_start_new_thread: Callable[[Callable[[], None], tuple[()]], int] = _original("start_new_thread")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop for a thread of ours, of the kind that the policy decides."""
    loop = asyncio.new_event_loop()
    gevent: Any = sys.modules.get("gevent.monkey")
    if gevent is None:
        return loop
    selector: object = getattr(loop, "_selector", None)
    if type(selector).__module__.partition(".")[0] != "gevent":
        return loop
    # gevent's selector belongs to the thread in which it is made, and a real thread needs none.
    loop.close()
    kind: Any = type(loop)
    made: asyncio.AbstractEventLoop = kind(gevent.get_original("selectors", "DefaultSelector")())
    return made


class NativeThread:
    """A real thread, as much of `threading.Thread` as the library uses."""

    daemon = True

    def __init__(self, target: Callable[[], None], name: str) -> None:
        self.name = name
        self.ident: int | None = None
        self._target = target
        self._running = allocate_lock()

    def start(self) -> None:
        """Start the thread."""
        self._running.acquire()
        self.ident = _start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            self._target()
        finally:
            del self._target
            self._running.release()

    def join(self) -> None:
        """Wait for its end."""
        with self._running:
            pass


class _GreenQueue:
    """A queue from which a greenlet takes: threads put something into it."""

    def __init__(self) -> None:
        self._items: deque[Job | None] = deque()

    def put(self, item: Job | None) -> None:
        """Add an item."""
        self._items.append(item)

    def qsize(self) -> int:
        """Return how many items there are."""
        return len(self._items)

    def empty(self) -> bool:
        """Tell whether there is none."""
        return not self._items

    def get_nowait(self) -> Job | None:
        """Take the first item.

        :raises queue.Empty: if there is none.
        """
        try:
            return self._items.popleft()
        except IndexError:
            raise Empty from None

    def get(self, *, timeout: float | None = None) -> Job | None:
        """Take the first item, and let other greenlets go on until it is there.

        :raises queue.Empty: if none has come in so many seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._items:
            if end is not None and time.monotonic() >= end:
                break
            time.sleep(_LOOK)  # patched too
        return self.get_nowait()


def new_queue() -> Any:  # Any: two classes, of one of which typeshed has the name alone
    """Return a queue for a caller who waits."""
    if are_green():
        return _GreenQueue()
    queue: SimpleQueue[Job | None] = SimpleQueue()
    return queue
