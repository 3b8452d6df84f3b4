"""What the barest hand-offs are made of, each piece measured alone."""

from __future__ import annotations

import asyncio
from _thread import allocate_lock, start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue

from bench.model import Entry, Sample
from bench.timing import at_once, blocking, on_loop, one_by_one


@contextmanager
def queues() -> Iterator[Sample]:
    """Wake a thread that waits for a queue."""
    there: SimpleQueue[int | None] = SimpleQueue()
    back: SimpleQueue[int] = SimpleQueue()

    def work() -> None:
        while (item := there.get()) is not None:
            back.put(item)

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


async def turn(_value: int) -> None:
    """Await a future that the loop itself completes in its next turn."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future


def pieces() -> dict[str, Entry]:
    """The rows' `parts` name them."""
    return {
        "thread wake-up": queues,
        "lock wake-up": locks,
        "loop turn": partial(on_loop, partial(one_by_one, turn)),
        "loop turn, 1000 tasks at once": partial(on_loop, partial(at_once, 1000, turn)),
    }
