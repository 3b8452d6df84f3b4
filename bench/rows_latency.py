"""Rows about delay: what a call adds to the work itself, and who waits for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from statistics import quantiles
from time import perf_counter
from typing import Any, Final

from bench.model import ASGIREF, BAREST, OURS, AsyncCall, Entry, Row, Sample
from bench.rows_to_thread import calls_of
from bench.timing import MICROSECONDS, identity, on_loop, one_by_one

LOOPS: Final = 4
IN_FLIGHT: Final = 32
# The peers without a design of their own add nothing to these rows but time.
SHOWN: Final = frozenset({BAREST, "asyncio", ASGIREF, OURS})

ThreadCall = Callable[[], AbstractContextManager[AsyncCall]]


def work(nanoseconds: int) -> int:
    """Compute for that long and say how long it really was."""
    start = perf_counter()
    end = start + nanoseconds / 1e9
    while (now := perf_counter()) < end:
        pass
    return int((now - start) * 1e9)


def work_entries(milliseconds: int) -> dict[str, Entry]:
    """The 99th percentile of what a call takes longer than its work."""

    @contextmanager
    def entry(way: ThreadCall) -> Iterator[Sample]:
        async def body(calls: int) -> float:
            await call(0)
            added: list[float] = []
            for _ in range(max(2, calls)):
                start = perf_counter()
                worked = await call(milliseconds * 1_000_000)
                added.append((perf_counter() - start) * MICROSECONDS - worked / 1e3)
            return quantiles(added, n=100, method="inclusive")[-1]

        with way() as call, on_loop(body) as sample:
            yield sample

    ways = calls_of(work, sensitive=False)
    return {name: partial(entry, way) for name, way in ways.items() if name in SHOWN}


def in_loops(bodies: list[Callable[[], None]]) -> None:
    """Run every body in a thread of its own; a failure in one is raised here."""
    failures: list[BaseException] = []

    def guarded(body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def share(call: AsyncCall, calls: int) -> float:
    """Equal loops share the workers: most calls done by one, over fewest, when the first is through."""
    done = [0] * LOOPS
    over = threading.Event()
    ready = threading.Barrier(LOOPS)

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

    in_loops([partial(_run, partial(clients, place)) for place in range(LOOPS)])
    return max(done) / max(1, min(done))


def calm(call: AsyncCall, calls: int) -> float:
    """One call after another in one loop while the others keep many in flight; time for each."""
    over = threading.Event()
    ready = threading.Barrier(LOOPS)
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

    in_loops([partial(_run, main) for main in (quiet, *[flood] * (LOOPS - 1))])
    return figure[0]


# Any: a coroutine's yield and send types belong to the event loop.
def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner() as runner:
        runner.run(main())


def shared_entries(measure: Callable[[AsyncCall, int], float]) -> dict[str, Entry]:
    @contextmanager
    def entry(way: ThreadCall) -> Iterator[Sample]:
        with way() as call:
            yield partial(measure, call)

    ways = calls_of(identity, sensitive=False)
    return {name: partial(entry, way) for name, way in ways.items() if name in SHOWN}


def rows() -> list[Row]:
    """Added latency under work, and fairness between loops."""
    made = [
        Row(
            name=f"work-{milliseconds}ms",
            title=f"A function that computes {milliseconds} ms: time added, 99th percentile",
            group="latency",
            entries=work_entries(milliseconds),
            calls=100,
            least=100,
        )
        for milliseconds in (1, 10)
    ]
    made += [
        Row(
            name="fair-share",
            title=f"{LOOPS} equal loops share the workers: most calls done over fewest",
            group="latency",
            entries=shared_entries(share),
            unit="x",
            calls=5000,
            least=1000,
            note="1 is fair. asyncio and asgiref have workers for each loop.",
        ),
        Row(
            name="fair-calm",
            title=f"One call after another while {LOOPS - 1} loops keep {IN_FLIGHT} each in flight",
            group="latency",
            entries=shared_entries(calm),
            calls=100,
            least=50,
        ),
    ]
    return made
