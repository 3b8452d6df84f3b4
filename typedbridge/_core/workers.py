"""Threads that jobs are handed to: lanes and the worker pool."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakSet, ref

from typedbridge._core.jobs import DirectExecutor, WorkItem, drain, hand_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from typedbridge._core.jobs import Job

__all__ = [
    "Lane",
    "Pool",
    "pool",
    "refusal",
    "start_thread",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: Seconds between two looks, at exit, at what the pool runs.
_LOOK = 0.01


class _Life:
    """Whether the process has begun to exit: threads end then, and new ones are refused."""

    ending = False


def start_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread of ours.

    :raises RuntimeError: when the interpreter is exiting.
    """
    if _Life.ending:
        raise RuntimeError(f"the interpreter is exiting: no thread can be started for {name}")
    # Daemon, so that an idle thread never delays exit; `finish` waits for those that work.
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def refusal(executor: str) -> RuntimeError:
    """Return the error for a call to an executor of ours that runs no more."""
    if _Life.ending:
        return RuntimeError(f"the interpreter is exiting: {executor} takes no more calls")
    return RuntimeError(f"{executor} has been shut down and takes no more calls")


class _Mark(WorkItem):
    """A job that does nothing, and tells when its turn has come."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(type(None), (), {})


class Lane(DirectExecutor):
    """One thread that runs jobs one at a time, in order. Started on first use.

    :param name: what an error message and the thread are called.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._open = True
        self.forget()
        _lanes.add(self)

    def forget(self) -> None:
        """Start anew, without thread or jobs: after a fork they are the parent's."""
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        #: The thread that comes to what is put now.
        self._thread: threading.Thread | None = None

    def put(self, job: Job) -> None:
        """Queue a job; one that comes after the last of a lane that was shut down is handed on.

        :raises RuntimeError: when the interpreter is exiting.
        """
        if self._thread is None:
            self._start()
        self._jobs.put(job)
        # The thread may have left meanwhile: one of the two sees the job.
        if self._thread is None:
            self._start()

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call and return the future of its result.

        :raises RuntimeError: after `shutdown`, or when the interpreter is exiting.
        """
        if not self._open:
            raise refusal(f"the lane {self.name!r}")
        return super().submit(fn, *args, **kwargs)

    def _start(self) -> None:
        """Have a thread run what is queued; hand it on if the lane was shut down."""
        if not self._open:
            hand_on(self._jobs)
            return
        with self._lock:
            if self._thread is None:
                self._thread = start_thread(partial(_serve, self._jobs, ref(self)), self.name)

    def leave(self) -> None:
        """Let the lane's thread end. What came behind its end mark gets another one."""
        with self._lock:  # `_start` may not have noted it yet
            self._thread = None
        if self._jobs.empty():
            return
        try:
            self._start()
        except RuntimeError:  # the interpreter is exiting
            hand_on(self._jobs)

    # The signature is `Executor`'s.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; the thread ends after those it has.

        :param wait: wait for that.
        :param cancel_futures: hand the queued jobs on instead of running them.
        """
        self._open = False
        if cancel_futures:
            hand_on(self._jobs)
        for thread in self.finish():
            if wait:
                thread.join()

    def mark(self) -> list[Future[None]]:
        """Return a future for the moment when what runs and what is queued has finished."""
        if self._thread is None:
            return []
        mark = _Mark()
        self._jobs.put(mark)
        return [mark.future]

    def finish(self) -> list[threading.Thread]:
        """End the thread after the jobs it has, and return it to be waited for."""
        thread = self._thread
        if thread is None:
            return []
        self._jobs.put(None)
        return [thread]

    def __del__(self) -> None:
        self.finish()


def _serve(jobs: SimpleQueue[Job | None], lane: ref[Lane]) -> None:
    """Run a lane's jobs. Without a hold on the lane: its end is the thread's."""
    try:
        while True:
            job = jobs.get()
            if job is None:
                break
            job.run()
            del job  # or the last job's arguments would live until the next one
    finally:
        left = lane()
        if left is None:
            hand_on(jobs)
        else:
            left.leave()


_lanes: WeakSet[Lane] = WeakSet()


class _Worker:
    """What a thread of a pool is in the middle of."""

    __slots__ = ("job",)

    def __init__(self) -> None:
        self.job: Job | None = None


class _Crew:
    """The threads of a pool, and what they share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.workers: list[_Worker] = []
        # One token for each thread that waits for a job. `append` and `pop` are atomic, so this
        # counts without a lock (a semaphore costs 0.6 us a call).
        self.idle: deque[None] = deque()

    def grow(self, size: int) -> None:
        """Start a thread, unless there are as many as may be."""
        with self.lock:
            if len(self.threads) < size:
                name = f"typedbridge worker {len(self.threads)}"
                self.threads.append(start_thread(self._serve, name))

    def has_free(self) -> bool:
        """Tell whether a thread waits for a job, or is about to."""
        jobs = [worker.job for worker in self.workers]
        return any(job is None or isinstance(job, _Mark) for job in jobs)

    def _serve(self) -> None:
        jobs, idle = self.jobs, self.idle
        worker = _Worker()
        self.workers.append(worker)
        try:
            # Without a token: the job that the thread was started for is on its way.
            job = jobs.get()
            while job is not None:
                worker.job = job
                job.run()
                # Let go, or the last job's arguments would live until the next one.
                worker.job = None
                del job
                if jobs.empty():
                    idle.append(None)
                job = jobs.get()
            jobs.put(None)  # one end mark for all
        finally:
            worker.job = None
            self.workers.remove(worker)
            with self.lock:  # `grow` may not have noted it yet
                self.threads.remove(threading.current_thread())


