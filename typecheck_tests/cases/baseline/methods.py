from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: a method through an instance
class Users:
    @sync_to_async
    def find(self, name: str, *, active: bool = True) -> int | None:
        return len(name) if active else None


async def use_users(users: Users) -> None:
    assert_type(await users.find("a"), int | None)
    assert_type(await users.find("a", active=False), int | None)
    await users.find(1)  # E
    await users.find("a", False)  # E
    await users.find("a", deleted=True)  # E: deleted


# case: a method through the class
class Files:
    @sync_to_async
    def size(self, path: str) -> int:
        return len(path)


async def use_files(files: Files) -> None:
    assert_type(await Files.size(files, "a"), int)
    assert_type(await Files.size(files, path="a"), int)
    await Files.size("a")  # E  # E
    await Files.size(files, 1)  # E


# case: a method through super
class Base:
    @sync_to_async
    def save(self, commit: bool = True) -> str:
        return str(commit)


class Child(Base):
    async def save_twice(self) -> None:
        assert_type(await super().save(), str)
        assert_type(await super().save(commit=False), str)
        await super().save(1.5)  # E


async def use_child() -> None:
    await Child().save_twice()


# case: a method through a subclass
class Animal:
    @sync_to_async
    def speak(self, times: int) -> str:
        return "?" * times


class Dog(Animal):
    def bark(self) -> str:
        return "wuff"


async def use_dog(dog: Dog) -> None:
    assert_type(await dog.speak(2), str)
    assert_type(await Dog.speak(dog, 2), str)
    await dog.speak("2")  # E


# case: a bound method stored in a variable and passed on
class Queue:
    @sync_to_async
    def push(self, item: str) -> int:
        return len(item)


async def use_queue(queue: Queue) -> None:
    push = queue.push
    assert_type(await push("a"), int)
    await push(queue, "a")  # E  # E


# case: the bridge around a bound method
class Store:
    def get(self, key: str, default: int = 0) -> int:
        return default or len(key)


async def use_store(store: Store) -> None:
    get = sync_to_async(store.get)
    assert_type(await get("a"), int)
    assert_type(await get("a", default=1), int)
    await get(1)  # E
    assert_type(await sync_to_async(Store.get)(store, "a"), int)


# case: dunder call
class Scorer:
    @sync_to_async
    def __call__(self, text: str) -> float:
        return float(len(text))


async def use_scorer(scorer: Scorer) -> None:
    assert_type(await scorer("a"), float)
    await scorer(1)  # E


# case: dunder getitem and operators
class Table:
    @sync_to_async
    def __getitem__(self, key: str) -> int:
        return len(key)

    @sync_to_async
    def __add__(self, other: int) -> int:
        return other


async def use_table(table: Table) -> None:
    assert_type(await table["a"], int)
    assert_type(await (table + 1), int)


# case: async context manager from dunder methods
class Connection:
    @sync_to_async
    def __aenter__(self) -> sqlite3.Connection:
        return sqlite3.connect(":memory:")

    @sync_to_async
    def __aexit__(self, *details: object) -> None:
        return None


async def use_connection() -> None:
    async with Connection() as connection:
        assert_type(connection, sqlite3.Connection)


# case: async iterator from a dunder method
class Rows:
    def __aiter__(self) -> Rows:
        return self

    @sync_to_async
    def __anext__(self) -> tuple[int, str]:
        return (1, "a")


async def use_rows() -> None:
    async for row in Rows():
        assert_type(row, tuple[int, str])
        break


# case: async_to_sync on a method
class Client:
    @async_to_sync
    async def get(self, url: str, timeout: float = 1.0) -> bytes:
        return url.encode()


def use_client(client: Client) -> None:
    assert_type(client.get("u"), bytes)
    assert_type(client.get("u", timeout=2.0), bytes)
    assert_type(Client.get(client, "u"), bytes)
    client.get(1)  # E
    client.get("u", wait=1)  # E: wait


# case: async_to_sync on an inherited method and super
class Api:
    @async_to_sync
    async def call(self, name: str) -> int:
        return len(name)


