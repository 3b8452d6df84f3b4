from __future__ import annotations

import asyncio
from typing import assert_type

from typedbridge.sync import async_to_sync, sync_to_async


def read(name: str) -> str:
    return name


async def fetch(name: str) -> str:
    return name


# case: bridges that are class attributes
# near: bridge-async-function, bridge-sync-function
class Bridges:
    to_async = staticmethod(sync_to_async)
    to_sync = staticmethod(async_to_sync)


def use_class_attributes() -> None:
    assert_type(asyncio.run(Bridges.to_async(read)("a")), str)
    assert_type(Bridges.to_sync(fetch)("a"), str)
