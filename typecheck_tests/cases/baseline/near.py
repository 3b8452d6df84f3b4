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

from typedbridge.sync import (
    AsyncToSync,
    SyncToAsync,
    async_to_sync,
    call_async,
    call_sync,
    markcoroutinefunction,
    sync_to_async,
)
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


# case: a bridge under classmethod and staticmethod in every spelling
# near: bridge-decorator-order
class Files:
    @classmethod
    @sync_to_async
    def load(cls, path: str) -> str:
        return path

    @classmethod
    @sync_to_async(thread_sensitive=False)
    def load_in_pool(cls, path: str) -> str:
        return path

    @staticmethod
    @SyncToAsync
    def clean(text: str) -> str:
        return text

    @staticmethod
    @async_to_sync
    async def fetch(url: str) -> str:
        return url


async def use_files() -> None:
    assert_type(await Files.load("a"), str)
    assert_type(await Files().load_in_pool("a"), str)
    assert_type(await Files.clean("a"), str)


def use_files_blocking() -> None:
    assert_type(Files.fetch("u"), str)


# case: a class method and a static method taken from their class
# near: bridge-decorator-order
class Paths:
    @classmethod
    def load(cls, path: str) -> str:
        return path

    @staticmethod
    def clean(text: str) -> str:
        return text

    @staticmethod
    async def fetch(url: str) -> str:
        return url


load_path = sync_to_async(Paths.load)
fetch_path = async_to_sync(Paths.fetch)


async def use_paths(paths: Paths) -> None:
    assert_type(await load_path("a"), str)
    assert_type(await sync_to_async(paths.load)("a"), str)
    assert_type(await sync_to_async(Paths.clean)("a"), str)


def use_fetch_path() -> None:
    assert_type(fetch_path("u"), str)


# case: a class method bridged in a method of its class
# near: bridge-decorator-order
class Cleaner:
    def __init__(self) -> None:
        self.clean_later = sync_to_async(self.clean)
        self.make_later = sync_to_async(self.make)

    @staticmethod
    def clean(text: str) -> str:
        return text

    @classmethod
    def make(cls, name: str) -> Cleaner:
        return cls()


async def use_cleaner(cleaner: Cleaner) -> None:
    assert_type(await cleaner.clean_later("a"), str)
    assert_type(await cleaner.make_later("a"), Cleaner)


# case: a static method that is made of a bridge
# near: bridge-decorator-order
class Tools:
    read = staticmethod(sync_to_async(read))
    fetch = staticmethod(async_to_sync(fetch))


async def use_tools() -> None:
    assert_type(await Tools.read("a"), str)


def use_tools_blocking() -> None:
    assert_type(Tools.fetch("a"), str)


# case: a decorator of one's own with the name of a builtin one
# near: bridge-decorator-order
def with_own_names() -> Callable[[str], Awaitable[int]]:
    def staticmethod(func: F) -> F:
        return func

    @sync_to_async
    @staticmethod
    def size(name: str) -> int:
        return len(name)

    return size


async def use_own_names() -> None:
    assert_type(await with_own_names()("a"), int)


# case: a method of a metaclass, whose first parameter is cls
# near: bridge-decorator-order
class Meta(type):
    @sync_to_async
    def scan(cls, path: str) -> str:
        return path


class Scanned(metaclass=Meta):
    pass


async def use_scanned() -> None:
    assert_type(await Scanned.scan("a"), str)


# case: an abstract class method and what implements it
# near: bridge-decorator-order
class Feed(ABC):
    @classmethod
    @abstractmethod
    @sync_to_async
    def open(cls, path: str) -> str: ...


class FileFeed(Feed):
    @override
    @classmethod
    @sync_to_async
    def open(cls, path: str) -> str:
        return path


async def use_feed(kind: type[Feed] = FileFeed) -> None:
    assert_type(await kind.open("a"), str)


# case: a class method behind a lambda or a partial
# near: bridge-decorator-order
class Archive:
    @classmethod
    def load(cls, path: str) -> str:
        return path

    @staticmethod
    def size(path: str) -> int:
        return len(path)


load_archive = sync_to_async(functools.partial(Archive.load, "a"))


async def use_archive() -> None:
    assert_type(await sync_to_async(lambda: Archive.load("a"))(), str)
    assert_type(await load_archive(), str)


# case: an executor of a class of one's own
# near: bridge-executor-type
class Serial(ThreadPoolExecutor):
    def __init__(self) -> None:
        super().__init__(max_workers=1)


