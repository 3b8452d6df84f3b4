"""How calls are timed: after a warm-up, one figure for many calls, in microseconds a call.

Two clocks serve. The wall clock is the default. The processor time of this process agrees with
it on one quiet core, where a hop waits for nothing but its own other half, and stays steady while
other processes are busy on that core.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from bench import peers
from bench.model import Sample, SyncCall

# Threads and caches are made in the first call or two.
WARM_UP: Final = 20
MICROSECONDS: Final = 1e6
CLOCKS: Final = {"wall": perf_counter, "cpu": process_time}
#: Tells a child process which clock its parent uses.
CLOCK_VARIABLE: Final = "TYPEDBRIDGE_BENCH_CLOCK"

#: What is awaited again and again.
Awaited = Callable[[int], Awaitable[object]]
#: What a loop runs for one sample. Any: a coroutine's yield and send types belong to the loop.
LoopBody = Callable[[int], Coroutine[Any, Any, float]]


def clock() -> float:
    """Seconds, on the clock that the command line chose."""
    return CLOCKS[os.environ.get(CLOCK_VARIABLE, "wall")]()


def identity(value: int) -> int:
    return value


async def async_identity(value: int) -> int:
    return value


@contextmanager
def on_loop(body: LoopBody, loop: str = "") -> Iterator[Sample]:
    """Run every sample of one contestant on the same event loop, of the named kind."""
    with asyncio.Runner(loop_factory=peers.loop_factory(loop)) as runner:
        yield lambda calls: runner.run(body(calls))


async def one_by_one(call: Awaited, calls: int) -> float:
    """Await one call after another."""
    for _ in range(min(calls, WARM_UP)):
        await call(1)
    start = clock()
    for _ in range(calls):
        await call(1)
    return (clock() - start) / calls * MICROSECONDS


async def at_once(size: int, call: Awaited, calls: int) -> float:
    """Await *size* calls at once, as often as needed for *calls* in all."""
    size = min(size, calls)
    batches = max(1, calls // size)
    await asyncio.gather(*[call(1) for _ in range(size)])
    start = clock()
    for _ in range(batches):
        await asyncio.gather(*[call(1) for _ in range(size)])
    return (clock() - start) / (batches * size) * MICROSECONDS


def blocking(call: SyncCall, calls: int) -> float:
    """Call blockingly, one after another."""
    for _ in range(min(calls, WARM_UP)):
        call(1)
    start = clock()
    for _ in range(calls):
        call(1)
    return (clock() - start) / calls * MICROSECONDS


async def extra(
    plain: Callable[[int], Awaitable[float]],
    loaded: Callable[[int], Awaitable[float]],
    calls: int,
    *,
    block: int = 20,
) -> float:
    """What *loaded* costs more than *plain*: the median difference of many short pairs.

    The difference is a tenth of the figures it is taken from: a pair must lie so close in time
    that the machine's mood is the same for both.
    """
    block = min(calls, block)
    differences: list[float] = []
    for turn in range(max(2, calls // block)):
        if turn % 2:
            base = await plain(block)
            differences.append(await loaded(block) - base)
        else:
            more = await loaded(block)
            differences.append(more - await plain(block))
    return median(differences)


def without_loop(turns: Coroutine[Any, Any, float]) -> float:
    """Run by hand what awaits nothing, since no loop may run around the calls in it."""
    try:
        turns.send(None)
    except StopIteration as done:
        figure: float = done.value
        return figure
    raise AssertionError(turns)
