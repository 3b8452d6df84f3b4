"""An executor that runs work in the thread which made it."""

from __future__ import annotations

import sys
from threading import get_ident
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from typedbridge._core import vigil
from typedbridge._core.green import new_queue
from typedbridge._core.jobs import DirectExecutor, drain

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from queue import SimpleQueue

    from typedbridge._core.jobs import Job

__all__ = ["CurrentThreadExecutor"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class CurrentThreadExecutor(DirectExecutor):
    """Run submitted work in the thread that made the executor.

    The work runs while that thread is in :meth:`run_until_future`. What is submitted earlier waits
    until then; what arrives after it goes to the executor that this one stands in for.

    :param old_executor: the executor that takes work once this one has finished, or ``None``.
    """

    def __init__(self, old_executor: CurrentThreadExecutor | None) -> None:
        self._old_executor = old_executor
        self._thread = get_ident()
        self._jobs: SimpleQueue[Job | None] = new_queue()
        self._open = True
        #: What the thread runs while it waits, or has taken to run.
        self.job: Job | None = None

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call for the executor's thread.

        :raises RuntimeError: from the executor's own thread, which would wait for itself, or when
            this executor and all it stood in for have finished.
        """
        if get_ident() == self._thread:
            raise RuntimeError(
                "cannot submit to a CurrentThreadExecutor from its own thread: call the function"
            )
        item = self._work_item(fn, args, kwargs)
        if not item.goes_on and self.open_executor() is None:
            raise RuntimeError("cannot submit to a CurrentThreadExecutor that has finished")
        self.put(item)
        return item.future

    def run_until_future(self, future: Future[object]) -> None:
        """Run submitted work until the future is done. The executor is finished afterwards.

        :raises RuntimeError: from any thread but the one that made the executor.
        """
        if get_ident() != self._thread:
            raise RuntimeError(
                "a CurrentThreadExecutor runs only in the thread that made it, not in another one"
            )
        if not self._open:
            return
        future.add_done_callback(lambda _: self._jobs.put(None))
        try:
            for self.job in iter(self._jobs.get, None):  # in one step: see `posts`
                self.job.run()
                self.job = None
        finally:
            self.close()

    def waiting(self) -> int:
        """Return how many jobs wait for the thread."""
        return self._jobs.qsize()

    def open_executor(self) -> CurrentThreadExecutor | None:
        """Return this executor, or the nearest one it stands in for that still takes work."""
        executor: CurrentThreadExecutor | None = self
        while executor is not None and not executor._open:
            executor = executor._old_executor
        return executor

    def put(self, job: Job) -> None:
        """Queue a job here; one that comes too late is handed on."""
        self._jobs.put(job)
        # `close` may have emptied the queue just before: one of the two sees the job.
        if not self._open:
            self._hand_on()
        elif self.job is not None and not vigil.awake:
            vigil.rouse()

    def take_over(self, job: Job) -> None:
        """Queue a job that another executor has not come to."""
        self.put(job)

    def close(self) -> None:
        """Take no more work, and hand on what nobody has started."""
        self._open = False
        if self.job is not None:
            self.mend()
        self._hand_on()

    def mend(self) -> None:
        """Have what the thread was running come to an end, after an exception that ended the wait.

        Called where that is handled: Ctrl-C, or one that was set in the thread.
        """
        job = self.job
        if job is not None:
            job.interrupted(sys.exception() or RuntimeError("the call was interrupted"))
            self.job = None

    def _hand_on(self) -> None:
        for job in drain(self._jobs):
            heir = None if self._old_executor is None else self._old_executor.open_executor()
            if heir is None:
                job.displaced()
            else:
                heir.take_over(job)