async def use_serial() -> None:
    bridge = sync_to_async(read, thread_sensitive=False, executor=Serial())
    assert_type(await bridge("a"), str)


# case: an executor from a factory, an attribute and an optional one
# near: bridge-executor-type, bridge-executor
class Options:
    pool: Executor | None = None


def make_executor() -> Executor:
    return POOL


def make_class() -> type[ThreadPoolExecutor]:
    return ThreadPoolExecutor


async def use_executors(options: Options) -> None:
    assert_type(await sync_to_async(read, thread_sensitive=False, executor=make_executor())("a"), str)
    assert_type(await sync_to_async(read, thread_sensitive=False, executor=options.pool)("a"), str)
    assert_type(await sync_to_async(read, thread_sensitive=False, executor=make_class()(1))("a"), str)


# case: a function that returns an awaitable is blocked on
# near: bridge-sync-function
def later(name: str) -> Awaitable[str]:
    return fetch(name)


def coroutine_of(name: str) -> Coroutine[Any, Any, str]:
    return fetch(name)


def done_future(name: str) -> asyncio.Future[str]:
    future = asyncio.Future[str](loop=asyncio.new_event_loop())
    future.set_result(name)
    return future


def use_what_returns_awaitables() -> None:
    assert_type(async_to_sync(later)("a"), str)
    assert_type(async_to_sync(coroutine_of)("a"), str)
    assert_type(async_to_sync(done_future)("a"), str)
    assert_type(call_async(later, "a"), str)


# case: a lambda or a partial that gives a coroutine is blocked on
# near: bridge-sync-function
def use_lambda_of_coroutine() -> None:
    assert_type(async_to_sync(lambda: fetch("a"))(), str)
    assert_type(async_to_sync(functools.partial(fetch, "a"))(), str)
    assert_type(call_async(lambda: fetch("a")), str)


# case: objects with an async call, and a class of awaitables
# near: bridge-sync-function
class Sender:
    async def __call__(self, name: str) -> str:
        return name


class Job:
    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Generator[Any, None, str]:
        yield
        return self.name


def use_objects(sender: Sender) -> None:
    assert_type(async_to_sync(sender)("a"), str)
    assert_type(async_to_sync(sender.__call__)("a"), str)
    assert_type(async_to_sync(Job)("a"), str)


# case: a plain function around an async one is blocked on
# near: bridge-sync-function
def logged(func: Callable[P, R]) -> Callable[P, R]:
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return func(*args, **kwargs)

    return inner


@async_to_sync
@logged
async def fetch_logged(name: str) -> str:
    return name


def use_fetch_logged() -> None:
    assert_type(fetch_logged("a"), str)


# case: a function of which only Any is known is blocked on
# near: bridge-sync-function
def anything(name: str) -> Any:
    return fetch(name)


def use_anything(func: Callable[..., Any] = anything) -> None:
    assert_type(async_to_sync(anything)("a"), Any)
    assert_type(async_to_sync(func)("a"), Any)
    assert_type(call_async(anything, "a"), Any)


# case: a sync function that is marked as a coroutine function
# near: bridge-sync-function
@async_to_sync
@markcoroutinefunction
def marked(name: str) -> Awaitable[str]:
    return fetch(name)


def use_marked() -> None:
    assert_type(marked("a"), str)


# case: a method that a subclass makes async is blocked on
# near: bridge-sync-function
class StoreOfAwaitables:
    def load(self, name: str) -> Awaitable[str]:
        return fetch(name)


class AsyncStore(StoreOfAwaitables):
    @override
    async def load(self, name: str) -> str:
        return name


def use_store(loader: AsyncStore) -> None:
    general: StoreOfAwaitables = loader
    assert_type(async_to_sync(general.load)("a"), str)
    assert_type(async_to_sync(loader.load)("a"), str)


# case: a generator that is used up in the thread
# near: bridge-generator
def lines_of(path: str) -> Iterator[str]:
    yield path


def last_line(path: str) -> str:
    return [*lines_of(path)][-1]


async def use_lines_up() -> None:
    assert_type(await sync_to_async(lambda: list(lines_of("a")))(), list[str])
    assert_type(await sync_to_async(last_line)("a"), str)
    assert_type(await call_sync(last_line, "a"), str)


# case: functions that hold a generator
# near: bridge-generator
def count_lines(path: str) -> int:
    def lines() -> Iterator[str]:
        yield path

    return sum(1 for _ in lines())


