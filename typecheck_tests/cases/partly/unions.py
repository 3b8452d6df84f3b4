from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import assert_type

from typedbridge.sync import async_to_sync, sync_to_async


# case: a declared union of callables
async def use_declared_union(func: Callable[[str], int] | Callable[[str], bytes]) -> None:
    assert_type(await sync_to_async(func)("1"), int | bytes)


# case: a union of async callables
async def aone(text: str) -> int:
    return len(text)


async def atwo(text: str) -> bytes:
    return text.encode()


def use_async_union(
    func: Callable[[str], Awaitable[int]] | Callable[[str], Awaitable[bytes]],
) -> None:
    assert_type(async_to_sync(func)("1"), int | bytes)
