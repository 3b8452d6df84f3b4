"""What only a process of its own can show: the memory of calls that wait, and cold starts."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from bench import peers
from bench.model import AsyncCall, Entry, Sample
from bench.timing import MICROSECONDS
from bench.to_thread import entries, ways

# The pool of asyncio is this large at most; a gate must be able to hold them all.
WORKERS: Final = 32
STATM: Final = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    return int(STATM.read_text().split()[1]) * 4096


def allocated() -> int:
    """Bytes that Python's allocator has given out."""
    tracemalloc.start()  # nothing, the second time
    return tracemalloc.get_traced_memory()[0]


def memory(kind: str) -> dict[str, Entry]:
    """Bytes for each call that waits for its turn, task and context included."""
    count = {"resident": resident, "allocated": allocated}[kind]
    if kind == "resident" and not STATM.exists():
        return {}
    gates: list[threading.Event] = []

    def wait_at_gate(value: int) -> int:
        if value:
            gates[-1].wait()
        return value

    async def pending(call: AsyncCall, calls: int) -> float:
        count()
        gates.append(threading.Event())
        await call(0)

        async def one() -> int:
            return await call(1)

        tasks: list[asyncio.Task[int]] = []
        # The list itself is not part of a call.
        tasks.extend([asyncio.current_task()] * calls)  # type: ignore[list-item]
        before = count()
        for place in range(calls):
            tasks[place] = asyncio.create_task(one())
        # Every task has run up to its wait; some peers need a few turns.
        for _ in range(5):
            await asyncio.sleep(0)
        after = count()
        gates[-1].set()
        await asyncio.gather(*tasks)
        return (after - before) / calls

    return entries(ways(wait_at_gate, sensitive=True), pending)


def workers() -> dict[str, Entry]:
    """Time for each worker that must be started, from the calls to all of them running."""
    started: list[float] = []
    barrier = threading.Barrier(WORKERS, action=lambda: started.append(perf_counter()))

    def function(value: int) -> int:
        barrier.wait()
        return value

    async def body(call: AsyncCall, _calls: int) -> float:
        # asyncio's own pool follows the number of cores; all must have the same size.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WORKERS))
        start = perf_counter()
        await asyncio.gather(*[call(1) for _ in range(WORKERS)])
        return (started[-1] - start) / WORKERS * MICROSECONDS

    # One thread cannot run two; anyio and starlette have pools of another size.
    pools = {"asyncio", *peers.BRIDGES}
    all_ways = ways(function, sensitive=False)
    return entries({name: way for name, way in all_ways.items() if name in pools}, body)


def loops() -> dict[str, Entry]:
    """Time for each async_to_sync call that finds no idle loop, all of them running together."""
    return {name: partial(cold_loops, name) for name in ("asyncio.run", *peers.BRIDGES)}


def cold_loops(name: str) -> AbstractContextManager[Sample]:
    started: list[float] = []
    barrier = threading.Barrier(WORKERS, action=lambda: started.append(perf_counter()))
    ready = threading.Barrier(WORKERS + 1)

    async def meet() -> None:
        # Blocks its loop on purpose: so every call needs another one.
        barrier.wait()

    def anew() -> None:
        asyncio.run(meet())

    call = anew if name == "asyncio.run" else peers.bridge(name).async_to_sync(meet)

    def work() -> None:
        ready.wait()
        call()

    def sample(_calls: int) -> float:
        with ThreadPoolExecutor(WORKERS) as threads:
            running = [threads.submit(work) for _ in range(WORKERS)]
            ready.wait()
            start = perf_counter()
            for done in running:
                done.result()
        return (started[-1] - start) / WORKERS * MICROSECONDS

    return nullcontext(sample)