class Pool(DirectExecutor):
    """Worker threads that share one queue. A thread is started when none is idle.

    :param size: how many threads at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.forget()

    def forget(self) -> None:
        """Start anew, without threads or jobs: after a fork they are the parent's."""
        self._crew = _Crew()

    def put(self, job: Job) -> None:
        """Queue a job.

        :raises RuntimeError: when the interpreter is exiting.
        """
        crew = self._crew
        idle = crew.idle
        try:
            # Looked at first: an exception in each of many calls at once costs 0.2 us.
            reserved = bool(idle) and idle.pop() is None
        except IndexError:  # another thread was faster
            reserved = False
        if not reserved and len(crew.threads) < self._size:
            try:
                crew.grow(self._size)
            except RuntimeError:  # at exit Python 3.12 starts no thread
                if not crew.has_free():
                    raise
        crew.jobs.put(job)
        # Its threads may have left meanwhile: one of the two sees the job.
        if crew is not self._crew:
            self._take_over(crew)

    def _take_over(self, crew: _Crew) -> None:
        """Run what a crew may never come to, since it was told to end."""
        for job in drain(crew.jobs):
            try:
                self.put(job)
            except RuntimeError:  # the interpreter is exiting
                job.displaced()
        crew.jobs.put(None)  # taken out with the jobs

    def mark(self) -> list[Future[None]]:
        """Return a future for the moment when all that is queued runs, or has run."""
        crew = self._crew
        if not crew.threads:
            return []
        with suppress(IndexError):
            crew.idle.pop()  # not to start a thread for it
        mark = _Mark()
        crew.jobs.put(mark)
        return [mark.future]

    def outlast(self) -> None:
        """Wait for what runs now."""
        running = [(worker, worker.job) for worker in self._crew.workers if worker.job is not None]
        # A job need not tell anybody that it is over.
        while any(worker.job is job for worker, job in running):
            time.sleep(_LOOK)

    def finish(self) -> list[threading.Thread]:
        """End the threads after the jobs they have, and return them to be waited for.

        A job that comes later needs other threads.
        """
        crew = self._crew
        self.forget()
        crew.jobs.put(None)
        return list(crew.threads)


def pool_size() -> int:
    """Return how many threads the shared worker pool may have.

    ``ASGI_THREADS`` decides; without it as many as asyncio's default executor, which counts the
    processors that the process may use, from Python 3.13 on.

    :raises ValueError: if ``ASGI_THREADS`` is not a positive integer.
    """
    text = os.environ.get("ASGI_THREADS")
    if text is None:
        return min(32, (getattr(os, "process_cpu_count", os.cpu_count)() or 1) + 4)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"the environment variable ASGI_THREADS must be a positive integer, not {text!r}"
        )
    return int(text)


#: Runs what is not thread-sensitive and has no executor of its own.
pool = Pool(pool_size())


def forget() -> None:
    """Start anew in a forked child."""
    pool.forget()
    for lane in _lanes:
        lane.forget()


def finish() -> None:
    """End all threads when the interpreter exits, after what is running and what is queued.

    That may make calls of its own. So nothing ends before all of it is over; waiting for what it
    leaves behind as well might take for ever, if a thread of the user's goes on calling.
    """
    lanes = list(_lanes)
    marks = pool.mark()
    for lane in lanes:
        marks += lane.mark()
    wait(marks)
    pool.outlast()
    _Life.ending = True
    threads = pool.finish()
    for lane in lanes:
        threads += lane.finish()
    for thread in threads:
        thread.join()
