"""The worker pool: who gets a worker, when the workers are all taken."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from conftest import LIMIT, happened

import typedbridge
from typedbridge import async_to_sync, sync_to_async
from typedbridge._core import pool as module
from typedbridge._core.jobs import Mark
from typedbridge._core.mailbox import Mailbox
from typedbridge._core.pool import Pool, pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from conftest import NewGate, Run

SIZE: Final = pool._size


def pooled(function: Callable[..., Any]) -> Any:
    return sync_to_async(function, thread_sensitive=False)


async def one() -> int:
    result: int = await pooled(int)("1")
    return result


def in_a_loop() -> int:
    """Blocks in a loop of its own."""
    return asyncio.run(one())


def in_a_new_loop() -> int:
    """Blocks in a loop that the library makes."""
    return async_to_sync(one, force_new_loop=True)()


def in_the_enclosing_loop() -> int:
    """Blocks in the loop that awaits it."""
    return async_to_sync(one)()


def in_a_function_of_the_frame() -> int:
    """Blocks in a call that a function makes which its frame's thread runs."""

    async def back() -> int:
        return await sync_to_async(in_the_enclosing_loop)()

    return async_to_sync(back)()


BLOCKED = pytest.mark.parametrize(
    "blocked", [in_a_loop, in_a_new_loop, in_the_enclosing_loop, in_a_function_of_the_frame]
)


class TestLending:
    """A worker that is blocked in a call which needs the pool lends its place."""

    @BLOCKED
    async def test_workers_that_need_the_pool_get_it(self, blocked: Callable[[], int]) -> None:
        """All are taken by functions that wait for calls in the pool."""
        all_here = threading.Barrier(SIZE)

        def meet() -> int:
            all_here.wait(LIMIT)
            return blocked()

        assert [1] * SIZE == await asyncio.gather(*[pooled(meet)() for _ in range(SIZE)])

    async def test_nesting_goes_deeper_than_the_pool_is_large(self) -> None:
        """Each level blocks one more worker."""

        def dive(depth: int) -> int:
            async def deeper() -> int:
                result: int = await pooled(dive)(depth - 1)
                return result

            return 1 + async_to_sync(deeper)() if depth else 0

        depth = 3 * SIZE
        assert [depth] * 2 == list(await asyncio.gather(*[pooled(dive)(depth) for _ in range(2)]))

    async def test_what_waits_goes_ahead_of_no_place_that_is_not_lent(
        self, new_gate: NewGate
    ) -> None:
        """One place is lent for one that is blocked: no more functions run than there are places."""
        gates = [new_gate() for _ in range(SIZE - 1)]
        holding = [asyncio.create_task(pooled(gate.hold)()) for gate in gates]
        for gate in gates:
            await gate.has_begun()
        running: list[int] = []
        most = 0

        def count() -> None:
            nonlocal most
            running.append(1)
            most = max(most, len(running))
            running.pop()

        def blocked() -> None:
            async def many() -> None:
                await asyncio.gather(*[pooled(count)() for _ in range(20)])

            async_to_sync(many)()

        await pooled(blocked)()
        assert 1 == most
        for gate in gates:
            gate.open()
        await asyncio.gather(*holding)

    async def test_a_call_that_waits_in_two_places_runs_once(self) -> None:
        """A worker that comes free takes it as well as the one that stands in."""
        ran: list[int] = []

        def outer(number: int) -> None:
            async def inner() -> None:
                await asyncio.gather(*[pooled(ran.append)(number) for _ in range(10)])

            async_to_sync(inner)()

        await asyncio.gather(*[pooled(outer)(number) for number in range(50)])
        assert sorted([*range(50)] * 10) == sorted(ran)


