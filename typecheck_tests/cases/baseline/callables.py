from __future__ import annotations

import json
import math
import operator
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial, wraps
from pathlib import Path
from typing import Any, Generic, TypeVar, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: partial
def resize(path: str, width: int, *, quality: int = 80) -> bytes:
    return f"{path}{width}{quality}".encode()


async def use_partial() -> None:
    small = sync_to_async(partial(resize, width=10))
    assert_type(await small("a"), bytes)
    assert_type(await small("a", quality=3), bytes)
    assert_type(await sync_to_async(partial(resize, "a", 10))(), bytes)


# case: nested partial
def area(width: float, height: float, scale: float) -> float:
    return width * height * scale


async def use_nested_partial() -> None:
    inner = partial(area, 1.0)
    assert_type(await sync_to_async(partial(inner, 2.0))(3.0), float)
    assert_type(await sync_to_async(partial(partial(area, 1.0), 2.0))(scale=3.0), float)


# case: partial of an async function
async def publish(topic: str, payload: bytes, *, retain: bool = False) -> int:
    return len(topic) + len(payload) + retain


def use_partial_of_async() -> None:
    assert_type(async_to_sync(partial(publish, "a"))(b"b"), int)
    assert_type(async_to_sync(partial(publish, "a"))(b"b", retain=True), int)


# case: lru_cache inside
@sync_to_async
@lru_cache(maxsize=10)
def primes(limit: int) -> tuple[int, ...]:
    return tuple(range(limit))


@sync_to_async
@cache
def square(number: int) -> int:
    return number * number


async def use_cached() -> None:
    assert_type(await primes(10), tuple[int, ...])
    assert_type(await square(3), int)


# case: lru_cache keeps its signature no better than typeshed
@lru_cache
def cube(number: int) -> int:
    return number**3


async def use_cube() -> None:
    assert_type(await sync_to_async(cube)(3), int)
    print(cube.cache_info().hits)


# case: operator functions
async def use_operator() -> None:
    assert_type(await sync_to_async(operator.not_)(1), bool)
    assert_type(await sync_to_async(operator.truth)(1), bool)
    assert_type(await sync_to_async(operator.itemgetter("a"))({"a": 1}), Any)
    assert_type(await sync_to_async(operator.attrgetter("name"))(Path("a")), Any)
    assert_type(await sync_to_async(operator.methodcaller("upper"))("a"), Any)
    await sync_to_async(operator.not_)()  # E
    await sync_to_async(operator.itemgetter("a"))()  # E


# case: a callable object
class Scorer:
    def __call__(self, text: str, *, weight: float = 1.0) -> float:
        return len(text) * weight


async def use_callable_object(scorer: Scorer) -> None:
    assert_type(await sync_to_async(scorer)("a"), float)
    assert_type(await sync_to_async(Scorer())("a", weight=2.0), float)
    await sync_to_async(scorer)(1)  # E


# case: a generic callable object
class Memo(Generic[T]):
    def __init__(self, func: Callable[[int], T]) -> None:
        self.func = func

    def __call__(self, number: int) -> T:
        return self.func(number)


async def use_generic_callable_object() -> None:
    assert_type(await sync_to_async(Memo(str))(1), str)


# case: a class
@dataclass
class Image:
    path: Path
    width: int = 0


class Plain:
    def __init__(self, name: str, *, size: int = 1) -> None:
        self.name = name * size


async def use_class() -> None:
    assert_type(await sync_to_async(Image)(Path("a")), Image)
    assert_type(await sync_to_async(Image)(Path("a"), width=3), Image)
    assert_type(await sync_to_async(Plain)("a", size=2), Plain)
    await sync_to_async(Image)("a")  # E
    await sync_to_async(Plain)("a", 2)  # E


# case: a builtin class
async def use_builtin_class() -> None:
    assert_type(await sync_to_async(Path)("a"), Path)
    assert_type(await sync_to_async(int)("1"), int)


# case: a generic class
class Cell(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


async def use_generic_class() -> None:
    assert_type(await sync_to_async(Cell)(1), Cell[int])
    assert_type(await sync_to_async(Cell[str])("a"), Cell[str])


# case: lambdas
async def use_lambda() -> None:
    assert_type(await sync_to_async(lambda: int("1"))(), int)
    assert_type(await sync_to_async(lambda: str(1))(), str)


# case: a lambda that closes over names
async def use_closing_lambda(names: list[str]) -> None:
    assert_type(await sync_to_async(lambda: [name.upper() for name in names])(), list[str])
    assert_type(await sync_to_async(lambda: (len(names), names))(), tuple[int, list[str]])


# case: a lambda in a typed place
async def use_typed_lambda() -> None:
    double: Callable[[int], Awaitable[int]] = sync_to_async(lambda number: number * 2)
    assert_type(await double(2), int)


# case: a lambda around an async call
async def download(url: str) -> bytes:
    return url.encode()


def use_async_lambda() -> None:
    assert_type(async_to_sync(lambda: download("u"))(), bytes)


# case: builtin functions
async def use_builtins() -> None:
    assert_type(await sync_to_async(len)("abc"), int)
    assert_type(await sync_to_async(ascii)("?"), str)
    assert_type(await sync_to_async(isinstance)(1, int), bool)
    assert_type(await sync_to_async(repr)(1), str)
    await sync_to_async(len)(1)  # E


# case: functions of the standard library
async def use_stdlib() -> None:
    await sync_to_async(time.sleep)(0.1)
    assert_type(await sync_to_async(os.getcwd)(), str)
    assert_type(await sync_to_async(os.path.exists)("a"), bool)
    assert_type(await sync_to_async(math.sqrt)(2), float)
    assert_type(await sync_to_async(json.dumps)({}, indent=2), str)
    assert_type(await sync_to_async(Path("a").exists)(), bool)
    assert_type(await sync_to_async(Path(os.devnull).read_text)(encoding="utf-8"), str)
    await sync_to_async(os.makedirs)("folder", exist_ok=True)
    await sync_to_async(shutil.rmtree)("folder", ignore_errors=True)


# case: a function behind wraps
def timed(func: Callable[[str], int]) -> Callable[[str], int]:
    @wraps(func)
    def inner(text: str) -> int:
        return func(text)

    return inner


@sync_to_async
@timed
def length(text: str) -> int:
    return len(text)


async def use_wraps() -> None:
    assert_type(await length("a"), int)
    await length(1)  # E


# case: the result of functools.wraps itself
def plain(name: str, times: int = 1) -> str:
    return name * times


@wraps(plain)
def dressed(name: str, times: int = 1) -> str:
    return plain(name, times)


async def use_dressed() -> None:
    assert_type(await sync_to_async(dressed)("a", times=2), str)


# case: a callable object with an async call
class Sender:
    async def __call__(self, text: str, *, urgent: bool = False) -> int:
        return len(text) + urgent


def use_sender(sender: Sender) -> None:
    assert_type(async_to_sync(sender)("a"), int)
    assert_type(async_to_sync(sender)("a", urgent=True), int)
    async_to_sync(sender)(1)  # E
