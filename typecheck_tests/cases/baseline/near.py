from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import types
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, NewType, ParamSpec, TypeVar, assert_type, cast, overload

from typedbridge.sync import AsyncToSync, SyncToAsync, async_to_sync, call_async, markcoroutinefunction, sync_to_async
from typing_extensions import override


P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])
POOL = ThreadPoolExecutor(max_workers=1)
IN_THREADS = bool(POOL)


async def fetch(name: str) -> str:
    return name


def read(name: str) -> str:
    return name


def same(func: F) -> F:
    return func


def in_thread(func: F) -> F:
    """Typed as if it changed nothing, and moves the call to a thread."""

    @functools.wraps(func)
    def moved(*args: object, **kwargs: object) -> object:
        results: list[object] = []
        thread = threading.Thread(target=lambda: results.append(func(*args, **kwargs)))
        thread.start()
        thread.join()
        return results[0]

    return cast("F", moved)


def as_sync(func: F) -> F:
    """Typed as if it changed nothing: what it returns is a plain function."""

    @functools.wraps(func)
    def plain(*args: object, **kwargs: object) -> object:
        return func(*args, **kwargs)

    return cast("F", plain)


# case: a local decorator above a bridge in a function
# near: bridge-async-function
def use_local_above() -> None:
    def log(func: F) -> F:
        return func

    @log
    @sync_to_async
    def size(name: str) -> int:
        return len(name)

    assert_type(asyncio.run(size("a")), int)


# case: a local decorator below a bridge in a function
# near: bridge-async-function
def use_local_below() -> None:
    def log(func: F) -> F:
        return func

    @sync_to_async(thread_sensitive=False)
    @log
    def size(name: str) -> int:
        return len(name)

    assert_type(asyncio.run(size("a")), int)


# case: a local decorator between two bridges
# near: bridge-async-function, bridge-sync-function
def use_local_between() -> None:
    def log(func: F) -> F:
        return func

    @async_to_sync
    @log
    @sync_to_async
    def size(name: str) -> int:
        return len(name)

    assert_type(size("a"), int)


# case: a decorator that is a parameter
# near: bridge-async-function
def decorated_by(
    log: Callable[[Callable[[], str]], Callable[[], str]], name: str
) -> Callable[[], str]:
    @sync_to_async
    def load() -> str:
        return name

    @log
    def load_now() -> str:
        return asyncio.run(load())

    return load_now


def use_parameter() -> None:
    assert_type(decorated_by(same, "a")(), str)


# case: a parameter with the name of a bridge
# near: bridge-async-function, bridge-sync-function
def use_shadowed() -> None:
    def sync_to_async(func: F) -> F:
        return func

    def async_to_sync(func: F) -> F:
        return func

    @sync_to_async
    async def load(name: str) -> str:
        return name

    @async_to_sync
    def size(name: str) -> int:
        return len(name)

    assert_type(asyncio.run(load("a")), str)
    assert_type(size("a"), int)


# case: a decorator that is an item of a dict
# near: bridge-async-function
def use_item() -> None:
    decorators = {"same": same}

    @decorators["same"]
    @sync_to_async
    def size(name: str) -> int:
        return len(name)

    assert_type(asyncio.run(size("a")), int)


# case: a decorator that is a method
# near: bridge-async-function
class Registry:
    def __init__(self) -> None:
        self.names: list[str] = []

    def register(self, func: F) -> F:
        self.names.append("one")
        return func

    def named(self, name: str) -> Callable[[F], F]:
        self.names.append(name)
        return self.register


def use_registry() -> None:
    registry = Registry()

    @registry.register
    @sync_to_async
    @registry.named("size")
    def size(name: str) -> int:
        return len(name)

    assert_type(asyncio.run(size("a")), int)


