"""Rows about async_to_sync: from a thread to an event loop and back."""

from __future__ import annotations

import asyncio
import threading
from _thread import start_new_thread
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

from bench import barest, peers
from bench.model import BAREST, Aim, Entry, Part, Row, Sample, SyncCall
from bench.timing import MICROSECONDS, async_identity, blocking, clock, on_loop

GROUP: Final = "async_to_sync"
THREADS: Final = 16
PARTS: Final = (
    Part("loop turn", "loop turn"),
    Part("thread wake-up", "lock wake-up"),
)


def run_anew(argument: int) -> int:
    return asyncio.run(async_identity(argument))


def bridged(name: str) -> SyncCall:
    call: SyncCall = peers.bridge(name).async_to_sync(async_identity)
    return call


def run_threadsafe(loop: asyncio.AbstractEventLoop) -> SyncCall:
    def call(argument: int) -> int:
        return asyncio.run_coroutine_threadsafe(async_identity(argument), loop).result()

    return call


def no_loop_entries() -> dict[str, Entry]:
    """Called from a thread that has nothing to do with any loop."""

    @contextmanager
    def barest_entry() -> Iterator[Sample]:
        with barest.running_loop() as loop:
            yield partial(blocking, barest.to_loop(async_identity, loop))

    @contextmanager
    def threadsafe() -> Iterator[Sample]:
        with barest.running_loop() as loop:
            yield partial(blocking, run_threadsafe(loop))

    @contextmanager
    def runner() -> Iterator[Sample]:
        with asyncio.Runner() as kept:
            yield partial(blocking, lambda argument: kept.run(async_identity(argument)))

    @contextmanager
    def portal() -> Iterator[Sample]:
        with peers.load("anyio.from_thread").start_blocking_portal() as opened:
            yield partial(blocking, partial(opened.call, async_identity))

    @contextmanager
    def plain(build: Callable[[], SyncCall]) -> Iterator[Sample]:
        yield partial(blocking, build())

    made: dict[str, Entry] = {
        BAREST: barest_entry,
        "run_coroutine_threadsafe": threadsafe,
        "asyncio.Runner": runner,
        "asyncio.run": partial(plain, lambda: run_anew),
    }
    if peers.installed("anyio"):
        made["anyio"] = portal
    for name in peers.bridges():
        made[name] = partial(plain, partial(bridged, name))
    return made


async def inside_barest(calls: int) -> float:
    """A thread of the barest kind calls the loop that waits for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[float] = loop.create_future()

    def work() -> None:
        figure = blocking(barest.to_loop(async_identity, loop), calls)
        loop.call_soon_threadsafe(done.set_result, figure)

    start_new_thread(work, ())
    return await done


async def inside_threadsafe(calls: int) -> float:
    call = run_threadsafe(asyncio.get_running_loop())
    return await asyncio.to_thread(blocking, call, calls)


async def inside_anyio(calls: int) -> float:
    call = partial(peers.load("anyio.from_thread").run, async_identity)
    figure: float = await peers.load("anyio.to_thread").run_sync(blocking, call, calls)
    return figure


async def inside_bridge(name: str, calls: int) -> float:
    figure: float = await peers.bridge(name).sync_to_async(blocking)(bridged(name), calls)
    return figure


def inside_entries(loop_name: str = "") -> dict[str, Entry]:
    """Called from a thread that an event loop waits for; the coroutine runs on that loop."""

    # Any: a coroutine's yield and send types belong to the event loop.
    def entry(body: Callable[[int], Coroutine[Any, Any, float]]) -> AbstractContextManager[Sample]:
        return on_loop(body, peers.loop_factory(loop_name))

    made: dict[str, Entry] = {
        BAREST: partial(entry, inside_barest),
        "run_coroutine_threadsafe": partial(entry, inside_threadsafe),
    }
    if peers.installed("anyio"):
        made["anyio"] = partial(entry, inside_anyio)
    for name in peers.bridges():
        made[name] = partial(entry, partial(inside_bridge, name))
    return made


def from_threads(calls_of_threads: list[SyncCall], calls: int) -> float:
    """Every thread makes its share of the calls, all at once; wall time for each call."""
    share = max(1, calls // len(calls_of_threads))
    ready = threading.Barrier(len(calls_of_threads) + 1)
    done: SimpleQueue[BaseException | None] = SimpleQueue()

    def work(call: SyncCall) -> None:
        try:
            call(1)
            call(1)
            ready.wait()
            for _ in range(share):
                call(1)
        except BaseException as error:
            ready.abort()
            done.put(error)
            raise
        done.put(None)

    threads = [threading.Thread(target=work, args=(call,)) for call in calls_of_threads]
    for thread in threads:
        thread.start()
    ready.wait()
    start = clock()
    failures = [done.get() for _ in threads]
    elapsed = clock() - start
    for thread in threads:
        thread.join()
    for failure in failures:
        if failure is not None:
            raise failure
    return elapsed / (share * len(threads)) * MICROSECONDS


def many_threads_entries() -> dict[str, Entry]:
    """Sixteen threads at once; each of them has a loop thread of its own."""

    @contextmanager
    def with_loops(
        build: Callable[[asyncio.AbstractEventLoop], SyncCall],
    ) -> Iterator[Sample]:
        with ExitStack() as stack:
            loops = [stack.enter_context(barest.running_loop()) for _ in range(THREADS)]
            yield partial(from_threads, [build(loop) for loop in loops])

    @contextmanager
    def same(build: Callable[[], SyncCall]) -> Iterator[Sample]:
        yield partial(from_threads, [build()] * THREADS)

    made: dict[str, Entry] = {
        BAREST: partial(with_loops, partial(barest.to_loop, async_identity)),
        "run_coroutine_threadsafe": partial(with_loops, run_threadsafe),
        "asyncio.run": partial(same, lambda: run_anew),
    }
    for name in peers.bridges():
        made[name] = partial(same, partial(bridged, name))
    return made


def rows() -> list[Row]:
    """Rows with no loop around, inside a sync_to_async call, and from many threads."""
    return [
        Row(
            name="no-loop",
            title="async_to_sync, no loop around",
            group=GROUP,
            entries=no_loop_entries(),
            calls=500,
            aim=Aim(1.5),
            parts=PARTS,
        ),
        Row(
            name="inside",
            title="async_to_sync inside sync_to_async",
            group=GROUP,
            entries=inside_entries(),
            aim=Aim(1.4),
            parts=PARTS,
        ),
        Row(
            name="16-threads",
            title="async_to_sync from 16 threads at once",
            group=GROUP,
            entries=many_threads_entries(),
            calls=800,
            least=THREADS,
            quick=THREADS,
            aim=Aim(1.5),
        ),
    ]


def uvloop_rows() -> list[Row]:
    """The nested row again, on uvloop."""
    if not peers.installed("uvloop"):
        return []
    return [
        Row(
            name="inside-uvloop",
            title="async_to_sync inside sync_to_async",
            group="uvloop",
            entries=inside_entries("uvloop"),
        )
    ]
