from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from typing import Generic, Literal, ParamSpec, Protocol, TypeVar, assert_type, overload

from typing_extensions import Self, override

from typedbridge.streams import (
    AsyncStream,
    SyncStream,
    async_to_sync_generator,
    sync_to_async_generator,
)

P = ParamSpec("P")
T = TypeVar("T")
N = TypeVar("N", int, str)


# case: a method that is a generator
class Shelf:
    @sync_to_async_generator
    def books(self, prefix: str, *, stop: int = 2) -> Iterator[str]:
        for number in range(stop):
            yield prefix + str(number)

    @async_to_sync_generator
    async def abooks(self, prefix: str) -> AsyncIterator[str]:
        yield prefix


class Annex(Shelf):
    pass


async def use_books(shelf: Shelf, annex: Annex) -> None:
    assert_type(shelf.books("a"), AsyncStream[str, None])
    async for book in shelf.books("a", stop=3):
        assert_type(book, str)
    assert_type(annex.books("a"), AsyncStream[str, None])
    shelf.books(1)  # E
    shelf.books()  # E


def use_abooks(shelf: Shelf) -> None:
    for book in shelf.abooks("a"):
        assert_type(book, str)
    shelf.abooks(1)  # E


# case: a method that is a generator through its class
async def use_through_class(shelf: Shelf) -> None:
    assert_type(Shelf.books(shelf, "a"), AsyncStream[str, None])
    Shelf.books("a")  # E # E


# case: a method that is a generator with options
class Log:
    @sync_to_async_generator(prefetch=4)
    def lines(self, first: int) -> Generator[str, int, None]:
        yield str(first)

    @async_to_sync_generator(prefetch=4)
    async def alines(self, first: int) -> AsyncGenerator[str, int]:
        yield str(first)


async def use_lines(log: Log) -> None:
    assert_type(log.lines(1), AsyncStream[str, int])
    log.lines("a")  # E


def use_alines(log: Log) -> None:
    assert_type(log.alines(1), SyncStream[str, int])
    log.alines("a")  # E


# case: a bound method that is given to a generator decorator
class Plain:
    def parts(self, stop: int) -> Iterator[int]:
        yield from range(stop)

    async def aparts(self, stop: int) -> AsyncIterator[int]:
        yield stop


async def use_bound(plain: Plain) -> None:
    stream = sync_to_async_generator(plain.parts)
    assert_type(stream(1), AsyncStream[int, None])
    stream("a")  # E


def use_abound(plain: Plain) -> None:
    stream = async_to_sync_generator(plain.aparts)
    assert_type(stream(1), SyncStream[int, None])
    stream("a")  # E


# case: super() and a method that is a generator
class Library(Shelf):
    @sync_to_async_generator
    def shelves(self, stop: int) -> Iterator[int]:
        yield stop

    async def all(self) -> list[str]:
        return [book async for book in super().books("b")]


async def use_library(library: Library) -> None:
    assert_type(await library.all(), list[str])


# case: a class method that is a generator
class Model:
    @classmethod
    @sync_to_async_generator
    def every(cls, stop: int) -> Iterator[int]:
        yield from range(stop)

    @classmethod
    @async_to_sync_generator
    async def aevery(cls, stop: int) -> AsyncIterator[int]:
        yield stop


async def use_every(model: Model) -> None:
    assert_type(Model.every(3), AsyncStream[int, None])
    async for number in model.every(3):
        assert_type(number, int)
    Model.every("a")  # E


def use_aevery() -> None:
    assert_type(Model.aevery(3), SyncStream[int, None])
    Model.aevery("a")  # E


# case: a static method that is a generator
class Tools:
    @staticmethod
    @sync_to_async_generator
    def split(text: str) -> Iterator[str]:
        yield from text

    @staticmethod
    @async_to_sync_generator
    async def asplit(text: str) -> AsyncIterator[str]:
        yield text


async def use_split(tools: Tools) -> None:
    assert_type(Tools.split("a"), AsyncStream[str, None])
    async for letter in tools.split("ab"):
        assert_type(letter, str)
    Tools.split(1)  # E


def use_asplit() -> None:
    assert_type(list(Tools.asplit("a")), list[str])
    Tools.asplit(1)  # E


# case: a method that gives Self
class Node:
    @sync_to_async_generator
    def walk(self, depth: int = 1) -> Iterator[Self]:
        yield self

    @async_to_sync_generator
    async def awalk(self) -> AsyncIterator[Self]:
        yield self


class Leaf(Node):
    pass


async def use_walk(node: Node, leaf: Leaf) -> None:
    assert_type(node.walk(), AsyncStream[Node, None])
    async for one in leaf.walk(2):
        assert_type(one, Leaf)


def use_awalk(leaf: Leaf) -> None:
    for one in leaf.awalk():
        assert_type(one, Leaf)


# case: a class method that gives Self
class Record:
    @classmethod
    @sync_to_async_generator
    def load(cls, stop: int) -> Iterator[Self]:
        yield cls()


class Invoice(Record):
    pass


async def use_load() -> None:
    assert_type(Record.load(1), AsyncStream[Record, None])
    async for one in Invoice.load(1):
        assert_type(one, Invoice)


# case: a method that gives Self, with options
class Stage:
    @sync_to_async_generator(prefetch=1)
    def steps(self) -> Iterator[Self]:
        yield self


class Last(Stage):
    pass


async def use_steps(last: Last) -> None:
    assert_type(last.steps(), AsyncStream[Last, None])


# case: a generic generator function
@sync_to_async_generator
def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    yield list(items)[:size]


