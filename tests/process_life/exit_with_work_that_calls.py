"""The main thread ends while a function still runs, which then makes calls of its own."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import contextlib
import threading

from typedbridge import async_to_sync, sync_to_async

begun = threading.Event()
idle: list[threading.Thread] = []

here = sync_to_async(threading.current_thread)
in_pool = sync_to_async(threading.current_thread, thread_sensitive=False)


async def pool_call() -> threading.Thread:
    return await in_pool()


def function() -> None:
    begun.set()
    # They end when the exit has told them to: only then does this make its calls.
    for thread in idle:
        thread.join()
    print("pool", async_to_sync(pool_call)().is_alive())
    print("frame", async_to_sync(here)() is threading.current_thread())
    print("lane", asyncio.run(here()).name, flush=True)


async def main() -> None:
    idle.append(await here())
    blocked = sync_to_async(begun.wait, thread_sensitive=False)
    second = asyncio.create_task(blocked())
    await asyncio.sleep(0)
    task = asyncio.create_task(sync_to_async(function, thread_sensitive=False)())
    await second
    idle.append(await in_pool())
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


asyncio.run(main())
