from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from typedbridge.sync import (
    AsyncToSync,
    SyncToAsync,
    async_to_sync,
    call_async,
    call_sync,
    sync_to_async,
)


POOL = ThreadPoolExecutor(max_workers=1)


# case: an async function given to sync_to_async
@sync_to_async
async def decorated(name: str) -> int:
    return len(name)


async def plain(name: str) -> int:
    return len(name)


async def use_async_function() -> None:
    sync_to_async(plain)
    sync_to_async(plain, thread_sensitive=False)
    SyncToAsync(plain)


# case: an async method given to sync_to_async
class Client:
    async def get(self, url: str) -> bytes:
        return url.encode()

    @sync_to_async
    async def head(self, url: str) -> bytes:
        return url.encode()


async def use_async_method(client: Client) -> None:
    sync_to_async(client.get)


# case: an async function with options
@sync_to_async(thread_sensitive=False)
async def with_options(name: str) -> int:
    return len(name)


in_pool = sync_to_async(thread_sensitive=False)


@in_pool
async def with_stored_options(name: str) -> int:
    return len(name)


# case: an async callable object and a partial of an async function
class Sender:
    async def __call__(self, text: str) -> int:
        return len(text)


def use_async_object(sender: Sender) -> None:
    sync_to_async(sender)
    sync_to_async(functools.partial(plain, "a"))


# case: an async function given to call_sync
async def use_call_sync() -> None:
    await call_sync(plain, "a")  # E: unused-coroutine


# case: a sync function that returns an awaitable is no finding
def future_of(name: str) -> asyncio.Future[int]:
    raise RuntimeError(name)


async def use_future_of() -> None:
    await (await sync_to_async(future_of)("a"))
    sync_to_async(plain)


# case: a sync function given to async_to_sync
def sync_function(name: str) -> int:
    return len(name)


@async_to_sync  # E: arg-type
def decorated_sync(name: str) -> int:
    return len(name)


def use_sync_function() -> None:
    async_to_sync(sync_function)  # E: arg-type
    AsyncToSync(sync_function)  # E: arg-type
    async_to_sync(sync_function, force_new_loop=True)  # E: arg-type
    async_to_sync(lambda: 1)  # E: arg-type # E: return-value


# case: a sync method given to async_to_sync
class Store:  # E: arg-type
    @async_to_sync
    def get(self, key: str) -> int:
        return len(key)

    @async_to_sync(force_new_loop=True)  # E: arg-type
    def put(self, key: str) -> int:
        return len(key)


# case: a sync function given to call_async
def use_call_async() -> None:
    call_async(sync_function, "a")  # E: arg-type


# case: a generator given to sync_to_async
@sync_to_async
def lines(path: str) -> Iterator[str]:
    yield path


def more_lines(path: str) -> Iterator[str]:
    yield path


def returned_lines(path: str) -> Iterator[str]:
    return iter([path])


async def use_generator() -> None:
    sync_to_async(more_lines)
    sync_to_async(returned_lines)


# case: an async generator given to either
@sync_to_async
async def ticks(count: int) -> AsyncIterator[int]:
    yield count


@async_to_sync  # E: arg-type
async def tocks(count: int) -> AsyncIterator[int]:
    yield count


# case: a generator given to async_to_sync
@async_to_sync  # E: arg-type
def numbers(count: int) -> Iterator[int]:
    yield count


# case: sync_to_async around a classmethod object
class Config:
    @sync_to_async
    @classmethod
    def load(cls, path: str) -> int:
        return len(path)

    @classmethod
    @sync_to_async
    def right(cls, path: str) -> int:
        return len(path)


# case: sync_to_async around a staticmethod object
class Tools:
    @sync_to_async
    @staticmethod
    def clean(text: str) -> str:
        return text

    @staticmethod
    @sync_to_async
    def right(text: str) -> str:
        return text


# case: options around a classmethod object
class Options:
    @sync_to_async(thread_sensitive=False)
    @classmethod
    def load(cls, path: str) -> int:
        return len(path)


