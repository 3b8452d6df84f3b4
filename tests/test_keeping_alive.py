"""After a call, the library keeps nothing of it: no argument, no result, no exception."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import (
    AsyncSingleThreadContext,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Gate


class Thing:
    """Something that tells when it is gone."""


class FailedError(Exception):
    """An error that tells when it is gone."""


class Graves:
    """Watches objects without keeping them."""

    def __init__(self) -> None:
        self.watched: list[tuple[str, threading.Event]] = []

    def watch(self, name: str, thing: object) -> None:
        gone = threading.Event()
        self.watched.append((name, gone))
        weakref.finalize(thing, gone.set).atexit = False

    def check(self, *expected: str) -> None:
        """All that was watched is gone; another thread may need a moment to let go of it."""
        assert sorted(expected) == sorted(name for name, _ in self.watched)
        assert [] == [name for name, gone in self.watched if not gone.wait(5)]


@pytest.fixture
def graves() -> Iterator[Graves]:
    """Watches objects while the garbage collector does not run."""
    gc.collect()
    gc.disable()
    try:
        yield Graves()
    finally:
        gc.enable()


class Overriding(SyncToAsync[..., Any]):
    """Takes the path on which thread_handler is honoured."""

    def thread_handler(self, *args: Any, **kwargs: Any) -> Any:
        return super().thread_handler(*args, **kwargs)


def sensitive(function: Callable[..., Any]) -> Any:
    return sync_to_async(function)


def pooled(function: Callable[..., Any]) -> Any:
    return sync_to_async(function, thread_sensitive=False)


def overridden(function: Callable[..., Any]) -> Any:
    return Overriding(function)


def in_executor(function: Callable[..., Any]) -> Any:
    return sync_to_async(function, thread_sensitive=False, executor=EXECUTOR)


def in_context(function: Callable[..., Any]) -> Any:
    bridge = sync_to_async(function)

    async def call(*args: Any) -> Any:
        async with ThreadSensitiveContext():
            return await bridge(*args)

    return call


def in_frame(function: Callable[..., Any]) -> Any:
    bridge = sync_to_async(function)

    async def call(*args: Any) -> Any:
        return await bridge(*args)

    return sync_to_async(async_to_sync(call), thread_sensitive=False)


def nested(function: Callable[..., Any]) -> Any:
    async def call(*args: Any) -> Any:
        return function(*args)

    return sync_to_async(async_to_sync(call))


EXECUTOR = ThreadPoolExecutor(1)

WRAPS = pytest.mark.parametrize(
    "wrap", [sensitive, pooled, overridden, in_executor, in_context, in_frame, nested]
)


def on_new_loop(function: Callable[..., Any]) -> Any:
    return async_to_sync(function, force_new_loop=True)


def in_single_thread_context(function: Callable[..., Any]) -> Any:
    bridge = async_to_sync(function)

    def call(*args: Any) -> Any:
        with AsyncSingleThreadContext():
            return bridge(*args)

    return call


SYNC_WRAPS = pytest.mark.parametrize("wrap", [async_to_sync, on_new_loop, in_single_thread_context])


@WRAPS
async def test_arguments_and_results_are_let_go(wrap: Any, graves: Graves) -> None:
    """After an awaited call, argument and result live as long as the caller wants."""

    def function(thing: Thing) -> Thing:
        result = Thing()
        graves.watch("result", result)
        return result

    bridge = wrap(function)
    argument = Thing()
    graves.watch("argument", argument)
    await bridge(argument)
    del argument
    graves.check("argument", "result")


VALUE: contextvars.ContextVar[Thing] = contextvars.ContextVar("VALUE")


@WRAPS
async def test_what_the_caller_had_is_let_go(wrap: Any, graves: Graves) -> None:
    """The error that it was handling, and its context variables, are gone when it is."""
    bridge = wrap(int)

    async def caller() -> None:
        VALUE.set(Thing())
        graves.watch("value", VALUE.get())
        try:
            raise FailedError
        except FailedError as error:
            graves.watch("error", error)
            await bridge()

    task = asyncio.create_task(caller())
    await task
    del task
    await asyncio.sleep(0)  # the loop itself keeps a task's context for one turn
    graves.check("error", "value")


@pytest.mark.parametrize(
    "wrap", [sensitive, pooled, in_executor, in_context, in_frame, nested]
)  # an override of the test's own would keep what it is given
async def test_an_error_raised_again_is_let_go(wrap: Any, graves: Graves) -> None:
    """When the function raises what the caller is handling, its traceback holds no hop's frames."""

    def again() -> None:
        raise  # noqa: PLE0704  # what the caller is handling

    bridge = wrap(again)
    try:
        try:
            raise FailedError
        except FailedError as error:
            graves.watch("error", error)
            await bridge()
    except FailedError:
        pass
    graves.check("error")


@SYNC_WRAPS
def test_an_error_raised_again_by_a_coroutine_is_let_go(wrap: Any, graves: Graves) -> None:
    """As above, in the other direction."""

    async def again() -> None:
        raise  # noqa: PLE0704  # what the caller is handling

    bridge = wrap(again)
    try:
        try:
            raise FailedError
        except FailedError as error:
            graves.watch("error", error)
            bridge()
    except FailedError:
        pass
    graves.check("error")