class SpecialApi(Api):
    def special(self) -> None:
        assert_type(self.call("a"), int)
        assert_type(super().call("a"), int)


def use_special_api() -> None:
    SpecialApi().special()


# case: a repository over sqlite
class Notes:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.connection.execute("create table notes (title, body)")

    @sync_to_async
    def add(self, title: str, body: str = "") -> int:
        cursor = self.connection.execute("insert into notes values (?, ?)", (title, body))
        return cursor.lastrowid or 0

    @sync_to_async
    def titles(self) -> list[str]:
        return [str(row[0]) for row in self.connection.execute("select title from notes")]

    async def add_all(self, *titles: str) -> list[int]:
        return [await self.add(title) for title in titles]


async def use_notes(notes: Notes) -> None:
    assert_type(await notes.add("a", body="b"), int)
    assert_type(await notes.titles(), list[str])
    assert_type(await notes.add_all("a", "b"), list[int])
    await notes.add(title=1)  # E


# case: a manager like Django's
class Model:
    pk: int


M = TypeVar("M", bound=Model)


class Manager(Generic[M]):
    def __init__(self, model: type[M]) -> None:
        self.model = model

    def get(self, **lookups: Any) -> M:
        return self.model()

    def create(self, **values: Any) -> M:
        return self.model()

    def iterator(self) -> Iterator[M]:
        yield self.model()

    def count(self) -> int:
        return 0

    async def aget(self, **lookups: Any) -> M:
        return await sync_to_async(self.get)(**lookups)

    async def acount(self) -> int:
        return await sync_to_async(self.count)()


class Book(Model):
    title = ""
    objects: Manager[Book]


Book.objects = Manager(Book)


async def use_book() -> None:
    assert_type(await Book.objects.aget(pk=1), Book)
    assert_type((await sync_to_async(Book.objects.create)(title="a")).title, str)
    assert_type(await sync_to_async(Book.objects.count)(), int)


# case: a method of a nested class
class Outer:
    class Inner:
        @sync_to_async
        def depth(self, offset: int = 0) -> int:
            return 2 + offset


async def use_inner() -> None:
    assert_type(await Outer.Inner().depth(offset=1), int)


# case: methods of str, list, dict and pathlib
async def use_builtin_methods(text: str, items: list[int]) -> None:
    assert_type(await sync_to_async(text.upper)(), str)
    assert_type(await sync_to_async(items.append)(1), None)
    assert_type(await sync_to_async(items.index)(1), int)
    await sync_to_async(items.append)("1")  # E


# case: a property of the class reaches a bridge on another object
class Service:
    def __init__(self) -> None:
        self.users = Holder()


class Holder:
    @sync_to_async
    def load(self, key: int) -> str:
        return str(key)


async def use_service(service: Service) -> None:
    assert_type(await service.users.load(1), str)
    await service.users.load("1")  # E


# case: methods of enums, named tuples and dataclasses
class Colour(Enum):
    RED = 1
    BLUE = 2

    @sync_to_async
    def paint(self, wall: str) -> str:
        return self.name + wall


class Point(NamedTuple):
    x: int
    y: int

    @sync_to_async
    def length(self, scale: float = 1.0) -> float:
        return (self.x + self.y) * scale


@dataclass
class Account:
    balance: float = 0.0
    history: list[float] = field(default_factory=list[float])

    @sync_to_async
    def deposit(self, amount: float) -> float:
        self.balance += amount
        return self.balance


async def use_data_classes() -> None:
    assert_type(await Colour.RED.paint("north"), str)
    assert_type(await Point(1, 2).length(scale=2.0), float)
    assert_type(await Account().deposit(1.0), float)
    assert_type(Account(1.0, [2.0]).balance, float)
    await Account().deposit("1")  # E


# case: multiple inheritance
class Saves:
    @sync_to_async
    def save(self) -> int:
        return 1


class Loads:
    @sync_to_async
    def load(self, name: str) -> str:
        return name


class Both(Saves, Loads):
    async def copy(self, name: str) -> tuple[str, int]:
        return (await self.load(name), await self.save())


