from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, NoReturn, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


# case: a union of callables with the same parameters
def to_int(text: str) -> int:
    return int(text)


def to_float(text: str) -> float:
    return float(text)


async def use_union(flag: bool) -> None:
    convert = to_int if flag else to_float
    result = await sync_to_async(convert)("1")
    number: float = result
    print(number)


# case: an optional callable after a check
async def use_optional(callback: Callable[[int], str] | None = str) -> None:
    if callback is not None:
        assert_type(await sync_to_async(callback)(1), str)


# case: an optional callable without a check is refused
async def use_optional_unchecked(callback: Callable[[int], str] | None = None) -> None:
    await sync_to_async(callback)(1)  # E


# case: Callable with any parameters
def count_all(*args: object, **options: object) -> int:
    return len(args) + len(options)


async def use_open_callable(func: Callable[..., int] = count_all) -> None:
    assert_type(await sync_to_async(func)(), int)
    assert_type(await sync_to_async(func)(1, "a", key=b""), int)


# case: Callable with any parameters and Any
async def use_any_callable(func: Callable[..., Any] = dict) -> None:
    result = await sync_to_async(func)([], key="a")
    print(result.get("key"))


# case: Any itself
async def use_any(func: Any) -> None:
    result = await sync_to_async(func)(1, key="a")
    print(result.anything)


# case: Any itself with options
async def use_any_with_options(func: Any) -> None:
    result = await sync_to_async(func, thread_sensitive=False)(1, key="a")
    print(result.anything)


# case: Any itself the other way
def use_any_sync(func: Any = asyncio.sleep) -> None:
    result = async_to_sync(func)(0, result="a")
    print(result.upper())


# case: a function that returns Any
@sync_to_async
def load_json(text: str) -> Any:
    return json.loads(text)


async def use_load_json() -> None:
    data = await load_json('{"key": "a"}')
    print(data["key"].upper())
    await load_json(1)  # E


# case: an async function that returns Any
@async_to_sync
async def get_json(url: str) -> Any:
    return {"key": url}


def use_get_json() -> None:
    print(get_json("u")["key"].upper())
    get_json(1)  # E


# case: a function that returns NoReturn
@sync_to_async
def fail(reason: str) -> NoReturn:
    raise RuntimeError(reason)


async def use_fail() -> int:
    await fail("no")  # raises: RuntimeError


# case: a function that returns None
@sync_to_async
def log(line: str) -> None:
    print(line)


async def use_log() -> None:
    assert_type(await log("a"), None)


# case: a sync function that returns an awaitable
def start(name: str) -> asyncio.Future[int]:
    return asyncio.Future(loop=asyncio.new_event_loop())


async def use_start() -> None:
    future = await sync_to_async(start)("a")
    assert_type(future, asyncio.Future[int])


# case: async_to_sync of a function that returns an awaitable
def later(name: str) -> Awaitable[int]:
    return asyncio.sleep(0, len(name))


def future_of(name: str) -> asyncio.Future[str]:
    future = asyncio.Future[str](loop=asyncio.new_event_loop())
    future.set_result(name)
    return future


def coroutine_of(name: str) -> Coroutine[Any, Any, bytes]:
    return asyncio.sleep(0, name.encode())


def use_awaitables() -> None:
    assert_type(async_to_sync(later)("a"), int)
    assert_type(async_to_sync(future_of)("a"), str)
    assert_type(async_to_sync(coroutine_of)("a"), bytes)
    async_to_sync(later)(1)  # E


# case: async_to_sync of an awaitable class
class Job:
    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Generator[Any, None, int]:
        yield
        return len(self.name)


def make_job(name: str) -> Job:
    return Job(name)


def use_make_job() -> None:
    assert_type(async_to_sync(make_job)("a"), int)
    async_to_sync(make_job)(1)  # E


# case: a sync function given to async_to_sync is refused
def sync_function(name: str) -> int:
    return len(name)


def use_sync_function() -> None:
    async_to_sync(sync_function)  # E


# case: what is no callable is refused
def use_no_callable() -> None:
    sync_to_async(1)  # E
    async_to_sync("a")  # E


# case: a union as parameter and result
@sync_to_async
def either(value: int | str, fallback: bytes | None = None) -> int | str | bytes:
    return fallback or value


async def use_either() -> None:
    assert_type(await either(1), int | str | bytes)
    await either(1.5)  # E


# case: a callable from getattr
async def use_getattr_callable(module: object = asyncio) -> None:
    func = getattr(module, "Event")
    assert_type(await sync_to_async(func)(), Any)


# case: a result that is an awaitable only sometimes
def size_or_promise(name: str) -> int | Awaitable[int]:
    return len(name)


def use_sometimes_async() -> None:
    async_to_sync(size_or_promise)  # E


# case: a bridge chosen by a condition
@sync_to_async
def size_of(name: str) -> int:
    return len(name)


@sync_to_async
def bytes_of(name: str) -> bytes:
    return name.encode()


async def use_chosen_bridge(flag: bool) -> None:
    bridge = size_of if flag else bytes_of
    assert_type(await bridge("a"), int | bytes)


# case: bridges of one type in a condition and a list
@sync_to_async
def length_of(name: str) -> int:
    return len(name)


async def use_bridges_of_one_type(flag: bool) -> None:
    bridge = size_of if flag else length_of
    assert_type(await bridge("a"), int)
    for each in (size_of, length_of):
        assert_type(await each("a"), int)
    await bridge(1)  # E
