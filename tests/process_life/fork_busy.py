"""Fork while the parent's lane, a worker and a loop thread are in the middle of something."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import os
import sys
import threading

from typedbridge import ThreadSensitiveContext, async_to_sync, sync_to_async

go_on = threading.Event()


async def both_ways() -> int:
    async with ThreadSensitiveContext():
        in_context: int = await sync_to_async(len)("a")
    sensitive: int = await sync_to_async(len)("ab")
    insensitive: int = await sync_to_async(len, thread_sensitive=False)("abc")
    return in_context + sensitive + insensitive


def use_everything() -> tuple[int, int, int]:
    nested = sync_to_async(async_to_sync(both_ways))
    return async_to_sync(both_ways)(), asyncio.run(both_ways()), asyncio.run(nested())


def hold(begun: threading.Event) -> str:
    begun.set()
    go_on.wait()
    return "held"


async def hold_lane_and_worker(lane: threading.Event, worker: threading.Event) -> tuple[str, str]:
    return await asyncio.gather(
        sync_to_async(hold)(lane), sync_to_async(hold, thread_sensitive=False)(worker)
    )


async def hold_a_frame(begun: threading.Event) -> str:
    begun.set()
    while not go_on.is_set():  # noqa: ASYNC110  # threads wait for this one, and it for them
        await asyncio.sleep(0.001)
    return "held"


results: list[object] = []
begun = [threading.Event() for _ in range(3)]
busy = [
    threading.Thread(
        target=lambda: results.append(asyncio.run(hold_lane_and_worker(begun[0], begun[1])))
    ),
    threading.Thread(target=lambda: results.append(async_to_sync(hold_a_frame)(begun[2]))),
]
for thread in busy:
    thread.start()
for event in begun:
    event.wait()
child = os.fork()
if child == 0:
    print("child", use_everything(), flush=True)
    # A regular exit; the threads it would wait for are the parent's.
    sys.exit(7)
_, status = os.waitpid(child, 0)
print("exit code", os.waitstatus_to_exitcode(status), flush=True)
go_on.set()
for thread in busy:
    thread.join()
print("parent", sorted(map(str, results)), use_everything(), flush=True)