class TestFairness:
    """Each event loop has as many workers as if it were alone."""

    def test_long_calls_of_one_loop_do_not_keep_those_of_another_waiting(self, run: Run) -> None:
        """As in asgiref, where each loop has an executor of its own."""
        begun, finished = threading.Barrier(SIZE + 1), threading.Event()

        def hold() -> None:
            begun.wait(LIMIT)
            happened(finished)

        async def long() -> None:
            # Twice: what is queued behind them is not in the way either.
            queued = [pooled(finished.wait)(LIMIT) for _ in range(SIZE)]
            await asyncio.gather(*[pooled(hold)() for _ in range(SIZE)], *queued)

        async def meet() -> None:
            all_here = threading.Barrier(SIZE)
            await asyncio.gather(*[pooled(all_here.wait)(LIMIT) for _ in range(SIZE)])

        thread = threading.Thread(target=lambda: asyncio.run(long()))
        thread.start()
        begun.wait(LIMIT)
        run(meet)
        finished.set()
        thread.join(LIMIT)
        assert not thread.is_alive()

    def test_an_idle_worker_goes_where_it_is_needed(self, run: Run) -> None:
        """Loops that come one after another share their threads."""
        threads: set[threading.Thread] = set()

        async def note() -> None:
            threads.add(await pooled(threading.current_thread)())

        run(note)
        before = threading.active_count()
        for _ in range(3 * SIZE):
            run(note)
        assert before == threading.active_count()


class TestLimit:
    """There are no more workers than there may be in all."""

    def test_a_crew_without_worker_gets_the_first_that_comes_free(self, new_gate: NewGate) -> None:
        """Its jobs wait meanwhile."""
        small = Pool(2, 2)
        gates = [new_gate(), new_gate()]
        for gate in gates:
            small.submit(gate.hold)
        for gate in gates:
            happened(gate.begun)
        done: list[Future[None]] = []
        job = Mark()
        done.append(job.future)
        small.take(job, Mailbox())
        assert [False] == [future.done() for future in done]
        gates[0].open()
        assert job.future.result(LIMIT) is None
        gates[1].open()
        end(small)

    def test_more_threads_than_the_process_may_have(
        self, new_gate: NewGate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A job waits for the workers that there are; without any the error is the caller's."""
        small = Pool(2, 9)

        def fail(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        gate = new_gate()
        small.submit(gate.hold)
        happened(gate.begun)
        with monkeypatch.context() as patch:
            patch.setattr(module, "start_thread", fail)
            waiting, elsewhere = small.submit(int, 3), Mark()
            small.take(elsewhere, Mailbox())
            gate.open()
            assert 3 == waiting.result(LIMIT)
            assert elsewhere.future.result(LIMIT) is None
            with pytest.raises(RuntimeError, match="can't start new thread"):
                Pool(1, 1).submit(int)
        end(small)

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_worker_survives_an_error(self) -> None:
        """It runs what waits behind."""
        small = Pool(1, 1)

        class Fatal(Mark):
            def run(self) -> None:
                happened(queued)
                raise SystemExit  # of the thread alone

        queued = threading.Event()
        small.put(Fatal())
        (worker,) = small.workers.values()
        behind = small.submit(threading.current_thread)
        queued.set()
        assert worker.thread is behind.result(LIMIT)
        end(small)

    def test_no_more_idle_workers_are_kept_than_may_be_needed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a rush most threads end."""
        monkeypatch.setattr(module, "_KEPT", 2)
        small = Pool(1, 50)
        all_here = threading.Barrier(20)

        class Meet(Mark):
            def run(self) -> None:
                all_here.wait(LIMIT)
                super().run()

        jobs = [Meet() for _ in range(20)]
        for job in jobs:
            small.take(job, Mailbox())
        for job in jobs:
            job.future.result(LIMIT)
        deadline = threading.Event()
        while len(small.workers) > 3 and not deadline.wait(0.001):
            pass  # pytest's own limit ends it
        assert 1 <= len(small.workers) <= 3
        assert 5 == small.submit(int, 5).result(LIMIT)
        end(small)


def end(some: Pool) -> None:
    for thread in some.finish():
        thread.join(LIMIT)
        assert not thread.is_alive()


def test_the_limits_come_from_the_environment() -> None:
    """Nonsense is refused with a ValueError that names the variable."""
    search = str(Path(typedbridge.__file__).parents[1])
    program = "from typedbridge._core.pool import pool; print(pool._size, pool.most)"

    def printed(**environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": search, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    assert "3 7" == printed(ASGI_THREADS="3", TYPEDBRIDGE_MAX_WORKERS="7")
    assert "9 9" == printed(ASGI_THREADS="9", TYPEDBRIDGE_MAX_WORKERS="2")
    assert "9 512" == printed(ASGI_THREADS="9")
    assert (
        "ValueError: the environment variable TYPEDBRIDGE_MAX_WORKERS must be a positive integer, "
        "not '0'"
    ) == printed(TYPEDBRIDGE_MAX_WORKERS="0")
