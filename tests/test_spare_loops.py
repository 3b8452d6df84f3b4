"""How many loop threads are kept between the calls of async_to_sync, and for how long."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
from conftest import LIMIT

from typedbridge import async_to_sync
from typedbridge._core import spares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typedbridge._core.loops import LoopThread

MANY: Final = spares._KEPT + 8


class Clock:
    """Stands in for ``time``: who sleeps is woken by the test."""

    def __init__(self) -> None:
        self._asleep: SimpleQueue[threading.Event] = SimpleQueue()
        self._stopped = False

    def sleep(self, seconds: float) -> None:
        woken = threading.Event()
        self._asleep.put(woken)
        assert self._stopped or woken.wait(LIMIT)

    def pass_a_span(self) -> None:
        """Wake the one who sleeps, or is about to."""
        self._asleep.get(timeout=LIMIT).set()

    def stop(self) -> None:
        """Let nobody sleep any more."""
        self._stopped = True
        while not self._asleep.empty():
            self._asleep.get().set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """No loop is idle at first, and time stands still."""
    made = Clock()
    monkeypatch.setattr(spares, "_idle", spares.Spares())
    monkeypatch.setattr(spares, "_trimming", threading.Lock())
    monkeypatch.setattr(spares, "time", SimpleNamespace(sleep=made.sleep))
    yield made
    spares.finish()
    made.stop()
    # With nothing to watch over, the thread that trims ends.
    assert spares._trimming.acquire(timeout=LIMIT)


def loops_of_a_wave(size: int) -> set[asyncio.AbstractEventLoop]:
    """Make calls that are all under way at once; return where they ran."""
    meet = threading.Barrier(size)

    async def home() -> asyncio.AbstractEventLoop:
        meet.wait(LIMIT)
        return asyncio.get_running_loop()

    with ThreadPoolExecutor(size) as threads:
        return {
            done.result() for done in [threads.submit(async_to_sync(home)) for _ in range(size)]
        }


def idle() -> list[LoopThread]:
    return list(spares._idle)


def test_a_wave_of_calls_finds_the_loops_of_the_last_one(clock: Clock) -> None:
    """As many loops are kept as were used at once, however many those were."""
    assert loops_of_a_wave(MANY) == loops_of_a_wave(MANY)


def test_loops_that_a_wave_has_left_are_ended_when_they_stay_unused(clock: Clock) -> None:
    """What is idle beyond the number that is kept for good ends with its loop."""
    with spares._trimming:  # not before all of them are back
        loops = loops_of_a_wave(MANY)
    threads = idle()
    async_to_sync(asyncio.sleep)(0)

    clock.pass_a_span()
    for thread in threads[: -spares._KEPT]:
        thread._thread.join(LIMIT)

    assert threads[-spares._KEPT :] == idle()
    assert MANY - spares._KEPT == sum(loop.is_closed() for loop in loops)


def test_loops_that_are_used_again_are_kept(clock: Clock) -> None:
    """Each wave gives all of them another span of time."""
    loops = loops_of_a_wave(MANY)
    for _ in range(2):
        loops_of_a_wave(MANY)
        clock.pass_a_span()

    assert loops == {thread.loop for thread in idle()}


def test_a_few_loops_are_watched_by_no_thread(clock: Clock) -> None:
    """Up to the number that is kept for good there is nothing to trim."""
    loops_of_a_wave(spares._KEPT)

    assert not spares._trimming.locked()
