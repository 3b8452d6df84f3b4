from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import (
    Any,
    TypedDict,
    TypeVarTuple,
    Unpack,
    assert_type,
)

from typedbridge.sync import sync_to_async


POSIX = bool(sys.argv)


# case: Unpack of a TypedDict refuses other keywords
class Range(TypedDict, total=False):
    low: int


@sync_to_async
def select(**limits: Unpack[Range]) -> int:
    return limits.get("low", 0)


async def use_select() -> None:
    assert_type(await select(low=1), int)
    await select(high=3)  # E: high


# case: Unpack of a TypeVarTuple in star args
Ts = TypeVarTuple("Ts")


@sync_to_async
def as_tuple(*values: Unpack[Ts]) -> tuple[Unpack[Ts]]:
    return values


async def use_as_tuple(number: int, text: str) -> None:
    assert_type(await as_tuple(number, text), tuple[int, str])


# case: a missing await is reported
@sync_to_async
def save(name: str) -> int:
    return len(name)


async def use_save() -> None:
    save("a")  # E


# case: a coroutine type is expected
def line_of(number: int) -> str:
    return str(number)


async def use_expected() -> None:
    exact: Callable[[int], CoroutineType[Any, Any, str]] = sync_to_async(line_of)  # E[mypy]: assignment
    wider: Callable[[int], Coroutine[Any, Any, str]] = sync_to_async(line_of)
    assert_type(await exact(1), str)
    assert_type(await wider(1), str)
    assert_type((exact(1)).cr_running, bool)
