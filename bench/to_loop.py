"""From a thread to an event loop and back: every way to call an async function blockingly."""

from __future__ import annotations

import asyncio
import threading
from _thread import start_new_thread
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial

from bench import barest, peers
from bench.barest import AsyncFunction
from bench.model import BAREST, Entry, Sample, SyncCall
from bench.timing import MICROSECONDS, LoopBody, async_identity, blocking, clock, on_loop

OnLoop = Callable[[AbstractEventLoop], SyncCall]

barely: OnLoop = partial(barest.to_loop, async_identity)


def run_anew(argument: int, function: AsyncFunction = async_identity) -> int:
    return asyncio.run(function(argument))


def bridged(name: str, function: AsyncFunction = async_identity) -> SyncCall:
    call: SyncCall = peers.bridge(name).async_to_sync(function)
    return call


def threadsafe(loop: AbstractEventLoop, function: AsyncFunction = async_identity) -> SyncCall:
    return lambda argument: asyncio.run_coroutine_threadsafe(function(argument), loop).result()


def no_loop() -> dict[str, Entry]:
    """Called from a thread that has nothing to do with any loop."""

    @contextmanager
    def on_another(build: OnLoop) -> Iterator[Sample]:
        with barest.running_loop() as loop:
            yield partial(blocking, build(loop))

    @contextmanager
    def runner() -> Iterator[Sample]:
        with asyncio.Runner() as kept:
            yield partial(blocking, lambda argument: kept.run(async_identity(argument)))

    @contextmanager
    def portal() -> Iterator[Sample]:
        with peers.load("anyio.from_thread").start_blocking_portal() as opened:
            yield partial(blocking, partial(opened.call, async_identity))

    def plain(name: str) -> AbstractContextManager[Sample]:
        return nullcontext(partial(blocking, bridged(name)))

    return {
        BAREST: partial(on_another, barely),
        "run_coroutine_threadsafe": partial(on_another, threadsafe),
        "asyncio.Runner": runner,
        "asyncio.run": lambda: nullcontext(partial(blocking, run_anew)),
        "anyio": portal,
        **peers.of_bridges(plain),
    }


async def inside_barest(calls: int) -> float:
    """A thread of the barest kind calls the loop that waits for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[float] = loop.create_future()

    def work() -> None:
        loop.call_soon_threadsafe(done.set_result, blocking(barely(loop), calls))

    start_new_thread(work, ())
    return await done


async def inside_threadsafe(calls: int) -> float:
    return await asyncio.to_thread(blocking, threadsafe(asyncio.get_running_loop()), calls)


async def inside_anyio(calls: int) -> float:
    call = partial(peers.load("anyio.from_thread").run, async_identity)
    figure: float = await peers.load("anyio.to_thread").run_sync(blocking, call, calls)
    return figure


async def inside_bridge(name: str, calls: int) -> float:
    figure: float = await peers.bridge(name).sync_to_async(blocking)(bridged(name), calls)
    return figure


def inside(loop: str = "") -> dict[str, Entry]:
    """Called from a thread that an event loop waits for; the coroutine runs on that loop."""
    bodies: dict[str, LoopBody] = {
        BAREST: inside_barest,
        "run_coroutine_threadsafe": inside_threadsafe,
        "anyio": inside_anyio,
        **{name: partial(inside_bridge, name) for name in peers.BRIDGES},
    }
    return {name: partial(on_loop, body, loop) for name, body in bodies.items()}


def from_threads(calls_of_threads: list[SyncCall], calls: int) -> float:
    """Every thread makes its share of the calls, all at once; time for each call."""
    share = max(1, calls // len(calls_of_threads))
    ready = threading.Barrier(len(calls_of_threads) + 1)

    def work(call: SyncCall) -> None:
        try:
            call(1)
            call(1)
        except BaseException:
            ready.abort()
            raise
        ready.wait()
        for _ in range(share):
            call(1)

    with ThreadPoolExecutor(len(calls_of_threads)) as threads:
        running = [threads.submit(work, call) for call in calls_of_threads]
        ready.wait()
        start = clock()
        wait(running)
        elapsed = clock() - start
        for done in running:
            done.result()
    return elapsed / (share * len(running)) * MICROSECONDS


def many_threads(number: int, waves: bool = False) -> dict[str, Entry]:  # noqa: FBT001, FBT002  # from rows.toml
    """So many threads at once; each of them has a loop thread of its own.

    :param waves: a call begins when no other is under way, and ends when all are.
    """
    meet = threading.Barrier(number)

    async def wait_for_others(argument: int) -> int:
        meet.wait(30)  # blocks its loop on purpose
        return argument

    function = wait_for_others if waves else async_identity

    def in_wave(call: SyncCall, argument: int) -> int:
        meet.wait(30)
        return call(argument)

    def each(calls: list[SyncCall]) -> Sample:
        return partial(from_threads, [partial(in_wave, call) for call in calls] if waves else calls)

    @contextmanager
    def with_loops(build: OnLoop) -> Iterator[Sample]:
        with ExitStack() as stack:
            loops = [stack.enter_context(barest.running_loop()) for _ in range(number)]
            yield each([build(loop) for loop in loops])

    def same(call: SyncCall) -> AbstractContextManager[Sample]:
        return nullcontext(each([call] * number))

    return {
        BAREST: partial(with_loops, partial(barest.to_loop, function)),
        "run_coroutine_threadsafe": partial(with_loops, partial(threadsafe, function=function)),
        "asyncio.run": partial(same, partial(run_anew, function=function)),
        **peers.of_bridges(lambda name: same(bridged(name, function))),
    }
