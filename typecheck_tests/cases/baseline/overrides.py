from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import (
    Any,
    Generic,
    Protocol,
    TypedDict,
    TypeVar,
    assert_type,
    overload,
    runtime_checkable,
)

from typedbridge.sync import SyncToAsync, async_to_sync, sync_to_async
from typing_extensions import override


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# case: a wrapped method overrides a wrapped one
class Store:
    @sync_to_async
    def get(self, key: str, default: int = 0) -> int | None:
        return default


class MemoryStore(Store):
    @override
    @sync_to_async
    def get(self, key: str, default: int = 0) -> int:
        return len(key)


async def use_store(store: MemoryStore) -> None:
    assert_type(await store.get("a"), int)


# case: async def overrides a wrapped method with another result
class Lister:
    @sync_to_async
    def names(self, prefix: str) -> list[str]:
        return [prefix]


class WrongLister(Lister):
    @override
    async def names(self, prefix: str) -> int:  # E
        return len(prefix)


# case: a wrapped method overrides async def
class Writer:
    async def write(self, data: bytes) -> int:
        return len(data)


class FileWriter(Writer):
    @override
    @sync_to_async
    def write(self, data: bytes) -> int:
        return len(data)


# case: a sync method overrides a wrapped one
class Counter:
    @sync_to_async
    def count(self) -> int:
        return 1


class WrongCounter(Counter):
    @override
    def count(self) -> int:  # E
        return 2


# case: an abstract async method is made by a wrapped one
class Backend(ABC):
    @abstractmethod
    async def fetch(self, key: str, *, fresh: bool = False) -> bytes: ...

    @abstractmethod
    async def close(self) -> None: ...


class SqlBackend(Backend):
    @override
    @sync_to_async
    def fetch(self, key: str, *, fresh: bool = False) -> bytes:
        return key.encode()

    @override
    @sync_to_async
    def close(self) -> None:
        return None


async def use_backend(backend: Backend = SqlBackend()) -> None:
    assert_type(await backend.fetch("a"), bytes)
    assert_type(await SqlBackend().fetch("a", fresh=True), bytes)


# case: a protocol with async methods, made by wrapped ones
class Storage(Protocol):
    async def put(self, key: str, value: bytes) -> None: ...
    async def take(self, key: str) -> bytes | None: ...


class DictStorage:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    @sync_to_async
    def put(self, key: str, value: bytes) -> None:
        self.values[key] = value

    @sync_to_async
    def take(self, key: str) -> bytes | None:
        return self.values.pop(key, None)


async def use_storage(storage: Storage = DictStorage()) -> bytes | None:
    await storage.put("a", b"")
    return await storage.take("a")


async def use_dict_storage() -> None:
    await use_storage(DictStorage())
    checked: Storage = DictStorage()
    await checked.put("a", b"")


# case: a protocol refuses a wrapped method that does not fit
class Sink(Protocol):
    async def drain(self, items: list[str]) -> int: ...


class WrongSink:
    @sync_to_async
    def drain(self, items: int) -> int:
        return items


async def drain(sink: Sink) -> None:
    await sink.drain([])


async def use_sink() -> None:
    await drain(WrongSink())  # E


# case: a protocol refuses a wrapped method with another result
class Meter(Protocol):
    async def measure(self) -> float: ...


class WrongMeter:
    @sync_to_async
    def measure(self) -> str:
        return ""


def pass_meter() -> Meter:
    return WrongMeter()  # E


# case: a protocol refuses a sync method
class Loader(Protocol):
    async def load(self) -> int: ...


class SyncLoader:
    def load(self) -> int:
        return 1


def pass_loader() -> Loader:
    return SyncLoader()  # E


# case: a protocol member declared as returning an awaitable
class Source(Protocol):
    def next_item(self, after: int = 0) -> Awaitable[str]: ...


class ListSource:
    @sync_to_async
    def next_item(self, after: int = 0) -> str:
        return str(after)


def pass_source() -> Source:
    return ListSource()


