from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from functools import cached_property
from typing import Self, assert_type, final

from typedbridge.sync import async_to_sync, sync_to_async
from typing_extensions import override


# case: classmethod outside
class Config:
    @classmethod
    @sync_to_async
    def load(cls, path: str, *, strict: bool = False) -> int:
        return len(path) + strict


async def use_config(config: Config) -> None:
    assert_type(await Config.load("a"), int)
    assert_type(await Config.load("a", strict=True), int)
    assert_type(await config.load("a"), int)
    await Config.load(1)  # E
    await Config.load("a", loose=True)  # E: loose


# case: classmethod that returns Self
class Record:
    @classmethod
    @sync_to_async
    def create(cls, name: str) -> Self:
        return cls()


class SpecialRecord(Record):
    pass


async def use_record() -> None:
    assert_type(await Record.create("a"), Record)
    assert_type(await SpecialRecord.create("a"), SpecialRecord)


# case: classmethod through a subclass, an instance and type
class Parent:
    @classmethod
    @sync_to_async
    def name_of(cls, number: int) -> str:
        return cls.__name__ * number


class Offspring(Parent):
    pass


async def use_offspring(kind: type[Offspring]) -> None:
    assert_type(await Offspring.name_of(1), str)
    assert_type(await Offspring().name_of(1), str)
    assert_type(await kind.name_of(1), str)
    await kind.name_of("1")  # E


# case: staticmethod outside
class Tools:
    @staticmethod
    @sync_to_async
    def clean(text: str, *, lower: bool = True) -> str:
        return text.lower() if lower else text


async def use_tools() -> None:
    assert_type(await Tools.clean("a"), str)
    assert_type(await Tools().clean("a", lower=False), str)
    await Tools.clean(1)  # E
    await Tools().clean("a", upper=True)  # E: upper


# case: property outside
class Page:
    @property
    @sync_to_async
    def title(self) -> str:
        return "title"


async def use_page(page: Page) -> None:
    assert_type(await page.title, str)


# case: cached_property outside
class Report:
    @cached_property
    @sync_to_async
    def lines(self) -> list[str]:
        return []


async def use_report(report: Report) -> None:
    assert_type(await report.lines, list[str])


# case: abstractmethod outside
class Backend(ABC):
    @abstractmethod
    @sync_to_async
    def read(self, key: str) -> bytes: ...


class DictBackend(Backend):
    @override
    @sync_to_async
    def read(self, key: str) -> bytes:
        return key.encode()


async def use_backend(backend: Backend = DictBackend()) -> None:
    assert_type(await backend.read("a"), bytes)
    assert_type(await DictBackend().read("a"), bytes)
    await backend.read(1)  # E


# case: abstractmethod inside
class Cache(ABC):
    @sync_to_async
    @abstractmethod
    def put(self, key: str, value: int) -> None: ...


class MemoryCache(Cache):
    @sync_to_async
    def put(self, key: str, value: int) -> None:
        print(key, value)


async def use_cache(cache: Cache = MemoryCache()) -> None:
    assert_type(await cache.put("a", 1), None)
    assert_type(await MemoryCache().put("a", value=1), None)


# case: abstract class method
class Registry(ABC):
    @classmethod
    @abstractmethod
    @sync_to_async
    def register(cls, name: str) -> int: ...

    @classmethod
    @abstractmethod
    def forget(cls, name: str) -> Awaitable[int]: ...


class RealRegistry(Registry):
    @classmethod
    @sync_to_async
    def register(cls, name: str) -> int:
        return len(name)

    @classmethod
    @sync_to_async
    def forget(cls, name: str) -> int:
        return len(name)


async def use_registry(registry: type[Registry] = RealRegistry) -> None:
    assert_type(await registry.register("a"), int)
    assert_type(await registry.forget("a"), int)
    assert_type(await RealRegistry.register("a"), int)
    await registry.register(1)  # E
    await RealRegistry.forget(1)  # E


# case: final outside and inside
class Sealed:
    @final
    @sync_to_async
    def seal(self, wax: str) -> bool:
        return bool(wax)

    @sync_to_async
    @final
    def break_open(self, force: int) -> str:
        return "x" * force


async def use_sealed(sealed: Sealed) -> None:
    assert_type(await sealed.seal("red"), bool)
    assert_type(await sealed.break_open(1), str)
    await sealed.seal(3)  # E
    await sealed.break_open("red")  # E


# case: async_to_sync under classmethod, staticmethod and property
class Remote:
    @classmethod
    @async_to_sync
    async def open(cls, url: str) -> int:
        return len(url)

    @staticmethod
    @async_to_sync
    async def ping(host: str, *, count: int = 1) -> float:
        return 1.0 * count

    @property
    @async_to_sync
    async def status(self) -> str:
        return "ok"


def use_remote(remote: Remote) -> None:
    assert_type(Remote.open("u"), int)
    assert_type(remote.open("u"), int)
    assert_type(Remote.ping("h", count=2), float)
    assert_type(remote.ping("h"), float)
    assert_type(remote.status, str)
    Remote.open(1)  # E
    Remote.ping("h", times=2)  # E: times


# case: async_to_sync under classmethod returns Self
class Session:
    @classmethod
    @async_to_sync
    async def start(cls) -> Self:
        return cls()


class AdminSession(Session):
    pass


def use_session() -> None:
    assert_type(Session.start(), Session)
    assert_type(AdminSession.start(), AdminSession)


# case: a class method called through cls inside another
class Loader:
    @classmethod
    @sync_to_async
    def raw(cls, name: str) -> bytes:
        return name.encode()

    @classmethod
    async def text(cls, name: str) -> str:
        data = await cls.raw(name)
        assert_type(data, bytes)
        return data.decode()


async def use_loader() -> None:
    await Loader.text("a")


# case: a class method and a static method wrapped from outside
class Parser:
    @classmethod
    def of(cls, text: str) -> list[str]:
        return [text]

    @staticmethod
    def words(text: str, sep: str = " ") -> list[str]:
        return text.split(sep)


async def use_parser(parser: Parser) -> None:
    assert_type(await sync_to_async(Parser.of)("a"), list[str])
    assert_type(await sync_to_async(parser.of)("a"), list[str])
    assert_type(await sync_to_async(Parser.words)("a", sep=","), list[str])
    await sync_to_async(Parser.words)(1)  # E
    await sync_to_async(Parser.of)(1)  # E


# case: a property with a setter and a deleter
class Draft:
    stored = "draft"

    @property
    @sync_to_async
    def text(self) -> str:
        return self.stored

    @text.setter
    def text(self, value: Awaitable[str]) -> None:
        print(value)

    @text.deleter
    def text(self) -> None:
        self.stored = ""


async def use_draft(draft: Draft) -> None:
    assert_type(await draft.text, str)
    draft.text = 1  # E
    del draft.text


# case: an abstract property
class Shape(ABC):
    @property
    @abstractmethod
    @sync_to_async
    def area(self) -> float: ...


class Square(Shape):
    @property
    @override
    @sync_to_async
    def area(self) -> float:
        return 1.0


async def use_shape(shape: Shape = Square()) -> None:
    assert_type(await shape.area, float)
    assert_type(await Square().area, float)
