"""Use everything, then simply end."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import threading

from typedbridge import (
    AsyncSingleThreadContext,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)


async def both_ways() -> int:
    async with ThreadSensitiveContext():
        in_context: int = await sync_to_async(len)("a")
    sensitive: int = await sync_to_async(len)("ab")
    insensitive: int = await sync_to_async(len, thread_sensitive=False)("abc")
    return in_context + sensitive + insensitive


async def many() -> list[int]:
    return await asyncio.gather(*(both_ways() for _ in range(20)))


# Entered and never left: its loop thread is idle at exit.
AsyncSingleThreadContext().__enter__()
print(sum(asyncio.run(many())), async_to_sync(both_ways)(), flush=True)
thread = threading.Thread(target=async_to_sync(both_ways))
thread.start()
thread.join()
