"""Samples that need a process of their own: ``python -m bench.child TASK CONTESTANT``.

Reads a number of calls from each line of its input and answers with a line that holds the
figure. See rows_child.py for the rows.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from time import perf_counter

from bench import peers
from bench.model import AsyncCall, Sample
from bench.rows_to_thread import calls_of
from bench.timing import MICROSECONDS

# The pool of asyncio is this large at most; a gate must be able to hold them all.
WORKERS = 32


async def pending(way: Callable[[], AbstractContextManager[AsyncCall]], calls: int) -> float:
    """Bytes for each of *calls* calls that wait for their turn, task and context included."""
    gate = threading.Event()
    opened.append(gate)
    with way() as call:
        await call(0)

        async def one() -> int:
            return await call(1)

        tracked = tracemalloc.is_tracing()
        tasks: list[asyncio.Task[int]] = []
        # The list itself is not part of a call.
        tasks.extend([asyncio.current_task()] * calls)  # type: ignore[list-item]
        before = tracemalloc.get_traced_memory()[0] if tracked else resident()
        for place in range(calls):
            tasks[place] = asyncio.create_task(one())
        # Every task has run up to its wait; some peers need a few turns.
        for _ in range(5):
            await asyncio.sleep(0)
        after = tracemalloc.get_traced_memory()[0] if tracked else resident()
        gate.set()
        await asyncio.gather(*tasks)
    return (after - before) / calls


#: The gate of the measurement that runs now.
opened: list[threading.Event] = []


def wait_at_gate(value: int) -> int:
    if value:
        opened[-1].wait()
    return value


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def memory(contestant: str) -> Sample:
    tracemalloc.start()
    way = calls_of(wait_at_gate, sensitive=True)[contestant]
    return lambda calls: asyncio.run(pending(way, calls))


def memory_resident(contestant: str) -> Sample:
    way = calls_of(wait_at_gate, sensitive=True)[contestant]
    return lambda calls: asyncio.run(pending(way, calls))


def cold_workers(contestant: str) -> Sample:
    """Time for each worker that must be started, from the calls to all of them running."""
    started: list[float] = []
    barrier = threading.Barrier(WORKERS, action=lambda: started.append(perf_counter()))

    def function(value: int) -> int:
        barrier.wait()
        return value

    async def body() -> float:
        loop = asyncio.get_running_loop()
        # asyncio's own pool follows the number of cores; all must have the same size.
        loop.set_default_executor(ThreadPoolExecutor(WORKERS))
        with calls_of(function, sensitive=False)[contestant]() as call:
            start = perf_counter()
            await asyncio.gather(*[call(1) for _ in range(WORKERS)])
        return (started[0] - start) / WORKERS * MICROSECONDS

    return lambda _calls: asyncio.run(body())


def cold_loops(contestant: str) -> Sample:
    """Time for each async_to_sync call that finds no idle loop, all of them running together."""
    started: list[float] = []
    barrier = threading.Barrier(WORKERS, action=lambda: started.append(perf_counter()))
    ready = threading.Barrier(WORKERS + 1)

    async def meet() -> None:
        # Blocks its loop on purpose: so every call needs another one.
        barrier.wait()

    def anew() -> None:
        asyncio.run(meet())

    call = anew if contestant == "asyncio.run" else peers.bridge(contestant).async_to_sync(meet)

    def work() -> None:
        ready.wait()
        call()

    def sample(_calls: int) -> float:
        threads = [threading.Thread(target=work) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        ready.wait()
        start = perf_counter()
        for thread in threads:
            thread.join()
        return (started[0] - start) / WORKERS * MICROSECONDS

    return sample


def django(contestant: str, view: str = "") -> Sample:
    # Not at the top: only this process is meant to see Django with another bridge under it.
    sample: Sample = peers.load("bench.django_site").sample(contestant, view)
    return sample


TASKS: dict[str, Callable[[str], Sample]] = {
    "memory": memory,
    "memory-resident": memory_resident,
    "cold-workers": cold_workers,
    "cold-loops": cold_loops,
    "django-sync": partial(django, view="sync"),
    "django-async": partial(django, view="async"),
    "django-mixed": partial(django, view="mixed"),
}


def main() -> None:
    task, contestant = sys.argv[1:]
    sample = TASKS[task](contestant)
    for line in sys.stdin:
        print(sample(int(line)), flush=True)


if __name__ == "__main__":
    main()
