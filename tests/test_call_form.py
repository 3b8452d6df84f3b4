"""The ways to write a bridge, and how arguments and results pass through it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import typedbridge
from typedbridge import (
    AsyncToSync,
    SyncToAsync,
    async_to_sync,
    call_async,
    call_sync,
    sync_to_async,
)


def add(left: int, right: int = 0) -> int:
    return left + right


async def async_add(left: int, right: int = 0) -> int:
    await asyncio.sleep(0)
    return left + right


async def test_sync_to_async_as_a_bare_decorator() -> None:
    """@sync_to_async turns a function into a SyncToAsync."""

    @sync_to_async
    def double(number: int) -> int:
        return number * 2

    assert isinstance(double, SyncToAsync)
    assert 4 == await double(2)


async def test_sync_to_async_as_a_decorator_with_options() -> None:
    """@sync_to_async(...) does the same with its options."""

    @sync_to_async(thread_sensitive=False)
    def double(number: int) -> int:
        return number * 2

    assert isinstance(double, SyncToAsync)
    assert 4 == await double(2)


async def test_sync_to_async_with_empty_parentheses() -> None:
    """@sync_to_async() is @sync_to_async."""

    @sync_to_async()
    def double(number: int) -> int:
        return number * 2

    assert isinstance(double, SyncToAsync)
    assert 4 == await double(2)


async def test_sync_to_async_as_a_call() -> None:
    """sync_to_async(function) is made where it is needed."""
    assert isinstance(sync_to_async(add), SyncToAsync)
    assert 3 == await sync_to_async(add)(1, 2)


async def test_sync_to_async_as_a_call_with_options() -> None:
    """Function and options may come in one call."""
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        bridge = sync_to_async(threading.current_thread, thread_sensitive=False, executor=executor)
        assert (await bridge()).name.startswith("mine")


async def test_sync_to_async_takes_its_function_by_name() -> None:
    """The parameter is called func."""
    assert 3 == await sync_to_async(func=add)(1, 2)


@pytest.mark.parametrize("options", [(False,), (True,)])
def test_the_options_of_the_function_are_keywords_only(options: tuple[bool, ...]) -> None:
    """sync_to_async(f, False) and async_to_sync(f, True) would be unreadable."""
    to_async: Any = sync_to_async
    to_sync: Any = async_to_sync
    with pytest.raises(TypeError):
        to_async(add, *options)
    with pytest.raises(TypeError):
        to_sync(async_add, *options)


async def test_the_class_takes_its_options_by_position_too() -> None:
    """SyncToAsync(func, thread_sensitive, executor, context)."""
    variable = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()
    context.run(variable.set, "inside")
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
        bridge = SyncToAsync(
            lambda: (threading.current_thread().name, variable.get()), False, executor, context
        )
        name, value = await bridge()
    assert name.startswith("mine")
    assert "inside" == value


async def test_the_class_is_sensitive_by_default() -> None:
    """SyncToAsync(func) runs where sync_to_async(func) does."""
    assert await sync_to_async(threading.get_ident)() == await SyncToAsync(threading.get_ident)()


def test_async_to_sync_as_a_bare_decorator() -> None:
    """@async_to_sync turns a coroutine function into an AsyncToSync."""

    @async_to_sync
    async def double(number: int) -> int:
        return number * 2

    assert isinstance(double, AsyncToSync)
    assert 4 == double(2)


def test_async_to_sync_as_a_decorator_with_options() -> None:
    """@async_to_sync(force_new_loop=True) does the same on a new loop."""

    @async_to_sync(force_new_loop=True)
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert isinstance(loop, AsyncToSync)
    assert loop().is_closed()


def test_async_to_sync_with_empty_parentheses() -> None:
    """@async_to_sync() is @async_to_sync."""

    @async_to_sync()
    async def double(number: int) -> int:
        return number * 2

    assert isinstance(double, AsyncToSync)
    assert 4 == double(2)


def test_async_to_sync_as_a_call() -> None:
    """async_to_sync(function) is made where it is needed, by position or by name."""
    assert isinstance(async_to_sync(async_add), AsyncToSync)
    assert 3 == async_to_sync(async_add)(1, 2)
    assert 3 == async_to_sync(awaitable=async_add)(1, 2)


def test_the_class_takes_force_new_loop_by_position() -> None:
    """AsyncToSync(awaitable, force_new_loop)."""

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert AsyncToSync(loop, True)().is_closed()
    assert not AsyncToSync(loop, False)().is_closed()


async def test_call_sync_awaits_a_function_once() -> None:
    """call_sync(f, ...) is sync_to_async(f)(...)."""
    assert 3 == await call_sync(add, 1, right=2)
    assert await sync_to_async(threading.get_ident)() == await call_sync(threading.get_ident)


def test_call_async_calls_a_coroutine_function_once() -> None:
    """call_async(f, ...) is async_to_sync(f)(...)."""
    assert 3 == call_async(async_add, 1, right=2)


async def test_call_sync_refuses_what_sync_to_async_refuses() -> None:
    """A coroutine function is awaited directly."""
    call: Any = call_sync
    with pytest.raises(TypeError, match="async_add"):
        await call(async_add, 1)


def keywords(*args: object, **kwargs: object) -> tuple[tuple[object, ...], dict[str, object]]:
    return args, kwargs


async def async_keywords(
    *args: object, **kwargs: object
) -> tuple[tuple[object, ...], dict[str, object]]:
    return args, kwargs


TAKEN_NAMES = dict.fromkeys(
    [
        "self",
        "func",
        "awaitable",
        "args",
        "kwargs",
        "loop",
        "context",
        "executor",
        "child",
        "thread_sensitive",
        "force_new_loop",
        "exc_info",
        "task_context",
        "call_result",
        "fn",
        "instance",
    ],
    "yours",
)


async def test_no_keyword_is_taken_by_a_bridge_to_async() -> None:
    """All keyword arguments belong to the function, whatever their names."""
    assert ((1,), TAKEN_NAMES) == await sync_to_async(keywords)(1, **TAKEN_NAMES)
    insensitive = sync_to_async(keywords, thread_sensitive=False)
    assert ((1,), TAKEN_NAMES) == await insensitive(1, **TAKEN_NAMES)
    assert ((1,), TAKEN_NAMES) == await call_sync(keywords, 1, **TAKEN_NAMES)


def test_no_keyword_is_taken_by_a_bridge_to_sync() -> None:
    """All keyword arguments belong to the coroutine function, whatever their names."""
    assert ((1,), TAKEN_NAMES) == async_to_sync(async_keywords)(1, **TAKEN_NAMES)
    assert ((1,), TAKEN_NAMES) == call_async(async_keywords, 1, **TAKEN_NAMES)


@pytest.mark.parametrize("result", [None, 0, (), [1], ValueError("returned, not raised")])
async def test_a_result_is_the_very_object(result: object) -> None:
    """Nothing is copied or converted on the way back, to async and to sync."""

    async def async_result() -> object:
        return result

    assert result is await sync_to_async(lambda: result)()
    assert result is await sync_to_async(async_to_sync(async_result))()


async def test_arguments_are_the_very_objects() -> None:
    """Nothing is copied on the way in."""
    argument = object()
    args, kwargs = await sync_to_async(keywords)(argument, named=argument)
    assert argument is args[0]
    assert argument is kwargs["named"]


async def test_an_awaitable_result_is_not_awaited() -> None:
    """A sync function that hands out a coroutine hands out that coroutine."""
    # A lambda is not marked async: the bridge takes it for what it is, a sync function.
    coroutine = await sync_to_async(lambda: async_add(1, 2))()
    assert asyncio.iscoroutine(coroutine)
    assert 3 == await coroutine


async def test_wrong_arguments_raise_when_awaited() -> None:
    """The function's own TypeError reaches the caller."""
    bridge: Any = sync_to_async(add)
    with pytest.raises(TypeError, match="add"):
        await bridge()


async def test_a_bridge_can_be_called_many_times_at_once() -> None:
    """Each call has its own arguments and its own result."""
    bridge = sync_to_async(add)
    expected = [number + 1 for number in range(200)]
    assert expected == await asyncio.gather(*(bridge(number, 1) for number in range(200)))
    pooled = sync_to_async(add, thread_sensitive=False)
    assert expected == await asyncio.gather(*(pooled(number, 1) for number in range(200)))


def test_the_decorators_are_the_same_from_the_package_and_its_module() -> None:
    """typedbridge.sync and typedbridge hand out one object."""
    from typedbridge import sync  # the import is what is tested

    assert sync.sync_to_async is typedbridge.sync_to_async
    assert sync.call_sync is typedbridge.call_sync
    assert sync.call_async is typedbridge.call_async
    assert sync.DeadlockError is typedbridge.DeadlockError
