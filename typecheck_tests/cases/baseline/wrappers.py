from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context, ContextVar
from typing import Any, Generic, ParamSpec, TypeVar, assert_type
from weakref import WeakKeyDictionary

from typedbridge.current_thread_executor import CurrentThreadExecutor
from typedbridge.local import Local
from typing_extensions import override
from typedbridge.sync import AsyncToSync, SyncToAsync


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def area(width: float, *, height: float = 1.0) -> float:
    return width * height


# case: SyncToAsync called on a function
async def use_area() -> None:
    bridge = SyncToAsync(area)
    assert_type(await bridge(1.0), float)
    assert_type(await SyncToAsync(area)(1.0, height=2.0), float)
    await bridge("1")  # E
    await bridge(1.0, depth=1.0)  # E: depth


# case: the type of a SyncToAsync
def name_of(number: int, /) -> str:
    return str(number)


def use_name_of() -> None:
    bridge = SyncToAsync(name_of)
    assert_type(bridge, SyncToAsync[[int], str])
    assert_type(bridge.func(1), str)


# case: AsyncToSync called on a function
async def fetch(url: str, *, timeout: float = 1.0) -> bytes:
    return url.encode()


def use_fetch() -> None:
    bridge = AsyncToSync(fetch)
    assert_type(bridge("u", timeout=2.0), bytes)
    assert_type(AsyncToSync(fetch, force_new_loop=True)("u"), bytes)
    bridge(1)  # E
    bridge("u", wait=1)  # E: wait


# case: the type of an AsyncToSync
async def size_of(name: str, /) -> int:
    return len(name)


def use_size_of() -> None:
    bridge = AsyncToSync(size_of)
    assert_type(bridge, AsyncToSync[[str], int])


# case: options of the classes, also positional
POOL = ThreadPoolExecutor(max_workers=1)


async def use_options() -> None:
    assert_type(await SyncToAsync(area, thread_sensitive=False)(1.0), float)
    assert_type(await SyncToAsync(area, False)(1.0), float)
    assert_type(await SyncToAsync(area, False, POOL)(1.0), float)
    assert_type(await SyncToAsync(area, thread_sensitive=False, executor=POOL)(1.0), float)
    assert_type(await SyncToAsync(area, context=None)(1.0), float)


# case: subscripted as annotations
def take(bridge: SyncToAsync[[int], str]) -> Callable[[int], Awaitable[str]]:
    return bridge


def take_sync(bridge: AsyncToSync[[int], str]) -> Callable[[int], str]:
    return bridge


def use_take(wrong: SyncToAsync[[str], str] = SyncToAsync(str.upper)) -> None:
    take(SyncToAsync(name_of))
    take(wrong)  # E


# case: subscripted and called
async def use_subscripted() -> None:
    assert_type(await SyncToAsync[[int], str](name_of)(1), str)


# case: as a decorator on a function
@SyncToAsync
def decorated(text: str, times: int = 1) -> str:
    return text * times


@AsyncToSync
async def decorated_async(text: str, times: int = 1) -> str:
    return text * times


async def use_decorated() -> None:
    assert_type(await decorated("a", times=2), str)
    await decorated(1)  # E


def use_decorated_async() -> None:
    assert_type(decorated_async("a", times=2), str)
    decorated_async(1)  # E


# case: as a decorator on a method
class Users:
    @SyncToAsync
    def find(self, name: str, *, active: bool = True) -> int:
        return len(name) + active


async def use_users(users: Users) -> None:
    assert_type(await users.find("a"), int)
    assert_type(await users.find("a", active=False), int)
    await users.find(1)  # E
    await users.find("a", deleted=True)  # E: deleted


# case: a decorated method through the class
class Files:
    @SyncToAsync
    def size(self, path: str) -> int:
        return len(path)


async def use_files(files: Files) -> None:
    assert_type(await Files.size(files, "a"), int)
    await Files.size(files, 1)  # E


