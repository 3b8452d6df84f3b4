from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, ParamSpec, Self, TypeVar, assert_type, overload

import typedbridge.sync
from typedbridge.sync import async_to_sync, sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
POOL = ThreadPoolExecutor(max_workers=2)


def crunch(data: bytes, rounds: int = 1) -> str:
    return data.hex() * rounds


# case: empty parentheses
@sync_to_async()
def empty(name: str, times: int = 1) -> str:
    return name * times


async def use_empty() -> None:
    assert_type(await empty("a", times=2), str)
    await empty(1)  # E


# case: thread_sensitive
@sync_to_async(thread_sensitive=False)
def insensitive(name: str, *, upper: bool = False) -> str:
    return name.upper() if upper else name


@sync_to_async(thread_sensitive=True)
def sensitive(name: str) -> bytes:
    return name.encode()


async def use_thread_sensitive() -> None:
    assert_type(await insensitive("a", upper=True), str)
    assert_type(await sensitive("a"), bytes)
    await insensitive("a", lower=True)  # E: lower
    await sensitive(1)  # E


# case: thread_sensitive as a bool variable
async def use_bool(flag: bool) -> None:
    assert_type(await sync_to_async(len, thread_sensitive=flag)("a"), int)
    decorate = sync_to_async(thread_sensitive=flag)
    assert_type(await decorate(len)("a"), int)


# case: an executor in a call
async def use_executor(executor: Executor = POOL, processes: Executor = POOL) -> None:
    assert_type(await sync_to_async(crunch, thread_sensitive=False, executor=executor)(b"a"), str)
    assert_type(
        await sync_to_async(crunch, thread_sensitive=False, executor=processes)(b"a", rounds=2),
        str,
    )


# case: an optional executor
async def use_optional_executor(executor: Executor | None = POOL) -> None:
    bridge = sync_to_async(crunch, thread_sensitive=False, executor=executor)
    assert_type(await bridge(b"a"), str)


# case: executor None is the default
async def use_executor_none() -> None:
    assert_type(await sync_to_async(crunch, executor=None)(b"a"), str)
    assert_type(await sync_to_async(crunch, thread_sensitive=True, executor=None)(b"a"), str)


# case: a wrong executor is refused
async def use_wrong_executor() -> None:
    sync_to_async(crunch, thread_sensitive=False, executor="pool")  # E
    sync_to_async(crunch, thread_sensitive=False, executor=ThreadPoolExecutor)  # E


# case: a context
async def use_context(context: Context) -> None:
    assert_type(await sync_to_async(crunch, context=context)(b"a"), str)
    assert_type(
        await sync_to_async(crunch, thread_sensitive=False, context=copy_context())(b"a"), str
    )
    sync_to_async(crunch, context={})  # E


# case: unknown and positional options are refused
async def use_unknown_option() -> None:
    sync_to_async(crunch, sensitive=True)  # E  # E
    sync_to_async(crunch, False)  # E
    async_to_sync(force_new_loops=True)  # E


# case: options stored and reused
in_pool = sync_to_async(thread_sensitive=False)


@in_pool
def thumbnail(path: str, *, size: int = 10) -> bytes:
    return path.encode() * size


async def use_in_pool() -> None:
    assert_type(await thumbnail("a", size=3), bytes)
    assert_type(await in_pool(crunch)(b"a"), str)
    await thumbnail(1)  # E
    await in_pool(crunch)(1)  # E


# case: stored options on methods
class Gallery:
    @in_pool
    def render(self, name: str) -> bytes:
        return name.encode()

    @in_pool
    def chain(self) -> Self:
        return self

    @classmethod
    @in_pool
    def open(cls, path: str) -> Self:
        return cls()

    @staticmethod
    @in_pool
    def check(path: str) -> bool:
        return bool(path)


class SpecialGallery(Gallery):
    pass


async def use_gallery(gallery: SpecialGallery) -> None:
    assert_type(await gallery.render("a"), bytes)
    assert_type(await gallery.chain(), SpecialGallery)
    assert_type(await SpecialGallery.open("a"), SpecialGallery)
    assert_type(await gallery.check("a"), bool)
    await gallery.render(1)  # E


# case: stored options on a generic function
@in_pool
def first(items: Sequence[T]) -> T:
    return items[0]


async def use_first() -> None:
    assert_type(await first([1]), int)
    assert_type(await first(["a"]), str)


# case: options on a method
class Archive:
    @sync_to_async(thread_sensitive=False)
    def pack(self, name: str, level: int = 1) -> bytes:
        return name.encode() * level


async def use_archive(archive: Archive) -> None:
    assert_type(await archive.pack("a", level=2), bytes)
    assert_type(await Archive.pack(archive, "a"), bytes)
    await archive.pack(1)  # E


# case: an alias of the decorator
s2a = sync_to_async
a2s = async_to_sync


@s2a
def aliased(name: str) -> int:
    return len(name)


@s2a(thread_sensitive=False)
def aliased_with_options(name: str) -> int:
    return len(name)


@a2s
async def aliased_async(name: str) -> int:
    return len(name)


async def use_aliased() -> None:
    assert_type(await aliased("a"), int)
    assert_type(await aliased_with_options("a"), int)
    assert_type(await s2a(len)("a"), int)
    await aliased(1)  # E


