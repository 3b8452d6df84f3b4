from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


# case: a declared union of callables
async def use_declared_union(func: Callable[[str], int] | Callable[[str], bytes] = len) -> None:
    assert_type(await sync_to_async(func)("1"), int | bytes)  # E[mypy]: of type "object"


# case: a union of async callables
async def aone(text: str) -> int:
    return len(text)


async def atwo(text: str) -> bytes:
    return text.encode()


def use_async_union(
    func: Callable[[str], Awaitable[int]] | Callable[[str], Awaitable[bytes]] = aone,
) -> None:
    assert_type(async_to_sync(func)("1"), int | bytes)  # E[mypy]: of type "object"


# case: a union of awaitables as result
class Job:
    def __await__(self) -> Generator[Any, None, int]:
        yield
        return 1


def future_or_job(name: str) -> asyncio.Future[bytes] | Job:
    return Job()


def use_future_or_job() -> None:
    assert_type(async_to_sync(future_or_job)("a"), bytes | int)  # E[mypy]: of type "object"