@async_to_sync_generator
async def abatched(items: Iterable[T], size: int) -> AsyncIterator[list[T]]:
    yield list(items)[:size]


async def use_batched(words: list[str]) -> None:
    assert_type(batched(words, 1), AsyncStream[list[str], None])
    async for batch in batched([1, 2], 1):
        assert_type(batch, list[int])
    batched(words, "a")  # E


def use_abatched(words: list[str]) -> None:
    assert_type(abatched(words, 1), SyncStream[list[str], None])
    for batch in abatched([1, 2], 1):
        assert_type(batch, list[int])


# case: a generic generator function with options
@sync_to_async_generator(prefetch=8)
def pairs(items: Iterable[T]) -> Iterator[tuple[T, T]]:
    for item in items:
        yield item, item


async def use_pairs(words: list[str]) -> None:
    assert_type(pairs(words), AsyncStream[tuple[str, str], None])
    async for one, two in pairs([1, 2]):
        assert_type(one, int)
        assert_type(two, int)


# case: a generic generator function that is sent to
@sync_to_async_generator
def latest(first: T) -> Generator[T, T, None]:
    while True:
        first = yield first


async def use_latest() -> None:
    stream = latest("a")
    assert_type(stream, AsyncStream[str, str])
    assert_type(await anext(stream), str)
    assert_type(await stream.asend("b"), str)
    await stream.asend(1)  # E
    await stream.aclose()


# case: a generator function over a constrained type variable
@sync_to_async_generator
def doubled(item: N) -> Iterator[N]:
    yield item + item


async def use_doubled() -> None:
    assert_type(doubled(1), AsyncStream[int, None])
    assert_type(doubled("a"), AsyncStream[str, None])
    doubled(1.5)  # E


# case: a generic function around sync_to_async_generator
def streaming(func: Callable[P, Iterator[T]]) -> Callable[P, AsyncStream[T, None]]:
    return sync_to_async_generator(func)


@streaming
def counted(stop: int) -> Iterator[int]:
    yield from range(stop)


async def use_counted(stop: int) -> None:
    assert_type(counted(stop), AsyncStream[int, None])
    counted("a")  # E


# case: a method of a generic class
class Box(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    @sync_to_async_generator
    def items(self, stop: int) -> Iterator[T]:
        yield self.item

    @async_to_sync_generator
    async def aitems(self, stop: int) -> AsyncIterator[T]:
        yield self.item


class Words(Box[str]):
    pass


async def use_items(words: Words = Words("a")) -> None:
    assert_type(Box(1).items(1), AsyncStream[int, None])
    async for word in words.items(1):
        assert_type(word, str)
    Box(1).items("a")  # E


def use_aitems() -> None:
    assert_type(Box(1).aitems(1), SyncStream[int, None])


# case: an own type variable in a method of a generic class
class Zip(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    @sync_to_async_generator
    def beside(self, other: N) -> Iterator[tuple[T, N]]:
        yield self.item, other


async def use_beside() -> None:
    assert_type(Zip(b"a").beside("a"), AsyncStream[tuple[bytes, str], None])


# case: an overloaded generator function
@overload
def lines(number: int, raw: Literal[True]) -> AsyncStream[bytes, None]: ...
@overload
def lines(number: int, raw: Literal[False] = False) -> AsyncStream[str, None]: ...
@sync_to_async_generator
def lines(number: int, raw: bool = False) -> Iterator[bytes | str]:
    yield b"a" if raw else "a"


async def use_raw_lines() -> None:
    assert_type(lines(1), AsyncStream[str, None])
    assert_type(lines(1, True), AsyncStream[bytes, None])
    lines("a")  # E


# case: a protocol member that a generator method meets
class Source(Protocol):
    def rows(self, stop: int) -> AsyncIterator[int]: ...


class Database:
    @sync_to_async_generator
    def rows(self, stop: int) -> Iterator[int]:
        yield from range(stop)


class Words2:
    @sync_to_async_generator
    def rows(self, stop: int) -> Iterator[str]:
        yield str(stop)


async def use_source() -> None:
    source: Source = Database()
    async for row in source.rows(2):
        assert_type(row, int)
    wrong: Source = Words2()  # E
    print(wrong)


# case: a generator method overrides an async generator
class Reader:
    async def read(self, stop: int) -> AsyncIterator[int]:
        yield stop


class FileReader(Reader):
    @override
    @sync_to_async_generator
    def read(self, stop: int) -> Iterator[int]:
        yield stop


async def use_reader() -> None:
    reader: Reader = FileReader()
    async for number in reader.read(1):
        assert_type(number, int)


# case: an abstract generator method
class Feed(ABC):
    @abstractmethod
    def events(self) -> AsyncIterator[str]: ...


class Ticker(Feed):
    @override
    @sync_to_async_generator
    def events(self) -> Iterator[str]:
        yield "a"


async def use_ticker() -> None:
    async for event in Ticker().events():
        assert_type(event, str)


# case: a Callable field that holds a bridge of a generator function
class Job:
    def __init__(self, source: Callable[[int], AsyncIterator[int]]) -> None:
        self.source = source


@sync_to_async_generator
def produced(stop: int) -> Iterator[int]:
    yield from range(stop)


async def use_job() -> None:
    job = Job(produced)
    async for number in job.source(2):
        assert_type(number, int)
    Job(Shelf().books)  # E


# case: a property that gives a stream
class Table:
    @property
    @sync_to_async_generator
    def rows(self) -> Iterator[int]:
        yield 1


async def use_table(table: Table) -> None:
    assert_type(table.rows, AsyncStream[int, None])
    async for row in table.rows:
        assert_type(row, int)
