"""SystemExit from inside a call ends the process with its code."""

from __future__ import annotations

import asyncio
import sys

from typedbridge import async_to_sync, sync_to_async


async def coroutine() -> None:
    sys.exit(3)


async def calls_function() -> None:
    await sync_to_async(sys.exit)(4)


if sys.argv[1] == "coroutine":
    async_to_sync(coroutine)()
elif sys.argv[1] == "function":
    asyncio.run(calls_function())
elif sys.argv[1] == "function in a frame":
    async_to_sync(calls_function)()
