"""CurrentThreadExecutor: an executor that runs work in the thread that made it."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from typedbridge import AsyncToSync, CurrentThreadExecutor, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """Another thread: the only kind that may submit."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def executor() -> CurrentThreadExecutor:
    return CurrentThreadExecutor(None)


@pytest.fixture
def submit(
    elsewhere: ThreadPoolExecutor, executor: CurrentThreadExecutor
) -> Callable[..., Future[Any]]:
    """Submit to the executor from another thread."""

    def from_elsewhere(*args: Any, **kwargs: Any) -> Future[Any]:
        return elsewhere.submit(executor.submit, *args, **kwargs).result()

    return from_elsewhere


def done() -> Future[None]:
    """A future that is done already."""
    future: Future[None] = Future()
    future.set_result(None)
    return future


def fail(error: BaseException) -> None:
    raise error


def test_it_is_an_executor(executor: CurrentThreadExecutor) -> None:
    """What takes any concurrent.futures.Executor takes this one."""
    assert isinstance(executor, Executor)


def test_the_old_executor_must_be_given() -> None:
    """None says that there is none."""
    make: Any = CurrentThreadExecutor
    with pytest.raises(TypeError):
        make()


class TestRunning:
    """Work runs in the executor's thread, while this is in run_until_future."""

    def test_work_runs_in_the_thread_that_made_it(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """Wherever it was submitted."""
        future = submit(threading.current_thread)
        executor.run_until_future(done())
        assert threading.current_thread() is future.result()

    def test_work_waits_until_it_runs(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """Submitting does not wait, and nothing runs before."""
        future = submit(len, "four")
        assert not future.done()
        executor.run_until_future(done())
        assert 4 == future.result()

    def test_work_that_arrives_while_it_runs(
        self, executor: CurrentThreadExecutor, elsewhere: ThreadPoolExecutor
    ) -> None:
        """Each piece may be submitted after the one before has run."""

        def work() -> list[int]:
            return [executor.submit(pow, number, 2).result() for number in range(5)]

        working = elsewhere.submit(work)
        executor.run_until_future(working)
        assert [0, 1, 4, 9, 16] == working.result()

    def test_work_runs_in_the_order_of_its_submission(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """First in, first out."""
        seen: list[int] = []
        for number in range(20):
            submit(seen.append, number)
        executor.run_until_future(done())
        assert list(range(20)) == seen

    def test_it_runs_until_the_future_is_done(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """The future may be completed by the work itself."""
        stop: Future[str] = Future()
        submit(stop.set_result, "result")
        executor.run_until_future(stop)
        assert stop.done()

    def test_work_that_is_queued_when_the_future_is_done_still_runs(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """Whoever submitted in time gets an answer."""
        stop: Future[None] = Future()
        submit(stop.set_result, None)
        late = submit(len, "four")
        executor.run_until_future(stop)
        assert 4 == late.result()

    def test_it_does_not_care_how_the_future_ends(self) -> None:
        """The future's error is for whoever reads the future."""
        failed: Future[None] = Future()
        failed.set_exception(KeyError())
        cancelled: Future[None] = Future()
        cancelled.cancel()
        for future in (failed, cancelled):
            CurrentThreadExecutor(None).run_until_future(future)

    def test_arguments_and_keywords_reach_the_function(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """No keyword is taken by the executor."""

        def work(*args: object, **kwargs: object) -> object:
            return args, kwargs

        executor_names = {"self": 1, "executor": 2, "future": 3, "args": 4, "kwargs": 5}
        future = submit(work, 0, **executor_names)
        executor.run_until_future(done())
        assert ((0,), executor_names) == future.result()

    def test_map_works(
        self, executor: CurrentThreadExecutor, elsewhere: ThreadPoolExecutor
    ) -> None:
        """What Executor builds on submit is there."""
        mapped = elsewhere.submit(lambda: list(executor.map(pow, [1, 2, 3], [2, 2, 2])))
        executor.run_until_future(mapped)
        assert [1, 4, 9] == mapped.result()


class TestErrors:
    """Work may fail; that is between it and who submitted it."""

    @pytest.mark.parametrize("cls", [KeyError, SystemExit, KeyboardInterrupt, GeneratorExit])
    def test_an_error_goes_into_the_works_future(
        self,
        executor: CurrentThreadExecutor,
        submit: Callable[..., Future[Any]],
        cls: type[BaseException],
    ) -> None:
        """And the executor goes on with the next."""
        error = cls()
        failing, next_one = submit(fail, error), submit(len, "four")
        executor.run_until_future(done())
        assert error is failing.exception()
        assert 4 == next_one.result()

    def test_cancelled_work_does_not_run(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """While it is queued it can be cancelled."""
        seen: list[str] = []
        future = submit(seen.append, "ran")
        assert future.cancel()
        executor.run_until_future(done())
        assert [] == seen
        with pytest.raises(CancelledError):
            future.result()

    def test_running_work_cannot_be_cancelled(
        self, executor: CurrentThreadExecutor, elsewhere: ThreadPoolExecutor
    ) -> None:
        """As in any executor."""
        begun, cancelled = threading.Event(), threading.Event()

        def work() -> bool:
            begun.set()
            return cancelled.wait(20)

        def cancel_when_begun() -> tuple[bool, bool]:
            future = executor.submit(work)
            assert begun.wait(20)
            accepted = future.cancel()
            cancelled.set()
            return accepted, future.result()

        trying = elsewhere.submit(cancel_when_begun)
        executor.run_until_future(trying)
        assert (False, True) == trying.result()

    def test_submitting_from_its_own_thread_is_refused(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """It would wait for itself: before it runs, in its work, and afterwards."""
        with pytest.raises(RuntimeError, match="from its own thread"):
            executor.submit(int)
        inside = submit(executor.submit, int)
        executor.run_until_future(done())
        with pytest.raises(RuntimeError, match="from its own thread"):
            inside.result()
        with pytest.raises(RuntimeError, match="from its own thread"):
            executor.submit(int)

    def test_running_it_in_another_thread_is_refused(
        self, executor: CurrentThreadExecutor, elsewhere: ThreadPoolExecutor
    ) -> None:
        """Only the thread that made it can be it."""
        with pytest.raises(RuntimeError, match="only in the thread that made it"):
            elsewhere.submit(executor.run_until_future, done()).result()

    def test_refused_running_leaves_it_usable(
        self,
        executor: CurrentThreadExecutor,
        elsewhere: ThreadPoolExecutor,
        submit: Callable[..., Future[Any]],
    ) -> None:
        """The right thread can still run it."""
        with pytest.raises(RuntimeError):
            elsewhere.submit(executor.run_until_future, done()).result()
        future = submit(len, "four")
        executor.run_until_future(done())
        assert 4 == future.result()


class TestFinished:
    """After run_until_future, an executor passes work on to the one it stands in for."""

    def test_submitting_to_a_finished_one_is_refused(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """Nobody would ever run it."""
        executor.run_until_future(done())
        with pytest.raises(RuntimeError, match="finished"):
            submit(int)

    def test_work_goes_to_the_old_executor(self, elsewhere: ThreadPoolExecutor) -> None:
        """The nearest one that has not finished."""
        old = CurrentThreadExecutor(None)
        middle = CurrentThreadExecutor(old)
        newest = CurrentThreadExecutor(middle)
        newest.run_until_future(done())
        middle.run_until_future(done())
        future = elsewhere.submit(newest.submit, len, "four").result()
        assert not future.done()
        old.run_until_future(done())
        assert 4 == future.result()

    def test_it_is_refused_when_the_old_ones_have_finished(
        self, elsewhere: ThreadPoolExecutor
    ) -> None:
        """The whole chain is looked at."""
        old = CurrentThreadExecutor(None)
        new = CurrentThreadExecutor(old)
        new.run_until_future(done())
        old.run_until_future(done())
        with pytest.raises(RuntimeError, match="finished"):
            elsewhere.submit(new.submit, int).result()

    def test_running_a_finished_one_returns_at_once(self, executor: CurrentThreadExecutor) -> None:
        """There is nothing left to run."""
        executor.run_until_future(done())
        executor.run_until_future(done())

    def test_nothing_is_lost_between_running_and_finished(
        self, elsewhere: ThreadPoolExecutor
    ) -> None:
        """Whatever submit accepted while the executor ended has an answer."""
        for _ in range(200):
            executor = CurrentThreadExecutor(None)
            started = threading.Barrier(2)

            def race(
                executor: CurrentThreadExecutor = executor, started: threading.Barrier = started
            ) -> Future[int] | None:
                started.wait()
                try:
                    return executor.submit(len, "four")
                except RuntimeError:
                    return None

            racing = elsewhere.submit(race)
            started.wait()
            executor.run_until_future(done())
            accepted = racing.result()
            if accepted is not None:
                # Answered or refused afterwards; either way nobody waits for ever.
                assert accepted.exception(20) is None or isinstance(
                    accepted.exception(), RuntimeError
                )

    def test_it_keeps_nothing_of_its_work(
        self, executor: CurrentThreadExecutor, submit: Callable[..., Future[Any]]
    ) -> None:
        """Arguments and results belong to the caller again."""

        class Value:
            pass

        value = Value()
        gone = weakref.ref(value)
        future = submit(lambda _: Value(), value)
        executor.run_until_future(done())
        result = weakref.ref(future.result())
        # The other thread drops what it submitted when it begins its next job.
        submit_again = pytest.raises(RuntimeError)
        with submit_again:
            submit(int)
        del value, future
        assert gone() is None
        assert result() is None


class TestAsTheCurrentExecutor:
    """A waiting async_to_sync call shows one to its users."""

    def test_it_takes_work_for_the_waiting_thread(self) -> None:
        """As AsyncToSync.executors.current, while the call waits."""

        async def coroutine() -> object:
            current = AsyncToSync.executors.current
            assert isinstance(current, CurrentThreadExecutor)
            future = current.submit(threading.current_thread)
            return await sync_to_async(future.result, thread_sensitive=False)(20)

        assert threading.current_thread() is async_to_sync(coroutine)()

    def test_it_takes_no_work_after_the_call(self, elsewhere: ThreadPoolExecutor) -> None:
        """The frame is over, and its executor with it."""

        async def coroutine() -> object:
            return AsyncToSync.executors.current

        current: Any = async_to_sync(coroutine)()
        with pytest.raises(RuntimeError):
            elsewhere.submit(current.submit, int).result()
