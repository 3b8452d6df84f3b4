"""Delay: what a call adds to the work itself, and who waits for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from statistics import quantiles
from time import perf_counter
from typing import Any, Final

from bench.model import ASGIREF, BAREST, OURS, AsyncCall, Entry, Sample
from bench.timing import MICROSECONDS, identity, one_by_one
from bench.to_thread import Ways, entries, ways

IN_FLIGHT: Final = 32
# Any: a coroutine's yield and send types belong to the event loop.
Main = Callable[[], Coroutine[Any, Any, None]]


def shown(all_ways: Ways) -> Ways:
    """Without the peers that have no design of their own: they add nothing here but time."""
    return {name: all_ways[name] for name in (BAREST, "asyncio", ASGIREF, OURS)}


def work(nanoseconds: int) -> int:
    """Compute for that long and say how long it really was."""
    start = perf_counter()
    end = start + nanoseconds / 1e9
    while (now := perf_counter()) < end:
        pass
    return int((now - start) * 1e9)


def added(milliseconds: int) -> dict[str, Entry]:
    """The 99th percentile of what a call takes longer than its work."""

    async def body(call: AsyncCall, calls: int) -> float:
        await call(0)
        found: list[float] = []
        for _ in range(max(2, calls)):
            start = perf_counter()
            worked = await call(milliseconds * 1_000_000)
            found.append((perf_counter() - start) * MICROSECONDS - worked / 1e3)
        return quantiles(found, n=100, method="inclusive")[-1]

    return entries(shown(ways(work, sensitive=False)), body)


def in_loops(mains: list[Main]) -> None:
    """Run every main on a loop and in a thread of its own; a failure in one is raised here."""
    with ThreadPoolExecutor(len(mains)) as threads:
        list(threads.map(lambda main: asyncio.run(main()), mains))


def share(loops: int) -> dict[str, Entry]:
    """Equal loops share the workers: most calls done by one, over fewest, when the first is through."""

    def measure(call: AsyncCall, calls: int) -> float:
        done = [0] * loops
        over = threading.Event()
        ready = threading.Barrier(loops)

        async def client(place: int) -> None:
            while done[place] < calls and not over.is_set():
                await call(1)
                done[place] += 1

        async def clients(place: int) -> None:
            await call(1)
            # Before any call that counts; this loop has nothing else to do.
            ready.wait(30)
            await asyncio.gather(*[client(place) for _ in range(IN_FLIGHT)])
            over.set()

        in_loops([partial(clients, place) for place in range(loops)])
        return max(done) / max(1, min(done))

    return shared(measure)


def calm(loops: int) -> dict[str, Entry]:
    """One call after another in one loop while the others keep many in flight; time for each."""

    def measure(call: AsyncCall, calls: int) -> float:
        over = threading.Event()
        ready = threading.Barrier(loops)
        figure: list[float] = []

        async def client() -> None:
            while not over.is_set():
                await call(1)

        async def flood() -> None:
            await call(1)
            ready.wait(30)
            await asyncio.gather(*[client() for _ in range(IN_FLIGHT)])

        async def quiet() -> None:
            await call(1)
            ready.wait(30)
            try:
                figure.append(await one_by_one(call, calls))
            finally:
                over.set()

        in_loops([quiet, *[flood] * (loops - 1)])
        return figure[0]

    return shared(measure)


def shared(measure: Callable[[AsyncCall, int], float]) -> dict[str, Entry]:
    @contextmanager
    def entry(way: Callable[[], AbstractContextManager[AsyncCall]]) -> Iterator[Sample]:
        with way() as call:
            yield partial(measure, call)

    chosen = shown(ways(identity, sensitive=False))
    return {name: partial(entry, way) for name, way in chosen.items()}