# case: a decorator that makes an async function sync
# near: bridge-async-function
def run_here(func: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    @functools.wraps(func)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return asyncio.run(func(*args, **kwargs))

    return run


@sync_to_async
@run_here
async def made_sync(name: str) -> int:
    return len(name)


async def use_made_sync() -> None:
    assert_type(await made_sync("a"), int)
    assert_type(await sync_to_async(run_here(fetch))("a"), str)


# case: a decorator that is typed as identity and makes an async function sync
# near: bridge-async-function
@as_sync
async def secretly_sync(name: str) -> int:
    return len(name)


@sync_to_async
@as_sync
async def bridged(name: str) -> int:
    return len(name)


async def use_secretly_sync() -> None:
    print(await (await sync_to_async(secretly_sync)("a")))
    print(await (await bridged("a")))


# case: a method whose kind a decorator changed
# near: bridge-async-function, bridge-generator
class Rows:
    @as_sync
    async def load(self) -> int:
        return 1

    @as_sync
    def each(self) -> Iterator[int]:
        yield 1


async def use_rows() -> None:
    rows = Rows()
    print(await (await sync_to_async(rows.load)()))
    print(list(await sync_to_async(rows.each)()))


# case: a decorator that makes a generator a list
# near: bridge-generator
def collected(func: Callable[P, Iterator[R]]) -> Callable[P, list[R]]:
    @functools.wraps(func)
    def collect(*args: P.args, **kwargs: P.kwargs) -> list[R]:
        return list(func(*args, **kwargs))

    return collect


@sync_to_async
@collected
def numbers(count: int) -> Iterator[int]:
    yield from range(count)


async def use_numbers() -> None:
    assert_type(await numbers(2), list[int])


# case: a decorator that is typed as identity and collects a generator
# near: bridge-generator
def eager(func: F) -> F:
    @functools.wraps(func)
    def collect(*args: object, **kwargs: object) -> object:
        return iter([*cast("Iterator[object]", func(*args, **kwargs))])

    return cast("F", collect)


@eager
def letters(text: str) -> Iterator[str]:
    yield from text


@sync_to_async
@eager
def words(text: str) -> Iterator[str]:
    yield from text.split()


async def use_eager() -> None:
    print(list(await sync_to_async(letters)("ab")), list(await words("a b")))


# case: a context manager made of a generator
# near: bridge-generator
@sync_to_async
@contextmanager
def opened(name: str) -> Generator[str, None, None]:
    yield name


async def use_opened() -> None:
    with await opened("a") as name:
        assert_type(name, str)


# case: a function that returns a generator
# near: bridge-generator
@sync_to_async
def lines(count: int) -> Iterator[str]:
    return (str(number) for number in range(count))


async def use_lines() -> None:
    assert_type(await lines(2), Iterator[str])


# case: thread_sensitive is worked out
# near: bridge-executor
def bridge_of(func: Callable[P, R], pool: Executor | None) -> Callable[P, Awaitable[R]]:
    return sync_to_async(func, thread_sensitive=pool is None, executor=pool)


async def use_worked_out() -> None:
    assert_type(await bridge_of(read, POOL)("a"), str)
    assert_type(await bridge_of(read, None)("a"), str)


# case: thread_sensitive is a constant of the module
# near: bridge-executor
SENSITIVE = False
OFF: Final = False


@sync_to_async(thread_sensitive=SENSITIVE, executor=POOL)
def in_pool(name: str) -> str:
    return name


async def use_constant() -> None:
    assert_type(await in_pool("a"), str)
    assert_type(await sync_to_async(read, thread_sensitive=OFF, executor=POOL)("a"), str)


# case: options are forwarded
# near: bridge-executor
def forwarded(
    func: Callable[P, R], *, thread_sensitive: bool = True, executor: Executor | None = None
) -> Callable[P, Awaitable[R]]:
    return sync_to_async(func, thread_sensitive=thread_sensitive, executor=executor)


async def use_forwarded() -> None:
    assert_type(await forwarded(read)("a"), str)
    assert_type(await forwarded(read, thread_sensitive=False, executor=POOL)("a"), str)


# case: options come from an object
# near: bridge-executor
@dataclass
class Settings:
    sensitive: bool = False
    pool: ThreadPoolExecutor | None = None


async def use_settings() -> None:
    settings = Settings(pool=POOL)
    bridge = sync_to_async(read, thread_sensitive=settings.sensitive, executor=settings.pool)
    assert_type(await bridge("a"), str)


# case: a subclass passes its options on
# near: bridge-executor
class Pooled(SyncToAsync[P, R]):
    def __init__(
        self,
        func: Callable[P, R],
        thread_sensitive: bool = True,
        executor: ThreadPoolExecutor | None = None,
    ) -> None:
        super().__init__(func, thread_sensitive=thread_sensitive, executor=executor)


class InPool(SyncToAsync[P, R]):
    def __init__(self, func: Callable[P, R], pool: Executor | None = None) -> None:
        super().__init__(func, pool is None, pool)


async def use_pooled() -> None:
    assert_type(await Pooled(read, False, POOL)("a"), str)
    assert_type(await InPool(read, POOL)("a"), str)
    assert_type(await InPool(read)("a"), str)


# case: a subclass of SyncToAsync with options of its own, under another name
# near: bridge-async-function
class DatabaseSyncToAsync(SyncToAsync[P, R]):
    def __init__(
        self, func: Callable[P, R], using: str = "default", thread_sensitive: bool = True
    ) -> None:
        super().__init__(func, thread_sensitive)
        self.using = using


database_sync_to_async = DatabaseSyncToAsync


@database_sync_to_async
def query(number: int) -> str:
    return str(number)


class Repository:
    @database_sync_to_async
    def find(self, number: int) -> str:
        return str(number)


async def use_database() -> None:
    assert_type(await query(1), str)
    assert_type(await Repository().find(1), str)
    assert_type(await database_sync_to_async(read, using="other")("a"), str)


# case: a subclass that wraps a sync function of its own
# near: bridge-async-function
class Quiet(SyncToAsync[P, R]):
    def __init__(self, func: Callable[P, R]) -> None:
        super().__init__(as_sync(func))


async def use_quiet() -> None:
    print(await (await Quiet(fetch)("a")))


# case: a variable that is assigned in a branch
# near: bridge-blocking-call
handler = async_to_sync(fetch)
if IN_THREADS:
    handler = read


async def use_handler() -> None:
    print(handler("a"))


# case: a variable that a function assigns
# near: bridge-blocking-call
by_function = async_to_sync(fetch)


def replace_by_function() -> None:
    global by_function
    by_function = read


async def use_by_function() -> None:
    replace_by_function()
    print(by_function("a"))


# case: a local variable that an inner function assigns
# near: bridge-blocking-call
async def use_nonlocal() -> None:
    inner = async_to_sync(fetch)

    def replace() -> None:
        nonlocal inner
        inner = read

    replace()
    print(inner("a"))


# case: a local variable that holds something else later
# near: bridge-blocking-call
async def use_reassigned() -> None:
    inner = async_to_sync(fetch)
    print(inner)
    inner = read
    print(inner("a"))


# case: an attribute that is assigned in the constructor
# near: bridge-blocking-call
class Client:
    def __init__(self) -> None:
        self.fetch = async_to_sync(fetch)
        if IN_THREADS:
            self.fetch = read


async def use_client() -> None:
    print(Client().fetch("a"))


# case: an attribute that is assigned from outside
# near: bridge-blocking-call
class Holder:
    def __init__(self) -> None:
        self.fetch = async_to_sync(fetch)


async def use_holder() -> None:
    holder = Holder()
    holder.fetch = read
    print(holder.fetch("a"))


# case: a method that a subclass replaces by a plain one
# near: bridge-blocking-call
class Source:
    @async_to_sync
    async def get(self) -> int:
        return 1

    async def run(self) -> int:
        return self.get()


class Cached(Source):
    @override
    def get(self) -> int:
        return 2


async def use_source(source: Source = Cached()) -> None:
    assert_type(source.get(), int)
    assert_type(await source.run(), int)


# case: a subclass that is called in its own way
# near: bridge-blocking-call
class Cautious(AsyncToSync[P, R]):
    @override
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return in_thread(super().__call__)(*args, **kwargs)


@Cautious
async def cautious(name: str) -> str:
    return name


async def call_given(bridge: AsyncToSync[..., str]) -> str:
    return bridge("a")


async def use_cautious() -> None:
    bridge = Cautious(fetch)
    assert_type(bridge("a"), str)
    assert_type(cautious("a"), str)
    assert_type(await call_given(bridge), str)


# case: a decorator that is typed as identity and moves the call to a thread
# near: bridge-blocking-call
@in_thread
@async_to_sync
async def moved_fetch(name: str) -> str:
    return name


class Moved:
    @in_thread
    @async_to_sync
    async def get(self, name: str) -> str:
        return name


async def use_moved() -> None:
    local = in_thread(async_to_sync(fetch))
    assert_type(moved_fetch("a"), str)
    assert_type(Moved().get("a"), str)
    assert_type(local("a"), str)


# case: a test waits for the error
# near: bridge-blocking-call, bridge-async-function
@async_to_sync
async def blocking(name: str) -> str:
    return name


async def use_errors() -> None:
    with contextlib.suppress(RuntimeError):
        blocking("a")
    try:
        call_async(fetch, "a")
    except RuntimeError:
        print(await fetch("a"))
    with contextlib.suppress(TypeError):
        sync_to_async(fetch)


# case: a coroutine that is awaited later
# near: bridge-not-awaited
@sync_to_async
def load(name: str) -> str:
    return name


def use_started() -> None:
    coroutine = load("a")
    assert_type(asyncio.run(wait(coroutine)), str)


async def wait(coroutine: Awaitable[str]) -> str:
    return await coroutine


def use_kept() -> None:
    started = load("a")

    def finish() -> str:
        return asyncio.run(wait(started))

    assert_type(finish(), str)


# case: a coroutine that is passed on, returned or closed
# near: bridge-not-awaited
def start(name: str) -> Awaitable[str]:
    return load(name)


async def use_passed_on() -> None:
    assert_type(await start("a"), str)
    for job in [load("b"), load("c")]:
        await job
    closed = load("d")
    closed.close()


# case: the result of a call that can be called
# near: bridge-coroutine-object
def choose(name: str) -> Callable[[str], Awaitable[str]]:
    print(name)
    return fetch


def use_chosen() -> None:
    assert_type(async_to_sync(choose("a"))("b"), str)


# case: a decorator that is an object
# near: bridge-async-function, bridge-blocking-call
class Counted:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, func: F) -> F:
        self.count += 1
        return func


