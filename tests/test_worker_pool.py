"""`WorkerPool`: a bounded pool of threads for some bridges and nobody else."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, Future, wait
from typing import TYPE_CHECKING, Any

import pytest
from conftest import LIMIT, happened

from typedbridge import (
    PoolStatistics,
    SyncToAsync,
    WorkerPool,
    async_to_sync,
    sync_to_async,
    sync_to_async_iter,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Gate


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Two workers."""
    with WorkerPool(2, "small") as small:
        yield small


def on(pool: WorkerPool, func: Callable[..., Any]) -> SyncToAsync[..., Any]:
    """Run a function in the pool."""
    return SyncToAsync(func, thread_sensitive=False, executor=pool)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something that other threads bring about is so."""
    while not condition():  # noqa: ASYNC110  # no event tells
        await asyncio.sleep(0)


async def test_calls_run_in_its_threads(pool: WorkerPool) -> None:
    """They are called as the pool is."""
    name = await on(pool, lambda: threading.current_thread().name)()
    assert name.startswith("small")


async def test_no_more_calls_run_at_once_than_it_has_workers(pool: WorkerPool) -> None:
    """The rest is queued, and the statistics say so; nothing is lost."""
    release = threading.Event()

    def call(number: int) -> int:
        assert release.wait(10)
        return number

    calls = [asyncio.create_task(on(pool, call)(number)) for number in range(5)]
    await until(lambda: pool.statistics().queued == 3)
    assert PoolStatistics(busy=2, idle=0, queued=3, lent=0) == pool.statistics()
    release.set()
    assert [0, 1, 2, 3, 4] == await asyncio.gather(*calls)
    await until(lambda: pool.statistics() == (0, 2, 0, 0))


async def test_several_bridges_share_it(pool: WorkerPool) -> None:
    """The bound is for all of them together."""
    barrier = threading.Barrier(2)

    def first() -> str:
        barrier.wait(10)
        return "first"

    def second() -> str:
        barrier.wait(10)
        return "second"

    assert ("first", "second") == tuple(await asyncio.gather(on(pool, first)(), on(pool, second)()))


async def test_blocked_workers_lend_their_places(pool: WorkerPool) -> None:
    """In a pool of asyncio's the inner calls would wait for the outer ones for ever."""
    barrier = threading.Barrier(2)
    seen: list[PoolStatistics] = []

    def inner() -> int:
        seen.append(pool.statistics())
        return 1

    async def below() -> int:
        result: int = await on(pool, inner)()
        return result

    def outer() -> int:
        barrier.wait(10)
        return async_to_sync(below)()

    assert (1, 1) == tuple(await asyncio.gather(on(pool, outer)(), on(pool, outer)()))
    assert all(one.lent >= 1 for one in seen)
    await until(lambda: pool.statistics().lent == 0)


def test_it_takes_plain_submit(pool: WorkerPool) -> None:
    """As any executor."""
    assert 3 == pool.submit(max, 1, 3).result(10)
    assert [1, 2] == list(pool.map(abs, [-1, 2]))


