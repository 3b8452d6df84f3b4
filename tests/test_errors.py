"""What goes wrong in a bridged call, and what the caller gets."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import re
import threading
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from typedbridge import (
    AsyncSingleThreadContext,
    AsyncToSync,
    async_to_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from conftest import Call


class Stop(BaseException):
    """An error that is not an Exception."""


# asyncio and concurrent.futures treat some of these as their own when they travel in a future.
ERRORS = pytest.mark.parametrize(
    "error",
    [
        ValueError("plain"),
        LookupError(),
        StopAsyncIteration("in async code"),
        asyncio.CancelledError("raised, not requested"),
        concurrent.futures.CancelledError("of a thread's future"),
        asyncio.InvalidStateError("of a loop's future"),
        concurrent.futures.InvalidStateError("of a thread's future"),
        TimeoutError("too long"),
        ExceptionGroup("several", [ValueError("one"), KeyError("two")]),
        Stop("not an Exception"),
        GeneratorExit("by hand"),
        KeyboardInterrupt("by hand"),
        SystemExit(3),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)


@ERRORS
async def test_a_caller_gets_the_same_exception_object(call: Call, error: BaseException) -> None:
    """Whatever a function raises, the await raises that very object."""
    error.__traceback__ = None

    def fail() -> NoReturn:
        raise error

    raised = None
    try:
        await call(fail)
    except BaseException as caught:
        raised = caught
    assert error is raised
    # The way of the error into the function is there to be read.
    assert "fail" == traceback.extract_tb(error.__traceback__)[-1].name
    error.__traceback__ = None


@ERRORS
@pytest.mark.parametrize("force_new_loop", [False, True])
def test_a_sync_caller_gets_the_same_exception_object(
    error: BaseException, force_new_loop: bool
) -> None:
    """Whatever a coroutine raises, the call raises that very object."""
    error.__traceback__ = None

    async def fail() -> NoReturn:
        raise error

    raised = None
    try:
        async_to_sync(fail, force_new_loop=force_new_loop)()
    except BaseException as caught:
        raised = caught
    assert error is raised
    assert "fail" == traceback.extract_tb(error.__traceback__)[-1].name
    error.__traceback__ = None


@ERRORS
async def test_a_sync_caller_on_an_enclosing_loop_gets_the_same_exception_object(
    error: BaseException,
) -> None:
    """Through both hops, on a loop that the user runs: the loop survives it."""
    error.__traceback__ = None

    async def fail() -> NoReturn:
        raise error

    raised: list[BaseException] = []

    def call() -> None:
        try:
            async_to_sync(fail)()
        except BaseException as caught:
            raised.append(caught)

    await sync_to_async(call)()
    assert [error] == raised
    error.__traceback__ = None


async def test_stop_iteration_becomes_a_runtime_error(call: Call) -> None:
    """It cannot travel through a coroutine; it is the cause of what does."""
    error = StopIteration("value")

    def fail() -> NoReturn:
        raise error

    with pytest.raises(RuntimeError) as raised:
        await call(fail)
    assert error is raised.value.__cause__


async def test_a_kind_of_stop_iteration_becomes_a_runtime_error_too() -> None:
    """Subclasses cannot travel either."""

    class Exhausted(StopIteration):
        pass

    def fail() -> NoReturn:
        raise Exhausted

    with pytest.raises(RuntimeError) as raised:
        await sync_to_async(fail)()
    assert isinstance(raised.value.__cause__, Exhausted)


async def test_next_on_an_empty_iterator_raises_and_does_not_hang() -> None:
    """The classic way to meet it: sync_to_async(next)."""
    with pytest.raises(RuntimeError) as raised:
        await sync_to_async(next)(iter(()))
    assert isinstance(raised.value.__cause__, StopIteration)


def test_stop_iteration_from_a_coroutine_becomes_a_runtime_error() -> None:
    """The same in the other direction, as Python itself does it."""
    error = StopIteration("value")

    async def fail() -> NoReturn:
        raise error

    with pytest.raises(RuntimeError) as raised:
        async_to_sync(fail)()
    assert error is raised.value.__cause__


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Stop()])
async def test_the_thread_survives_any_error(call: Call, error: BaseException) -> None:
    """The next call in the same place works."""

    def fail() -> NoReturn:
        raise error

    raised = None
    try:
        await call(fail)
    except BaseException as caught:
        raised = caught
    assert error is raised
    assert "works" == await call(lambda: "works")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), Stop()])
def test_the_loop_survives_any_error(error: BaseException) -> None:
    """A library loop whose coroutine raised a BaseException serves the next call."""

    async def fail() -> NoReturn:
        raise error

    async def work() -> str:
        return "works"

    with AsyncSingleThreadContext():
        with pytest.raises(type(error)) as raised:
            async_to_sync(fail)()
        assert error is raised.value
        assert "works" == async_to_sync(work)()


def test_system_exit_leaves_the_program_with_its_code() -> None:
    """A command line may exit from anywhere below."""

    def leave() -> NoReturn:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as raised:
        async_to_sync(sync_to_async(leave))()
    assert 3 == raised.value.code


async def test_a_traceback_does_not_grow_when_the_same_error_is_raised_again(call: Call) -> None:
    """An error object that is kept and raised afresh brings no old traceback with it."""
    error = ValueError("kept")

    def fail() -> NoReturn:
        raise error.with_traceback(None)

    lengths = set()
    for _ in range(10):
        with pytest.raises(ValueError, match="kept"):
            await call(fail)
        lengths.add(len(traceback.extract_tb(error.__traceback__)))
    assert 1 == len(lengths)


def test_a_traceback_does_not_grow_when_a_coroutine_raises_the_same_error_again() -> None:
    """The same in the other direction."""
    error = ValueError("kept")

    async def fail() -> NoReturn:
        raise error.with_traceback(None)

    lengths = set()
    for _ in range(10):
        with pytest.raises(ValueError, match="kept"):
            async_to_sync(fail)()
        lengths.add(len(traceback.extract_tb(error.__traceback__)))
    assert 1 == len(lengths)


async def test_an_error_of_one_call_does_not_touch_the_others() -> None:
    """Of many calls at once, each has its own outcome."""

    def maybe(number: int) -> int:
        if number % 2:
            raise ValueError(number)
        return number

    bridge = sync_to_async(maybe)
    outcomes = await asyncio.gather(*(bridge(n) for n in range(100)), return_exceptions=True)
    expected = [str(number) for number in range(100)]
    assert expected == [str(outcome) for outcome in outcomes]
    assert 50 == len([outcome for outcome in outcomes if isinstance(outcome, ValueError)])


async def test_an_error_can_be_caught_inside_and_replaced() -> None:
    """raise ... from ... in between keeps its cause."""
    error = KeyError("deep")

    async def deep() -> NoReturn:
        raise error

    def middle() -> None:
        try:
            async_to_sync(deep)()
        except KeyError as caught:
            raise LookupError("middle") from caught

    with pytest.raises(LookupError, match="middle") as raised:
        await sync_to_async(middle)()
    assert error is raised.value.__cause__


# Calling async_to_sync where the loop runs.


async def fetch() -> None:
    raise AssertionError("the coroutine function must not be called")


class Service:
    @async_to_sync
    async def load(self) -> None:
        raise AssertionError("the coroutine function must not be called")


# Any: the plugin knows that these calls block.
fetch_now: Any = async_to_sync(fetch)
service: Any = Service()


async def test_calling_on_the_loops_own_thread_is_refused() -> None:
    """A RuntimeError names the callable and says to await it."""
    with pytest.raises(RuntimeError, match="fetch") as refusal:
        fetch_now()
    assert "await" in str(refusal.value)


async def test_calling_a_method_on_the_loops_own_thread_is_refused() -> None:
    """The name is the qualified one."""
    with pytest.raises(RuntimeError, match=re.escape("Service.load")) as refusal:
        service.load()
    assert "await" in str(refusal.value)


@pytest.mark.parametrize("make", [async_to_sync, AsyncToSync])
async def test_a_new_loop_does_not_help_on_the_loops_own_thread(make: Any) -> None:
    """It would block the running loop all the same."""
    with pytest.raises(RuntimeError, match="fetch"):
        make(fetch, force_new_loop=True)()


async def test_it_is_refused_in_a_callback_of_the_loop_too() -> None:
    """What counts is the thread, not the task."""
    outcome: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def callback() -> None:
        try:
            fetch_now()
        except BaseException as error:
            outcome.set_result(error)

    asyncio.get_running_loop().call_soon(callback)
    error = await outcome
    assert isinstance(error, RuntimeError)
    assert "fetch" in str(error)


def test_it_is_refused_inside_a_coroutine_of_async_to_sync() -> None:
    """On the library's own loops the rule is the same."""

    async def main() -> None:
        fetch_now()

    with pytest.raises(RuntimeError, match="fetch"):
        async_to_sync(main)()


