from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar, final, overload

from typedbridge.sync import (
    AsyncToSync,
    SyncToAsync,
    async_to_sync,
    call_async,
    call_sync,
    sync_to_async,
)
from typing_extensions import override


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
POOL = ThreadPoolExecutor(max_workers=1)


# case: an async function given to sync_to_async
@sync_to_async  # E[mypy-plugin]: bridge-async-function
async def decorated(name: str) -> int:
    return len(name)


async def plain(name: str) -> int:
    return len(name)


async def use_async_function() -> None:
    sync_to_async(plain)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(plain, thread_sensitive=False)  # E[mypy-plugin]: bridge-async-function
    SyncToAsync(plain)  # E[mypy-plugin]: bridge-async-function


# case: an async method given to sync_to_async
@final
class Client:
    async def get(self, url: str) -> bytes:
        return url.encode()

    @sync_to_async  # E[mypy-plugin]: bridge-async-function
    async def head(self, url: str) -> bytes:
        return url.encode()


async def use_async_method(client: Client) -> None:
    sync_to_async(client.get)  # E[mypy-plugin]: bridge-async-function


# case: an async function with options
@sync_to_async(thread_sensitive=False)  # E[mypy-plugin]: bridge-async-function
async def with_options(name: str) -> int:
    return len(name)


in_pool = sync_to_async(thread_sensitive=False)


@in_pool  # E[mypy-plugin]: bridge-async-function
async def with_stored_options(name: str) -> int:
    return len(name)


# case: an async callable object and a partial of an async function
@final
class Sender:
    async def __call__(self, text: str) -> int:
        return len(text)


def use_async_object(sender: Sender) -> None:
    sync_to_async(sender)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(functools.partial(plain, "a"))  # E[mypy-plugin]: bridge-async-function


# case: an async function given to call_sync
async def use_call_sync() -> None:
    await call_sync(plain, "a")  # E[mypy-plugin]: bridge-async-function  # E[mypy-plugin, mypy]: unused-coroutine


# case: a sync function that returns an awaitable is no finding
def future_of(name: str) -> asyncio.Future[int]:
    future = asyncio.Future[int](loop=asyncio.new_event_loop())
    future.set_result(len(name))
    return future


async def use_future_of() -> None:
    print((await sync_to_async(future_of)("a")).result())
    sync_to_async(plain)  # E[mypy-plugin]: bridge-async-function


# case: a sync function given to async_to_sync
def sync_function(name: str) -> int:
    return len(name)


@async_to_sync  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
def decorated_sync(name: str) -> int:
    return len(name)


