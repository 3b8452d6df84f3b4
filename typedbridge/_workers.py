"""Worker threads and lanes, and the hand-off of jobs to them and of results back to a loop."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from weakref import WeakSet, ref

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from asyncio import Future as LoopFuture
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class Job(Protocol):
        """One unit of work for a thread of ours. It never raises."""

        def run(self) -> None:
            """Do the work and tell whoever waits for it."""

        def displaced(self) -> None:
            """Find another place: the executor ended before it came to this job."""

    class Reply(Protocol):
        """A finished job whose result a loop awaits."""

        future: LoopFuture[None]

        def forget(self) -> None:
            """Drop the outcome: nobody awaits it any more."""


__all__ = [
    "MOST_THREADS",
    "DirectExecutor",
    "Lane",
    "Mailbox",
    "Pool",
    "WorkItem",
    "mailbox_of",
    "pool",
    "start_thread",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class WorkItem:
    """A job that answers through a `concurrent.futures.Future`: the plain executor protocol."""

    __slots__ = ("_args", "_func", "_kwargs", "future")

    # Any: an executor takes every callable.
    def __init__(
        self, func: Callable[..., Any], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> None:
        self.future: Future[Any] = Future()
        self._func = func
        self._args = args
        self._kwargs = kwargs

    def run(self) -> None:
        """Run the function unless the future was cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._func(*self._args, **self._kwargs)
        except BaseException as error:
            self.future.set_exception(error)
            # The traceback holds this frame: break the cycle through the future.
            del self
        else:
            self.future.set_result(result)

    def displaced(self) -> None:
        """Fail: nobody will run this."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(
                RuntimeError("the executor finished before it could run this call")
            )


class DirectExecutor(Executor):
    """An executor of ours: besides `submit` it takes a job as it is, without a future."""

    def put(self, job: Job) -> None:
        """Queue a job."""
        raise NotImplementedError

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call and return the future of its result."""
        item = WorkItem(fn, args, kwargs)
        self.put(item)
        return item.future


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
        self._thread: threading.Thread | None = None

    def put(self, job: Job) -> None:
        """Queue a job; one that comes after `shutdown` is handed on.

        :raises RuntimeError: when the interpreter is exiting.
        """
        if self._thread is None or _Life.ending:
            self._start()
        self._jobs.put(job)
        # The thread may be past its last look.
        if not self._open:
            hand_on(self._jobs)

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call and return the future of its result.

        :raises RuntimeError: after `shutdown`, or when the interpreter is exiting.
        """
        if not self._open:
            raise RuntimeError(f"{self.name} has ended and takes no more calls")
        return super().submit(fn, *args, **kwargs)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or _Life.ending:
                self._thread = start_thread(partial(_serve, self._jobs), self.name)

    # The signature is `Executor`'s.
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; the thread ends after those it has.

        :param wait: wait for that.
        :param cancel_futures: hand the queued jobs on instead of running them.
        """
        self._open = False
        if cancel_futures:
            hand_on(self._jobs)
        self.finish()
        if wait:
            self.join()

    def finish(self) -> None:
        """End the thread after the jobs it has."""
        self._jobs.put(None)

    def join(self) -> None:
        """Wait for the thread's end."""
        if self._thread is not None:
            self._thread.join()

    def __del__(self) -> None:
        self.finish()


def _serve(jobs: SimpleQueue[Job | None]) -> None:
    """Run a lane's jobs. Without the lane: its end is the thread's."""
    while True:
        job = jobs.get()
        if job is None:
            break
        job.run()
        del job  # or the last job's arguments would live until the next one
    hand_on(jobs)


def hand_on(jobs: SimpleQueue[Job | None]) -> None:
    """Have the jobs of an executor that has ended find another place."""
    while True:
        try:
            job = jobs.get_nowait()
        except Empty:
            return
        if job is not None:
            job.displaced()


_lanes: WeakSet[Lane] = WeakSet()


