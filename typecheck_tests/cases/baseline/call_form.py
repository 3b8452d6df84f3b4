from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, assert_type, overload

from typedbridge.sync import DeadlockError, call_async, call_sync


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


# case: call_sync passes arguments and gives the result
async def use_resize() -> None:
    assert_type(await call_sync(resize, "a"), bytes)
    assert_type(await call_sync(resize, "a", width=3), bytes)
    await call_sync(resize, 1)  # E
    await call_sync(resize, "a", height=3)  # E: height
    await call_sync(resize)  # E


# case: call_async passes arguments and gives the result
def use_fetch() -> None:
    assert_type(call_async(fetch, "u"), bytes)
    assert_type(call_async(fetch, "u", timeout=2.0), bytes)
    call_async(fetch, 1)  # E
    call_async(fetch, "u", wait=1)  # E: wait


# case: call_sync on a method, a class and a builtin
class Users:
    def find(self, name: str) -> int:
        return len(name)

    @classmethod
    def make(cls, size: int) -> Users:
        return cls()

    @staticmethod
    def check(name: str) -> bool:
        return bool(name)


async def use_users(users: Users) -> None:
    assert_type(await call_sync(users.find, "a"), int)
    assert_type(await call_sync(Users.find, users, "a"), int)
    assert_type(await call_sync(Users.make, 1), Users)
    assert_type(await call_sync(Users.check, name="a"), bool)
    assert_type(await call_sync(Users), Users)
    assert_type(await call_sync(len, "a"), int)
    assert_type(await call_sync(Path("a").read_text, encoding="utf-8"), str)
    await call_sync(users.find, 1)  # E


# case: call_sync on a partial and a lambda
async def use_partial() -> None:
    assert_type(await call_sync(partial(resize, width=1), "a"), bytes)
    assert_type(await call_sync(lambda: int("1")), int)


# case: call_sync on Any and Callable with any parameters
def count_all(*args: object, **options: object) -> int:
    return len(args) + len(options)


async def use_any(anything: Any, func: Callable[..., int] = count_all) -> None:
    result = await call_sync(anything, 1, key=2)
    print(result.name)
    assert_type(await call_sync(func, 1, key=2), int)


# case: call_sync inside a helper
async def helper(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await call_sync(func, *args, **kwargs)


async def use_helper() -> None:
    assert_type(await helper(resize, "a", width=1), bytes)


# case: call_async inside a helper
def helper_async(func: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    return call_async(func, *args, **kwargs)


def use_helper_async() -> None:
    assert_type(helper_async(fetch, "u", timeout=1.0), bytes)


# case: call_sync with positional-only and star parameters
def total(first_number: int, /, *rest: int, **named: float) -> float:
    return first_number + sum(rest) + sum(named.values())


async def use_total() -> None:
    assert_type(await call_sync(total, 1, 2, 3, a=1.0), float)
    await call_sync(total, 1, "2")  # E
    await call_sync(total, first_number=1)  # E


# case: parameters called func and args are free
def tricky(func: int, args: str = "") -> int:
    return func + len(args)


async def use_tricky() -> None:
    assert_type(await call_sync(tricky, func=1, args="a"), int)


# case: call_sync of a function that returns None
def log(line: str) -> None:
    print(line)


async def use_log() -> None:
    assert_type(await call_sync(log, "a"), None)


# case: call_async of a method and a function that returns an awaitable
class Client:
    async def get(self, url: str) -> bytes:
        return url.encode()


def later(number: int) -> asyncio.Future[int]:
    future = asyncio.Future[int](loop=asyncio.new_event_loop())
    future.set_result(number)
    return future


def use_client(client: Client) -> None:
    assert_type(call_async(client.get, "u"), bytes)
    assert_type(call_async(later, 1), int)
    assert_type(call_async(lambda: client.get("u")), bytes)


# case: a sync function given to call_async is refused
def use_sync_function() -> None:
    call_async(resize, "a")  # E


# case: DeadlockError is a RuntimeError
def use_deadlock_error() -> None:
    try:
        call_async(fetch, "u")
    except DeadlockError as error:
        runtime_error: RuntimeError = error
        print(runtime_error)


# case: call_sync with asyncio
async def use_gather() -> None:
    assert_type(
        await asyncio.gather(call_sync(resize, "a"), call_sync(len, "a")), tuple[bytes, int]
    )
    assert_type(await asyncio.create_task(call_sync(len, "a")), int)
