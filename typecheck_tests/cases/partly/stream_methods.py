from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from functools import partial
from typing import assert_type, overload

from typedbridge.streams import (
    AsyncStream,
    SyncStream,
    async_to_sync_generator,
    sync_to_async_generator,
)


@overload
def cells(key: int) -> Iterator[int]: ...
@overload
def cells(key: str) -> Iterator[str]: ...
def cells(key: int | str) -> Iterator[int] | Iterator[str]:
    if isinstance(key, int):
        return iter([key])
    return iter([key])


@overload
def acells(key: int) -> AsyncIterator[int]: ...
@overload
def acells(key: str) -> AsyncIterator[str]: ...
async def acells(key: int | str) -> AsyncIterator[int | str]:
    yield key


# case: an overloaded generator function that is passed
async def use_cells() -> None:
    acells = sync_to_async_generator(cells)
    assert_type(acells(1), AsyncStream[int, None])
    assert_type(acells("a"), AsyncStream[str, None])
    acells(1.5)  # E


# case: an overloaded async generator function that is passed
def use_acells() -> None:
    stream = async_to_sync_generator(acells)
    assert_type(stream(1), SyncStream[int, None])
    assert_type(stream("a"), SyncStream[str, None])
    stream(1.5)  # E


# case: an overloaded function that returns a generator or an iterator
@overload
def parts(key: int) -> Generator[int, str, None]: ...
@overload
def parts(key: str) -> Iterator[str]: ...
def parts(key: int | str) -> Iterator[int | str]:
    yield key


async def use_parts() -> None:
    stream = sync_to_async_generator(parts)
    assert_type(stream(1), AsyncStream[int, str])
    assert_type(stream("a"), AsyncStream[str, None])  # E[mypy]: of type "Any"  # E[mypy]: No overload variant
    stream(1.5)  # E


# case: options of an overloaded generator function
async def use_cells_with_options() -> None:
    stream = sync_to_async_generator(prefetch=2)(cells)
    assert_type(stream(1), AsyncStream[int, None])
    assert_type(stream("a"), AsyncStream[str, None])
    again = sync_to_async_generator(cells, prefetch=2)
    assert_type(again(1), AsyncStream[int, None])
    assert_type(again("a"), AsyncStream[str, None])  # E[mypy]: of type "AsyncStream[int, None]"  # E[mypy]: type "str"


def use_acells_with_options() -> None:
    stream = async_to_sync_generator(prefetch=2)(acells)
    assert_type(stream(1), SyncStream[int, None])
    assert_type(stream("a"), SyncStream[str, None])


# case: an alias of a generator decorator over overloads
streamed = sync_to_async_generator


async def use_streamed() -> None:
    stream = streamed(cells)
    assert_type(stream(1), AsyncStream[int, None])
    assert_type(stream("a"), AsyncStream[str, None])


# case: an overloaded generator method
class Sheet:
    @overload
    def cells(self, key: int) -> Iterator[int]: ...
    @overload
    def cells(self, key: str) -> Iterator[str]: ...
    def cells(self, key: int | str) -> Iterator[int] | Iterator[str]:
        if isinstance(key, int):
            return iter([key])
        return iter([key])


async def use_sheet(sheet: Sheet) -> None:
    stream = sync_to_async_generator(sheet.cells)
    assert_type(stream(1), AsyncStream[int, None])
    assert_type(stream("a"), AsyncStream[str, None])


# case: an overloaded twin of a generator method
class Workbook:
    @overload
    def cells(self, key: int) -> Iterator[int]: ...
    @overload
    def cells(self, key: str) -> Iterator[str]: ...
    def cells(self, key: int | str) -> Iterator[int] | Iterator[str]:
        if isinstance(key, int):
            return iter([key])
        return iter([key])

    acells = sync_to_async_generator(cells)


async def use_workbook(book: Workbook) -> None:
    assert_type(book.acells(1), AsyncStream[int, None])
    assert_type(book.acells("a"), AsyncStream[str, None])


# case: a callable object with overloads
class Cells:
    @overload
    def __call__(self, key: int) -> Iterator[int]: ...
    @overload
    def __call__(self, key: str) -> Iterator[str]: ...
    def __call__(self, key: int | str) -> Iterator[int] | Iterator[str]:
        if isinstance(key, int):
            return iter([key])
        return iter([key])


async def use_callable(some: Cells) -> None:
    stream = sync_to_async_generator(some)
    assert_type(stream(1), AsyncStream[int, None])
    assert_type(stream("a"), AsyncStream[str, None])  # E[mypy]: of type "AsyncStream[int, None]"  # E[mypy]: type "str"


# case: a partial refuses wrong arguments
def ranged(first: int, stop: int) -> Iterator[int]:
    yield from range(first, stop)


async def use_ranged() -> None:
    stream = sync_to_async_generator(partial(ranged, 1))
    assert_type(stream(3), AsyncStream[int, None])
    stream("a")  # E[all but mypy]


# case: decorators on each overload of a generator function
@overload
@sync_to_async_generator
def entries(key: int) -> Iterator[int]: ...
@overload
@sync_to_async_generator
def entries(key: str) -> Iterator[str]: ...
@sync_to_async_generator
def entries(key: int | str) -> Iterator[int | str]:
    yield key


async def use_entries() -> None:
    assert_type(entries(1), AsyncStream[int, None])
    assert_type(entries("a"), AsyncStream[str, None])
    entries(1.5)  # E


# case: a twin of a generator method
class Manager:
    def rows(self, stop: int) -> Iterator[int]:
        yield from range(stop)

    arows = sync_to_async_generator(rows)


async def use_manager(manager: Manager) -> None:
    assert_type(manager.arows(2), AsyncStream[int, None])
    manager.arows("a")  # E
