"""The workers of one event loop, and the jobs that wait for them: what the pool is made of."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from typedbridge._core.green import SimpleQueue
from typedbridge._core.posts import Post

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from typedbridge._core.jobs import Job

__all__ = ["BETWEEN", "Crew", "Either", "Worker"]


class _Between:
    """What a worker is said to run after one job and before it has found out what comes next."""

    __slots__ = ()

    def run(self) -> None:
        """Do nothing: nobody calls it."""

    displaced = run

    def interrupted(self, error: BaseException) -> None:
        """Do nothing: nobody calls it."""


BETWEEN: Final = _Between()


class Worker:
    """A thread of the pool, and what it is in the middle of."""

    __slots__ = ("crew", "inbox", "job", "last", "lent", "post", "thread")

    def __init__(self, crew: Crew) -> None:
        #: Whose jobs it takes.
        self.crew = crew
        #: What it is given once it has been taken from its crew's idle ones: a job, or the end.
        self.inbox: SimpleQueue[Job | None] = SimpleQueue()
        #: What it was given, from that moment on; `None` while it is among the idle ones.
        self.job: Job | None = None
        #: What it has taken.
        self.post = Post()
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

    __slots__ = ("backlog", "count", "idle", "resting", "size", "waiting")

    def __init__(self, size: int) -> None:
        #: How many workers at most.
        self.size = size
        #: How many there are; changed under the pool's lock.
        self.count = 0
        self.backlog: deque[Job] = deque()
        self.idle: deque[Worker] = deque()
        #: Take the first job that waits, and the last worker that came to rest, in one step: see `posts`.
        #: An `IndexError` if there is none.
        self.waiting: Iterator[Job] = iter(self.backlog.popleft, None)
        self.resting: Iterator[Worker] = iter(self.idle.pop, None)

    def give(self, job: Job) -> bool:
        """Give an idle worker a job; tell whether there was one."""
        worker: Worker | None = None
        try:
            for worker in self.resting:
                break
        except IndexError:
            return False
        if worker is not None:
            worker.job = job
            worker.inbox.put(job)
        return True

    def pair(self) -> None:
        """Give an idle worker the first job that waits, if there are both."""
        worker: Worker | None = None
        try:
            for worker in self.resting:
                break
        except IndexError:  # another thread was faster
            return
        if worker is None:
            return
        job: Job | None = None
        try:
            for job in self.waiting:
                break
        except IndexError:
            self.idle.append(worker)
        if job is not None:
            worker.job = job
            worker.inbox.put(job)


class Either:
    """A job that waits in two places. Who comes to it first runs it."""

    __slots__ = ("_left", "job")

    def __init__(self, job: Job) -> None:
        #: Gives it out once, in one step: see `posts`.
        self._left = iter([job])
        #: Once it runs.
        self.job: Job | None = None

    def run(self) -> None:
        """Run the job, unless that has happened."""
        for self.job in self._left:
            self.job.run()
            self.job = None

    def interrupted(self, error: BaseException) -> None:
        """Have the job come to its end, if it was this thread that came to it first."""
        if self.job is None:
            self.run()
        else:
            self.job.interrupted(error)
            self.job = None

    def displaced(self) -> None:
        """Have the job find another place, unless it has run."""
        for job in self._left:
            job.displaced()
