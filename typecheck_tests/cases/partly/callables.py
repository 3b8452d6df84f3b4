from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar, assert_type

from typedbridge.sync import AsyncToSync, async_to_sync, sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
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


# case: partial of a bridge around a higher-order function
async def run(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


def repeat(times: int, word: str = "a") -> str:
    return word * times


run_now = async_to_sync(run)


def use_partial_of_higher_order() -> None:
    assert_type(partial(async_to_sync(run), repeat)(2), str)  # E[mypy]: assert-type
    assert_type(partial(async_to_sync()(run), repeat, 2)(), str)  # E[mypy]: assert-type
    assert_type(partial(AsyncToSync(run), repeat, word="b")(2), str)  # E[mypy]: assert-type  # E[mypy]: arg-type
    assert_type(partial(async_to_sync(asyncio.to_thread), repeat)(2), str)  # E[mypy]: assert-type
    later = partial(run_now, repeat)  # E[mypy]: call-arg
    assert_type(later(2, word="b"), str)


# case: partial of a bridge around a higher-order function refuses wrong arguments
async def run_each(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


def shorten(word: str, width: int = 1) -> str:
    return word[:width]


def use_partial_of_higher_order_wrongly() -> None:
    partial(async_to_sync(run_each), shorten)(1)  # E[all but mypy]
    partial(async_to_sync(run_each), shorten, 1)  # E[all but mypy]
    partial(async_to_sync(run_each), shorten)()  # E[all but mypy]
    partial(async_to_sync(run_each), shorten, high=1)  # E[all but mypy]


# case: partial of a bridge around a higher-order function, for a function whose overload comes later
async def run_later(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


def first(items: list[T]) -> T:
    return items[0]


def use_partial_of_higher_order_later() -> None:
    assert partial(async_to_sync(run_later), max)(1, 2) == 2
    assert partial(async_to_sync(run_later), first)([1]) == 1
