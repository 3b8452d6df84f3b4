from __future__ import annotations

import sys
from typing import (
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
    save("a")  # E[all but mypy]
