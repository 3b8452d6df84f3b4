"""Threads of the library: how they start, and lanes, which take jobs one at a time."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakSet, ref

from typedbridge._core import vigil
from typedbridge._core.green import NativeThread, SimpleQueue, allocate_lock, are_green
from typedbridge._core.jobs import DirectExecutor, Mark, hand_on
from typedbridge._core.posts import Post, outlive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from typedbridge._core.jobs import Job

__all__ = ["Lane", "forget", "is_ending", "lanes", "refusal", "start_thread", "stop"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Life:
    """Whether the process has begun to exit: threads end then, and new ones are refused."""

    ending = False


def start_thread(work: Callable[[], None], name: str, post: Post | None = None) -> threading.Thread:
    """Start a thread of ours.

    :param post: of a thread that calls wait for. It goes on with its work when an exception is set there.
    :raises RuntimeError: when the interpreter is exiting.
    """
    if _Life.ending:
        raise RuntimeError(f"the interpreter is exiting: no thread can be started for {name}")
    target = work if post is None else partial(outlive, post, work)
    # Daemon, so that an idle thread never delays exit; `finish` waits for those that work.
    if are_green():
        real = NativeThread(target, name)
        real.start()
        return real  # type: ignore[return-value]  # what the library uses of a thread
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def refusal(executor: str) -> RuntimeError:
    """Return the error for a call to an executor of ours that runs no more."""
    if _Life.ending:
        return RuntimeError(f"the interpreter is exiting: {executor} takes no more calls")
    return RuntimeError(f"{executor} has been shut down and takes no more calls")


def is_ending(error: RuntimeError) -> bool:
    """Tell whether a thread could not be started because the interpreter is exiting."""
    return _Life.ending or "shutdown" in str(error)  # what `threading` says from Python 3.12 on


def stop() -> None:
    """Start no thread from now on: the interpreter is exiting."""
    _Life.ending = True


class Lane(DirectExecutor):
    """One thread that runs jobs one at a time, in order. Started on first use.

    :param name: what an error message and the thread are called.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._open = True
        self.forget()
        with _Registry.lock:
            _lanes.add(self)

    def forget(self) -> None:
        """Start anew, without thread or jobs: after a fork they are the parent's."""
        self._lock = allocate_lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        #: The thread that comes to what is put now.
        self._thread: threading.Thread | None = None
        #: What runs in the lane.
        self.post = Post()

    def waiting(self) -> int:
        """Return how many jobs wait for the lane."""
        return self._jobs.qsize()

    def ident(self) -> int | None:
        """Return the number of the lane's thread."""
        thread = self._thread
        return None if thread is None else thread.ident

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
        if self.post.job is not None and not vigil.awake:
            vigil.rouse()

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call and return the future of its result.

        :raises RuntimeError: after `shutdown`, or when the interpreter is exiting.
        """
        item = self._work_item(fn, args, kwargs)
        if not self._open and not item.goes_on:
            raise refusal(f"the lane {self.name!r}")
        self.put(item)
        return item.future

    def _start(self) -> None:
        """Have a thread run what is queued; hand it on if the lane was shut down."""
        with self._lock:
            if self._thread is not None:  # it comes to them; and the end mark among them is its own
                return
            if self._open:
                work = partial(_work, self._jobs, iter(self._jobs.get, None), self.post, ref(self))
                try:
                    self._thread = start_thread(work, self.name, self.post)
                except RuntimeError:
                    raise
                except BaseException:  # Ctrl-C and the like: it may be there, but is not noted
                    self._jobs.put(None)
                    raise
                return
        hand_on(self._jobs)

    def leave(self) -> None:
        """Let the lane's thread end. What came behind its end mark gets another one."""
        with self._lock:  # `_start` may not have noted it yet
            thread = self._thread
            if thread is None or thread.ident != threading.get_ident():
                return  # it has left, and was interrupted then
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
        if self._noted() is None:
            return []
        mark = Mark()
        self._jobs.put(mark)
        return [mark.future]

    def finish(self) -> list[threading.Thread]:
        """End the thread after the jobs it has, and return it to be waited for."""
        thread = self._noted()
        if thread is None:
            return []
        self._jobs.put(None)
        return [thread]

    def _noted(self) -> threading.Thread | None:
        """Return the lane's thread, also if it runs already and `_start` is about to note it."""
        with self._lock:
            return self._thread

    def __del__(self) -> None:
        self.finish()


def _work(jobs: SimpleQueue[Job | None], given: Iterator[Job], post: Post, lane: ref[Lane]) -> None:
    """Run a lane's jobs. Without a hold on the lane: its end is the thread's.

    :param given: takes them out of the queue, up to the end mark.
    """
    if post.error is not None:
        post.mend()
        post.job = post.error = None
        post.tries = 0
    for post.job in given:
        if not vigil.awake and not jobs.empty():  # came before this one had begun
            vigil.rouse()
        post.job.run()
        post.job = None  # or the last job's arguments would live until the next one
    left = lane()
    if left is None:
        hand_on(jobs)
    else:
        left.leave()


_lanes: WeakSet[Lane] = WeakSet()


class _Registry:
    """Held to add a lane and to list them: a set that grows cannot be walked."""

    lock = threading.Lock()


def lanes() -> list[Lane]:
    """Return all lanes."""
    with _Registry.lock:
        return list(_lanes)


def forget() -> None:
    """Start anew in a forked child."""
    _Registry.lock = threading.Lock()
    for lane in lanes():
        lane.forget()
