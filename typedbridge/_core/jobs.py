"""Units of work on their way to a thread."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from queue import Empty
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from queue import SimpleQueue
    from typing import ClassVar, Protocol

    class Job(Protocol):
        """One unit of work for a thread of ours. It never raises, but for Ctrl-C and the like."""

        def run(self) -> None:
            """Do the work and tell whoever waits for it."""

        def displaced(self) -> None:
            """Find another place: the executor ended before it came to this job."""

        def interrupted(self, error: BaseException) -> None:
            """Come to an end all the same: an exception that was set in the thread has ended `run`.

            Run if the work had not begun; else fail with the error, unless there is an outcome. May be
            interrupted as well, and is called again then.
            """

    class JobOf(Protocol):
        """Makes the job of a call that comes to an executor through `submit`."""

        def __call__(
            self,
            executor: Executor,
            func: Callable[..., object],
            args: tuple[object, ...],
            kwargs: Mapping[str, object],
            /,
        ) -> WorkItem:
            """Make it."""
            raise NotImplementedError


__all__ = ["DirectExecutor", "Mark", "WorkItem", "drain", "hand_on"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class WorkItem:
    """A job that answers through a `concurrent.futures.Future`: the plain executor protocol."""

    __slots__ = ("_args", "_func", "_kwargs", "future")

    #: Whether it finds another place itself where an executor has ended: that refuses all others.
    goes_on = False

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

    def interrupted(self, error: BaseException) -> None:
        """Run if the function had not begun; else fail, unless there is an outcome."""
        if self.future.running():
            self.future.set_exception(error)
        elif not self.future.done():
            self.run()

    def displaced(self) -> None:
        """Fail: nobody will run this."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(
                RuntimeError("the executor finished before it could run this call")
            )


class Mark(WorkItem):
    """A job that does nothing, and tells when its turn has come."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(type(None), (), {})


class DirectExecutor(Executor):
    """An executor of ours: besides `submit` it takes a job as it is, without a future."""

    #: Makes the job of a call that comes through `submit`; `beside` tells asgiref's calls from others.
    job_of: ClassVar[JobOf | None] = None

    def put(self, job: Job) -> None:
        """Queue a job."""
        raise NotImplementedError

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Queue a call and return the future of its result."""
        item = self._work_item(fn, args, kwargs)
        self.put(item)
        return item.future

    def _work_item(
        self, fn: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> WorkItem:
        """Return the job of a call that comes from elsewhere."""
        job_of = DirectExecutor.job_of
        return WorkItem(fn, args, kwargs) if job_of is None else job_of(self, fn, args, kwargs)


def drain(jobs: SimpleQueue[Job | None]) -> Iterator[Job]:
    """Take out the jobs of an executor that has ended."""
    while True:
        try:
            job = jobs.get_nowait()
        except Empty:
            return
        if job is not None:
            yield job
        del job


def hand_on(jobs: SimpleQueue[Job | None]) -> None:
    """Have the jobs of an executor that has ended find another place."""
    for job in drain(jobs):
        job.displaced()
