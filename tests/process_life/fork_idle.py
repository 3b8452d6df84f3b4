"""Fork after both ways were used: the child's first calls work, the parent's go on working."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import os
import sys

from typedbridge import async_to_sync, sync_to_async


async def both_ways() -> int:
    sensitive: int = await sync_to_async(len)("ab")
    insensitive: int = await sync_to_async(len, thread_sensitive=False)("abc")
    return sensitive + insensitive


def use_everything() -> tuple[int, int, int]:
    nested = sync_to_async(async_to_sync(both_ways))
    return async_to_sync(both_ways)(), asyncio.run(both_ways()), asyncio.run(nested())


print("before", use_everything(), flush=True)
child = os.fork()
if child == 0:
    print("child", use_everything(), flush=True)
    # A regular exit, so that what the library does at exit runs in the child too.
    sys.exit(7)
_, status = os.waitpid(child, 0)
print("exit code", os.waitstatus_to_exitcode(status), flush=True)
print("parent", use_everything(), flush=True)
