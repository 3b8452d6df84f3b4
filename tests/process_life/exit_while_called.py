"""The main thread ends while a daemon thread goes on making calls for as long as it can."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from typedbridge import sync_to_async

begun = threading.Event()

in_lane = sync_to_async(int)
in_pool = sync_to_async(int, thread_sensitive=False)


async def calls() -> None:
    while True:
        await asyncio.gather(*(in_lane(), in_pool()) * 10)
        begun.set()


def call_on() -> None:
    with contextlib.suppress(RuntimeError):  # the interpreter is exiting
        asyncio.run(calls())


threading.Thread(target=call_on, daemon=True).start()
begun.wait()
