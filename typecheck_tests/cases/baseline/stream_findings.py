from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import assert_type

from typedbridge import async_to_sync, call_async, call_sync, sync_to_async
from typedbridge.streams import (
    AsyncStream,
    SyncStream,
    async_to_sync_generator,
    sync_to_async_context,
    sync_to_async_generator,
    sync_to_async_iter,
)

POOL = ThreadPoolExecutor(1)


class Connection:
    def close(self) -> None: ...


def numbers(stop: int) -> Iterator[int]:
    yield from range(stop)


async def anumbers(stop: int) -> AsyncIterator[int]:
    yield stop


@contextmanager
def connected() -> Generator[Connection, None, None]:
    yield Connection()


# case: what is no executor
async def use_no_executor(rows: list[str]) -> None:
    sync_to_async_iter(
        rows, thread_sensitive=False, executor="pool"
    )  # E[all but mypy-plugin]  # E[mypy-plugin]: bridge-executor-type


# case: an async generator or a generator in the wrong bridge
def use_wrong_bridge() -> None:
    async_to_sync(anumbers)  # E[all but mypy-plugin]  # E[mypy-plugin]: use "async_to_sync_generator" [bridge-generator]
    async_to_sync(numbers)  # E[all but mypy-plugin]  # E[mypy-plugin]: use for as it is [bridge-generator]
    call_async(anumbers, 1)  # E[all but mypy-plugin]  # E[mypy-plugin]: "async_to_sync_generator" [bridge-generator]


# case: an executor of a stream that is not sensitive
# near: bridge-executor, bridge-executor-type
async def use_executor(rows: list[str]) -> None:
    async with sync_to_async_iter(rows, thread_sensitive=False, executor=POOL) as stream:
        assert_type(await anext(stream), str)


# case: an executor of a stream that may be None
# near: bridge-executor
async def use_maybe_executor(rows: list[str], given: bool) -> None:
    pool = POOL if given else None
    async with sync_to_async_iter(
        rows, thread_sensitive=pool is None, executor=pool
    ) as stream:
        assert_type(await anext(stream), str)


# case: an executor of a generator function that is not sensitive
# near: bridge-executor
in_pool = sync_to_async_generator(thread_sensitive=False, executor=POOL)


async def use_executor_of_generator() -> None:
    async with in_pool(numbers)(1) as stream:
        assert_type(await anext(stream), int)
    async with sync_to_async_generator(
        numbers, thread_sensitive=False, executor=POOL
    )(1) as again:
        assert_type(await anext(again), int)


# case: no executor of a generator function
# near: bridge-executor
async def use_no_executor_of_generator() -> None:
    async with sync_to_async_generator(numbers, executor=None)(1) as stream:
        assert_type(await anext(stream), int)


# case: an executor of a context manager that is not sensitive
# near: bridge-executor
async def use_executor_of_manager() -> None:
    async with sync_to_async_context(
        closing(Connection()), thread_sensitive=False, executor=POOL
    ) as connection:
        assert_type(connection, Connection)
    async with sync_to_async_context(
        connected, thread_sensitive=False, executor=POOL
    )() as again:
        assert_type(again, Connection)


# case: an executor of a sensitive stream that is tried
# near: bridge-executor
def use_tried(rows: list[str]) -> None:
    try:
        sync_to_async_iter(rows, executor=POOL)
    except TypeError:
        pass


# case: a generator function under its own decorator
# near: bridge-generator
async def use_own_decorator() -> None:
    assert_type(sync_to_async_generator(numbers)(1), AsyncStream[int, None])


# case: an async generator function under its own decorator
# near: bridge-generator
def use_own_async_decorator() -> None:
    assert_type(async_to_sync_generator(anumbers)(1), SyncStream[int, None])


# case: a bridge of a generator function under a bridge
# near: bridge-generator
async def use_bridge_of_bridge() -> None:
    stream = await sync_to_async(sync_to_async_generator(numbers))(1)
    assert_type(stream, AsyncStream[int, None])


# case: a function that makes generators in the call form
# near: bridge-generator
def made(stop: int) -> Iterator[int]:
    return iter(range(stop))


async def use_made() -> None:
    assert_type(await call_sync(made, 1), Iterator[int])
