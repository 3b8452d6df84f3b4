from __future__ import annotations

from typing import Generic, Protocol, TypeVar, assert_type

from typedbridge.sync import SyncToAsync, async_to_sync, sync_to_async
from typing_extensions import override


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# case: a wrapped method overrides a wrapped one with another signature
class Queue:
    @sync_to_async
    def push(self, item: str) -> int:
        return len(item)


class IntQueue(Queue):
    @override
    @sync_to_async
    def push(self, item: int) -> int:  # E
        return item


# case: a wrapped method overrides a wrapped one with another result
class Cache:
    @sync_to_async
    def load(self, key: str) -> int:
        return len(key)


class TextCache(Cache):
    @override
    @sync_to_async
    def load(self, key: str) -> str:  # E
        return key


# case: a wrapped method overrides async def with another signature
class Sender:
    async def send(self, data: bytes) -> int:
        return len(data)


class WrongSender(Sender):
    @override
    @sync_to_async
    def send(self, data: str) -> int:  # E
        return len(data)


# case: a wrapped method overrides a sync one
class Timer:
    def stop(self) -> float:
        return 1.0


class WrongTimer(Timer):
    @override
    @sync_to_async
    def stop(self) -> float:  # E
        return 2.0


# case: async_to_sync overrides a sync method wrongly
class Plan:
    def steps(self, name: str) -> int:
        return len(name)


class WrongPlan(Plan):
    @override
    @async_to_sync
    async def steps(self, name: str) -> str:  # E
        return name


# case: override in a generic subclass with the wrong type
class Shelf(Generic[T]):
    async def add(self, item: T) -> int:
        return 1


class WrongShelf(Shelf[str]):
    @override
    @sync_to_async
    def add(self, item: int) -> int:  # E
        return item


# case: a required parameter may not be added
class Importer:
    async def load(self, name: str) -> bytes:
        return name.encode()


class WrongImporter(Importer):
    @override
    @sync_to_async
    def load(self, name: str, level: int) -> bytes:  # E
        return name.encode() * level


# case: override of a property with another result
class Count:
    @property
    @sync_to_async
    def number(self) -> int:
        return 1


class WrongCount(Count):
    @property
    @override
    @sync_to_async
    def number(self) -> str:  # E
        return "one"


# case: a protocol member is met by a method under SyncToAsync
class Opener(Protocol):
    async def open(self, path: str) -> bytes: ...


class FileOpener:
    @SyncToAsync
    def open(self, path: str) -> bytes:
        return path.encode()


class WrongOpener:
    @SyncToAsync
    def open(self, path: int) -> bytes:
        return bytes(path)


async def read_all(opener: Opener) -> None:
    assert_type(await opener.open("a"), bytes)


async def use_opener() -> None:
    await read_all(FileOpener())
    await read_all(WrongOpener())  # E
