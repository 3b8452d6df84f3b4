"""`WorkerPool`: worker threads of the user's own, for some bridges and nobody else."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import threading
from operator import length_hint
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar
from weakref import WeakSet

from typedbridge._core.crews import BETWEEN, Crew, Either, Worker
from typedbridge._core.jobs import DirectExecutor, WorkItem
from typedbridge._core.mailbox import Mailbox
from typedbridge._core.pool import Pool
from typedbridge._core.settings import workers_in_all, workers_of_a_loop
from typedbridge._core.workers import refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from typedbridge._core.jobs import Job

__all__ = ["PoolStatistics", "WorkerPool", "forget", "worker_pools"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class PoolStatistics(NamedTuple):
    """What a `WorkerPool` does at one moment. The numbers are of workers, but for ``queued``."""

    #: That run a call, also one that is blocked.
    busy: int
    #: That wait for a call.
    idle: int
    #: Calls that no worker has come to.
    queued: int
    #: That run a call in the place of a worker which is blocked in `async_to_sync`: they are busy, too.
    lent: int


class WorkerPool(DirectExecutor):
    """A bounded pool of threads, for the ``executor`` of bridges.

    It runs no more than ``max_workers`` calls at once. As in the library's own pool, a worker that is
    blocked in `async_to_sync` lends its place to the calls below it, so that they cannot lock each other
    out. Threads are started as they are needed. Any number of bridges may share it, and it takes plain
    ``submit`` as well.

    :param max_workers: how many calls run at once; by default as many as a loop has in the library's pool.
    :param name: what its threads are called.
    :raises ValueError: if ``max_workers`` is not positive.
    """

    #: Takes no more calls; so also one whose making failed.
    _shutdown = True

    def __init__(self, max_workers: int | None = None, name: str = "typedbridge pool") -> None:
        # Any: what a user passed.
        size: Any = workers_of_a_loop() if max_workers is None else max_workers
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"WorkerPool: max_workers must be a whole number, not {size!r}")
        if size < 1:
            raise ValueError(f"WorkerPool: max_workers must be 1 or more, not {size}")
        self.name = name
        self._shutdown = False
        self.pool = Pool(size, workers_in_all(), name)
        self.forget()
        with _Registry.lock:
            _Registry.pools.add(self)

    def __repr__(self) -> str:
        return f"<WorkerPool {self.name!r}>"

    def forget(self) -> None:
        """Start anew, without threads or jobs: after a fork they are the parent's."""
        self.pool.forget()
        #: Where the pool looks for the workers of whoever calls: the same for all.
        self._calls = Mailbox()

    def put(self, job: Job) -> None:
        """Queue a job."""
        if self._shutdown:
            raise refusal(f"the pool {self.name!r}")
        self.pool.take(job, self._calls)

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call and return the future of its result.

        :raises RuntimeError: after `shutdown`, or when the interpreter is exiting.
        """
        return super().submit(fn, *args, **kwargs)

    def statistics(self) -> PoolStatistics:
        """Return what the pool does now. The numbers may be of slightly different moments."""
        workers = list(self.pool.workers.values())
        jobs = [worker.job for worker in workers]
        lent = {id(worker.lent) for worker in workers if worker.lent is not None}
        crew: Crew | None = self._calls.crew
        return PoolStatistics(
            busy=sum(map(_runs, workers)),
            idle=jobs.count(None),
            queued=0 if crew is None else sum(map(_waits, list(crew.backlog))),
            lent=sum(_runs(worker) for worker in workers if id(worker.crew) in lent),
        )

    # The signature is `Executor`'s.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls. Those that are queued still run.

        :param wait: wait until all of them are over.
        :param cancel_futures: do not run what is queued: futures are cancelled, and a bridge that awaits its
            call gets a `RuntimeError`.
        """
        self._shutdown = True
        crew: Crew | None = self._calls.crew
        if cancel_futures and crew is not None:
            while crew.backlog:
                job = crew.backlog.popleft()
                if isinstance(job, WorkItem):
                    if job.future.cancel():  # and tell `concurrent.futures.wait`
                        job.future.set_running_or_notify_cancel()
                else:
                    job.displaced()
        own = threading.current_thread()
        # What is queued may need other threads than there are now.
        while (threads := self.pool.finish()) and wait:
            for thread in threads:
                if thread is own:
                    return
                thread.join()

    def __del__(self) -> None:
        # Without `shutdown`, the threads would wait for ever.
        if not self._shutdown:
            self.shutdown(wait=False)


def _runs(worker: Worker) -> bool:
    return worker.job is not None and worker.job is not BETWEEN


def _waits(job: Job) -> bool:
    """Tell whether a job in a backlog has not begun elsewhere, in the place of a worker that is blocked."""
    return not isinstance(job, Either) or length_hint(job._left) > 0


class _Registry:
    """Held to add a pool and to list them: a set that grows cannot be walked."""

    lock = threading.Lock()
    pools: WeakSet[WorkerPool] = WeakSet()


def worker_pools() -> list[WorkerPool]:
    """Return the pools that there are."""
    with _Registry.lock:
        return list(_Registry.pools)


def forget() -> None:
    """Start anew in a forked child."""
    _Registry.lock = threading.Lock()
    for pool in worker_pools():
        pool.forget()
