"""Items of a generator, taken on the other side: one hand-over for each, or many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from bench import barest, peers
from bench.model import BAREST, OURS, Entry, Sample
from bench.timing import MICROSECONDS, clock, on_loop

#: Gives the items of an iterator to async code, and those of an async one to sync code. Any: peers are
#: used untyped.
ToAsync = Callable[[Iterator[int]], AsyncIterator[Any]]
ToSync = Callable[[AsyncIterator[int]], Iterator[Any]]


def produce(number: int) -> Iterator[int]:
    """A producer that never blocks."""
    yield from range(number)


async def produce_async(number: int) -> AsyncIterator[int]:
    for item in range(number):
        yield item


async def taken(to_async: ToAsync, items: int) -> float:
    """Take all items; time for each."""
    start = clock()
    async for _ in to_async(produce(items)):
        pass
    return (clock() - start) / items * MICROSECONDS


def taken_in_sync(to_sync: ToSync, items: int) -> float:
    start = clock()
    for _ in to_sync(produce_async(items)):
        pass
    return (clock() - start) / items * MICROSECONDS


async def barely(producer: Iterator[int]) -> AsyncIterator[int]:
    """One future through a queue for each item."""
    with barest.to_thread(lambda _: next(producer, -1)) as call:
        while (item := await call(0)) >= 0:
            yield item


async def called(bridge: Any, producer: Iterator[int]) -> AsyncIterator[int]:
    """What asgiref's users write: one call for each item."""
    call = bridge.sync_to_async(next)
    while (item := await call(producer, -1)) >= 0:
        yield item


def to_async(prefetch: int) -> dict[str, Entry]:
    """Items of a sync generator for async code.

    :param prefetch: of typedbridge. The others have no such choice.
    """
    ours = peers.load("typedbridge.streams").sync_to_async_iter
    ways: dict[str, Callable[[], ToAsync]] = {
        BAREST: lambda: barely,
        "starlette": lambda: peers.load("starlette.concurrency").iterate_in_threadpool,
        "asgiref": lambda: partial(called, peers.bridge("asgiref")),
        OURS: lambda: partial(ours, prefetch=prefetch),
    }

    @contextmanager
    def entry(way: Callable[[], ToAsync]) -> Iterator[Sample]:
        with on_loop(partial(taken, way())) as sample:
            yield sample

    return {name: partial(entry, way) for name, way in ways.items()}


def barely_in_sync(loop: asyncio.AbstractEventLoop, producer: AsyncIterator[int]) -> Iterator[int]:
    """One task and one lock for each item."""
    call = barest.to_loop(lambda _: _next(producer), loop)
    while (item := call(0)) >= 0:
        yield item


async def _next(producer: AsyncIterator[int]) -> int:
    return await anext(producer, -1)


def called_in_sync(call: Callable[..., int], producer: AsyncIterator[int]) -> Iterator[int]:
    while (item := call(_next, producer)) >= 0:
        yield item


def to_sync(prefetch: int) -> dict[str, Entry]:
    """Items of an async generator for sync code, without a loop around.

    asgiref is no contestant: its loop ends with each call, and the generator with it.
    """
    ours = peers.load("typedbridge.streams").async_to_sync_iter

    @contextmanager
    def bare() -> Iterator[Sample]:
        with barest.running_loop() as loop:
            yield partial(taken_in_sync, partial(barely_in_sync, loop))

    @contextmanager
    def portal() -> Iterator[Sample]:
        with peers.load("anyio.from_thread").start_blocking_portal() as opened:
            yield partial(taken_in_sync, partial(called_in_sync, opened.call))

    return {
        BAREST: bare,
        "anyio": portal,
        OURS: lambda: nullcontext(partial(taken_in_sync, partial(ours, prefetch=prefetch))),
    }
