"""What the barest hand-offs are made of, each piece measured alone."""

from __future__ import annotations

import asyncio
from _thread import allocate_lock, start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue

from bench.model import Row, Sample
from bench.timing import MICROSECONDS, blocking, clock, identity, on_loop


@contextmanager
def queues() -> Iterator[Sample]:
    """Wake a thread that waits for a queue."""
    there: SimpleQueue[int | None] = SimpleQueue()
    back: SimpleQueue[int] = SimpleQueue()

    def work() -> None:
        while (item := there.get()) is not None:
            back.put(identity(item))

    def call(argument: int) -> int:
        there.put(argument)
        return back.get()

    start_new_thread(work, ())
    # A round trip wakes two threads.
    yield lambda calls: blocking(call, calls) / 2
    there.put(None)


@contextmanager
def locks() -> Iterator[Sample]:
    """Wake a thread that waits for a raw lock."""
    there, back = allocate_lock(), allocate_lock()
    there.acquire()
    back.acquire()
    going_on = [True]

    def work() -> None:
        there.acquire()
        while going_on[0]:
            back.release()
            there.acquire()

    def call(argument: int) -> int:
        there.release()
        back.acquire()
        return argument

    start_new_thread(work, ())
    yield lambda calls: blocking(call, calls) / 2
    going_on[0] = False
    there.release()


async def turn() -> None:
    """Await a future that the loop itself completes in its next turn."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future


async def turns(calls: int) -> float:
    start = clock()
    for _ in range(calls):
        await turn()
    return (clock() - start) / calls * MICROSECONDS


async def turns_at_once(size: int, calls: int) -> float:
    batches = max(1, calls // size)
    start = clock()
    for _ in range(batches):
        await asyncio.gather(*[turn() for _ in range(size)])
    return (clock() - start) / (batches * size) * MICROSECONDS


def row() -> Row:
    """All pieces; the rows' `parts` name them."""
    return Row(
        name="parts",
        title="Pieces of a hand-off",
        group="parts",
        entries={
            "thread wake-up": queues,
            "lock wake-up": locks,
            "loop turn": partial(on_loop, turns),
            "loop turn, 1000 tasks at once": partial(on_loop, partial(turns_at_once, 1000)),
        },
        calls=2000,
        base="thread wake-up",
    )