class TestTheEnd:
    """`shutdown` and ``with``."""

    def test_with_waits_for_what_is_queued(self) -> None:
        """One worker has twenty calls."""
        done: list[int] = []
        with WorkerPool(1) as one:
            futures = [one.submit(done.append, number) for number in range(20)]
        assert list(range(20)) == done
        assert all(future.done() for future in futures)
        assert PoolStatistics(0, 0, 0, 0) == one.statistics()

    def test_queued_calls_may_be_cancelled_instead(self, gate: Gate) -> None:
        """What runs is waited for; every future ends."""
        one = WorkerPool(1)
        running = one.submit(gate.hold)
        happened(gate.begun)
        queued: list[Future[Any]] = [one.submit(int) for _ in range(3)]
        one.shutdown(wait=False, cancel_futures=True)
        gate.open()
        assert not wait([*queued, running], LIMIT).not_done
        assert running.exception() is None
        for future in queued:
            with pytest.raises(CancelledError):
                future.result(0)

    async def test_a_queued_call_of_a_bridge_is_told(self, gate: Gate) -> None:
        """Its task does not wait for ever, and the error names the pool."""
        one = WorkerPool(1, "narrow")
        running = asyncio.create_task(on(one, gate.hold)())
        await until(lambda: one.statistics().busy == 1)
        queued = asyncio.create_task(on(one, int)())
        await until(lambda: one.statistics().queued == 1)
        one.shutdown(wait=False, cancel_futures=True)
        with pytest.raises(RuntimeError, match="the pool 'narrow' has been shut down"):
            await queued
        gate.open()
        await running

    async def test_a_call_that_comes_too_late_is_refused(self) -> None:
        """At once."""
        one = WorkerPool(1, "narrow")
        one.shutdown()
        with pytest.raises(RuntimeError, match="the pool 'narrow' has been shut down"):
            await on(one, int)()
        with pytest.raises(RuntimeError, match="the pool 'narrow' has been shut down"):
            one.submit(int)

    def test_a_worker_may_shut_it_down(self) -> None:
        """It does not wait for itself."""
        one = WorkerPool(1)
        one.submit(one.shutdown).result(10)

    def test_a_pool_that_nobody_holds_ends_its_threads(self) -> None:
        """Without a word from anybody."""
        one = WorkerPool(1, "forgotten")
        one.submit(int).result(10)
        (thread,) = [t for t in threading.enumerate() if t.name.startswith("forgotten")]
        del one
        gc.collect()
        thread.join(10)
        assert not thread.is_alive()

    def test_what_is_queued_at_exit_still_runs(self) -> None:
        """As in the library's own pool."""
        program = (
            "import time\n"
            "from typedbridge import WorkerPool\n"
            "pool = WorkerPool(1)\n"
            "pool.submit(time.sleep, 0.1)\n"
            "pool.submit(print, 'ran')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
        )
        assert ("ran\n", "") == (done.stdout, done.stderr)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    def test_it_works_in_a_forked_child(self) -> None:
        """Its threads there are new ones."""
        program = (
            "import os, sys, warnings\n"
            "warnings.simplefilter('ignore', DeprecationWarning)\n"
            "from typedbridge import WorkerPool\n"
            "pool = WorkerPool(1)\n"
            "pool.submit(int).result()\n"
            "child = os.fork()\n"
            "if child:\n"
            "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
            "os._exit(pool.submit(int, 7).result(10))\n"
        )
        done = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
        assert 7 == done.returncode


async def test_a_stream_takes_one_worker(pool: WorkerPool) -> None:
    """Until its end."""
    async with sync_to_async_iter(
        range(9), prefetch=0, thread_sensitive=False, executor=pool
    ) as stream:
        assert 0 == await anext(stream)
        assert 1 == pool.statistics().busy
    await until(lambda: pool.statistics().busy == 0)


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        pytest.param(0, ValueError, id="none"),
        pytest.param(-1, ValueError, id="fewer"),
        pytest.param(2.5, TypeError, id="no whole number"),
        pytest.param(True, TypeError, id="no number"),
    ],
)
def test_it_needs_a_worker(size: Any, kind: type[Exception]) -> None:
    """The error says what was given."""
    with pytest.raises(kind, match=f"max_workers.*{size}"):
        WorkerPool(size)


async def test_the_default_size_is_that_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment sets both."""
    monkeypatch.setenv("ASGI_THREADS", "1")
    with WorkerPool() as one:
        release = threading.Event()
        calls = [asyncio.create_task(on(one, release.wait)(10)) for _ in range(2)]
        await until(lambda: one.statistics() == (1, 0, 1, 0))
        release.set()
        await asyncio.gather(*calls)


async def test_sync_to_async_takes_it(pool: WorkerPool) -> None:
    """As a decorator's option."""

    @sync_to_async(thread_sensitive=False, executor=pool)
    def add(one: int, other: int) -> int:
        return one + other

    assert 3 == await add(1, 2)
