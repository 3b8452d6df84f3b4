"""Leave streams and managers open, in every kind of place, and simply end."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

from typedbridge import ThreadSensitiveContext, WorkerPool, sync_to_async
from typedbridge.streams import (
    async_to_sync_context,
    async_to_sync_iter,
    sync_to_async_context,
    sync_to_async_iter,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

kept: list[Any] = []


def numbers() -> Iterator[int]:
    try:
        yield from count()
    finally:
        kept.append("closed")


async def async_numbers() -> AsyncIterator[int]:
    try:
        for number in count():
            yield number
            await asyncio.sleep(0)
    finally:
        kept.append("closed")


@contextlib.contextmanager
def manager() -> Iterator[str]:
    yield "entered"


@contextlib.asynccontextmanager
async def async_manager() -> AsyncIterator[str]:
    yield "entered"


async def take(**options: Any) -> None:
    for prefetch in (0, 8):
        stream = sync_to_async_iter(numbers(), prefetch=prefetch, **options)
        print(await anext(stream), flush=True)
        kept.append(stream)
    held = sync_to_async_context(manager, **options)()
    print(await held.__aenter__(), flush=True)
    kept.append(held)


async def take_in_context() -> None:
    context = ThreadSensitiveContext()
    kept.append(context)
    context.__enter__()
    await take()


def take_in_sync_code() -> None:
    for prefetch in (0, 8):
        stream = async_to_sync_iter(async_numbers(), prefetch=prefetch)
        print(next(stream), flush=True)
        kept.append(stream)
    held = async_to_sync_context(async_manager)()
    print(held.__enter__(), flush=True)
    kept.append(held)


place, how = sys.argv[1:]
pool: Any = None
if place == "lane":
    asyncio.run(take())
elif place == "context":
    asyncio.run(take_in_context())
elif place == "alone":
    asyncio.run(take(thread_sensitive=False))
elif place == "executor":
    pool = ThreadPoolExecutor(4)
    asyncio.run(take(thread_sensitive=False, executor=pool))
elif place == "worker pool":
    pool = WorkerPool(4)
    asyncio.run(take(thread_sensitive=False, executor=pool))
elif place == "loop":
    take_in_sync_code()
else:
    asyncio.run(sync_to_async(take_in_sync_code)())
if how == "dropped":
    kept.clear()
if how == "shut down" and pool is not None:
    pool.shutdown()
