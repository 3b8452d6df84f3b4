"""The least that each direction costs with Python's own pieces.

Nothing is carried along, no error is handled, nothing can be cancelled: what is left is the
price of waking a thread and waking a loop. Every ratio in the tables is to one of these.
"""

from __future__ import annotations

import asyncio
import threading
from _thread import allocate_lock, start_new_thread
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from bench.model import AsyncCall, SyncCall

SyncFunction = Callable[[int], int]
# Any: a coroutine's yield and send types belong to the event loop.
AsyncFunction = Callable[[int], Coroutine[Any, Any, int]]
Job = tuple[AbstractEventLoop, "asyncio.Future[int]", int]


@contextmanager
def worker(function: SyncFunction) -> Iterator[SimpleQueue[Job | None]]:
    """One thread behind a queue; it completes the callers' futures through their loop."""
    queue: SimpleQueue[Job | None] = SimpleQueue()

    def work() -> None:
        while (job := queue.get()) is not None:
            loop, future, argument = job
            loop.call_soon_threadsafe(future.set_result, function(argument))

    # Without threading.Thread, which waits until the thread has begun.
    start_new_thread(work, ())
    try:
        yield queue
    finally:
        queue.put(None)


@contextmanager
def to_thread(function: SyncFunction) -> Iterator[AsyncCall]:
    """Hand over to a thread from an async function, as all contestants do.

    So gather makes a task of each call.
    """
    with worker(function) as queue:

        async def call(argument: int) -> int:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[int] = loop.create_future()
            queue.put((loop, future, argument))
            return await future

        yield call


@contextmanager
def to_thread_without_tasks(function: SyncFunction) -> Iterator[AsyncCall]:
    """Hand over to a thread and give the bare future; shows what the tasks cost."""
    with worker(function) as queue:

        def call(argument: int) -> asyncio.Future[int]:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[int] = loop.create_future()
            queue.put((loop, future, argument))
            return future

        yield call


@contextmanager
def running_loop() -> Iterator[AbstractEventLoop]:
    """An event loop that runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def to_loop(function: AsyncFunction, loop: AbstractEventLoop) -> SyncCall:
    """A task on a loop that runs in another thread, and a raw lock for the answer."""

    def call(argument: int) -> int:
        answer: list[int] = []
        lock = allocate_lock()
        lock.acquire()

        async def run() -> None:
            answer.append(await function(argument))
            lock.release()

        loop.call_soon_threadsafe(loop.create_task, run())
        lock.acquire()
        return answer[0]

    return call


def in_caller(
    function: SyncFunction,
    main: Callable[[AsyncCall], Coroutine[Any, Any, float]],
    loop: AbstractEventLoop,
) -> float:
    """Run *main* on *loop* while this thread serves a queue; *main* sends *function* back here."""
    queue: SimpleQueue[tuple[asyncio.Future[int], int] | float] = SimpleQueue()

    async def call(argument: int) -> int:
        future: asyncio.Future[int] = loop.create_future()
        queue.put((future, argument))
        return await future

    async def run() -> None:
        queue.put(await main(call))

    loop.call_soon_threadsafe(loop.create_task, run())
    while not isinstance(job := queue.get(), float):
        future, argument = job
        loop.call_soon_threadsafe(future.set_result, function(argument))
    return job