def make_lines(path: str) -> Callable[[], Iterator[str]]:
    def lines() -> Iterator[str]:
        yield path

    return lines


async def use_holders() -> None:
    assert_type(await sync_to_async(count_lines)("a"), int)
    lines = await sync_to_async(make_lines)("a")
    assert_type(list(lines()), list[str])


# case: a sync function that makes an async one
# near: bridge-async-function
def make_fetch(prefix: str) -> Callable[[str], Awaitable[str]]:
    async def fetch_it(name: str) -> str:
        return prefix + name

    return fetch_it


async def use_make_fetch() -> None:
    fetch_it = await sync_to_async(make_fetch)("a")
    assert_type(await fetch_it("b"), str)


# case: a sync function that runs an async one
# near: bridge-async-function
def run_it(name: str) -> str:
    return asyncio.run(fetch(name))


async def use_run() -> None:
    assert_type(await sync_to_async(run_it)("a"), str)
    assert_type(await call_sync(run_it, "a"), str)
    assert_type(await sync_to_async(async_to_sync(fetch))("a"), str)


# case: an object with a sync call and async methods
# near: bridge-async-function
class Mailer:
    def __call__(self, to: str) -> int:
        return len(to)

    async def send(self, to: str) -> int:
        return len(to)

    def __aiter__(self) -> Mailer:
        return self

    async def __anext__(self) -> str:
        raise StopAsyncIteration


async def use_mailer(mailer: Mailer) -> None:
    assert_type(await sync_to_async(mailer)("a"), int)


# case: the class of an object with an async call
# near: bridge-async-function
async def use_class_of_sender() -> None:
    sender = await sync_to_async(Sender)()
    assert_type(await sender("a"), str)


# case: a bridge made in async code and called in a thread
# near: bridge-blocking-call
async def use_made_here() -> None:
    fetch_now = async_to_sync(fetch)
    assert_type(await asyncio.to_thread(fetch_now, "a"), str)
    assert_type(await sync_to_async(fetch_now)("a"), str)
    loop = asyncio.get_running_loop()
    assert_type(await loop.run_in_executor(None, fetch_now, "a"), str)
    assert_type(await asyncio.wrap_future(POOL.submit(fetch_now, "a")), str)


# case: a function inside async code that calls a blocking bridge in a thread
# near: bridge-blocking-call
fetch_blocking = async_to_sync(fetch)


async def use_inner_function() -> None:
    def inside(name: str) -> str:
        return fetch_blocking(name)

    class Inside:
        def load(self, name: str) -> str:
            return fetch_blocking(name)

    assert_type(await asyncio.to_thread(inside, "a"), str)
    assert_type(await asyncio.to_thread(Inside().load, "a"), str)
    assert_type(await asyncio.to_thread(lambda: fetch_blocking("a")), str)


# case: a parameter with the name of a blocking bridge
# near: bridge-blocking-call
async def use_shadowed_bridge(fetch_blocking: Callable[[str], str] = read) -> None:
    assert_type(fetch_blocking("a"), str)


async def use_shadowed_by_import() -> None:
    from textwrap import dedent as fetch_blocking

    assert_type(fetch_blocking("a"), str)


# case: the coroutine function behind a blocking bridge is awaited
# near: bridge-blocking-call
async def use_behind() -> None:
    assert_type(await fetch("a"), str)
    assert_type(await sync_to_async(fetch_blocking)("a"), str)


# case: a blocking bridge called where a module and a class are made
# near: bridge-blocking-call
LOADED = fetch_blocking("a")


class Loaded:
    name = fetch_blocking("a")
    names = [fetch_blocking(name) for name in ("a", "b")]


def use_loaded(name: str = fetch_blocking("a")) -> None:
    assert_type(LOADED, str)
    assert_type(Loaded.name, str)
    assert_type(name, str)


# case: a sync generator and a sync method that call a blocking bridge
# near: bridge-blocking-call
def fetched(names: list[str]) -> Iterator[str]:
    for name in names:
        yield fetch_blocking(name)


class Reports:
    def load(self, name: str) -> str:
        return fetch_blocking(name)

    async def load_all(self, names: list[str]) -> list[str]:
        return [await asyncio.to_thread(self.load, name) for name in names]


async def use_reports(reports: Reports, names: list[str]) -> None:
    assert_type(await sync_to_async(lambda: list(fetched(names)))(), list[str])
    assert_type(await reports.load_all(names), list[str])
