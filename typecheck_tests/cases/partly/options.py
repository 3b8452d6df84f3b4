from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, assert_type, overload

from typedbridge.sync import async_to_sync, sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
POOL = ThreadPoolExecutor(max_workers=2)


def crunch(data: bytes, rounds: int = 1) -> str:
    return data.hex() * rounds


# case: an executor
@sync_to_async(thread_sensitive=False, executor=POOL)
def pooled(numbers: list[int]) -> int:
    return sum(numbers)


async def use_pooled() -> None:
    assert_type(await pooled([1]), int)
    assert_type(await sync_to_async(sum, thread_sensitive=False, executor=POOL)([1]), int)  # E[mypy]: list-item


# case: options of an overloaded function
@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes) -> float: ...
def parse(text: str | bytes) -> int | float:
    return len(text)


async def use_options_of_overloads() -> None:
    with_options = sync_to_async(thread_sensitive=False)(parse)
    assert_type(await with_options("1"), int)
    assert_type(await with_options(b"1"), float)
    in_pool = sync_to_async(thread_sensitive=False)
    assert_type(await in_pool(parse)(b"1"), float)
    text = await sync_to_async(thread_sensitive=False)(open)("a")
    assert_type(text.read(), str)
    binary = await in_pool(open)("a", "rb")
    assert_type(binary.read(), bytes)


# case: force_new_loop with an overloaded async function
@overload
async def ask(question: str) -> str: ...
@overload
async def ask(question: int) -> int: ...
async def ask(question: str | int) -> str | int:
    return question


def use_force_new_loop_of_overloads() -> None:
    assert_type(async_to_sync(force_new_loop=True)(ask)(1), int)
    fresh = async_to_sync(force_new_loop=True)
    assert_type(fresh(ask)("a"), str)
