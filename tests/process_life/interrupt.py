"""Ctrl-C in a blocked async_to_sync; the first argument names the case."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time

from typedbridge import async_to_sync, sync_to_async


def say(*words: object) -> None:
    print(*words, flush=True)


async def until_main_waits() -> None:
    """Return when the main thread is in the frame: only there it can run this."""
    assert await sync_to_async(threading.current_thread)() is threading.main_thread()


async def cleaned_up() -> None:
    await until_main_waits()
    try:
        say("begun")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("cancelled")
        await asyncio.sleep(0)
        # The main thread still serves its frame.
        say("in main", await sync_to_async(threading.current_thread)() is threading.main_thread())
        raise
    finally:
        say("cleaned up")


async def unnoticed() -> None:
    # The kernel gives the signal to another thread: as if it came before the wait began, it does not
    # wake the main thread.
    hide = sync_to_async(signal.pthread_sigmask)
    await hide(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        await cleaned_up()
    finally:
        await hide(signal.SIG_UNBLOCK, {signal.SIGINT})


async def swallowed() -> str:
    await until_main_waits()
    try:
        say("begun")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("swallowed")
    return "result"


async def stuck() -> None:
    await until_main_waits()
    try:
        say("begun")
        await asyncio.Event().wait()
    finally:
        say("stuck")
        await asyncio.Event().wait()


async def nested() -> None:
    def function() -> None:
        try:
            async_to_sync(cleaned_up)()
        except KeyboardInterrupt:
            say("function interrupted")
            raise

    try:
        await sync_to_async(function)()
    except KeyboardInterrupt:
        say("outer coroutine interrupted")
        raise


async def in_a_function() -> None:
    def function() -> None:
        say("begun")
        # Only the main thread is interrupted, and only a function that returns to Python at times.
        while True:
            time.sleep(0.01)

    try:
        await sync_to_async(function)()
    except KeyboardInterrupt:
        say("coroutine interrupted")
        raise


case = sys.argv[1]
try:
    async_to_sync(globals()[case])()
    say("not interrupted")
except KeyboardInterrupt:
    say("interrupted")
if case != "stuck":
    say("afterwards", async_to_sync(sync_to_async(len))("four"))
