from __future__ import annotations

from typing import TypeVar, assert_type, overload

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


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
    assert_type(parse_again(b"1"), float)  # E: assert-type # E: arg-type