def use_sync_function() -> None:
    async_to_sync(sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(sync_function, force_new_loop=True)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(lambda: 1)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type  # E[mypy]: return-value


# case: a sync method given to async_to_sync
class Store:
    @async_to_sync  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    def get(self, key: str) -> int:
        return len(key)

    @async_to_sync(force_new_loop=True)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    def put(self, key: str) -> int:
        return len(key)


# case: a sync function given to call_async
def use_call_async() -> None:
    call_async(sync_function, "a")  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type


# case: a generator given to sync_to_async
@sync_to_async  # E[mypy-plugin]: bridge-generator
def lines(path: str) -> Iterator[str]:
    yield path


def more_lines(path: str) -> Iterator[str]:
    yield path


def returned_lines(path: str) -> Iterator[str]:
    return iter([path])


async def use_generator() -> None:
    sync_to_async(more_lines)  # E[mypy-plugin]: bridge-generator
    sync_to_async(returned_lines)


# case: an async generator given to either
@sync_to_async  # E[mypy-plugin]: bridge-generator
async def ticks(count: int) -> AsyncIterator[int]:
    yield count


@async_to_sync  # E[mypy-plugin]: bridge-generator  # E[mypy]: arg-type
async def tocks(count: int) -> AsyncIterator[int]:
    yield count


# case: a generator given to async_to_sync
@async_to_sync  # E[mypy-plugin]: bridge-generator  # E[mypy]: arg-type
def numbers(count: int) -> Iterator[int]:
    yield count


# case: sync_to_async around a classmethod object
class Config:
    @sync_to_async  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    def load(cls, path: str) -> int:
        return len(path)

    @classmethod
    @sync_to_async
    def right(cls, path: str) -> int:
        return len(path)


# case: sync_to_async around a staticmethod object
class Tools:
    @sync_to_async  # E[mypy-plugin]: bridge-decorator-order
    @staticmethod
    def clean(text: str) -> str:
        return text

    @staticmethod
    @sync_to_async
    def right(text: str) -> str:
        return text


# case: options around a classmethod object
class Options:
    @sync_to_async(thread_sensitive=False)  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    def load(cls, path: str) -> int:
        return len(path)


# case: async_to_sync around a classmethod object
class Remote:
    @async_to_sync  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    async def load(cls, path: str) -> int:
        return len(path)


# case: async_to_sync around a staticmethod object
class Codec:
    @async_to_sync  # E[mypy-plugin]: bridge-decorator-order
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
    sync_to_async(crunch, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async(crunch, thread_sensitive=True, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async(thread_sensitive=True, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async(crunch, thread_sensitive=False, executor=POOL)
    sync_to_async(crunch, thread_sensitive=True, executor=None)


# case: an executor with thread_sensitive given to the class
async def use_executor_class() -> None:
    SyncToAsync(crunch, executor=POOL)  # E[mypy-plugin]: bridge-executor
    SyncToAsync(crunch, True, POOL)  # E[mypy-plugin]: bridge-executor
    SyncToAsync(crunch, False, POOL)


# case: an executor in the decorator
@sync_to_async(executor=POOL)  # E[mypy-plugin]: bridge-executor
def pooled(data: bytes) -> str:
    return data.hex()


# case: a wrong executor type
async def use_wrong_executor() -> None:
    sync_to_async(crunch, thread_sensitive=False, executor="pool")  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: call-overload
    sync_to_async(
        crunch, thread_sensitive=False, executor=ThreadPoolExecutor
    )  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: call-overload


# case: a blocking bridge called in async code, decorated function
@async_to_sync
async def fetch(url: str) -> bytes:
    return url.encode()


def use_fetch_right() -> bytes:
    return fetch("u")


async def use_fetch() -> None:
    fetch("u")  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, method
class Api:
    @final
    @async_to_sync
    async def get(self, url: str) -> bytes:
        return url.encode()

    @final
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
        return self.get("u")  # E[mypy-plugin]: bridge-blocking-call


async def use_api(api: Api) -> None:
    await api.wrong()
    api.get("u")  # E[mypy-plugin]: bridge-blocking-call
    Api.open("u")  # E[mypy-plugin]: bridge-blocking-call
    api.open("u")  # E[mypy-plugin]: bridge-blocking-call
    Api.ping("h")  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, local name
async def use_local_name() -> None:
    blocking = async_to_sync(plain)
    blocking("a")  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, call of a call
async def use_call_of_call(client: Client) -> None:
    async_to_sync(plain)("a")  # E[mypy-plugin]: bridge-blocking-call
    async_to_sync(client.get)("u")  # E[mypy-plugin]: bridge-blocking-call
    async_to_sync(force_new_loop=True)(plain)("a")  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, wrapper class
wrapped = AsyncToSync(plain)


async def use_wrapper_class() -> None:
    wrapped("a")  # E[mypy-plugin]: bridge-blocking-call
    AsyncToSync(plain)("a")  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, call_async
async def use_blocking_call_async() -> None:
    call_async(plain, "a")  # E[mypy-plugin]: bridge-blocking-call


# case: not inside a nested def or lambda
async def use_nested() -> None:
    def inside() -> int:
        return async_to_sync(plain)("a")

    callback: Callable[[], bytes] = lambda: fetch("u")
    print(callback)
    await sync_to_async(inside)()
    await sync_to_async(fetch)("u")
    fetch("u")  # E[mypy-plugin]: bridge-blocking-call


# case: codes can be silenced
async def use_silenced() -> None:
    fetch("u")  # type: ignore[bridge-blocking-call]  # E[mypy]: unused-ignore  # raises: RuntimeError
    sync_to_async(plain)  # type: ignore[bridge-async-function]  # E[mypy]: unused-ignore  # raises: TypeError
    fetch("u")  # E[mypy-plugin]: bridge-blocking-call


# case: Any and open callables are no finding
async def use_any(anything: Any, func: Callable[..., Any] = print) -> None:
    sync_to_async(anything)
    sync_to_async(func)
    async_to_sync(anything)
    async_to_sync(func)
    anything()
    sync_to_async(plain)  # E[mypy-plugin]: bridge-async-function


# case: an async function in every spelling
wrap_async = sync_to_async


class Audited(SyncToAsync[P, R]):
    audited = True


@wrap_async  # E[mypy-plugin]: bridge-async-function
async def under_alias(name: str) -> int:
    return len(name)


@SyncToAsync  # E[mypy-plugin]: bridge-async-function
async def under_class(name: str) -> int:
    return len(name)


@Audited  # E[mypy-plugin]: bridge-async-function
async def under_subclass(name: str) -> int:
    return len(name)


async def use_spellings() -> None:
    local_alias = sync_to_async
    wrap_async(plain)  # E[mypy-plugin]: bridge-async-function
    local_alias(plain)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(func=plain)  # E[mypy-plugin]: bridge-async-function
    SyncToAsync(func=plain)  # E[mypy-plugin]: bridge-async-function
    Audited(plain)  # E[mypy-plugin]: bridge-async-function


# case: an async function below classmethod and staticmethod
class Factory:
    @classmethod
    @sync_to_async  # E[mypy-plugin]: bridge-async-function
    async def make(cls, name: str) -> int:
        return len(name)

    @staticmethod
    @sync_to_async  # E[mypy-plugin]: bridge-async-function
    async def check(name: str) -> bool:
        return bool(name)


# case: an async method that has decorators of its own
class Source(ABC):
    @abstractmethod
    async def read(self, size: int) -> bytes: ...

    @classmethod
    async def open(cls, path: str) -> int:
        return len(path)

    @staticmethod
    async def exists(path: str) -> bool:
        return bool(path)


class FileSource(Source):
    @override
    async def read(self, size: int) -> bytes:
        return bytes(size)

    @final
    async def close(self) -> None:
        print("closed")


async def use_source(file: FileSource) -> None:
    sync_to_async(FileSource().read)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(file.close)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(Source.open)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(Source.exists)  # E[mypy-plugin]: bridge-async-function
    print(await call_sync(Source.exists, "a"))  # E[mypy-plugin]: bridge-async-function


# case: a twin of an async method
class Mailer:
    async def send(self, to: str) -> int:
        return len(to)

    asend = sync_to_async(send)  # E[mypy-plugin]: bridge-async-function


# case: an overloaded async function given to sync_to_async
@overload
async def ask(question: str) -> str: ...
@overload
async def ask(question: int) -> int: ...
async def ask(question: str | int) -> str | int:
    return question


async def use_ask() -> None:
    sync_to_async(ask)  # E[mypy-plugin]: bridge-async-function
    in_pool(ask)  # E[mypy-plugin]: bridge-async-function


# case: a union of async functions, and one with a sync function
@final
class Listener:
    async def __call__(self, name: str) -> bytes:
        return name.encode()


class Blocker:
    def __call__(self, name: str) -> bytes:
        return name.encode()


async def use_union(asynchronous: Sender | Listener, either: Sender | Blocker = Blocker()) -> None:
    sync_to_async(asynchronous)  # E[mypy-plugin]: bridge-async-function
    sync_to_async(either)


# case: two decorators in one direction
@sync_to_async  # E[mypy-plugin]: bridge-async-function
@sync_to_async
def twice(name: str) -> int:
    return len(name)


@async_to_sync  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
@async_to_sync
async def twice_async(name: str) -> int:
    return len(name)


# case: a sync function in every spelling
wrap_sync = async_to_sync
with_new_loop = async_to_sync(force_new_loop=True)


class Retried(AsyncToSync[P, R]):
    retries = 3


@wrap_sync  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
def sync_under_alias(name: str) -> int:
    return len(name)


@with_new_loop  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
def sync_under_options(name: str) -> int:
    return len(name)


def use_sync_spellings() -> None:
    local_alias = async_to_sync
    wrap_sync(sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    local_alias(sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    with_new_loop(sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(awaitable=sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(awaitable=sync_function)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type


# case: a sync callable of every kind
@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes) -> float: ...
def parse(text: str | bytes) -> int | float:
    return len(text)


class Counter:
    def __call__(self, name: str) -> int:
        return len(name)

    def count(self, name: str) -> int:
        return len(name)


def use_sync_callables(counter: Counter) -> None:
    async_to_sync(len)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(parse)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(Counter)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(counter)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(counter.count)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    async_to_sync(functools.partial(sync_function, "a"))  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type


# case: a sync callable of every kind given to call_async
def use_call_async_of_callables(counter: Counter) -> None:
    call_async(len, "a")  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    call_async(parse, "a")  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    call_async(Counter)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    call_async(counter, "a")  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    call_async(counter.count, "a")  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    call_async(functools.partial(sync_function, "a"))  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type


# case: a sync callable of every kind given to AsyncToSync
def use_async_to_sync_of_callables(counter: Counter) -> None:
    AsyncToSync(len)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(parse)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(Counter)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(counter)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(counter.count)  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type
    AsyncToSync(functools.partial(sync_function, "a"))  # E[mypy-plugin]: bridge-sync-function  # E[mypy]: arg-type


# case: a generator in every spelling
@sync_to_async(thread_sensitive=False)  # E[mypy-plugin]: bridge-generator
def with_options_lines(path: str) -> Iterator[str]:
    yield path


@in_pool  # E[mypy-plugin]: bridge-generator
def with_stored_options_lines(path: str) -> Iterator[str]:
    yield path


@SyncToAsync  # E[mypy-plugin]: bridge-generator
def under_class_lines(path: str) -> Iterator[str]:
    yield path


async def use_generator_spellings() -> None:
    sync_to_async(thread_sensitive=False)(more_lines)  # E[mypy-plugin]: bridge-generator
    SyncToAsync(more_lines)  # E[mypy-plugin]: bridge-generator
    await call_sync(more_lines, "a")  # E[mypy-plugin]: bridge-generator


# case: an async generator given to call_async
async def more_ticks(count: int) -> AsyncIterator[int]:
    yield count


def use_async_generator() -> None:
    call_async(more_ticks, 1)  # E[mypy-plugin]: bridge-generator  # E[mypy]: arg-type
    AsyncToSync(more_ticks)  # E[mypy-plugin]: bridge-generator  # E[mypy]: arg-type


# case: generators that are methods, partials and objects
@final
class Log:
    @sync_to_async  # E[mypy-plugin]: bridge-generator
    def tail(self, count: int) -> Iterator[str]:
        yield from ["line"] * count

    def head(self, count: int) -> Iterator[str]:
        yield from ["line"] * count

    @classmethod
    def names(cls, pattern: str) -> Iterator[str]:
        yield pattern

    @final
    async def follow(self) -> AsyncIterator[str]:
        yield "line"

    def __call__(self) -> Iterator[str]:
        yield "line"

    ahead = sync_to_async(head)  # E[mypy-plugin]: bridge-generator


async def use_log(log: Log) -> None:
    sync_to_async(log.head)  # E[mypy-plugin]: bridge-generator
    sync_to_async(Log.names)  # E[mypy-plugin]: bridge-generator
    sync_to_async(log.follow)  # E[mypy-plugin]: bridge-generator
    sync_to_async(log)  # E[mypy-plugin]: bridge-generator
    sync_to_async(functools.partial(more_lines, "a"))  # E[mypy-plugin]: bridge-generator


# case: the wrapper classes around a classmethod and a staticmethod object
class Registry:
    @SyncToAsync  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    def load(cls, path: str) -> int:
        return len(path)

    @SyncToAsync  # E[mypy-plugin]: bridge-decorator-order
    @staticmethod
    def clean(text: str) -> str:
        return text

    @AsyncToSync  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    async def fetch(cls, url: str) -> int:
        return len(url)

    @classmethod
    @SyncToAsync
    def right(cls, path: str) -> int:
        return len(path)


# case: an alias and stored options around a classmethod object
class Settings:
    @wrap_async  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    def load(cls, path: str) -> int:
        return len(path)

    @in_pool  # E[mypy-plugin]: bridge-decorator-order
    @staticmethod
    def clean(text: str) -> str:
        return text

    @with_new_loop  # E[mypy-plugin]: bridge-decorator-order
    @classmethod
    async def fetch(cls, url: str) -> int:
        return len(url)


# case: a classmethod or staticmethod object given to a call
class Paths:
    @staticmethod
    def clean(text: str) -> str:
        return text

    @classmethod
    def load(cls, path: str) -> int:
        return len(path)

    aclean = sync_to_async(clean)  # E[mypy-plugin]: bridge-decorator-order
    aload = sync_to_async(load)  # E[mypy-plugin]: bridge-decorator-order
    alength = sync_to_async(staticmethod(crunch))  # E[mypy-plugin]: bridge-decorator-order
    right = staticmethod(sync_to_async(crunch))


# case: an executor in every spelling
class Cruncher:
    @sync_to_async(executor=POOL)  # E[mypy-plugin]: bridge-executor
    def crunch(self, data: bytes) -> str:
        return data.hex()

    def shrink(self, data: bytes) -> str:
        return data.hex()


async def use_executor_spellings(
    cruncher: Cruncher, pool: ProcessPoolExecutor | None = None
) -> None:
    sync_to_async(func=crunch, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async(cruncher.shrink, executor=POOL)  # E[mypy-plugin]: bridge-executor
    sync_to_async(crunch, executor=pool)


# case: a wrong executor type in every spelling
@sync_to_async(thread_sensitive=False, executor="pool")  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: call-overload  # E[mypy]: Untyped decorator makes
def wrongly_pooled(data: bytes) -> str:
    return data.hex()


async def use_wrong_executor_spellings(size: int, either: ThreadPoolExecutor | int) -> None:
    SyncToAsync(crunch, thread_sensitive=False, executor=size)  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: arg-type
    SyncToAsync(crunch, False, size)  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: arg-type
    sync_to_async(crunch, thread_sensitive=False, executor=either)  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: arg-type
    sync_to_async(thread_sensitive=False, executor=ThreadPoolExecutor)  # E[mypy-plugin]: bridge-executor-type  # E[mypy]: call-overload


# case: a blocking bridge called in async code, in every spelling
fetch_stored = with_new_loop(plain)
fetch_alias = fetch


@Retried
async def fetch_retried(url: str) -> bytes:
    return url.encode()


@overload
@async_to_sync
async def answer(question: str) -> str: ...
@overload
@async_to_sync
async def answer(question: int) -> int: ...
@async_to_sync
async def answer(question: str | int) -> str | int:
    return question


ask_blocking = async_to_sync(ask)


@async_to_sync
async def first(items: list[T]) -> T:
    return items[0]


async def use_blocking_spellings() -> None:
    fetch_stored("u")  # E[mypy-plugin]: bridge-blocking-call
    fetch_alias("u")  # E[mypy-plugin]: bridge-blocking-call
    fetch_retried("u")  # E[mypy-plugin]: bridge-blocking-call
    wrap_sync(plain)("u")  # E[mypy-plugin]: bridge-blocking-call
    ask_blocking("why")  # E[mypy-plugin]: bridge-blocking-call
    answer("why")  # E[mypy-plugin]: bridge-blocking-call
    first([1])  # E[mypy-plugin]: bridge-blocking-call
    async_to_sync(lambda: plain("a"))()  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, super and unions
class Endpoint(Api):
    async def again(self) -> bytes:
        return super().get("u")  # E[mypy-plugin]: bridge-blocking-call


async def use_endpoint() -> None:
    await Endpoint().again()


@final
class OtherApi:
    @async_to_sync
    async def get(self, url: str) -> bytes:
        return url.encode()


async def use_receivers(either: Api | OtherApi, maybe: Api | None) -> None:
    either.get("u")  # E[mypy-plugin]: bridge-blocking-call  # E[mypy-plugin]: get of OtherApi
    if maybe is not None:
        maybe.get("u")  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called in async code, inside other expressions
def tagged(tag: bytes) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    return lambda func: func if tag else func


async def use_expressions(names: list[str]) -> None:
    print([fetch(name) for name in names])  # E[mypy-plugin]: bridge-blocking-call
    print({name: fetch(name) for name in names})  # E[mypy-plugin]: bridge-blocking-call

    def inside(data: bytes = fetch("u")) -> bytes:  # E[mypy-plugin]: bridge-blocking-call
        return data

    class Local:
        data = fetch("u")  # E[mypy-plugin]: bridge-blocking-call

    @tagged(fetch("u"))  # E[mypy-plugin]: bridge-blocking-call
    def decorated() -> bytes:
        return b""

    async def nested() -> bytes:
        return fetch("u")  # E[mypy-plugin]: bridge-blocking-call

    print(inside, Local, decorated, await nested())


# case: a blocking bridge in a generator expression
async def use_generator_expression(names: list[str]) -> None:
    sizes = (len(fetch(name)) for name in names)
    print(await asyncio.to_thread(sum, sizes))
    print(*(byte for byte in fetch("u")))  # E[mypy-plugin]: bridge-blocking-call


# case: a blocking bridge called at module level is no finding
loaded = fetch("u")
loaded_all = [fetch(name) for name in ["u"]]


class Loaded:
    data = fetch("u")


async def use_module_level() -> None:
    fetch("u")  # E[mypy-plugin]: bridge-blocking-call


# case: a partial of a blocking bridge is no finding
async def use_partial_of_bridge() -> None:
    later = functools.partial(fetch, "u")
    await sync_to_async(later)()
    fetch("u")  # E[mypy-plugin]: bridge-blocking-call


# case: a bridge or a plain function is no finding
def fetch_from_cache(url: str) -> bytes:
    return url.encode()


async def use_bridge_or_function(blocking: bool = False) -> None:
    (fetch if blocking else fetch_from_cache)("u")
    (fetch_from_cache if not blocking else fetch)("u")
    chosen = fetch if blocking else fetch_from_cache
    chosen("u")
    for func in (fetch, fetch_from_cache):
        if func is not fetch:
            func("u")
    fetch("u")  # E[mypy-plugin]: bridge-blocking-call


# case: a finding is silenced in the decorator's line
class Silenced:
    @classmethod
    @sync_to_async  # type: ignore[bridge-async-function]  # E[mypy]: unused-ignore  # raises: TypeError
    async def make(cls, name: str) -> int:
        return len(name)

    @classmethod
    @sync_to_async  # E[mypy-plugin]: bridge-async-function
    async def make_another(cls, name: str) -> int:
        return len(name)


# case: a coroutine in the place of its function
async def run_all(name: str = "a") -> int:
    return len(name)


def use_coroutines() -> None:
    async_to_sync(run_all())  # E[mypy-plugin]: bridge-coroutine-object  # E[mypy]: call-overload
    async_to_sync(run_all("b"), force_new_loop=True)  # E[mypy-plugin]: bridge-coroutine-object  # E[mypy]: call-overload
    AsyncToSync(run_all())  # E[mypy-plugin]: bridge-coroutine-object  # E[mypy]: arg-type
    with_new_loop(run_all())  # E[mypy-plugin]: bridge-coroutine-object  # E[mypy]: arg-type
    call_async(run_all())  # E[mypy-plugin]: bridge-coroutine-object  # E[mypy]: arg-type
    sync_to_async(run_all())  # E[mypy-plugin]: bridge-coroutine-object  # E[mypy]: call-overload


# case: a coroutine that is asked for its truth, or compared with None
@sync_to_async
def is_there(name: str) -> bool:
    return bool(name)


def use_truth() -> None:
    if is_there("a"):  # E[mypy-plugin]: bridge-not-awaited
        print("always")
    if not is_there("a"):  # E[mypy-plugin]: bridge-not-awaited
        print("never")
    print(1 if is_there("a") else 0)  # E[mypy-plugin]: bridge-not-awaited
    print(is_there("a") is None)  # E[mypy-plugin]: bridge-not-awaited


async def use_truth_async() -> None:
    if is_there("a"):  # E[mypy-plugin]: bridge-not-awaited
        print("always")
    if await is_there("a"):
        print("perhaps")
