from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from functools import partial
from typing import assert_type

from typedbridge.streams import (
    AsyncStream,
    SyncStream,
    async_to_sync_generator,
    async_to_sync_iter,
    sync_to_async_generator,
    sync_to_async_iter,
)


class Row:
    def __init__(self, key: int) -> None:
        self.key = key


def numbers(stop: int) -> Iterator[int]:
    yield from range(stop)


async def anumbers(stop: int) -> AsyncIterator[int]:
    for number in range(stop):
        yield number


def echo(first: str) -> Generator[str, int, bool]:
    sent = yield first
    while True:
        sent = yield first * sent


async def aecho(first: str) -> AsyncGenerator[str, int]:
    sent = yield first
    while True:
        sent = yield first * sent


# case: the items of a list
async def use_list(rows: list[str]) -> None:
    stream = sync_to_async_iter(rows)
    assert_type(stream, AsyncStream[str, None])
    async for row in stream:
        assert_type(row, str)


# case: the items of a dict and of its views
async def use_dict(ages: dict[str, int]) -> None:
    async for key in sync_to_async_iter(ages):
        assert_type(key, str)
    async for value in sync_to_async_iter(ages.values()):
        assert_type(value, int)
    async for name, age in sync_to_async_iter(ages.items()):
        assert_type(name, str)
        assert_type(age, int)


# case: the items of range, map, zip and a generator expression
async def use_builtins(words: list[str]) -> None:
    async for number in sync_to_async_iter(range(3)):
        assert_type(number, int)
    async for length in sync_to_async_iter(map(len, words)):
        assert_type(length, int)
    async for word, index in sync_to_async_iter(zip(words, range(9), strict=False)):
        assert_type(word, str)
        assert_type(index, int)
    async for text in sync_to_async_iter(str(number) for number in range(3)):
        assert_type(text, str)


# case: the items of a generator, an iterator and an iterable
async def use_iterables(stop: int) -> None:
    rows = [Row(1), Row(2)]
    async for number in sync_to_async_iter(numbers(stop)):
        assert_type(number, int)
    some: Iterable[Row] = rows
    async for row in sync_to_async_iter(some):
        assert_type(row, Row)
    async for again in sync_to_async_iter(iter(rows)):
        assert_type(again.key, int)


# case: the lines of a file
async def use_lines() -> None:
    with open("a") as file:
        async for line in sync_to_async_iter(file):
            assert_type(line, str)


# case: the items of an own class
class Table:
    def __iter__(self) -> Iterator[Row]:
        return iter([Row(1)])


async def use_table() -> None:
    async for row in sync_to_async_iter(Table()):
        assert_type(row, Row)
    stream = sync_to_async_iter(Table(), prefetch=0)
    assert_type(await anext(stream), Row)
    await stream.aclose()


# case: a comprehension over a stream
async def use_comprehension(rows: list[str]) -> None:
    assert_type([row async for row in sync_to_async_iter(rows)], list[str])
    assert_type({row: len(row) async for row in sync_to_async_iter(rows)}, dict[str, int])


# case: the options of sync_to_async_iter
async def use_options(rows: list[str]) -> None:
    with ThreadPoolExecutor(1) as pool:
        async for row in sync_to_async_iter(
            rows, prefetch=8, thread_sensitive=False, executor=pool
        ):
            assert_type(row, str)
    async for again in sync_to_async_iter(rows, executor=None, thread_sensitive=True):
        assert_type(again, str)


# case: sync_to_async_iter refuses other options
async def use_wrong_options(rows: list[str]) -> None:
    sync_to_async_iter(rows, prefetch="8")  # E
    sync_to_async_iter(rows, 8)  # E
    sync_to_async_iter(rows, buffer=8)  # E
    sync_to_async_iter()  # E


# case: sync_to_async_iter refuses what is no iterable
async def use_no_iterable(stop: int) -> None:
    sync_to_async_iter(stop)  # E
    sync_to_async_iter(numbers)  # E


# case: sync_to_async_iter refuses an async iterable
async def use_async_iterable(stop: int) -> None:
    sync_to_async_iter(anumbers(stop))  # E


# case: the items of an async generator, iterator and iterable
def use_async_iterables(stop: int) -> None:
    stream = async_to_sync_iter(anumbers(stop))
    assert_type(stream, SyncStream[int, None])
    for number in stream:
        assert_type(number, int)
    some: AsyncIterable[int] = anumbers(stop)
    for again in async_to_sync_iter(some):
        assert_type(again, int)
    for text in async_to_sync_iter(aecho("a"), prefetch=0):
        assert_type(text, str)
        break


