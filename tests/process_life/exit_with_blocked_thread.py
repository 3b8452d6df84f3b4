"""The main thread ends while a thread of the user's is blocked in async_to_sync."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import sys
import threading

from typedbridge import async_to_sync, sync_to_async

begun = threading.Event()


def read() -> None:
    begun.set()
    sys.stdin.readline()


async def coroutine() -> None:
    await asyncio.to_thread(read)
    here = await sync_to_async(threading.current_thread)()
    print("coroutine finished", here is thread, flush=True)


thread = threading.Thread(target=async_to_sync(coroutine))
thread.start()
begun.wait()
print("main ends", flush=True)