# case: AsyncToSync as a decorator on a method
class Client:
    @AsyncToSync
    async def get(self, url: str, *, timeout: float = 1.0) -> bytes:
        return url.encode()


def use_client(client: Client) -> None:
    assert_type(client.get("u"), bytes)
    assert_type(client.get("u", timeout=2.0), bytes)
    assert_type(Client.get(client, "u"), bytes)
    client.get(1)  # E


# case: a decorated method of a generic class
class Box(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value

    @SyncToAsync
    def get(self, times: int) -> list[T]:
        return [self.value] * times


async def use_box(box: Box[str] = Box("a")) -> None:
    assert_type(await box.get(1), list[str])


# case: inherited and through super
class Base:
    @SyncToAsync
    def save(self, commit: bool = True) -> str:
        return str(commit)


class Child(Base):
    async def save_twice(self) -> None:
        assert_type(await self.save(), str)
        assert_type(await super().save(commit=False), str)


async def use_child() -> None:
    await Child().save_twice()


# case: under classmethod
class Config:
    @classmethod
    @SyncToAsync
    def load(cls, path: str) -> int:
        return len(path)


async def use_config(config: Config) -> None:
    assert_type(await Config.load("a"), int)
    assert_type(await config.load("a"), int)
    await Config.load(1)  # E


# case: under staticmethod
class Tools:
    @staticmethod
    @SyncToAsync
    def clean(text: str) -> str:
        return text


async def use_tools(tools: Tools) -> None:
    assert_type(await Tools.clean("a"), str)
    assert_type(await tools.clean("a"), str)
    await tools.clean(1)  # E


# case: as a twin
class Images:
    def resize(self, width: int) -> bytes:
        return bytes(width)

    aresize = SyncToAsync(resize)


async def use_images(images: Images) -> None:
    assert_type(await images.aresize(1), bytes)
    await images.aresize("1")  # E


# case: an async function given to AsyncToSync wrongly sync is refused
def sync_function(name: str) -> int:
    return len(name)


def use_sync_function() -> None:
    AsyncToSync(sync_function)  # E


# case: passed as a callable
async def call_it(func: Callable[[float], Coroutine[Any, Any, float]]) -> float:
    return await func(1.0)


async def use_call_it() -> None:
    assert_type(await call_it(SyncToAsync(area)), float)


# case: SyncToAsync around a lambda and a builtin
async def use_others() -> None:
    assert_type(await SyncToAsync(lambda: int("1"))(), int)
    assert_type(await SyncToAsync(len)("a"), int)


# case: the extension points have types
def use_extension_points() -> None:
    assert_type(SyncToAsync.single_thread_executor, Executor)
    assert_type(SyncToAsync.deadlock_context, ContextVar[object])
    assert_type(SyncToAsync.context_to_thread_executor, WeakKeyDictionary[object, Executor])
    assert_type(AsyncToSync.executors, Local)
    loops = AsyncToSync.loop_thread_executors
    assert_type(loops, dict[AbstractEventLoop, CurrentThreadExecutor])


# case: an instance check of a wrapper
def name_of_bridge(func: Callable[..., object]) -> str:
    if isinstance(func, SyncToAsync):
        return "async"
    if isinstance(func, AsyncToSync):
        return "sync"
    return "plain"


# case: class attributes may be replaced
def replace_attributes() -> None:
    SyncToAsync.single_thread_executor = ThreadPoolExecutor(1)
    SyncToAsync.single_thread_executor.submit(len, "a").result()
    for loop, executor in AsyncToSync.loop_thread_executors.items():
        print(loop, executor)
    current = getattr(AsyncToSync.executors, "current", None)
    print(current)


# case: the options of an instance
def use_instance_options() -> None:
    assert_type(SyncToAsync(area).context, Context | None)
    assert_type(AsyncToSync(fetch).force_new_loop, bool)


# case: a plain function is no wrapper
def take_bridge(bridge: SyncToAsync[P, R]) -> Callable[P, R]:
    return bridge.func


def use_take_bridge() -> None:
    take_bridge(SyncToAsync(area))
    take_bridge(area)  # E


# case: subscripted and called in a class body
def label(number: int) -> str:
    return str(number)


class Texts:
    label_of = SyncToAsync[[int], str](label)


async def use_texts() -> None:
    assert_type(await Texts.label_of(1), str)
    await Texts.label_of(number=1)  # E


# case: a subclass as decorator
class Audited(SyncToAsync[P, R]):
    audited = True


@Audited
def transfer(amount: float, *, to: str) -> bool:
    return bool(amount and to)


class Bank:
    @Audited
    def close(self, reason: str) -> int:
        return len(reason)


async def use_audited(bank: Bank) -> None:
    assert_type(await transfer(1.0, to="a"), bool)
    assert_type(transfer.audited, bool)
    assert_type(await bank.close("a"), int)
    await transfer("1", to="a")  # E
    await bank.close(1)  # E


# case: a subclass that overrides thread_handler
class Timed(SyncToAsync[P, R]):
    @override
    def thread_handler(
        self,
        loop: AbstractEventLoop,
        exc_info: Any,
        task_context: list[Any] | None,
        func: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        return super().thread_handler(loop, exc_info, task_context, func, *args, **kwargs)


async def use_timed() -> None:
    assert_type(await Timed(area)(1.0), float)


# case: a subclass that overrides call
class Counting(SyncToAsync[P, R]):
    calls = 0

    @override
    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        self.calls += 1
        return await super().__call__(*args, **kwargs)


async def use_counting() -> None:
    assert_type(await Counting(area)(1.0), float)


# case: a subclass of AsyncToSync
class Retried(AsyncToSync[P, R]):
    retries = 3


@Retried
async def publish(topic: str) -> int:
    return len(topic)


def use_publish() -> None:
    assert_type(publish("a"), int)
    assert_type(publish.retries, int)
    publish(1)  # E


# case: a subclass as Django Channels writes it
class DatabaseSyncToAsync(SyncToAsync[P, R]):
    @override
    def thread_handler(self, loop: AbstractEventLoop, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().thread_handler(loop, *args, **kwargs)
        finally:
            print("close old connections")


database_sync_to_async = DatabaseSyncToAsync


@database_sync_to_async
def load_user(pk: int) -> str:
    return str(pk)


class Consumer:
    @database_sync_to_async
    def load(self, pk: int, *, fresh: bool = False) -> str:
        return str(pk) * fresh


async def use_database(consumer: Consumer) -> None:
    assert_type(await load_user(1), str)
    assert_type(await consumer.load(1, fresh=True), str)
    assert_type(await database_sync_to_async(len)("a"), int)


# case: main_wrap may be overridden
class Traced(AsyncToSync[P, R]):
    @override
    async def main_wrap(self, *args: Any, **kwargs: Any) -> None:
        await super().main_wrap(*args, **kwargs)


@Traced
async def traced(name: str) -> int:
    return len(name)


def use_traced() -> None:
    assert_type(traced("a"), int)


# case: a subclass with its type variables in another order
class Swapped(SyncToAsync[P, R], Generic[R, P]):
    pass


@Swapped
def swapped(name: str) -> int:
    return len(name)


class SwappedShop:
    @Swapped
    def sell(self, name: str) -> int:
        return len(name)


async def use_swapped(shop: SwappedShop) -> None:
    assert_type(await swapped("a"), int)
    assert_type(await shop.sell("a"), int)
    assert_type(SwappedShop.sell.func(shop, "a"), int)
    await swapped(1)  # E
    await shop.sell(1)  # E


# case: a subclass with fewer type variables
class ToInt(SyncToAsync[P, int]):
    pass


@ToInt
def to_int(text: str) -> int:
    return int(text)


class Parser:
    @ToInt
    def parse(self, text: str) -> int:
        return int(text)


async def use_to_int(parser: Parser) -> None:
    assert_type(await to_int("1"), int)
    assert_type(await parser.parse("1"), int)
    await to_int(1)  # E
