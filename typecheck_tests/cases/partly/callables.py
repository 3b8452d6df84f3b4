from __future__ import annotations

import os
import re
from functools import partial
from typing import TypeVar, assert_type

from typedbridge.sync import sync_to_async


T = TypeVar("T")


# case: partial refuses wrong arguments
def crop(path: str, width: int, *, quality: int = 80) -> bytes:
    return f"{path}{width}{quality}".encode()


async def use_partial_wrongly() -> None:
    await sync_to_async(partial(crop, "a"))("b")  # E[all but mypy]
    await sync_to_async(partial(crop, "a"))()  # E[all but mypy]
    await sync_to_async(partial(crop, "a", 1))(sharp=True)  # E[all but mypy]


# case: nested partial refuses wrong arguments
def volume(width: float, height: float, depth: float) -> float:
    return width * height * depth


async def use_nested_partial_wrongly() -> None:
    await sync_to_async(partial(partial(volume, 1.0), 2.0))("3")  # E[all but mypy]


# case: partial of a bound method and of a class
class Mailer:
    def __init__(self, host: str, port: int = 25) -> None:
        self.address = (host, port)

    def send(self, to: str, body: str) -> int:
        return len(to + body)


async def use_partial_of_method(mailer: Mailer = Mailer("localhost")) -> None:
    assert_type(await sync_to_async(partial(mailer.send, "a"))("b"), int)
    assert_type(await sync_to_async(partial(Mailer, "localhost"))(), Mailer)


# case: a builtin class with overloaded constructors
async def use_overloaded_class() -> None:
    assert_type(await sync_to_async(str)(1), str)
    assert_type(await sync_to_async(str)(b"1", "utf-8"), str)  # E[mypy]: call-arg
    assert_type(await sync_to_async(int)("1", base=2), int)  # E[mypy]: call-arg


# case: a lambda that returns a literal
async def use_literal_lambda() -> None:
    assert_type(await sync_to_async(lambda: 1)(), int)


# case: a lambda with a default bound to a loop variable
async def use_lambda_in_loop() -> None:
    for number in range(3):
        assert_type(await sync_to_async(lambda number=number: number + 1)(), int)  # E[mypy]: of type "Any"


# case: an overloaded function of the standard library with a type variable
async def use_re() -> None:
    assert_type(await sync_to_async(re.sub)("a", "b", "c"), str)
    assert_type(await sync_to_async(os.listdir)("."), list[str])


# case: a type[T] variable
class Widget:
    def __init__(self, name: str, *, size: int = 1) -> None:
        self.name = name * size


async def use_kind(kind: type[Widget]) -> None:
    assert_type(await sync_to_async(kind)("a", size=2), Widget)
    await sync_to_async(kind)(1)  # E[all but mypy]


# case: dict and its keywords
async def use_dict() -> None:
    assert_type(await sync_to_async(dict[str, int])(a=1), dict[str, int])  # E[mypy]: call-arg
