from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import NoReturn, ParamSpec, TypeVar, assert_type, overload

from typedbridge.sync import call_async, call_sync


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


# case: call_sync on an overloaded function
async def use_parse() -> None:
    assert_type(await call_sync(parse, "1"), int)
    assert_type(await call_sync(parse, b"1", strict=True), float)


# case: call_sync refuses what fits no overload
async def use_parse_wrongly() -> None:
    await call_sync(parse, 1)  # E


# case: call_sync on open
async def use_open() -> None:
    with await call_sync(open, "a") as text:
        assert_type(text.read(), str)
    with await call_sync(open, "a", "rb") as binary:
        assert_type(binary.read(), bytes)


# case: call_sync on subprocess.run
async def use_run() -> None:
    done = await call_sync(subprocess.run, ["ls"], text=True, check=True)
    assert_type(done, subprocess.CompletedProcess[str])


# case: call_sync on dict.get
async def use_get(ages: dict[str, int]) -> None:
    assert_type(await call_sync(ages.get, "a"), int | None)
    assert_type(await call_sync(ages.get, "a", 1), int)


# case: call_sync on max and sorted
async def use_max_and_sorted() -> None:
    assert_type(await call_sync(max, [1, 2]), int)
    assert_type(await call_sync(sorted, ["a"], key=len), list[str])


# case: call_sync on a generic function
async def use_first() -> None:
    numbers: list[int] = [1]
    names: list[str] = ["a"]
    assert_type(await call_sync(first, numbers), int)
    assert_type(await call_sync(first, items=names), str)


# case: call_sync of a function that never returns
def fail() -> NoReturn:
    raise RuntimeError


async def use_fail() -> int:
    await call_sync(fail)  # raises: RuntimeError


# case: call_async of an overloaded function
@overload
async def ask(question: str) -> str: ...
@overload
async def ask(question: int) -> int: ...
async def ask(question: str | int) -> str | int:
    return question


def use_ask() -> None:
    assert_type(call_async(ask, "a"), str)
    assert_type(call_async(ask, 1), int)


# case: a missing await of call_sync is reported
async def use_missing_await() -> None:
    call_sync(len, "a")  # E


# case: call_sync and call_async on a lambda with a default bound to a loop variable
async def use_bound_lambda() -> None:
    for width in (1, 2):
        assert_type(await call_sync(lambda width=width: width + 1), int)  # E[mypy]: assert-type  # E[mypy]: misc


def use_bound_async_lambda() -> None:
    for width in (1, 2):
        assert_type(call_async(lambda width=width: measure(width)), float)  # E[mypy]: misc


async def measure(width: int) -> float:
    return width / 2