class Pool(DirectExecutor):
    """Worker threads that share one queue. A thread is started when none is idle.

    :param size: how many threads at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.forget()

    def forget(self) -> None:
        """Start anew, without threads or jobs: after a fork they are the parent's."""
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        # One token for each thread that waits for a job. `append` and `pop` are atomic, so this
        # counts without a lock (a semaphore costs 0.6 us a call).
        self._idle: deque[None] = deque()

    def put(self, job: Job) -> None:
        """Queue a job.

        :raises RuntimeError: when the interpreter is exiting.
        """
        try:
            self._idle.pop()
        except IndexError:
            if len(self._threads) < self._size or _Life.ending:
                self._grow()
        self._jobs.put(job)

    def _grow(self) -> None:
        with self._lock:
            if len(self._threads) < self._size or _Life.ending:
                name = f"typedbridge worker {len(self._threads)}"
                self._threads.append(start_thread(self._serve, name))

    def _serve(self) -> None:
        jobs, idle = self._jobs, self._idle
        # Without a token: the job that the thread was started for is on its way.
        job = jobs.get()
        while job is not None:
            job.run()
            del job  # or the last job's arguments would live until the next one
            if jobs.empty():
                idle.append(None)
            job = jobs.get()

    def finish(self) -> None:
        """End the threads after the jobs they have; wait for them."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._idle.clear()
        self._threads.clear()


#: How many threads of a kind to have at most, unless told: as many as asyncio's default executor.
MOST_THREADS = min(32, (os.cpu_count() or 1) + 4)


def pool_size() -> int:
    """Return how many threads the shared worker pool may have.

    ``ASGI_THREADS`` decides; without it `MOST_THREADS`.

    :raises ValueError: if ``ASGI_THREADS`` is not a positive integer.
    """
    text = os.environ.get("ASGI_THREADS")
    if text is None:
        return MOST_THREADS
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"the environment variable ASGI_THREADS must be a positive integer, not {text!r}"
        )
    return int(text)


#: Runs what is not thread-sensitive and has no executor of its own.
pool = Pool(pool_size())


class Mailbox:
    """Finished jobs on their way to one loop: many of them share one wake-up."""

    __slots__ = ("_replies", "_woken")

    def __init__(self) -> None:
        self._replies: deque[Reply] = deque()
        self._woken = False

    def deliver(self, reply: Reply, loop: AbstractEventLoop) -> None:
        """Hand a finished job to the loop. Called from any thread."""
        self._replies.append(reply)
        if not self._woken:
            self._woken = True
            try:
                loop.call_soon_threadsafe(self._open)
            except RuntimeError:
                # The loop is closed: nobody awaits this any more.
                self._replies.clear()

    def _open(self) -> None:
        # Cleared before looking: a job that arrives from here on wakes the loop again.
        self._woken = False
        replies = self._replies
        for _ in range(len(replies)):
            reply = replies.popleft()
            future = reply.future
            if future.done():
                reply.forget()
            else:
                future.set_result(None)


_mailboxes: dict[ref[AbstractEventLoop], Mailbox] = {}


def mailbox_of(loop: AbstractEventLoop) -> Mailbox:
    """Return the loop's mailbox. Called on the loop's thread."""
    # A plain dict keyed by weak reference: `WeakKeyDictionary` costs 0.3 us more a call.
    mailbox = _mailboxes.get(ref(loop))
    if mailbox is None:
        mailbox = _mailboxes[ref(loop, _mailboxes.pop)] = Mailbox()
    return mailbox


def forget() -> None:
    """Start anew in a forked child."""
    _mailboxes.clear()
    pool.forget()
    for lane in _lanes:
        lane.forget()


def finish() -> None:
    """End all threads when the interpreter exits: running and queued work first."""
    lanes = list(_lanes)
    for lane in lanes:
        lane.finish()
    pool.finish()
    for lane in lanes:
        lane.join()
    _Life.ending = True
