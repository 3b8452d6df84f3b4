"""Fork in the middle of a call: in a lane, in a frame's thread, in a worker, in a coroutine."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import os

from typedbridge import Local, async_to_sync, sync_to_async

kept = Local()


async def both_ways() -> int:
    sensitive: int = await sync_to_async(len)("ab")
    insensitive: int = await sync_to_async(len, thread_sensitive=False)("abc")
    return sensitive + insensitive


def in_a_child() -> int:
    """The child's exit code: what both ways give there."""
    kept.value = "the parent's"
    child = os.fork()
    if child == 0:
        code = 99
        try:
            if kept.value == "the parent's":
                code = async_to_sync(both_ways)() + asyncio.run(both_ways())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


async def from_a_function(*, sensitive: bool) -> int:
    code: int = await sync_to_async(in_a_child, thread_sensitive=sensitive)()
    return code + await both_ways()


async def from_a_coroutine() -> int:
    # Blocks the loop on purpose: the fork happens in the loop's thread.
    return in_a_child() + await both_ways()


print("lane", asyncio.run(from_a_function(sensitive=True)), flush=True)
print("worker", asyncio.run(from_a_function(sensitive=False)), flush=True)
print("frame", async_to_sync(from_a_function)(sensitive=True), flush=True)
print("worker of a frame", async_to_sync(from_a_function)(sensitive=False), flush=True)
print("loop", asyncio.run(from_a_coroutine()), flush=True)
print("library's loop", async_to_sync(from_a_coroutine)(), flush=True)