# case: a protocol member declared as returning a coroutine
class Pump(Protocol):
    def run(self, seconds: float) -> Coroutine[Any, Any, int]: ...


class RealPump:
    @sync_to_async
    def run(self, seconds: float) -> int:
        return int(seconds)


def pass_pump() -> Pump:
    return RealPump()


# case: a protocol with a wrapped member is met by a wrapped method
class Dial(Protocol):
    @sync_to_async
    def turn(self, degrees: float) -> bool: ...


class RadioDial:
    @sync_to_async
    def turn(self, degrees: float) -> bool:
        return degrees > 0


def pass_dial() -> Dial:
    return RadioDial()


# case: a callback protocol
class OnMessage(Protocol):
    def __call__(self, text: str, *, urgent: bool = False) -> Awaitable[int]: ...


@sync_to_async
def on_message(text: str, *, urgent: bool = False) -> int:
    return len(text) + urgent


@sync_to_async
def on_number(number: int) -> int:
    return number


def subscribe(callback: OnMessage) -> None:
    print(callback)


def use_subscribe() -> None:
    subscribe(on_message)
    subscribe(on_number)  # E


# case: an async callback protocol
class Handler(Protocol):
    async def __call__(self, event: dict[str, str]) -> None: ...


@sync_to_async
def handle(event: dict[str, str]) -> None:
    print(event)


def register(handler: Handler) -> None:
    print(handler)


def use_register() -> None:
    register(handle)
    register(sync_to_async(lambda event: None))


# case: a Callable field
@dataclass
class Route:
    path: str
    view: Callable[[str], Awaitable[bytes]]


@sync_to_async
def view(path: str) -> bytes:
    return path.encode()


@sync_to_async
def wrong_view(path: int) -> bytes:
    return bytes(path)


def use_route() -> None:
    Route("/", view)
    Route("/", sync_to_async(lambda path: path.encode()))
    Route("/", wrong_view)  # E


# case: a Callable field refuses the wrong result
@dataclass
class Check:
    run: Callable[[], Awaitable[bool]]


@sync_to_async
def healthy() -> bool:
    return True


@sync_to_async
def version() -> str:
    return "1"


def sync_check() -> bool:
    return True


def use_check() -> None:
    Check(healthy)
    Check(version)  # E
    Check(sync_check)  # E


# case: a TypedDict and a dict of callables
class Hooks(TypedDict):
    start: Callable[[], Awaitable[None]]
    stop: Callable[[int], Awaitable[None]]


@sync_to_async
def start() -> None:
    print("start")


@sync_to_async
def stop(code: int) -> None:
    print(code)


hooks: Hooks = {"start": start, "stop": stop}
actions: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"start": start}


# case: variance of the result
class Animal:
    pass


class Dog(Animal):
    pass


class Breeder(Protocol[T_co]):
    async def breed(self) -> T_co: ...


class DogBreeder:
    @sync_to_async
    def breed(self) -> Dog:
        return Dog()


def pass_breeder() -> Breeder[Animal]:
    return DogBreeder()


# case: a generic protocol
class Repository(Protocol[T]):
    async def get(self, key: int) -> T | None: ...
    async def save(self, item: T) -> T: ...


class User:
    pass


class UserRepository:
    @sync_to_async
    def get(self, key: int) -> User | None:
        return User() if key else None

    @sync_to_async
    def save(self, item: User) -> User:
        return item


async def copy_item(repository: Repository[T], key: int) -> T | None:
    item = await repository.get(key)
    return None if item is None else await repository.save(item)


async def use_repository() -> None:
    assert_type(await copy_item(UserRepository(), 1), User | None)


# case: async_to_sync for a sync protocol
class SyncStorage(Protocol):
    def get(self, key: str) -> bytes: ...


class RemoteStorage:
    @async_to_sync
    async def get(self, key: str) -> bytes:
        return key.encode()


class WrongRemoteStorage:
    @async_to_sync
    async def get(self, key: str) -> str:
        return key


def pass_sync_storage() -> SyncStorage:
    return RemoteStorage()


def pass_wrong_sync_storage() -> SyncStorage:
    return WrongRemoteStorage()  # E