async def use_multiple(both: Both) -> None:
    assert_type(await both.copy("a"), tuple[str, int])
    assert_type(await both.save(), int)


# case: private and name-mangled methods
class Vault:
    @sync_to_async
    def _open(self, code: int) -> bool:
        return code > 0

    @sync_to_async
    def __close(self, code: int) -> bool:
        return code > 0

    async def cycle(self) -> None:
        assert_type(await self._open(1), bool)
        assert_type(await self.__close(1), bool)


async def use_vault() -> None:
    await Vault().cycle()


# case: a class with slots and a metaclass
class Registering(type):
    names: ClassVar[list[str]] = []

    def __init__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> None:
        super().__init__(name, bases, space)
        Registering.names.append(name)


class Slotted(metaclass=Registering):
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    @sync_to_async
    def doubled(self) -> int:
        return self.value * 2


async def use_slotted() -> None:
    assert_type(await Slotted(1).doubled(), int)


# case: a context manager class over bridges
class Session:
    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.close()

    @sync_to_async
    def connect(self, retries: int = 1) -> None:
        print(retries)

    @sync_to_async
    def close(self) -> None:
        print("closed")


async def use_session() -> None:
    async with Session() as session:
        assert_type(session, Session)
        await session.connect(retries=2)


# case: a consumer with sync and async handlers
class Consumer:
    handlers: ClassVar[dict[str, str]] = {"chat": "on_chat"}

    async def dispatch(self, message: dict[str, str]) -> None:
        handler: Callable[[str], Awaitable[None]] = getattr(self, self.handlers[message["type"]])
        await handler(message["text"])

    @sync_to_async
    def on_chat(self, text: str) -> None:
        self.send(text)

    @async_to_sync
    async def send(self, text: str, *, close: bool = False) -> None:
        print(text, close)


def use_consumer(consumer: Consumer) -> None:
    assert_type(consumer.send("a", close=True), None)
    consumer.send(1)  # E


# case: bridges that are compared, stored and passed as keys
class Signals:
    def __init__(self) -> None:
        self.receivers: list[Callable[[str], Awaitable[int]]] = []

    def connect(self, receiver: Callable[[str], Awaitable[int]]) -> None:
        if receiver not in self.receivers:
            self.receivers.append(receiver)

    async def fire(self, name: str) -> list[int]:
        return [await receiver(name) for receiver in self.receivers]


class Counter:
    @sync_to_async
    def count(self, name: str) -> int:
        return len(name)


@sync_to_async
def count_plain(name: str) -> int:
    return len(name)


async def use_signals(signals: Signals, counter: Counter) -> None:
    signals.connect(counter.count)
    signals.connect(count_plain)
    signals.connect(sync_to_async(len))
    assert_type(await signals.fire("a"), list[int])


# case: dunder methods under async_to_sync
class Remote:
    @async_to_sync
    async def __call__(self, name: str) -> int:
        return len(name)

    @async_to_sync
    async def __getitem__(self, key: str) -> bytes:
        return key.encode()

    @async_to_sync
    async def __contains__(self, key: object) -> bool:
        return bool(key)

    @async_to_sync
    async def __len__(self) -> int:
        return 1

    @async_to_sync
    async def __enter__(self) -> Self:
        return self

    @async_to_sync
    async def __exit__(self, *exc_info: object) -> None:
        print(exc_info)


def use_remote(remote: Remote) -> None:
    assert_type(remote("a"), int)
    assert_type(remote["a"], bytes)
    assert_type("a" in remote, bool)
    assert_type(len(remote), int)
    with remote as entered:
        assert_type(entered, Remote)
    remote(1)  # E
    print(remote[1])  # E


# case: a bridge as a method of a metaclass
class Loader(type):
    @sync_to_async
    def load(cls, path: str) -> int:
        return len(path)


class Loaded(metaclass=Loader):
    pass


async def use_loaded() -> None:
    assert_type(await Loaded.load("a"), int)
    await Loaded.load(1)  # E
