"""The workers of one event loop, and the jobs that wait for them: what the pool is made of."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from typedbridge._core.green import SimpleQueue

if TYPE_CHECKING:
    import threading

    from typedbridge._core.jobs import Job

__all__ = ["BETWEEN", "Crew", "Either", "Worker"]


class _Between:
    """What a worker is said to run after one job and before it has found out what comes next."""

    __slots__ = ()

    def run(self) -> None:
        """Do nothing: nobody calls it."""

    displaced = run


BETWEEN: Final = _Between()


class Worker:
    """A thread of the pool, and what it is in the middle of."""

    __slots__ = ("crew", "inbox", "job", "last", "lent", "thread")

    def __init__(self, crew: Crew) -> None:
        #: Whose jobs it takes.
        self.crew = crew
        #: What it is given once it has been taken from its crew's idle ones: a job, or the end.
        self.inbox: SimpleQueue[Job | None] = SimpleQueue()
        self.job: Job | None = None
        #: Takes its place while its job is blocked in `async_to_sync`.
        self.lent: Crew | None = None
        self.thread: threading.Thread | None = None
        #: Whether it ends when there is nothing to do.
        self.last = False


class Crew:
    """The workers that take the jobs of one event loop, and the jobs that wait for them.

    Each side looks at the other's deque after it has put something into its own: so a job and a
    worker never wait for each other. `append` and `pop` are atomic, and no lock is taken (a
    semaphore would cost 0.6 us a call).
    """

    __slots__ = ("backlog", "count", "idle", "size")

    def __init__(self, size: int) -> None:
        #: How many workers at most.
        self.size = size
        #: How many there are; changed under the pool's lock.
        self.count = 0
        self.backlog: deque[Job] = deque()
        self.idle: deque[Worker] = deque()


class Either:
    """A job that waits in two places. Who comes to it first runs it."""

    __slots__ = ("_left", "job")

    def __init__(self, job: Job) -> None:
        self._left = [job]
        #: Once it runs.
        self.job: Job | None = None

    def run(self) -> None:
        """Run the job, unless that has happened."""
        try:
            job = self.job = self._left.pop()
        except IndexError:
            return
        try:
            job.run()
        finally:
            self.job = None
            del job

    def displaced(self) -> None:
        """Have the job find another place, unless it has run."""
        with suppress(IndexError):
            self._left.pop().displaced()