counted = Counted()


@counted
@sync_to_async
@counted
def counted_size(name: str) -> int:
    return len(name)


async def use_counted() -> None:
    assert_type(await counted_size("a"), int)


# case: an implementation under a bridge, its overloads async
# near: bridge-async-function
@overload
async def parse(text: int) -> int: ...
@overload
async def parse(text: str) -> str: ...
@sync_to_async
def parse(text: int | str) -> int | str:
    return text


async def use_parse() -> None:
    assert_type(await parse(1), int)
    assert_type(await parse("a"), str)


# case: an abstract bridge and a mixin that is async
# near: bridge-async-function
class Loader(ABC):
    @abstractmethod
    @sync_to_async
    def load(self, key: str) -> bytes: ...


class AsyncLoader(Loader):
    @override
    async def load(self, key: str) -> bytes:
        return key.encode()


class LoaderMixin:
    async def load(self, key: str) -> bytes:
        return key.encode()


class MixedLoader(LoaderMixin, Loader):
    pass


async def use_loaders() -> None:
    assert_type(await AsyncLoader().load("a"), bytes)
    assert_type(await MixedLoader().load("a"), bytes)


# case: awaitables of every kind
# near: bridge-sync-function, bridge-generator
class Answer(Generic[R]):
    def __init__(self, value: R) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, R]:
        yield from asyncio.sleep(0).__await__()
        return self.value


