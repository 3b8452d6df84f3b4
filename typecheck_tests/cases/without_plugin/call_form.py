from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ParamSpec, TypeVar, assert_type, overload

from typedbridge.sync import call_sync


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def resize(path: str, *, width: int = 10) -> bytes:
    return path.encode() * width


async def fetch(url: str, *, timeout: float = 1.0) -> bytes:
    return url.encode()


@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes, *, strict: bool = False) -> float: ...
def parse(text: str | bytes, *, strict: bool = False) -> int | float:
    return len(text) + strict


def first(items: Sequence[T]) -> T:
    return items[0]


# case: call_sync with asyncio
async def use_gather() -> None:
    assert_type(  # E: assert-type
        await asyncio.gather(call_sync(resize, "a"), call_sync(len, "a")), tuple[bytes, int]
    )
    assert_type(await asyncio.create_task(call_sync(len, "a")), int)


# case: a missing await of call_sync is reported
async def use_missing_await() -> None:
    call_sync(len, "a")


# case: call_sync and call_async on a lambda with a default bound to a loop variable
async def use_bound_lambda() -> None:
    for width in (1, 2):
        assert_type(await call_sync(lambda width=width: width + 1), int)  # E: Cannot infer
