"""What the generated programs share: decorators of users, and bridges in every spelling.

Each program imports all of it. The decorators are such as users write: they keep a type or change
it, and some say less, or more, than is true.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from typedbridge.sync import AsyncToSync, SyncToAsync, async_to_sync, sync_to_async

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# More threads than a program nests bridges: with fewer it would wait for itself.
POOL: ThreadPoolExecutor | None = ThreadPoolExecutor(16)
SENSITIVE = not POOL
FLAG = SENSITIVE


def in_thread(func: Callable[[], T]) -> T:
    """Run in a thread of its own, and wait."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(func).result()


# --- decorators that do what their type says ----------------------------------------------------


def log(func: F) -> F:
    return func


def tagged(tag: str) -> Callable[[F], F]:
    return log if tag else registry.register


def wrapped(func: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(func)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return func(*args, **kwargs)

    return inner


def awrapped(func: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    @functools.wraps(func)
    async def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return await func(*args, **kwargs)

    return inner


def made_sync(func: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    @functools.wraps(func)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return in_thread(lambda: asyncio.run(func(*args, **kwargs)))

    return inner


def drained(func: Callable[P, Iterator[R]]) -> Callable[P, list[R]]:
    @functools.wraps(func)
    def inner(*args: P.args, **kwargs: P.kwargs) -> list[R]:
        return list(func(*args, **kwargs))

    return inner


# --- decorators that do more than their type says -----------------------------------------------


def moved(func: F) -> F:
    @functools.wraps(func)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return in_thread(lambda: func(*args, **kwargs))

    return cast("F", inner)


def run_inside(func: F) -> F:
    @functools.wraps(func)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return in_thread(lambda: asyncio.run(func(*args, **kwargs)))

    return cast("F", inner)


def drained_inside(func: F) -> F:
    @functools.wraps(func)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return list(func(*args, **kwargs))

    return cast("F", inner)


# --- decorators in other places -----------------------------------------------------------------


class Keeps(Protocol):
    def __call__(self, func: F, /) -> F: ...


class Registry:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.keep: Keeps = log

    def register(self, func: F) -> F:
        self.seen.append("seen")
        return func

    @staticmethod
    def plain(func: F) -> F:
        return func

    def __call__(self, func: F) -> F:
        return func


registry: Registry = Registry()
keepers: dict[str, Keeps] = {"log": log}


# --- bridges in every spelling ------------------------------------------------------------------

s2a = sync_to_async
a2s = async_to_sync
in_pool = sync_to_async(thread_sensitive=False)
fresh = async_to_sync(force_new_loop=True)


class Audited(SyncToAsync[P, R]):
    audited = True


class Retried(AsyncToSync[P, R]):
    retries = 3


class Moved(AsyncToSync[P, R]):
    """May be called anywhere: it waits in a thread of its own."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return in_thread(lambda: super(Moved, self).__call__(*args, **kwargs))


def plain(x: int, y: str = "") -> str:
    return y * x


async def aplain(x: int, y: str = "") -> str:
    return y * x


@overload
def either(x: int, y: str = "") -> str: ...
@overload
def either(x: str) -> bytes: ...
def either(x: int | str, y: str = "") -> str | bytes:
    return x.encode() if isinstance(x, str) else y * x


@overload
async def aeither(x: int, y: str = "") -> str: ...
@overload
async def aeither(x: str) -> bytes: ...
async def aeither(x: int | str, y: str = "") -> str | bytes:
    return x.encode() if isinstance(x, str) else y * x


class Repeater:
    def __call__(self, x: int, y: str = "") -> str:
        return y * x

    def times(self, x: int, y: str = "") -> str:
        return y * x


class Sender:
    async def __call__(self, x: int, y: str = "") -> str:
        return y * x


class Pair:
    def __init__(self, x: int, y: str = "") -> None:
        self.pair = (x, y)


class Job:
    def __init__(self, x: int) -> None:
        self.x = x

    def __await__(self) -> Generator[Any, None, int]:
        yield
        return self.x
