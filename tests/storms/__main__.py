"""``python -m storms KIND SEED``: calls of one kind, and a thread that sets exceptions in all threads of ours.

Or that sends signals, whose handler raises in the thread that makes the calls. Each call must end: with its
result, or with the exception. A function runs at most once. Afterwards as many calls run side by side as
before, and no loop thread is left over. What hangs ends the program with all stacks.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import gc
import logging
import random
import signal
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

from typedbridge import AsyncToSync, async_to_sync, sync_to_async
from typedbridge._core import spares
from typedbridge._core.loops import _running as running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

    from typedbridge._core.loops import LoopThread

SECONDS: Final = 2.0
PATIENCE: Final = 40
TOGETHER: Final = 6

BEGUN: Final = 0.1
"""Seconds after which a thread is at work."""


class Strike(Exception):  # noqa: N818  # no error of anybody
    """What is set."""


def set_exception(thread: threading.Thread) -> None:
    """Set it in one thread."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(Strike)
        )


class Storm:
    """The thread that sets exceptions."""

    def __init__(self, names: tuple[str, ...], seed: int) -> None:
        self.count = 0
        self._names = names
        #: When each thread was seen first. One that Python has not started yet is not ours.
        self._known: dict[threading.Thread, float] = {}
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._rage, name="storm")

    def _rage(self) -> None:
        while not self._over.is_set():
            for thread in threading.enumerate():
                if not thread.name.startswith(self._names) or not thread.is_alive():
                    continue
                since = self._known.setdefault(thread, time.monotonic())
                if time.monotonic() > since + BEGUN:
                    set_exception(thread)
                    self.count += 1
            time.sleep(self._random.choice([0.0, 0.0001, 0.0005]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Calls:
    """What was called, and what became of it."""

    def __init__(self) -> None:
        self.begun: Counter[int] = Counter()
        self.ended: Counter[str] = Counter()
        self.number = 0

    def function(self, number: int) -> int:
        self.begun[number] += 1
        return sum(range(50)) - 1225 + number

    async def coroutine(self, number: int) -> int:
        self.begun[number] += 1
        await asyncio.sleep(0)
        return number

    async def make(self, call: Callable[[int], Awaitable[int]]) -> None:
        """Make one call."""
        self.number += 1
        number = self.number
        try:
            result = await call(number)
        except (Strike, SystemError) as error:
            # C code that lets an exception stand makes CPython say so, with the exception as the cause.
            if isinstance(error, SystemError) and not isinstance(error.__cause__, Strike):
                raise
            self.ended["struck"] += 1
        else:
            self.ended["returned"] += 1
            assert number == result, (number, result)

    def make_sync(self, call: Callable[[int], int]) -> None:
        """Make one call that blocks."""
        self.number += 1
        number = self.number
        try:
            result = call(number)
        except (Strike, SystemError) as error:
            # C code that lets an exception stand makes CPython say so, with the exception as the cause.
            if isinstance(error, SystemError) and not isinstance(error.__cause__, Strike):
                raise
            self.ended["struck"] += 1
        else:
            self.ended["returned"] += 1
            assert number == result, (number, result)

    def check(self) -> None:
        """Each has ended, and none has run twice."""
        assert self.number == self.ended.total(), (self.number, self.ended)
        twice = [number for number, count in self.begun.items() if count > 1]
        assert [] == twice, twice
        assert self.ended["returned"] > 0, self.ended


async def rage_over(call: Callable[[int], Awaitable[int]], calls: Calls, *names: str) -> int:
    """Make calls of a kind in the storm, one after another and several at once."""
    with Storm(names, int(sys.argv[2])) as storm:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            await calls.make(call)
            await asyncio.gather(*[calls.make(call) for _ in range(TOGETHER)])
    return storm.count


async def lane(calls: Calls) -> int:
    """Sensitive calls."""
    return await rage_over(sync_to_async(calls.function), calls, "typedbridge")


async def pool(calls: Calls) -> int:
    """Calls in the pool, which then has as many places as before."""
    call = sync_to_async(calls.function, thread_sensitive=False)
    struck = await rage_over(call, calls, "typedbridge worker")
    size = PLACES
    barrier = threading.Barrier(size)
    wait = sync_to_async(barrier.wait, thread_sensitive=False)
    for _ in range(3):  # one that was set before may still come
        try:
            assert size == len(set(await asyncio.gather(*[wait(30) for _ in range(size)])))
            break
        except Strike:
            barrier.reset()
    return struck


async def waiting(calls: Calls) -> int:
    """Calls that are waited for when they are cancelled."""
    call = sync_to_async(calls.function, thread_sensitive=False, on_cancel="wait")
    return await rage_over(call, calls, "typedbridge worker")


async def back(calls: Calls) -> int:
    """Functions in the pool that call back a coroutine, which calls back into their thread."""
    inner = sync_to_async(calls.function)

    async def coroutine(number: int) -> int:
        return await inner(number)

    call = sync_to_async(async_to_sync(coroutine), thread_sensitive=False)
    return await rage_over(call, calls, "typedbridge worker")


def loops(calls: Calls) -> int:
    """Blocking calls, whose loop threads are struck."""
    with Storm(("typedbridge loop",), int(sys.argv[2])) as storm:
        end = time.monotonic() + SECONDS
        call = async_to_sync(calls.coroutine)
        while time.monotonic() < end:
            calls.make_sync(call)
    return storm.count


def hops(calls: Calls) -> int:
    """Blocking calls that call into the pool; loop threads and workers are struck."""
    inner = sync_to_async(calls.function, thread_sensitive=False)

    async def coroutine(number: int) -> int:
        return await inner(number)

    with Storm(("typedbridge",), int(sys.argv[2])) as storm:
        end = time.monotonic() + SECONDS
        call = async_to_sync(coroutine)
        while time.monotonic() < end:
            calls.make_sync(call)
    return storm.count


class Signals:
    """The thread that sends signals, and the handler, which raises inside of a call."""

    def __init__(self, seed: int) -> None:
        self.count = 0
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._rage, name="storm")

    def _rage(self) -> None:
        main = threading.main_thread().ident
        while not self._over.is_set() and main is not None:
            signal.pthread_kill(main, signal.SIGALRM)
            time.sleep(self._random.choice([0.0, 0.0001, 0.0005, 0.002]))

    def _handle(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is AsyncToSync.__call__.__code__:
                self.count += 1
                raise Strike
            frame = frame.f_back

    def __enter__(self) -> Self:
        signal.signal(signal.SIGALRM, self._handle)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def signals(calls: Calls) -> int:
    """Blocking calls of all kinds, struck in the thread that makes them."""
    in_the_thread = sync_to_async(calls.function)
    in_the_pool = sync_to_async(calls.function, thread_sensitive=False)

    async def back(number: int) -> int:
        return await in_the_thread(number)

    async def hop(number: int) -> int:
        return await in_the_pool(number)

    kinds = [async_to_sync(coroutine) for coroutine in (calls.coroutine, back, hop)]
    with Signals(int(sys.argv[2])) as storm:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for call in kinds:
                calls.make_sync(call)
    for call in kinds:
        calls.make_sync(call)
    lost = [thread for thread in loops_that_run() if thread not in spares._idle]
    assert [] == lost, (len(lost), [vars(thread) for thread in lost])
    return storm.count


def loops_that_run() -> list[LoopThread]:
    """The library's loop threads, but for those that are about to end."""
    end = time.monotonic() + PATIENCE / 2
    while any(not thread.alive for thread in running.values()) and time.monotonic() < end:
        time.sleep(0.01)
    return list(running.values())


PLACES: Final = 4
ASYNC: Final = {"lane": lane, "pool": pool, "waiting": waiting, "back": back}
SYNC: Final = {"loops": loops, "hops": hops, "signals": signals}


def main() -> None:
    """Run one kind."""
    kind = sys.argv[1]
    logging.disable()
    sys.unraisablehook = lambda _: None
    threading.excepthook = lambda _: None
    sys.setswitchinterval(1e-6)
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    calls = Calls()
    struck = asyncio.run(ASYNC[kind](calls)) if kind in ASYNC else SYNC[kind](calls)
    calls.check()
    gc.collect()
    threads = sum(thread.name.startswith("typedbridge") for thread in threading.enumerate())
    print(f"{kind}: {struck} exceptions set, {dict(calls.ended)}, {threads} threads")


if __name__ == "__main__":
    main()
