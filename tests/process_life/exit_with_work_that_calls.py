"""The main thread ends while a function still runs, which then makes calls of its own."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import atexit
import contextlib
import sys
import threading

from typedbridge import async_to_sync, sync_to_async

begun = threading.Event()

in_lane = sync_to_async(int)
in_pool = sync_to_async(int, thread_sensitive=False)
here = sync_to_async(threading.current_thread)


async def pool_call() -> int:
    return await in_pool("4")


def function() -> None:
    begun.set()
    sys.stdin.readline()
    print("pool", async_to_sync(pool_call)())
    print("frame", async_to_sync(here)() is threading.current_thread())
    print("lane", asyncio.run(in_lane("5")), flush=True)


async def main() -> None:
    task = asyncio.create_task(sync_to_async(function, thread_sensitive=False)())
    await asyncio.to_thread(begun.wait)
    # On 3.12 no thread can be started at exit: those are used that are there.
    await in_lane("1")
    await in_pool("1")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async_to_sync(pool_call)()
asyncio.run(main())
# Runs at exit, before what the library registered when it was imported.
atexit.register(print, "exit begins", flush=True)