# case: async_to_sync around a classmethod object
class Remote:
    @async_to_sync
    @classmethod
    async def load(cls, path: str) -> int:
        return len(path)


# case: async_to_sync around a staticmethod object
class Codec:
    @async_to_sync
    @staticmethod
    async def clean(text: str) -> str:
        return text

    @staticmethod
    @async_to_sync
    async def right(text: str) -> str:
        return text


# case: an executor with thread_sensitive
def crunch(data: bytes) -> str:
    return data.hex()


async def use_executor() -> None:
    sync_to_async(crunch, executor=POOL)  # E: call-overload
    sync_to_async(crunch, thread_sensitive=True, executor=POOL)  # E: call-overload
    sync_to_async(thread_sensitive=True, executor=POOL)  # E: call-overload
    sync_to_async(crunch, thread_sensitive=False, executor=POOL)
    sync_to_async(crunch, thread_sensitive=True, executor=None)


# case: an executor with thread_sensitive given to the class
async def use_executor_class() -> None:
    SyncToAsync(crunch, executor=POOL)  # E: call-overload
    SyncToAsync(crunch, True, POOL)  # E: call-overload
    SyncToAsync(crunch, False, POOL)


# case: an executor in the decorator
@sync_to_async(executor=POOL)  # E: call-overload
def pooled(data: bytes) -> str:
    return data.hex()


# case: a wrong executor type
async def use_wrong_executor() -> None:
    sync_to_async(crunch, thread_sensitive=False, executor="pool")  # E: call-overload
    sync_to_async(  # E: call-overload
        crunch, thread_sensitive=False, executor=ThreadPoolExecutor
    )


# case: a blocking bridge called in async code, decorated function
@async_to_sync
async def fetch(url: str) -> bytes:
    return url.encode()


def use_fetch_right() -> bytes:
    return fetch("u")


async def use_fetch() -> None:
    fetch("u")


# case: a blocking bridge called in async code, method
class Api:
    @async_to_sync
    async def get(self, url: str) -> bytes:
        return url.encode()

    @classmethod
    @async_to_sync
    async def open(cls, url: str) -> int:
        return len(url)

    @staticmethod
    @async_to_sync
    async def ping(host: str) -> float:
        return 1.0

    def right(self) -> bytes:
        return self.get("u")

    async def wrong(self) -> bytes:
        return self.get("u")


async def use_api(api: Api) -> None:
    api.get("u")
    Api.open("u")
    api.open("u")
    Api.ping("h")


# case: a blocking bridge called in async code, local name
async def use_local_name() -> None:
    blocking = async_to_sync(plain)
    blocking("a")


# case: a blocking bridge called in async code, call of a call
async def use_call_of_call(client: Client) -> None:
    async_to_sync(plain)("a")
    async_to_sync(client.get)("u")
    async_to_sync(force_new_loop=True)(plain)("a")


# case: a blocking bridge called in async code, wrapper class
wrapped = AsyncToSync(plain)


async def use_wrapper_class() -> None:
    wrapped("a")
    AsyncToSync(plain)("a")


# case: a blocking bridge called in async code, call_async
async def use_blocking_call_async() -> None:
    call_async(plain, "a")


# case: not inside a nested def or lambda
async def use_nested() -> None:
    def inside() -> int:
        return async_to_sync(plain)("a")

    callback: Callable[[], bytes] = lambda: fetch("u")
    print(callback)
    await sync_to_async(inside)()
    await sync_to_async(fetch)("u")
    fetch("u")


# case: codes can be silenced
async def use_silenced() -> None:
    fetch("u")  # type: ignore[bridge-blocking-call]  # E: unused-ignore
    sync_to_async(plain)  # type: ignore[bridge-async-function]  # E: unused-ignore
    fetch("u")


# case: Any and open callables are no finding
async def use_any(anything: Any, func: Callable[..., Any]) -> None:
    sync_to_async(anything)
    sync_to_async(func)
    async_to_sync(anything)
    async_to_sync(func)
    anything()
    sync_to_async(plain)
