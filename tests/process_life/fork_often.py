"""Fork again and again while other threads call both ways without a pause."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import os
import threading

from typedbridge import async_to_sync, sync_to_async

stop = threading.Event()


async def both_ways() -> int:
    sensitive: int = await sync_to_async(len)("ab")
    insensitive: int = await sync_to_async(len, thread_sensitive=False)("abc")
    return sensitive + insensitive


def call_without_pause(begun: threading.Event) -> None:
    while not stop.is_set():
        async_to_sync(both_ways)()
        asyncio.run(sync_to_async(async_to_sync(both_ways))())
        begun.set()


begun = [threading.Event() for _ in range(2)]
threads = [threading.Thread(target=call_without_pause, args=(event,)) for event in begun]
for thread in threads:
    thread.start()
for event in begun:
    event.wait()
codes = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = async_to_sync(both_ways)()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    codes.append(os.waitstatus_to_exitcode(status))
stop.set()
for thread in threads:
    thread.join()
print("codes", codes, flush=True)
