"""The main thread ends while a function still runs that nobody awaits any more."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import atexit
import contextlib
import sys
import threading

from typedbridge import sync_to_async

begun = threading.Event()


def function() -> None:
    begun.set()
    sys.stdin.readline()
    print("function finished", flush=True)


async def main() -> None:
    call = sync_to_async(function, thread_sensitive=sys.argv[1] == "lane")
    task = asyncio.create_task(call())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


asyncio.run(main())
# Runs at exit, before what the library registered when it was imported.
atexit.register(print, "exit begins", flush=True)