# case: the items of an own async class
class AsyncTable:
    async def __aiter__(self) -> AsyncIterator[Row]:
        yield Row(1)


class AsyncRows:
    left = 1

    def __aiter__(self) -> AsyncRows:
        return self

    async def __anext__(self) -> Row:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return Row(1)


def use_async_table() -> None:
    for row in async_to_sync_iter(AsyncTable()):
        assert_type(row, Row)
    for again in async_to_sync_iter(AsyncRows()):
        assert_type(again, Row)
    assert_type(list(async_to_sync_iter(AsyncRows())), list[Row])


# case: async_to_sync_iter refuses a sync iterable
def use_sync_iterable(rows: list[str], stop: int) -> None:
    async_to_sync_iter(rows)  # E
    async_to_sync_iter(numbers(stop))  # E


# case: async_to_sync_iter refuses a function and other options
def use_wrong_async(stop: int) -> None:
    async_to_sync_iter(anumbers)  # E
    async_to_sync_iter(anumbers(stop), prefetch=None)  # E
    async_to_sync_iter(anumbers(stop), thread_sensitive=False)  # E


# case: a stream of a stream
async def use_there_and_back(rows: list[str]) -> None:
    stream = sync_to_async_iter(async_to_sync_iter(sync_to_async_iter(rows)))
    assert_type(stream, AsyncStream[str, None])
    await stream.aclose()


# case: for over an AsyncStream
async def use_for(rows: list[str]) -> None:
    stream = sync_to_async_iter(rows)
    for _ in stream:  # E
        pass
    with stream:  # E # E
        pass
    list(stream)  # E
    next(stream)  # E


# case: async for over a SyncStream
async def use_async_for(stream: SyncStream[int, None] = async_to_sync_iter(anumbers(1))) -> None:
    async for _ in stream:  # E
        pass
    async with stream:  # E # E
        pass
    await anext(stream)  # E


# case: a stream is closed
async def use_closing(rows: list[str]) -> None:
    async with sync_to_async_iter(rows) as stream:
        assert_type(stream, AsyncStream[str, None])
        async for row in stream:
            assert_type(row, str)
    async with aclosing(sync_to_async_iter(rows)) as again:
        assert_type(again, AsyncStream[str, None])
        assert_type(await anext(again), str)


# case: a sync stream is closed
def use_sync_closing(stop: int) -> None:
    with async_to_sync_iter(anumbers(stop)) as stream:
        assert_type(stream, SyncStream[int, None])
        for number in stream:
            assert_type(number, int)
    with closing(async_to_sync_iter(anumbers(stop))) as again:
        assert_type(again, SyncStream[int, None])
        assert_type(next(again), int)


# case: a block over a stream is always left
async def first_row(rows: list[str]) -> str:
    async with sync_to_async_iter(rows) as stream:
        return await anext(stream)


def first_number(stop: int) -> int:
    with async_to_sync_iter(anumbers(stop)) as stream:
        return next(stream)


async def use_first(rows: list[str]) -> None:
    assert_type(await first_row(rows), str)


def use_first_number(stop: int) -> None:
    assert_type(first_number(stop), int)


# case: a stream is an async generator, iterator and iterable
async def use_as_iterator(rows: list[str]) -> None:
    generator: AsyncGenerator[str, None] = sync_to_async_iter(rows)
    iterator: AsyncIterator[str] = sync_to_async_iter(rows)
    iterable: AsyncIterable[object] = sync_to_async_iter(rows)
    wider: AsyncStream[object, None] = sync_to_async_iter(rows)
    narrower: AsyncIterator[int] = sync_to_async_iter(rows)  # E
    sync: Iterator[str] = sync_to_async_iter(rows)  # E
    for stream in (generator, iterator, iterable, wider, narrower, sync):
        print(stream)


# case: a sync stream is a generator, iterator and iterable
def use_as_sync_iterator(stop: int) -> None:
    generator: Generator[int, None, object] = async_to_sync_iter(anumbers(stop))
    iterator: Iterator[int] = async_to_sync_iter(anumbers(stop))
    iterable: Iterable[object] = async_to_sync_iter(anumbers(stop))
    wider: SyncStream[object, None] = async_to_sync_iter(anumbers(stop))
    narrower: Iterator[str] = async_to_sync_iter(anumbers(stop))  # E
    for stream in (generator, iterator, iterable, wider, narrower):
        print(stream)


# case: a decorated generator function
@sync_to_async_generator
def pages(first: int, /, stop: int = 3, *, step: int = 1) -> Generator[str, None, None]:
    for number in range(first, stop, step):
        yield str(number)


