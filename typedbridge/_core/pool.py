"""The worker pool: what runs side by side, shared fairly by the event loops of the process."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from typedbridge._core import vigil
from typedbridge._core.crews import BETWEEN, Crew, Either, Worker
from typedbridge._core.green import allocate_lock
from typedbridge._core.jobs import DirectExecutor, Mark, drain
from typedbridge._core.scope import current_frame
from typedbridge._core.settings import workers_in_all, workers_of_a_loop
from typedbridge._core.workers import is_ending, start_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from typedbridge._core.current_thread import CurrentThreadExecutor
    from typedbridge._core.jobs import Job
    from typedbridge._core.mailbox import Mailbox

__all__ = ["Pool", "pool"]

#: Seconds between two looks, at exit, at what the pool runs.
_LOOK: Final = 0.01

#: How many workers are kept for later at the least; with more than that, idle ones end.
_KEPT: Final = 32


class Pool(DirectExecutor):
    """Worker threads that take jobs side by side.

    Each event loop has a crew of workers for its calls, as each has an executor of its own in
    asyncio: so the long calls of one never keep those of another from beginning. An idle worker goes
    to whatever crew has need of one; a thread is started when none is idle.

    :param size: how many workers one crew has at most.
    :param most: how many there are in all at most.
    :param name: what their threads are called.
    """

    def __init__(self, size: int, most: int, name: str = "typedbridge worker") -> None:
        self._name = name
        self._size = size
        self.most = max(size, most)
        self.forget()

    def forget(self) -> None:
        """Start anew, without threads or jobs: after a fork they are the parent's."""
        self._lock = allocate_lock()
        #: For jobs that no loop awaits.
        self._common = Crew(self._size)
        #: Those that have workers.
        self._crews: list[Crew] = []
        #: By the number of their thread.
        self.workers: dict[int, Worker] = {}
        #: Crews that have jobs and no worker, while there may be no more of these.
        self.starving: deque[Crew] = deque()
        #: Whether a worker has to look beyond its own crew: some starve, or some workers are to end.
        self._many = False

    # -- on the way in -----------------------------------------------------------------------

    def put(self, job: Job) -> None:
        """Queue a job.

        :raises RuntimeError: when the interpreter is exiting.
        """
        self._place(self._common, job)

    def take(self, job: Job, mailbox: Mailbox) -> bool:
        """Queue a job that a loop awaits.

        :returns: whether it has to wait while there may be no more workers.
        :raises RuntimeError: when the interpreter is exiting.
        """
        crew: Crew | None = mailbox.crew
        if crew is None:
            crew = self._crew_of(mailbox)
        # Looked at first: an exception in each of many calls at once costs 0.2 us.
        if crew.idle:
            worker: Worker | None = None
            try:
                for worker in crew.resting:
                    break
            except IndexError:  # another thread was faster
                pass
            if worker is not None:
                worker.job = job
                worker.inbox.put(job)
                return False
        return self._place(crew, job)

    def _crew_of(self, mailbox: Mailbox) -> Crew:
        with self._lock:
            if mailbox.crew is None:
                mailbox.crew = Crew(self._size)
        crew: Crew = mailbox.crew
        return crew

    def _place(self, crew: Crew, job: Job) -> bool:
        """Queue a job with a crew of whose workers none may be idle."""
        if crew.count < crew.size and self._recruit(crew) and crew.give(job):
            return False
        frame = current_frame.get()
        if frame is not None:
            lender = self._lender(frame)
            if lender is not None:
                job = self._lend(lender, job)
        crew.backlog.append(job)
        if crew.idle or crew.count < crew.size:  # one has come to rest, or left, meanwhile
            self._match(crew)
        if not vigil.awake:
            vigil.rouse()
        return len(self.workers) >= self.most

    def _match(self, crew: Crew) -> None:
        """Bring waiting jobs and idle workers together."""
        while crew.backlog:
            if crew.idle:
                crew.pair()
                continue
            if crew.count >= crew.size:
                return
            try:
                if not self._recruit(crew):
                    return
            except RuntimeError:  # at exit no thread can be started
                if crew.count:
                    return
                raise

    def _lender(self, frame: CurrentThreadExecutor) -> Worker | None:
        """Return the worker whose thread waits in a frame, or in one around it."""
        around: CurrentThreadExecutor | None = frame
        while around is not None:
            if around._open:
                worker = self.workers.get(around._thread)
                if worker is not None:
                    return worker
            around = around._old_executor
        return None

    def _lend(self, lender: Worker, job: Job) -> Job:
        """Have a job run in the place of a worker that is blocked, unless its crew is faster."""
        with self._lock:
            if lender.lent is None:
                lender.lent = Crew(1)
            lent = lender.lent
        either = Either(job)
        lent.backlog.append(either)
        self._match(lent)
        return either

    # -- who there is ------------------------------------------------------------------------

    def _recruit(self, crew: Crew) -> bool:
        """Add a worker to a crew, among its idle ones: one of another crew, or a new one.

        :returns: false if there may be no more.
        :raises RuntimeError: when no thread can be started, and none will come to the crew's jobs.
        """
        with self._lock:
            if crew.count >= crew.size:
                return False
            if self._poach(crew) or (len(self.workers) < self.most and self._hire(crew)):
                return True
            if not crew.count and crew not in self.starving:
                self.starving.append(crew)
                self._many = True
            return False

    def _poach(self, crew: Crew) -> bool:
        for other in self._crews.copy():
            if other is crew or not other.idle:
                continue
            worker: Worker | None = None
            try:
                for worker in other.resting:
                    break
            except IndexError:
                pass
            if worker is None:
                continue
            if other.backlog:  # it has come meanwhile, and did not see that one is missing
                other.idle.append(worker)
                other.pair()
                continue
            worker.crew = crew
            other.count -= 1
            crew.count += 1
            crew.idle.append(worker)
            self._enlist(other)
            self._enlist(crew)
            return True
        return False

    def _hire(self, crew: Crew) -> bool:
        worker = Worker(crew)
        work = partial(self._work, worker, iter(worker.inbox.get, None))
        try:
            thread = start_thread(work, f"{self._name} {len(self.workers)}", worker.post)
            ident = thread.ident
        except RuntimeError as error:
            # At exit no thread starts any more; else this process may have no more of them.
            if is_ending(error) or not self.workers:
                raise
            return False
        except BaseException:  # one that was set in this thread: the new one may be there, and ends
            worker.inbox.put(None)
            raise
        worker.thread = thread
        if ident is not None:  # it has been started
            self.workers[ident] = worker
        crew.count += 1
        crew.idle.append(worker)
        self._enlist(crew)
        self._count()
        return True

    def _count(self) -> None:
        self._many = (
            bool(self.starving)
            or len(self.workers) > max(self._size, _KEPT)
            or any(worker.last for worker in self.workers.values())
        )

    def _enlist(self, crew: Crew) -> None:
        """Know a crew that has workers, and see that one without them is not forgotten."""
        if crew.count:
            if crew not in self._crews:
                self._crews.append(crew)
            return
        if crew.backlog and crew not in self.starving:
            self.starving.append(crew)
            self._many = True
        with suppress(ValueError):
            self._crews.remove(crew)

    # -- on a worker's thread ----------------------------------------------------------------

    def _work(self, worker: Worker, given: Iterator[Job]) -> None:
        """Run jobs. Called again when an exception was set in the thread meanwhile.

        :param given: takes them out of the inbox, up to the end mark.
        """
        post = worker.post
        if post.error is not None:
            self._mend(worker)
        for post.job in given:
            while post.job is not None:
                post.job.run()
                worker.job = BETWEEN
                post.job = None  # or the last job's arguments would live until the next one
                crew = worker.crew
                if crew.backlog and not self._many:
                    try:
                        for post.job in crew.waiting:
                            worker.job = post.job
                            break
                    except IndexError:  # another worker was faster
                        pass
            self._rest(worker)
        self._dismiss(worker)

    def _mend(self, worker: Worker) -> None:
        """Go on after an exception."""
        post = worker.post
        if post.job is not None:
            post.mend()
            worker.job = BETWEEN
            post.job = None
        post.error = None
        post.tries = 0
        self._rest(worker)

    def _rest(self, worker: Worker) -> None:
        """Have a worker be idle, unless it is so already, or was given a job."""
        crew = worker.crew
        if worker.job is BETWEEN:
            worker.job = None
            crew.idle.append(worker)
        if crew.backlog:  # it has come meanwhile
            self._match(crew)
        if self._many:
            self._look_around()

    def _look_around(self) -> None:
        """Send idle workers to crews that starve; end those that are not likely to be needed."""
        with self._lock:
            for crew in list(self.starving):
                if not crew.count and crew.backlog and not self._poach(crew):
                    continue
                if crew.backlog and crew.idle:
                    crew.pair()
                self.starving.remove(crew)
            self._count()
            if self._many and not self.starving:
                self._end_idle()

    def _end_idle(self) -> None:
        idle = [worker for crew in self._crews for worker in crew.idle.copy()]
        spare = len(idle) - max(self._size, _KEPT)
        for worker in idle:
            if worker.last or spare > 0:
                with suppress(ValueError):  # it has been given a job meanwhile
                    worker.crew.idle.remove(worker)
                    worker.inbox.put(None)
                    spare -= 1

    def _dismiss(self, worker: Worker) -> None:
        """Let a worker's thread end. Another one runs what it was given and what waits for it."""
        crew = worker.crew
        with self._lock:
            with suppress(ValueError):
                crew.idle.remove(worker)
            worker.job = None
            ident = threading.get_ident()
            if self.workers.get(ident) is worker:
                del self.workers[ident]
                crew.count -= 1
            self._enlist(crew)
            self._count()
        left = list(drain(worker.inbox))
        try:
            while left:
                self._place(crew, left[0])
                del left[0]
            self._match(crew)
        except RuntimeError:  # the interpreter is exiting
            for job in left:
                job.displaced()
            if not crew.count:
                _displace(crew)
        if self._many:
            self._look_around()

    def in_use(self) -> frozenset[int]:
        """Return what runs, by its identity, if something waits: else nothing."""
        if not any(crew.backlog for crew in [*self._crews, *self.starving]):
            return frozenset()
        return frozenset(id(worker.job) for worker in list(self.workers.values()))

    # -- at exit -----------------------------------------------------------------------------

    def mark(self) -> list[Future[None]]:
        """Return futures for the moment when all that is queued runs, or has run."""
        marks: list[Future[None]] = []
        with self._lock:
            crews = {id(crew): crew for crew in [*self._crews, *self.starving] if crew.backlog}
        for crew in crews.values():
            mark = Mark()
            crew.backlog.append(mark)
            marks.append(mark.future)
            self._match(crew)
        return marks

    def outlast(self) -> None:
        """Wait for what runs now."""
        with self._lock:
            running = [(worker, worker.job) for worker in self.workers.values() if worker.job]
        # A job need not tell anybody that it is over.
        while any(worker.job is job for worker, job in running):
            time.sleep(_LOOK)

    def finish(self) -> list[threading.Thread]:
        """End the threads after the jobs they have, and return them to be waited for.

        A job that comes later needs other threads.
        """
        with self._lock:
            workers = list(self.workers.values())
            for worker in workers:
                worker.last = True
            self._many = True  # before the look: a worker that comes to rest looks after it
            self._end_idle()
        return [worker.thread for worker in workers if worker.thread is not None]


def _displace(crew: Crew) -> None:
    with suppress(IndexError):
        while True:
            crew.backlog.popleft().displaced()


#: Runs what is not thread-sensitive and has no executor of its own.
pool = Pool(workers_of_a_loop(), workers_in_all())