IntAnswer = NewType("IntAnswer", Answer[int])


@markcoroutinefunction
def answer_of(value: R) -> Answer[R]:
    return Answer(value)


@markcoroutinefunction
def answer() -> IntAnswer:
    return IntAnswer(Answer(1))


@markcoroutinefunction
def either(flag: bool) -> Answer[int] | Coroutine[Any, Any, int]:
    return Answer(1) if flag else asyncio.sleep(0, 1)


def use_awaitables(flag: bool) -> None:
    text: str = read("a")
    assert_type(async_to_sync(answer_of)(text), str)
    assert_type(async_to_sync(answer)(), int)
    assert_type(async_to_sync(either)(flag), int)


# case: a generator-based coroutine function
# near: bridge-generator
@types.coroutine
def wait_for(number: int) -> Generator[Any, Any, int]:
    yield from asyncio.sleep(0).__await__()
    return number


def use_generator_based() -> None:
    assert_type(async_to_sync(wait_for)(1), int)
    assert_type(call_async(wait_for, 1), int)


# case: bridges are mapped over functions
# near: bridge-sync-function
def use_mapped() -> None:
    functions: list[Callable[[str], Coroutine[Any, Any, str]]] = [fetch]
    for blocking_fetch in [async_to_sync(function) for function in functions]:
        assert_type(blocking_fetch("a"), str)
