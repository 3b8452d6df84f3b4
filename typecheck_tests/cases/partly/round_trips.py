from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, assert_type, overload

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: a generic function
def first(items: Sequence[T]) -> T:
    return items[0]


first_again = async_to_sync(sync_to_async(first))


def use_first() -> None:
    assert_type(first_again([1]), int)
    assert_type(first_again(["a"]), str)


# case: overloads
@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes) -> float: ...
def parse(text: str | bytes) -> int | float:
    return len(text)


parse_again = async_to_sync(sync_to_async(parse))


def use_parse() -> None:
    assert_type(parse_again("1"), int)
    assert_type(parse_again(b"1"), float)  # E[mypy]: assert-type  # E[mypy]: arg-type