async def use_pages() -> None:
    assert_type(pages(0), AsyncStream[str, None])
    async for page in pages(0, 9, step=2):
        assert_type(page, str)
    async with pages(0, stop=9) as stream:
        assert_type(await anext(stream), str)
    async with aclosing(pages(1)) as again:
        assert_type(await anext(again), str)
    pages("a")  # E
    pages(first=1)  # E
    pages(1, 2, 3)  # E
    pages()  # E


# case: a decorated function that returns an iterator or iterable
@sync_to_async_generator
def iterated(stop: int) -> Iterator[int]:
    return iter(range(stop))


@sync_to_async_generator
def listed(stop: int) -> list[int]:
    return list(range(stop))


@sync_to_async_generator
def some_rows() -> Iterable[Row]:
    return [Row(1)]


async def use_iterated(stop: int) -> None:
    assert_type(iterated(stop), AsyncStream[int, None])
    assert_type(listed(stop), AsyncStream[int, None])
    async for row in some_rows():
        assert_type(row, Row)


# case: what is sent into a generator
@sync_to_async_generator
def repeated(word: str) -> Generator[str, int, None]:
    times = 1
    while True:
        times = yield word * times


async def use_repeated() -> None:
    stream = repeated("a")
    assert_type(stream, AsyncStream[str, int])
    assert_type(await anext(stream), str)
    assert_type(await stream.asend(3), str)
    await stream.asend("3")  # E
    await stream.aclose()


# case: what is sent into an async generator
@async_to_sync_generator
async def arepeated(word: str) -> AsyncGenerator[str, int]:
    times = 1
    while True:
        times = yield word * times


def use_arepeated() -> None:
    stream = arepeated("a")
    assert_type(stream, SyncStream[str, int])
    assert_type(next(stream), str)
    assert_type(stream.send(3), str)
    stream.send("3")  # E
    stream.close()


# case: what is thrown into a generator
@sync_to_async_generator
def survivor() -> Generator[int, None, None]:
    for number in range(9):
        try:
            yield number
        except LookupError:
            pass


async def use_survivor() -> None:
    stream = survivor()
    assert_type(await anext(stream), int)
    assert_type(await stream.athrow(LookupError), int)
    assert_type(await stream.athrow(LookupError("a")), int)
    await stream.athrow("a")  # E
    await stream.aclose()


# case: a decorated async generator function
@async_to_sync_generator
async def apages(first: int, /, stop: int = 3, *, step: int = 1) -> AsyncIterator[str]:
    for number in range(first, stop, step):
        yield str(number)


def use_apages() -> None:
    assert_type(apages(0), SyncStream[str, None])
    for page in apages(0, 9, step=2):
        assert_type(page, str)
    with apages(0, stop=9) as stream:
        assert_type(next(stream), str)
    with closing(apages(0)) as again:
        assert_type(next(again), str)
    apages("a")  # E
    apages(first=1)  # E
    apages()  # E


# case: a decorated function that returns an async iterable
@async_to_sync_generator
def anything_async(stop: int) -> AsyncIterable[int]:
    return anumbers(stop)


def use_anything_async(stop: int) -> None:
    assert_type(anything_async(stop), SyncStream[int, None])
    assert_type(list(anything_async(stop)), list[int])


# case: a generator decorator with options
@sync_to_async_generator(prefetch=8, thread_sensitive=False)
def ahead(stop: int) -> Generator[int, str, None]:
    yield stop


@sync_to_async_generator(prefetch=8)
def rows_ahead(stop: int) -> Iterator[Row]:
    yield Row(stop)


@sync_to_async_generator()
def lock_step(stop: int) -> Iterator[int]:
    yield from range(stop)


async def use_ahead(stop: int) -> None:
    assert_type(ahead(stop), AsyncStream[int, str])
    assert_type(rows_ahead(stop), AsyncStream[Row, None])
    async for number in lock_step(stop):
        assert_type(number, int)
    ahead("a")  # E


# case: an async generator decorator with options
@async_to_sync_generator(prefetch=8)
async def aahead(stop: int) -> AsyncIterator[int]:
    for number in range(stop):
        yield number


@async_to_sync_generator()
async def alock_step(stop: int) -> AsyncGenerator[int, str]:
    yield stop


def use_aahead(stop: int) -> None:
    assert_type(aahead(stop), SyncStream[int, None])
    assert_type(alock_step(stop), SyncStream[int, str])
    aahead("a")  # E


