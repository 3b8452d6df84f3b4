from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def resize(path: str, *, width: int = 10) -> bytes:
    return path.encode() * width


# case: a helper that calls in a thread
async def in_thread(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await sync_to_async(func)(*args, **kwargs)


async def use_in_thread() -> None:
    assert_type(await in_thread(resize, "a", width=3), bytes)
    await in_thread(resize, 1)  # E
    await in_thread(resize, "a", height=3)  # E: height


# case: a helper with options
async def in_pool(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    bridge = sync_to_async(func, thread_sensitive=False)
    return await bridge(*args, **kwargs)


async def use_in_pool() -> None:
    assert_type(await in_pool(len, "a"), int)


# case: a decorator that returns a bridge
def background(func: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    return sync_to_async(func, thread_sensitive=False)


@background
def compress(data: bytes, level: int = 9) -> bytes:
    return data * level


async def use_compress() -> None:
    assert_type(await compress(b"a", level=1), bytes)
    await compress("a")  # E


# case: a decorator whose inner function calls the bridge
def logged(func: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    bridge = sync_to_async(func)

    @functools.wraps(func)
    async def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        print(args, kwargs)
        return await bridge(*args, **kwargs)

    return inner


@logged
def store(key: str, value: int) -> bool:
    return bool(key and value)


async def use_store() -> None:
    assert_type(await store("a", value=1), bool)
    await store("a")  # E: value


# case: Concatenate adds a first argument
class Session:
    name = "session"


def with_session(
    func: Callable[Concatenate[Session, P], R],
) -> Callable[P, Coroutine[Any, Any, R]]:
    bridge = sync_to_async(func)

    @functools.wraps(func)
    async def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return await bridge(Session(), *args, **kwargs)

    return inner


@with_session
def count(session: Session, table: str, *, limit: int = 1) -> int:
    return len(session.name + table) + limit


async def use_count() -> None:
    assert_type(await count("a", limit=2), int)
    await count(Session())  # E
    await count("a", offset=2)  # E: offset


# case: a helper over async functions
def run_blocking(func: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    return async_to_sync(func)(*args, **kwargs)


async def fetch(url: str, *, timeout: float = 1.0) -> bytes:
    return url.encode()


def use_run_blocking() -> None:
    assert_type(run_blocking(fetch, "u", timeout=2.0), bytes)
    run_blocking(fetch, 1)  # E


# case: a helper applied to a bridge
def retried(func: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    @functools.wraps(func)
    async def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await func(*args, **kwargs)
        except OSError:
            return await func(*args, **kwargs)

    return inner


@retried
@sync_to_async
def read(path: str, *, binary: bool = False) -> bytes:
    return path.encode() if binary else b""


async def use_read() -> None:
    assert_type(await read("a", binary=True), bytes)
    await read("a", text=True)  # E: text


# case: a bridge passed to a helper over coroutine functions
def spawn(
    func: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
) -> asyncio.Task[R]:
    return asyncio.get_running_loop().create_task(func(*args, **kwargs))


@sync_to_async
def crunch(numbers: list[int]) -> int:
    return sum(numbers)


async def use_spawn() -> None:
    assert_type(await spawn(crunch, [1, 2]), int)
    spawn(crunch, ["a"])  # E


# case: a class generic over a parameter specification
class Task(Generic[P, R]):
    def __init__(self, func: Callable[P, R]) -> None:
        self.func = func

    async def run(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return await sync_to_async(self.func)(*args, **kwargs)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return async_to_sync(self.run)(*args, **kwargs)


@Task
def add(left: int, right: int = 0) -> int:
    return left + right


async def use_task() -> None:
    assert_type(await add.run(1, right=2), int)
    await add.run("1")  # E


# case: a helper that picks the executor
POOL = ThreadPoolExecutor(max_workers=1)


def offload(func: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    return sync_to_async(func, thread_sensitive=False, executor=POOL)


async def use_offload() -> None:
    assert_type(await offload(resize)("a", width=1), bytes)


# case: a decorator factory with arguments
def limited(times: int) -> Callable[[Callable[P, R]], Callable[P, Awaitable[R]]]:
    def decorate(func: Callable[P, R]) -> Callable[P, Awaitable[R]]:
        print(times)
        return sync_to_async(func)

    return decorate


@limited(3)
def send(to: str, *, copy: bool = False) -> int:
    return len(to) + copy


async def use_send() -> None:
    assert_type(await send("a", copy=True), int)
    await send(1)  # E


# case: map over a list of functions
async def run_all(*funcs: Callable[[], R]) -> list[R]:
    return [await sync_to_async(func)() for func in funcs]


async def use_run_all() -> None:
    assert_type(await run_all(lambda: 1, lambda: 2), list[int])


# case: singledispatch behind a bridge
@functools.singledispatch
def describe(value: object) -> str:
    return repr(value)


@describe.register
def _(value: int) -> str:
    return str(value)


async def use_describe() -> None:
    assert_type(await sync_to_async(describe)(1), str)


# case: a cache over bridges
class AsyncCache(Generic[P, R]):
    def __init__(self, func: Callable[P, Awaitable[R]]) -> None:
        self.func = func
        self.values: dict[str, R] = {}

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        key = repr((args, kwargs))
        if key not in self.values:
            self.values[key] = await self.func(*args, **kwargs)
        return self.values[key]


@AsyncCache
@sync_to_async
def slow_square(number: int, *, rounds: int = 1) -> int:
    return number**2 * rounds


async def use_slow_square() -> None:
    assert_type(await slow_square(2, rounds=3), int)
    await slow_square("2")  # E


# case: middleware that takes and gives a view
Request = dict[str, str]
Response = dict[str, int]
View = Callable[[Request], Awaitable[Response]]


def middleware(view: View) -> View:
    @sync_to_async
    def before(request: Request) -> Request:
        return {**request, "seen": "yes"}

    async def wrapped(request: Request) -> Response:
        return await view(await before(request))

    return wrapped


@middleware
@sync_to_async
def home(request: Request) -> Response:
    return {key: len(value) for key, value in request.items()}


async def use_home() -> None:
    assert_type(await home({"path": "/"}), dict[str, int])


# case: adapt a sync or async function by its kind
def adapt(func: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    bridge = sync_to_async(func)

    def inner(*args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        return bridge(*args, **kwargs)

    return inner


async def use_adapt() -> None:
    assert_type(await adapt(resize)("a", width=2), bytes)


# case: a pipeline of bridges
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


def then(
    first: Callable[[A], Awaitable[B]], second: Callable[[B], Awaitable[C]]
) -> Callable[[A], Awaitable[C]]:
    async def both(value: A) -> C:
        return await second(await first(value))

    return both


@sync_to_async
def to_words(text: str) -> list[str]:
    return text.split()


@sync_to_async
def count_words(words: list[str]) -> int:
    return len(words)


async def use_then() -> None:
    assert_type(await then(to_words, count_words)("a b"), int)
    then(count_words, to_words)  # E


# case: map a bridge over values with gather
async def gather_map(func: Callable[[A], Awaitable[B]], values: list[A]) -> list[B]:
    return await asyncio.gather(*(func(value) for value in values))


async def use_gather_map() -> None:
    assert_type(await gather_map(to_words, ["a b"]), list[list[str]])


# case: a timeout around any bridge
async def within(
    seconds: float, func: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    async with asyncio.timeout(seconds):
        return await func(*args, **kwargs)


async def use_within() -> None:
    assert_type(await within(1.0, sync_to_async(resize), "a", width=3), bytes)
    await within(1.0, sync_to_async(resize), 3)  # E
