from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, assert_type

from typedbridge.sync import sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
POOL = ThreadPoolExecutor(max_workers=2)


def crunch(data: bytes, rounds: int = 1) -> str:
    return data.hex() * rounds


# case: an executor
@sync_to_async(thread_sensitive=False, executor=POOL)
def pooled(numbers: list[int]) -> int:
    return sum(numbers)


async def use_pooled() -> None:
    assert_type(await pooled([1]), int)
    assert_type(
        await sync_to_async(sum, thread_sensitive=False, executor=POOL)([1]), int
    )  # E: list-item
