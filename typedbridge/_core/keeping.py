"""Which one thread serves a stream for its whole life? `Kept`, `Loan`."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import threading
from asyncio import CancelledError
from functools import partial
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from typedbridge._core.call import Call
from typedbridge._core.chains import is_one_thread
from typedbridge._core.current_thread import CurrentThreadExecutor
from typedbridge._core.deadlock import DeadlockError
from typedbridge._core.green import SimpleQueue
from typedbridge._core.jobs import DirectExecutor, hand_on
from typedbridge._core.marks import describe
from typedbridge._core.pool import pool
from typedbridge._core.processes import is_in_processes
from typedbridge._core.to_async import SyncToAsync
from typedbridge._core.worker_pool import WorkerPool
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from concurrent.futures import Executor, Future
    from contextvars import Context

    from typedbridge._core.cancellation import OnCancel
    from typedbridge._core.jobs import Job

__all__ = ["Kept", "refuse_processes", "through"]

#: Seconds between two looks of an idle thread on loan: whether its executor, or the interpreter, ends.
_LOOK: Final = 0.2


class Kept(SyncToAsync[..., Any]):
    """Calls that all run in one thread: where the first of them is placed.

    Options were checked where the stream was made. A subclass of the public wrapper, for what users and
    tools replace on that counts here too.

    :param func: what each call runs.
    """

    def __init__(
        self, func: Callable[..., Any], thread_sensitive: bool, executor: Executor | None
    ) -> None:
        self.func = func
        self._thread_sensitive = thread_sensitive
        self._executor = executor
        self.context: Context | None = None
        # So that a call whose awaiting task is cancelled keeps its outcome.
        self._on_cancel: OnCancel = "wait"
        self._lane: Executor | None = None

    def begin(self, loop: AbstractEventLoop, *args: object) -> Call:
        """Begin a call, which is to be awaited through its future."""
        return self._begin_in(self._open_lane(), loop, args)

    def begin_last(self, loop: AbstractEventLoop, *args: object) -> Call:
        """Begin a call that has to run, in any thread if the one that was kept has ended."""
        try:
            return self.begin(loop, *args)
        except DeadlockError:
            raise
        except RuntimeError:  # its executor was shut down
            return self._begin_in(self.single_thread_executor, loop, args)

    def _begin_in(
        self, lane: Executor | None, loop: AbstractEventLoop, args: tuple[object, ...]
    ) -> Call:
        call = Call(self, loop, args, {}, lane)
        if call.lane is not self._lane:
            call.lane = self._lane = _one_thread_of(call.lane, describe(self.func))
        call.hand_over()
        return call

    def _open_lane(self) -> Executor | None:
        """Return the lane, unless it has ended: the table says what takes its place."""
        lane = self._lane
        if isinstance(lane, Lane | CurrentThreadExecutor | Loan) and not lane._open:
            return None
        return lane

    def leave(self, job: Job) -> None:
        """Run a last job in the thread, for nobody to wait for."""
        lane = self._open_lane()
        if lane is None:
            lane = self.single_thread_executor
        if isinstance(lane, DirectExecutor):
            lane.put(job)
        else:
            lane.submit(job.run)

    def release(self) -> None:
        """Give the thread back."""
        self._lane = None


async def through(step: Call) -> CancelledError | None:
    """Wait until a step is over, also when cancelled; return the last cancellation."""
    try:
        await step.future
    except CancelledError as cancelled:
        return await step.outlive_cancellation(cancelled)
    return None


def refuse_processes(user: str, executor: Executor | None) -> None:
    """Raise `TypeError` for an executor whose workers are other processes."""
    if executor is not None and is_in_processes(executor):
        raise TypeError(
            f"{user}: a {type(executor).__name__} runs single calls in other processes, and cannot "
            f"keep what is stepped through: give an executor with threads, or collect a list in one call"
        )


def _one_thread_of(lane: Executor | None, name: str) -> Executor | None:
    """Return what keeps one thread of an executor."""
    if lane is pool:
        return Lane(f"typedbridge stream {name}")
    if isinstance(lane, WorkerPool):
        return Loan(lane)
    if lane is None or isinstance(lane, DirectExecutor) or is_one_thread(lane):
        return lane
    refuse_processes(name, lane)
    return Loan(lane)


class Loan(DirectExecutor):
    """One thread of an executor of the user's, taken by the first job and kept until the end."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._begun: Future[None] | None = None

    @property
    def _open(self) -> bool:
        """Whether the executor may still run what is put."""
        return self._begun is None or not self._begun.done()

    def put(self, job: Job) -> None:
        """Queue a job.

        :raises RuntimeError: as the executor's `submit` does once that was shut down.
        """
        if self._begun is None:
            self._begun = self._executor.submit(_serve, self._jobs, self._executor)
            self._begun.add_done_callback(partial(_over, self._jobs))
        self._jobs.put(job)
        if not self._open:  # one of the two sees the job
            hand_on(self._jobs)

    def __del__(self) -> None:
        self._jobs.put(None)


def _over(jobs: SimpleQueue[Job | None], begun: Future[None]) -> None:
    """Hand on what the thread does not come to: the executor may have ended before it began."""
    del begun
    hand_on(jobs)


def _serve(jobs: SimpleQueue[Job | None], executor: Executor) -> None:
    """Run the jobs of a loan. Without a hold on the loan: its end is the end of this."""
    while True:
        try:
            job = jobs.get(timeout=_LOOK)
        except Empty:
            # Both would wait for this thread before they tell anybody. Neither says so in public; an
            # executor that does not say it is waited for.
            if getattr(executor, "_shutdown", False) or getattr(threading, "_SHUTTING_DOWN", False):
                return
            continue
        if job is None:
            return
        job.run()
        del job
