"""A signal whose handler raises, in a blocked async_to_sync.

The arguments name the signal and what its handler raises.
"""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import builtins
import signal
import sys
import threading

from typedbridge import async_to_sync, sync_to_async


def say(*words: object) -> None:
    print(*words, flush=True)


number = getattr(signal, sys.argv[1])
error: type[BaseException] = getattr(builtins, sys.argv[2])


def handler(*_: object) -> None:
    raise error


async def worked_for(cleanup_ends: bool) -> None:
    # Only in its frame the main thread can run this.
    assert await sync_to_async(threading.current_thread)() is threading.main_thread()
    try:
        signal.pthread_kill(threading.main_thread().ident or 0, number)
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        say("in main", await sync_to_async(threading.current_thread)() is threading.main_thread())
        if not cleanup_ends:
            signal.pthread_kill(threading.main_thread().ident or 0, number)
            await asyncio.Event().wait()
        say("cleaned up")


signal.signal(number, handler)
for cleanup_ends in (True, False):
    try:
        async_to_sync(worked_for)(cleanup_ends)
        say("not interrupted")
    except error:
        say("raised")
    say("afterwards", async_to_sync(sync_to_async(len))("four"))