# case: async_to_sync overrides a sync method
class Base:
    def run(self, name: str) -> int:
        return len(name)


class Remote(Base):
    @override
    @async_to_sync
    async def run(self, name: str) -> int:
        return len(name)


def use_remote(remote: Remote) -> None:
    assert_type(remote.run("a"), int)


# case: a sync method overrides async_to_sync
class Job:
    @async_to_sync
    async def work(self, hours: int) -> float:
        return hours


class SyncJob(Job):
    @override
    def work(self, hours: int) -> float:
        return hours


# case: override of a class method and a static method
class Factory:
    @classmethod
    @sync_to_async
    def build(cls, name: str) -> Animal:
        return Animal()

    @staticmethod
    @sync_to_async
    def check(name: str) -> bool:
        return bool(name)


class DogFactory(Factory):
    @override
    @classmethod
    @sync_to_async
    def build(cls, name: str) -> Dog:
        return Dog()

    @override
    @staticmethod
    @sync_to_async
    def check(name: str) -> bool:
        return name == "dog"


async def use_factory() -> None:
    assert_type(await DogFactory.build("a"), Dog)
    assert_type(await DogFactory.check("a"), bool)


# case: override in a generic subclass
class Table(Generic[T]):
    async def insert(self, row: T) -> int:
        return 1


class TextTable(Table[str]):
    @override
    @sync_to_async
    def insert(self, row: str) -> int:
        return len(row)


# case: an optional parameter may be added
class Exporter:
    async def export(self, name: str) -> bytes:
        return name.encode()


class ZipExporter(Exporter):
    @override
    @sync_to_async
    def export(self, name: str, level: int = 9) -> bytes:
        return name.encode() * level


async def use_exporter(exporter: ZipExporter) -> None:
    assert_type(await exporter.export("a", level=1), bytes)


# case: a mixin with a wrapped method
class SaveMixin:
    @sync_to_async
    def save(self, commit: bool = True) -> None:
        print(commit)


class Named:
    name = ""


class Article(SaveMixin, Named):
    async def publish(self) -> None:
        assert_type(await self.save(), None)
        assert_type(await self.save(commit=False), None)


async def use_article() -> None:
    await Article().publish()


# case: a bridge as a method of a protocol's generic implementation
class Codec(Protocol[T]):
    async def encode(self, value: T) -> bytes: ...
    async def decode(self, data: bytes) -> T: ...


class TextCodec:
    @sync_to_async
    def encode(self, value: str) -> bytes:
        return value.encode()

    @sync_to_async
    def decode(self, data: bytes) -> str:
        return data.decode()


async def through(codec: Codec[T], value: T) -> T:
    return await codec.decode(await codec.encode(value))


async def use_through() -> None:
    assert_type(await through(TextCodec(), "a"), str)


# case: a runtime-checkable protocol
@runtime_checkable
class Closes(Protocol):
    async def close(self) -> None: ...


class Socket:
    @sync_to_async
    def close(self) -> None:
        print("closed")


async def use_closes(thing: object) -> None:
    if isinstance(thing, Closes):
        await thing.close()
    closes: Closes = Socket()
    await closes.close()


# case: a protocol attribute that is a callable
class HasHook(Protocol):
    @property
    def hook(self) -> Callable[[str], Awaitable[int]]: ...


class Hooked:
    @sync_to_async
    def hook(self, name: str) -> int:
        return len(name)


def pass_hooked() -> HasHook:
    return Hooked()


# case: the standard library's async protocols
class Lines:
    def __aiter__(self) -> Lines:
        return self

    @sync_to_async
    def __anext__(self) -> str:
        return "line"


class Resource:
    @sync_to_async
    def __aenter__(self) -> str:
        return "resource"

    @sync_to_async
    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return None


async def use_standard_protocols() -> None:
    lines: AsyncIterator[str] = Lines()
    manager: AbstractAsyncContextManager[str, bool | None] = Resource()
    async with manager as resource:
        assert_type(resource, str)
    print(lines)


