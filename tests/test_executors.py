"""Any concurrent.futures.Executor may run bridged functions."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Gate

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="default")


def finish(future: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Run a call as an executor does."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class InlineExecutor(Executor):
    """Runs at once, in the thread that submits."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        finish(future, fn, args, kwargs)
        return future


class ThreadEachExecutor(Executor):
    """Runs every call in a new thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        threading.Thread(target=finish, args=(future, fn, args, kwargs)).start()
        return future


class DuckExecutor:
    """Has submit and nothing else; it is not even an Executor."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.submitted += 1
        return ThreadEachExecutor().submit(fn, *args, **kwargs)


class HeldExecutor(Executor):
    """Keeps its calls until the test runs or drops them."""

    def __init__(self) -> None:
        self.held: list[tuple[Future[Any], Callable[..., Any], Any, Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.held.append((future, fn, args, kwargs))
        return future

    def run_all(self) -> None:
        while self.held:
            finish(*self.held.pop(0))


@pytest.fixture(params=[InlineExecutor, ThreadEachExecutor, DuckExecutor, ThreadPoolExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One of each kind."""
    made = request.param()
    yield made
    if isinstance(made, Executor):
        made.shutdown()


def fail() -> None:
    raise LookupError("in the executor")


async def check_everything(call: Callable[[Callable[[], Any]], Any]) -> None:
    """Result, error and context variable, through one way of calling."""
    assert 42 == await call(lambda: 42)
    with pytest.raises(LookupError, match="in the executor"):
        await call(fail)
    variable.set("of the caller")
    assert "of the caller" == await call(variable.get)
    await call(lambda: variable.set("of the function"))
    assert "of the function" == variable.get()


async def test_an_executor_for_a_function(executor: Any) -> None:
    """As executor= of an insensitive bridge it does all that the library's own threads do."""
    await check_everything(
        lambda function: sync_to_async(function, thread_sensitive=False, executor=executor)()
    )


async def test_an_executor_for_a_context(executor: Any) -> None:
    """As executor= of a ThreadSensitiveContext, too."""
    async with ThreadSensitiveContext(executor=executor):
        await check_everything(lambda function: sync_to_async(function)())


async def test_an_executor_for_the_process(executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the process's lane, too."""
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", executor)
    await check_everything(lambda function: sync_to_async(function)())


@pytest.mark.parametrize("make", [ThreadEachExecutor, DuckExecutor, ThreadPoolExecutor])
async def test_a_function_in_an_executor_can_call_async_code(make: Any) -> None:
    """async_to_sync in there comes back to the loop, and its sensitive work to the executor."""
    executor = make()

    async def inner() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
        return asyncio.get_running_loop(), await sync_to_async(threading.current_thread)()

    def function() -> bool:
        loop, thread = async_to_sync(inner)()
        return loop is expected and thread is threading.current_thread()

    expected = asyncio.get_running_loop()
    assert await sync_to_async(function, thread_sensitive=False, executor=executor)()


async def test_an_inline_executor_cannot_call_async_code() -> None:
    """On the loop's own thread async_to_sync raises, and does not block the loop forever."""

    async def inner() -> None: ...

    bridge = sync_to_async(async_to_sync(inner), thread_sensitive=False, executor=InlineExecutor())
    with pytest.raises(RuntimeError, match="inner"):
        await bridge()


async def test_an_executor_that_answers_late() -> None:
    """The result may come from any thread, at any time."""
    executor = HeldExecutor()
    bridge = sync_to_async(threading.current_thread, thread_sensitive=False, executor=executor)
    task = asyncio.create_task(bridge())
    await asyncio.sleep(0)  # the task has submitted its call
    assert 1 == len(executor.held)
    runner = threading.Thread(target=executor.run_all)
    runner.start()
    assert runner is await task
    runner.join()


async def test_an_executor_that_cancels_a_call() -> None:
    """A future that the executor drops cancels the await instead of hanging it."""
    executor = HeldExecutor()
    bridge = sync_to_async(fail, thread_sensitive=False, executor=executor)
    task = asyncio.create_task(bridge())
    await asyncio.sleep(0)  # the task has submitted its call
    future, *_ = executor.held[0]
    assert future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_executor_that_fails_by_itself() -> None:
    """An error that the executor puts into the future, such as a broken pool, is raised."""
    executor = HeldExecutor()
    bridge = sync_to_async(fail, thread_sensitive=False, executor=executor)
    task = asyncio.create_task(bridge())
    await asyncio.sleep(0)  # the task has submitted its call
    error = OSError("the pool is broken")
    executor.held[0][0].set_exception(error)
    with pytest.raises(OSError, match="broken") as raised:
        await task
    assert error is raised.value


async def test_cancelling_a_task_cancels_the_executors_future() -> None:
    """An executor that has not begun a call learns that nobody waits for it any more."""
    executor = HeldExecutor()
    bridge = sync_to_async(fail, thread_sensitive=False, executor=executor)
    task = asyncio.create_task(bridge())
    await asyncio.sleep(0)  # the task has submitted its call
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert executor.held[0][0].cancelled()


class ClosedExecutor(Executor):
    """Refuses all calls."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise RuntimeError("this executor is closed")


async def test_a_call_that_cannot_be_submitted_raises() -> None:
    """The executor's own error reaches the caller."""
    bridge = sync_to_async(fail, thread_sensitive=False, executor=ClosedExecutor())
    with pytest.raises(RuntimeError, match="this executor is closed"):
        await bridge()


async def test_a_failed_submit_to_the_lane_leaves_no_mark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next sensitive call is not taken for one inside the call that never ran."""
    with monkeypatch.context() as patch:
        patch.setattr(SyncToAsync, "single_thread_executor", ClosedExecutor())
        with pytest.raises(RuntimeError, match="this executor is closed"):
            await sync_to_async(fail)()
        assert not SyncToAsync.deadlock_context.get(False)
    assert 42 == await sync_to_async(lambda: 42)()


async def test_a_failed_submit_in_a_context_leaves_no_mark() -> None:
    """The same for a context's executor, and for the calls after the context."""
    async with ThreadSensitiveContext(executor=ClosedExecutor()):
        for _ in range(2):
            with pytest.raises(RuntimeError, match="this executor is closed"):
                await sync_to_async(fail)()
    assert 42 == await sync_to_async(lambda: 42)()


async def test_a_failed_submit_changes_no_variable() -> None:
    """The caller's context is as it was before."""
    before = dict(contextvars.copy_context())
    bridge = sync_to_async(fail, thread_sensitive=False, executor=ClosedExecutor())
    with pytest.raises(RuntimeError, match="this executor is closed"):
        await bridge()
    assert before == dict(contextvars.copy_context())


async def test_an_executor_that_was_shut_down() -> None:
    """ThreadPoolExecutor's own message is clear; it is passed on."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    bridge = sync_to_async(fail, thread_sensitive=False, executor=executor)
    with pytest.raises(RuntimeError, match="shutdown"):
        await bridge()


async def test_a_users_executor_is_never_shut_down() -> None:
    """It belongs to the user, also after contexts and failures."""
    with ThreadPoolExecutor(1) as executor:
        async with ThreadSensitiveContext(executor=executor):
            with pytest.raises(LookupError):
                await sync_to_async(fail)()
        with pytest.raises(LookupError):
            await sync_to_async(fail, thread_sensitive=False, executor=executor)()
        assert 42 == executor.submit(lambda: 42).result()


async def test_one_executor_may_serve_bridges_and_the_user(gate: Gate) -> None:
    """Calls and the user's own work share its threads and its order."""
    order: list[str] = []
    with ThreadPoolExecutor(1) as executor:
        bridge = sync_to_async(order.append, thread_sensitive=False, executor=executor)
        executor.submit(gate.hold)
        tasks = [asyncio.create_task(bridge("bridged"))]
        await asyncio.sleep(0)  # the task has submitted its call
        executor.submit(order.append, "the user's own")
        gate.open()
        await asyncio.gather(*tasks)
    assert ["bridged", "the user's own"] == order