async def test_what_a_cancelled_call_had_is_let_go(graves: Graves, gate: Gate) -> None:
    """At once, not when the lane comes to it."""

    async def caller(queued: asyncio.Event) -> None:
        VALUE.set(Thing())
        graves.watch("value", VALUE.get())
        try:
            raise FailedError
        except FailedError as error:
            graves.watch("error", error)
            asyncio.get_running_loop().call_soon(queued.set)
            await sync_to_async(int)()

    holder = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()
    queued = asyncio.Event()
    task = asyncio.create_task(caller(queued))
    await queued.wait()
    task.cancel()
    await asyncio.wait([task])
    del task
    await asyncio.sleep(0)  # the loop itself keeps a task's context for one turn
    graves.check("error", "value")
    gate.open()
    await holder


@WRAPS
async def test_errors_are_let_go(wrap: Any, graves: Graves) -> None:
    """An error that was caught is gone with its traceback, and what its frames held."""

    def function(thing: Thing) -> None:
        local = Thing()
        graves.watch("local", local)
        error = FailedError()
        graves.watch("error", error)
        try:
            raise error
        finally:
            del error  # a frame that refers to its own exception is a cycle of the test's making

    bridge = wrap(function)

    async def call() -> None:
        argument = Thing()
        graves.watch("argument", argument)
        with contextlib.suppress(FailedError):
            await bridge(argument)

    await call()
    graves.check("argument", "local", "error")


@SYNC_WRAPS
def test_arguments_and_results_of_coroutines_are_let_go(wrap: Any, graves: Graves) -> None:
    """The same for the coroutine of a blocking call."""

    async def function(thing: Thing) -> Thing:
        await asyncio.sleep(0)
        result = Thing()
        graves.watch("result", result)
        return result

    bridge = wrap(function)
    argument = Thing()
    graves.watch("argument", argument)
    bridge(argument)
    del argument
    graves.check("argument", "result")


@SYNC_WRAPS
def test_errors_of_coroutines_are_let_go(wrap: Any, graves: Graves) -> None:
    """The same for what the coroutine of a blocking call raises."""

    async def function(thing: Thing) -> None:
        await asyncio.sleep(0)
        local = Thing()
        graves.watch("local", local)
        error = FailedError()
        graves.watch("error", error)
        try:
            raise error
        finally:
            del error  # a frame that refers to its own exception is a cycle of the test's making

    bridge = wrap(function)

    def call() -> None:
        argument = Thing()
        graves.watch("argument", argument)
        with contextlib.suppress(FailedError):
            bridge(argument)

    call()
    graves.check("argument", "local", "error")


async def test_what_the_caller_was_handling_is_let_go(graves: Graves) -> None:
    """The handled exception is shown to the function, not kept in its thread."""

    def fail() -> None:
        error = FailedError()
        graves.watch("handled", error)
        try:
            raise error
        finally:
            del error  # a frame that refers to its own exception is a cycle of the test's making

    async def call() -> None:
        try:
            fail()
        except FailedError:
            await sync_to_async(lambda: None)()
            await sync_to_async(async_to_sync(asyncio.sleep))(0)

    await call()
    graves.check("handled")


async def test_a_cancelled_call_is_let_go(gate: Gate, graves: Graves) -> None:
    """A queued call that was cancelled frees its arguments when its turn has come and gone."""
    blocker = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()

    async def call() -> None:
        argument = Thing()
        graves.watch("argument", argument)
        await sync_to_async(lambda thing: thing)(argument)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)  # the call is queued
    task.cancel()
    await asyncio.wait([task])
    del task
    gate.open()
    await blocker
    await sync_to_async(lambda: None)()
    graves.check("argument")


async def test_a_callers_context_is_let_go(graves: Graves) -> None:
    """Values of the context variables of a finished task are not kept by the threads."""
    import contextvars

    variable: contextvars.ContextVar[Thing] = contextvars.ContextVar("variable")

    async def request() -> None:
        thing = Thing()
        graves.watch("value", thing)
        variable.set(thing)
        await sync_to_async(variable.get)()
        await sync_to_async(variable.get, thread_sensitive=False)()
        await sync_to_async(async_to_sync(asyncio.sleep))(0)

    await asyncio.create_task(request())
    await asyncio.sleep(0)  # the loop's own wake-up for the task is gone
    graves.check("value")


def test_a_new_loop_is_let_go(graves: Graves) -> None:
    """force_new_loop leaves no loop behind."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.BaseEventLoop):
            graves.watch("loop", loop)
        else:
            graves.watch("loop", Thing())  # uvloop's loops are collected by their own rules

    async_to_sync(main, force_new_loop=True)()
    gc.collect()  # an asyncio loop is in cycles of its own
    graves.check("loop")


async def test_a_bound_instance_is_let_go(graves: Graves) -> None:
    """Calling a bridged method keeps no instance alive."""

    class Service(Thing):
        @sync_to_async
        def work(self) -> int:
            return 1

        @async_to_sync
        async def work_now(self) -> int:
            return 2

    service = Service()
    graves.watch("service", service)
    assert 1 == await service.work()
    assert 2 == await sync_to_async(service.work_now)()
    del service
    graves.check("service")