def use_aliased_async() -> None:
    assert_type(aliased_async("a"), int)
    aliased_async(1)  # E


# case: through the module
@typedbridge.sync.sync_to_async
def qualified(name: str) -> int:
    return len(name)


async def use_qualified() -> None:
    assert_type(await qualified("a"), int)
    assert_type(await typedbridge.sync.sync_to_async(len)("a"), int)


# case: force_new_loop
@async_to_sync(force_new_loop=True)
async def isolated(name: str, *, wait: float = 0) -> bytes:
    return name.encode()


def use_isolated() -> None:
    assert_type(isolated("a", wait=1), bytes)
    isolated(1)  # E


# case: force_new_loop in a call and stored
async def fetch(url: str) -> bytes:
    return url.encode()


fresh = async_to_sync(force_new_loop=True)


def use_force_new_loop(flag: bool) -> None:
    assert_type(async_to_sync(fetch, force_new_loop=True)("u"), bytes)
    assert_type(async_to_sync(fetch, force_new_loop=flag)("u"), bytes)
    assert_type(fresh(fetch)("u"), bytes)
    fresh(fetch)(1)  # E


# case: async_to_sync with empty parentheses
@async_to_sync()
async def parenthesised(name: str) -> int:
    return len(name)


def use_parenthesised() -> None:
    assert_type(parenthesised("a"), int)
    parenthesised(1)  # E


# case: the function as a keyword
async def use_keyword() -> None:
    assert_type(await sync_to_async(func=crunch)(b"a"), str)
    assert_type(await sync_to_async(func=crunch, thread_sensitive=False)(b"a"), str)


# case: options chosen at run time
async def use_chosen(fast: bool) -> None:
    decorate = sync_to_async(thread_sensitive=False) if fast else sync_to_async()
    assert_type(await decorate(crunch)(b"a"), str)
    bridge = sync_to_async(crunch, thread_sensitive=False) if fast else sync_to_async(crunch)
    assert_type(await bridge(b"a"), str)


# case: an executor or None
async def use_executor_or_none(fast: bool) -> None:
    bridge = sync_to_async(crunch, thread_sensitive=False, executor=POOL if fast else None)
    assert_type(await bridge(b"a"), str)


# case: a subclass of Executor
class Serial(ThreadPoolExecutor):
    pass


async def use_own_executor(serial: Serial) -> None:
    assert_type(await sync_to_async(crunch, thread_sensitive=False, executor=serial)(b"a"), str)


# case: a constant for thread_sensitive
SENSITIVE: Final = False


async def use_constant() -> None:
    bridge = sync_to_async(crunch, thread_sensitive=SENSITIVE, executor=POOL)
    assert_type(await bridge(b"a"), str)


# case: options bound with partial
pooled_bridge = partial(sync_to_async, thread_sensitive=False)


async def use_partial_options() -> None:
    text: str = await pooled_bridge(crunch)(b"a")
    print(text)


# case: a decorator that may be used with and without options
@overload
def background(func: Callable[P, R], /) -> Callable[P, Awaitable[R]]: ...
@overload
def background(*, pool: bool) -> Callable[[Callable[P, R]], Callable[P, Awaitable[R]]]: ...
def background(func: Callable[P, R] | None = None, /, *, pool: bool = False) -> object:
    decorate = sync_to_async(thread_sensitive=not pool)
    return decorate if func is None else decorate(func)


@background
def shrink(data: bytes) -> str:
    return data.hex()


@background(pool=True)
def grow(data: bytes) -> str:
    return data.hex() * 2


async def use_background() -> None:
    assert_type(await shrink(b"a"), str)
    assert_type(await grow(b"a"), str)
    await shrink("a")  # E
    await grow("a")  # E


# case: a decorator of one's own over an option form
def database(func: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    return sync_to_async(thread_sensitive=True)(func)


@database
def query(table: str, *, limit: int = 1) -> list[str]:
    return [table] * limit


async def use_query() -> None:
    assert_type(await query("a", limit=2), list[str])
    await query(1)  # E
    await query("a", offset=2)  # E: offset


# case: an alias of the decorator inside a function
async def use_local_alias() -> None:
    wrap = sync_to_async

    @wrap
    def inside(items: Sequence[T]) -> T:
        return items[0]

    @wrap(thread_sensitive=False)
    def inside_pool(items: Sequence[T]) -> T:
        return items[0]

    assert_type(await wrap(crunch)(b"a"), str)
    assert_type(await inside([1]), int)
    assert_type(await inside_pool(["a"]), str)
    await wrap(crunch)(1)  # E


def use_local_alias_of_async_to_sync() -> None:
    wrap = async_to_sync
    assert_type(wrap(fetch)("u"), bytes)


# case: options from a dict
async def use_options_from_dict(options: dict[str, Any] = {"thread_sensitive": False}) -> None:
    assert_type(await sync_to_async(crunch, **options)(b"a"), str)


# case: options of type Any
async def use_any_options(settings: Any = SimpleNamespace(SENSITIVE=False, POOL=POOL)) -> None:
    bridge = sync_to_async(crunch, thread_sensitive=settings.SENSITIVE)
    assert_type(await bridge(b"a"), str)
    other = sync_to_async(crunch, thread_sensitive=False, executor=settings.POOL)
    assert_type(await other(b"a"), str)
