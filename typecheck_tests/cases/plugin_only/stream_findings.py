from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Final

from typedbridge import SyncToAsync, call_sync, sync_to_async
from typedbridge.streams import (
    sync_to_async_context,
    sync_to_async_generator,
    sync_to_async_iter,
)

POOL = ThreadPoolExecutor(1)
SENSITIVE: Final = True


class Connection:
    def close(self) -> None: ...


def numbers(stop: int) -> Iterator[int]:
    yield from range(stop)


async def anumbers(stop: int) -> AsyncIterator[int]:
    yield stop


@contextmanager
def connected() -> Generator[Connection, None, None]:
    yield Connection()


# case: an executor of a sensitive stream
async def use_executor_of_stream(rows: list[str]) -> None:
    sync_to_async_iter(rows, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async_iter(numbers(3), prefetch=0, executor=POOL)  # E[mypy-plugin]: bridge-executor


# case: an executor of a sensitive stream that is said to be sensitive
async def use_executor_of_sensitive_stream(rows: list[str]) -> None:
    sync_to_async_iter(rows, thread_sensitive=True, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async_iter(
        rows, thread_sensitive=SENSITIVE, executor=POOL
    )  # E[mypy-plugin]: bridge-executor


# case: an executor of a sensitive generator function
def use_executor_of_generator() -> None:
    sync_to_async_generator(numbers, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async_generator(executor=POOL)  # E[mypy-plugin]: bridge-executor


# case: an executor under the decorator of a sensitive generator function
@sync_to_async_generator(executor=POOL, prefetch=2)  # E[mypy-plugin]: bridge-executor
def refused(stop: int) -> Iterator[int]:
    yield stop


# case: an executor of a sensitive context manager
def use_executor_of_manager() -> None:
    sync_to_async_context(closing(Connection()), executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async_context(connected, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async_context(executor=POOL)  # E[mypy-plugin]: bridge-executor


# case: a generator function in the call forms
async def use_generator_in_call() -> None:
    await call_sync(numbers, 1)  # E[mypy-plugin]: use "sync_to_async_generator" [bridge-generator]
    SyncToAsync(numbers)  # E[mypy-plugin]: use "sync_to_async_generator" [bridge-generator]


# case: a generator function of the right colour under a bridge
def use_right_colour() -> None:
    sync_to_async(anumbers)  # E[mypy-plugin]: use async for as it is [bridge-generator]


# case: one generator function or another, sync and async
def use_either(first: bool) -> None:
    sync_to_async(
        numbers if first else anumbers
    )  # E[mypy-plugin]: use "sync_to_async_generator" [bridge-generator]