async def test_a_refusal_can_be_survived() -> None:
    """Nothing is left behind: the same bridge works from a thread."""

    async def answer() -> int:
        return 42

    bridge: Any = async_to_sync(answer)
    with pytest.raises(RuntimeError, match="answer"):
        bridge()
    assert 42 == await sync_to_async(bridge)()


def test_a_frame_that_failed_is_gone() -> None:
    """After an error nothing waits and nothing runs in the calling thread any more."""

    async def fail() -> NoReturn:
        raise ValueError

    with contextlib.suppress(ValueError):
        async_to_sync(fail)()
    assert AsyncToSync.executors.current is None
    assert {} == AsyncToSync.loop_thread_executors


async def test_work_for_a_frame_that_fails_meanwhile_still_answers() -> None:
    """A task whose call was queued for a frame that ends with an error does not hang."""
    begun = threading.Event()
    ran: list[threading.Thread] = []
    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        def hold() -> None:
            begun.set()

        tasks.append(asyncio.create_task(sync_to_async(hold)()))
        raise ValueError("the frame ends before its work is taken")

    def frame() -> None:
        ran.append(threading.current_thread())
        with contextlib.suppress(ValueError):
            async_to_sync(main)()

    await sync_to_async(frame, thread_sensitive=False)()
    await asyncio.wait_for(tasks[0], 20)
    assert begun.is_set()
