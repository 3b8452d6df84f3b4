from __future__ import annotations

from functools import partial
from typing import Any, TypeVar, assert_type

from typedbridge.sync import sync_to_async


T = TypeVar("T")


# case: partial refuses wrong arguments
def crop(path: str, width: int, *, quality: int = 80) -> bytes:
    return f"{path}{width}{quality}".encode()


async def use_partial_wrongly() -> None:
    await sync_to_async(partial(crop, "a"))("b")
    await sync_to_async(partial(crop, "a"))()
    await sync_to_async(partial(crop, "a", 1))(sharp=True)


# case: nested partial refuses wrong arguments
def volume(width: float, height: float, depth: float) -> float:
    return width * height * depth


async def use_nested_partial_wrongly() -> None:
    await sync_to_async(partial(partial(volume, 1.0), 2.0))("3")


# case: a builtin class with overloaded constructors
async def use_overloaded_class() -> None:
    assert_type(await sync_to_async(str)(1), str)
    assert_type(await sync_to_async(str)(b"1", "utf-8"), str)  # E: call-arg
    assert_type(await sync_to_async(int)("1", base=2), int)  # E: call-arg


# case: a lambda with a default bound to a loop variable
async def use_lambda_in_loop() -> None:
    for number in range(3):
        assert_type(await sync_to_async(lambda number=number: number + 1)(), Any)


# case: a type[T] variable
class Widget:
    def __init__(self, name: str, *, size: int = 1) -> None:
        self.name = name * size


async def build(kind: type[Widget]) -> None:
    assert_type(await sync_to_async(kind)("a", size=2), Widget)
    await sync_to_async(kind)(1)
