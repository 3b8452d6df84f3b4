"""Errors of tasks that a coroutine started: who hears of them, and that nobody else does."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import AsyncSingleThreadContext, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class FailedError(Exception):
    """How the tasks end."""


async def fail() -> None:
    await asyncio.sleep(0)
    raise FailedError


async def fail_when_cancelled() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise FailedError


async def gathered() -> object:
    return await asyncio.gather(fail(), fail(), return_exceptions=True)


async def awaited() -> object:
    task = asyncio.create_task(fail())
    with pytest.raises(FailedError):
        await task
    return task


async def in_a_group() -> object:
    tasks: list[asyncio.Task[None]] = []
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(fail()))
    return tasks


async def asked() -> object:
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    assert isinstance(task.exception(), FailedError)
    return task


async def asked_in_a_callback() -> object:
    task = asyncio.create_task(fail_when_cancelled())
    task.add_done_callback(lambda task: task.exception())
    await asyncio.sleep(0)
    return task


async def awaited_by_a_task_that_is_left_over() -> object:
    async def handles(task: asyncio.Task[None]) -> None:
        with pytest.raises(FailedError):
            await task

    task = asyncio.create_task(fail_when_cancelled())
    other = asyncio.create_task(handles(task))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task, other


async def nothing() -> None:
    await asyncio.sleep(0)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What asyncio told its log."""
    return [
        record.message.splitlines()[0]
        for record in caplog.records
        if record.levelno >= logging.ERROR
    ]


HANDLED = [
    gathered,
    awaited,
    in_a_group,
    asked,
    asked_in_a_callback,
    awaited_by_a_task_that_is_left_over,
]


@pytest.fixture(params=[False, True], ids=["kept", "new"])
def on_a_loop(request: pytest.FixtureRequest) -> Callable[..., Callable[..., Any]]:
    """Makes a bridge whose coroutine runs on a kept loop, or on one that is closed afterwards."""
    return lambda main: async_to_sync(main, force_new_loop=request.param)


@pytest.mark.parametrize("main", HANDLED)
def test_an_error_that_was_handled_is_not_reported(
    on_a_loop: Callable[..., Callable[..., Any]],
    main: Callable[[], Awaitable[object]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither at the end of the call nor when the task is collected."""
    on_a_loop(main)()
    gc.collect()
    assert [] == logged(caplog)


@pytest.mark.parametrize("main", HANDLED)
def test_an_error_that_was_handled_is_not_reported_where_settings_are_set_back(
    main: Callable[[], Awaitable[object]],
) -> None:
    """An exception handler of the user's does not hear of it either."""
    heard: list[dict[str, Any]] = []

    async def with_a_handler() -> object:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: heard.append(told))
        return await main()

    async_to_sync(with_a_handler)()
    assert [] == heard


@pytest.mark.parametrize("main", HANDLED)
def test_a_task_that_lives_on_is_no_matter_of_other_calls(
    main: Callable[[], Awaitable[object]], caplog: pytest.LogCaptureFixture
) -> None:
    """Held by the user, it is not looked at again behind each call of the loop."""
    held = async_to_sync(main)()
    for _ in range(3):
        async_to_sync(nothing)()
    with AsyncSingleThreadContext():
        held_too = async_to_sync(main)()
        async_to_sync(nothing)()
    del held, held_too
    assert [] == logged(caplog)


def test_an_error_that_nobody_handled_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """A task that is left over and fails in its cleanup is heard of in its own call alone."""

    async def leaves() -> asyncio.Task[None]:
        task = asyncio.create_task(fail_when_cancelled())
        await asyncio.sleep(0)
        return task

    task = async_to_sync(leaves)()
    assert ["unhandled exception in a task left over by async_to_sync"] == logged(caplog)
    async_to_sync(nothing)()
    assert task.done()
    del task
    gc.collect()
    assert 1 == len(logged(caplog))


def test_an_error_that_nobody_asked_for_is_reported_by_asyncio(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When the task is collected, and no earlier: its holder may ask for the error until then."""

    async def fails_aside() -> asyncio.Task[None]:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        return task

    task = async_to_sync(fails_aside)()
    async_to_sync(nothing)()
    assert [] == logged(caplog)
    del task
    gc.collect()
    assert ["Task exception was never retrieved"] == logged(caplog)
    caplog.clear()
    assert isinstance(async_to_sync(fails_aside)().exception(), FailedError)
    gc.collect()
    assert [] == logged(caplog)


async def test_tasks_on_the_users_loop_are_the_users(caplog: pytest.LogCaptureFixture) -> None:
    """Inside a call of the other direction nothing is ended, and nothing reported."""
    task = await sync_to_async(async_to_sync(awaited))()
    assert isinstance(task, asyncio.Task)
    assert [] == logged(caplog)


def test_a_task_of_another_class_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """One that does not show whether its error was asked for: silence would hide errors."""

    class Opaque(asyncio.Task[Any]):
        def __getattribute__(self, name: str) -> Any:
            if name == "_log_traceback":
                raise AttributeError(name)
            return super().__getattribute__(name)

    async def leaves() -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **options: Opaque(coro, loop=loop, **options))
        task = asyncio.create_task(fail_when_cancelled())
        await asyncio.sleep(0)
        return task

    assert async_to_sync(leaves)().done()
    assert ["unhandled exception in a task left over by async_to_sync"] == logged(caplog)
    caplog.clear()


def test_tasks_have_names() -> None:
    """Those of asyncio, also where a loop's task factory has made them; or their own."""

    async def names() -> tuple[str, str]:
        unnamed = asyncio.create_task(nothing())
        named = asyncio.create_task(nothing(), name="mine")
        await asyncio.wait([unnamed, named])
        assert repr(unnamed).startswith("<Task finished")
        return unnamed.get_name(), named.get_name()

    unnamed, named = async_to_sync(names)()
    assert unnamed.startswith("Task-")
    assert "mine" == named