# case: a bridge chosen by configuration
class ChosenStorage:
    def __init__(self, path: str) -> None:
        self.read: Callable[[str], Awaitable[bytes]] = sync_to_async(
            self.read_file if path else self.read_memory
        )

    def read_file(self, name: str) -> bytes:
        return name.encode()

    def read_memory(self, name: str) -> bytes:
        return name.encode()


async def use_chosen(storage: ChosenStorage = ChosenStorage("a")) -> None:
    assert_type(await storage.read("a"), bytes)


# case: a Callable field with any parameters and a generic result
@dataclass
class Lookup(Generic[T]):
    load: Callable[..., Awaitable[T]]
    sync_load: Callable[..., T]


@sync_to_async
def size_of(name: str) -> int:
    return len(name)


@async_to_sync
async def size_now(name: str) -> int:
    return len(name)


async def use_lookup() -> None:
    lookup = Lookup(size_of, size_now)
    assert_type(lookup, Lookup[int])
    assert_type(await lookup.load("a"), int)
    assert_type(await asyncio.to_thread(lookup.sync_load, "a"), int)
    wrong: Lookup[str] = Lookup(size_of, size_now)  # E  # E
    print(wrong)


# case: override of a property
class Page:
    @property
    @sync_to_async
    def title(self) -> str:
        return "title"


class LongPage(Page):
    @property
    @override
    @sync_to_async
    def title(self) -> str:
        return "long title"


async def use_page(page: LongPage) -> None:
    assert_type(await page.title, str)


# case: override of overloads
class Parser:
    @overload
    @sync_to_async
    def parse(self, text: str) -> int: ...
    @overload
    @sync_to_async
    def parse(self, text: bytes) -> float: ...
    @sync_to_async
    def parse(self, text: str | bytes) -> int | float:
        return len(text)


class FastParser(Parser):
    @overload
    @sync_to_async
    def parse(self, text: str) -> int: ...
    @overload
    @sync_to_async
    def parse(self, text: bytes) -> float: ...
    @override
    @sync_to_async
    def parse(self, text: str | bytes) -> int | float:
        return 1


async def use_parser(parser: FastParser) -> None:
    assert_type(await parser.parse("1"), int)
    assert_type(await parser.parse(b"1"), float)


# case: override of a method of a metaclass
class Meta(type):
    @sync_to_async
    def load(cls, path: str) -> int:
        return len(path)


class FastMeta(Meta):
    @override
    @sync_to_async
    def load(cls, path: str) -> int:
        return 1


class Fast(metaclass=FastMeta):
    pass


async def use_fast() -> None:
    assert_type(await Fast.load("a"), int)


# case: a protocol member that is declared under SyncToAsync
class Closer(Protocol):
    @SyncToAsync
    def close(self, code: int) -> bool: ...


class FileCloser:
    @SyncToAsync
    def close(self, code: int) -> bool:
        return bool(code)


async def close(closer: Closer) -> None:
    assert_type(await closer.close(1), bool)


async def use_closer() -> None:
    await close(FileCloser())


# case: async def overrides a wrapped method
class Reader:
    @sync_to_async
    def read(self, size: int = -1) -> bytes:
        return bytes(size)


class AsyncReader(Reader):
    @override
    async def read(self, size: int = -1) -> bytes:
        return bytes(size)


# case: a protocol with a wrapped member is met by async def
class Clock(Protocol):
    @sync_to_async
    def now(self) -> float: ...


class AsyncClock:
    async def now(self) -> float:
        return 1.0


def pass_clock() -> Clock:
    return AsyncClock()


# case: override of a class method by async def
class Registry:
    @classmethod
    @sync_to_async
    def register(cls, name: str) -> int:
        return len(name)


class AsyncRegistry(Registry):
    @override
    @classmethod
    async def register(cls, name: str) -> int:
        return len(name)


# case: a wrapped function in one branch, an async def in the other
async def count(names: list[str], blocking: bool) -> int:
    if blocking:

        @sync_to_async
        def size() -> int:
            return len(names)

    else:

        async def size() -> int:
            return len(names)

    return await size()