# case: options of a generator decorator that are stored
in_pool = sync_to_async_generator(thread_sensitive=False, prefetch=2)
eager = async_to_sync_generator(prefetch=2)


@in_pool
def pooled(stop: int) -> Iterator[int]:
    yield from range(stop)


async def use_pooled(stop: int) -> None:
    assert_type(pooled(stop), AsyncStream[int, None])
    assert_type(in_pool(echo)("a"), AsyncStream[str, int])


def use_eager(stop: int) -> None:
    assert_type(eager(anumbers)(stop), SyncStream[int, None])
    assert_type(eager(aecho)("a"), SyncStream[str, int])


# case: a generator function that is passed
async def use_passed(stop: int) -> None:
    assert_type(sync_to_async_generator(numbers)(stop), AsyncStream[int, None])
    assert_type(sync_to_async_generator(echo, prefetch=0)("a"), AsyncStream[str, int])
    assert_type(sync_to_async_generator(func=numbers, prefetch=1)(stop), AsyncStream[int, None])
    sync_to_async_generator(numbers)("a")  # E


def use_passed_async(stop: int) -> None:
    assert_type(async_to_sync_generator(anumbers)(stop), SyncStream[int, None])
    assert_type(async_to_sync_generator(aecho, prefetch=0)("a"), SyncStream[str, int])
    async_to_sync_generator(anumbers)("a")  # E


# case: a class of iterables as generator function
async def use_classes(stop: int) -> None:
    stream = sync_to_async_generator(Table)()
    assert_type(stream, AsyncStream[Row, None])
    assert_type(await anext(stream), Row)


# case: an alias of a generator decorator
streamed = sync_to_async_generator


@streamed
def aliased(stop: int) -> Iterator[int]:
    yield from range(stop)


async def use_aliased(stop: int) -> None:
    assert_type(aliased(stop), AsyncStream[int, None])


# case: the generator decorators refuse other options
def use_wrong_decorator_options() -> None:
    sync_to_async_generator(prefetch="1")  # E
    sync_to_async_generator(ahead=1)  # E
    async_to_sync_generator(prefetch="1")  # E
    async_to_sync_generator(thread_sensitive=False)  # E


# case: sync_to_async_generator refuses what gives nothing to iterate over
def count() -> int:
    return 1


def use_count() -> None:
    sync_to_async_generator(count)  # E
    sync_to_async_generator(thread_sensitive=False)(count)  # E


# case: sync_to_async_generator refuses coroutine functions and async generators
async def rows_later() -> list[str]:
    return ["a"]


def use_rows_later() -> None:
    sync_to_async_generator(rows_later)  # E
    sync_to_async_generator(anumbers)  # E
    sync_to_async_generator(prefetch=1)(anumbers)  # E


# case: async_to_sync_generator refuses coroutine functions and generators
def use_wrong_direction() -> None:
    async_to_sync_generator(rows_later)  # E
    async_to_sync_generator(numbers)  # E
    async_to_sync_generator(prefetch=1)(numbers)  # E
    async_to_sync_generator(count)  # E


# case: the generator decorators refuse what they decorate wrongly
@sync_to_async_generator  # E
async def wrong() -> AsyncIterator[int]:
    yield 1


@async_to_sync_generator  # E
def wrong_too() -> Iterator[int]:
    yield 1


# case: the generator decorators refuse what is called already
def use_called(stop: int) -> None:
    sync_to_async_generator(numbers(stop))  # E
    async_to_sync_generator(anumbers(stop))  # E


# case: a generator function and its bridge there and back
async def use_twice(stop: int) -> None:
    back = async_to_sync_generator(sync_to_async_generator(echo))
    assert_type(sync_to_async_generator(back)("a"), AsyncStream[str, int])


# case: a partial of a generator function
async def use_partial() -> None:
    assert_type(sync_to_async_generator(partial(numbers, 3))(), AsyncStream[int, None])


# case: a lambda that returns an iterable
async def use_lambda(rows: list[str]) -> None:
    stream = sync_to_async_generator(lambda: iter(rows))()
    assert_type(stream, AsyncStream[str, None])


# case: functions annotated with stream types
async def total(stream: AsyncStream[int, None]) -> int:
    return sum([number async for number in stream])


def sync_total(stream: SyncStream[int, None]) -> int:
    return sum(stream)


async def use_total(stop: int) -> None:
    assert_type(await total(iterated(stop)), int)
    await total(some_rows())  # E
    await total(anumbers(stop))  # E


def use_sync_total(stop: int) -> None:
    assert_type(sync_total(aahead(stop)), int)
    sync_total(numbers(stop))  # E
