"""Asking who waits for whom, and being told of what waits too long."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from conftest import LIMIT, Gate, NewGate, happened, shows_its_state

import typedbridge
from typedbridge import (
    ThreadSensitiveContext,
    async_to_sync,
    diagnose,
    diagnose_on_signal,
    log_waits_longer_than,
    sync_to_async,
)
from typedbridge._core import vigil
from typedbridge._core.frames import blocked
from typedbridge._core.watch import Watch, watch

HERE: Final = str(Path(__file__))


def wanted() -> int:
    """Waits for its turn."""
    return 42


async def call_wanted() -> int:
    return await sync_to_async(wanted)()


def line_of(function: Callable[..., Any], offset: int) -> str:
    return f"{HERE}:{function.__code__.co_firstlineno + offset}"


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def looking(clock: Clock, nobody_watches: None) -> Watch:
    """A watch that looks when the test says so; the library's own sleeps."""
    return Watch(clock)


class Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def warnings() -> Iterator[list[logging.LogRecord]]:
    """What was logged under the library's name."""
    handler, logger = Records(), logging.getLogger("typedbridge")
    logger.addHandler(handler)
    yield handler.records
    logger.removeHandler(handler)


class TestDiagnosis:
    """What waits, and what is in its way."""

    def test_nothing(self) -> None:
        """Where nothing waits it says so."""
        diagnosis = diagnose()
        assert ((), ()) == (diagnosis.waits, diagnosis.cycles)
        assert "Nothing waits." == str(diagnosis)

    async def test_a_call_that_waits_for_a_lane(self, gate: Gate) -> None:
        """Function, place and thread of both sides, and where the one in the way stands."""
        async with ThreadSensitiveContext():
            holding = asyncio.create_task(sync_to_async(gate.hold)(), name="the holder")
            await gate.has_begun()
            waiting = asyncio.create_task(call_wanted())
            await asyncio.sleep(0)
            (wait,) = diagnose().waits
            gate.open()
            await asyncio.gather(holding, waiting)
        assert (
            f"{__name__}.wanted",
            line_of(call_wanted, 1),
            "the lane 'typedbridge ThreadSensitiveContext'",
        ) == (wait.function, wait.called_at, wait.waits_for)
        (holder,) = wait.held_by
        assert "Gate.hold" in holder.function
        assert "the start of the holder" == holder.called_at
        assert "typedbridge ThreadSensitiveContext" == holder.thread
        assert "conftest.py:" in holder.stands_at

    async def test_a_call_that_waits_for_an_executor(self, new_gate: NewGate) -> None:
        """Also where the executor is the user's; what runs there is known if it has one thread."""
        from concurrent.futures import ThreadPoolExecutor

        gate = new_gate()
        with ThreadPoolExecutor(1) as executor:
            holding = asyncio.create_task(
                sync_to_async(gate.hold, thread_sensitive=False, executor=executor)()
            )
            await gate.has_begun()
            waiting = asyncio.create_task(
                sync_to_async(wanted, thread_sensitive=False, executor=executor)()
            )
            await asyncio.sleep(0)
            (wait,) = diagnose().waits
            gate.open()
            await asyncio.gather(holding, waiting)
        assert "ThreadPoolExecutor" in wait.waits_for
        (holder,) = wait.held_by
        assert holder.function.endswith("Gate.hold")

    def test_a_call_that_a_frame_has_handed_on(self, gate: Gate) -> None:
        """It waits for the frame around, when the one that it was queued on has ended."""
        begun, over = asyncio.Event(), threading.Event()

        def leave_behind(tasks: list[asyncio.Task[Any]]) -> None:
            async_to_sync(inner)(tasks)
            over.set()
            gate.hold()

        async def inner(tasks: list[asyncio.Task[Any]]) -> None:
            loop = asyncio.get_running_loop()

            def first() -> None:
                loop.call_soon_threadsafe(begun.set)
                happened(done)

            done = threading.Event()
            tasks.append(asyncio.create_task(sync_to_async(first)()))
            tasks.append(asyncio.create_task(call_wanted()))
            await begun.wait()
            loop.call_soon(done.set)

        async def outer() -> list[str]:
            tasks: list[asyncio.Task[Any]] = []
            tasks.append(asyncio.create_task(sync_to_async(leave_behind)(tasks)))
            await asyncio.to_thread(happened, over)
            told = [wait.waits_for for wait in diagnose().waits if "wanted" in wait.function]
            gate.open()
            await asyncio.gather(*tasks)
            return told

        (waits_for,) = async_to_sync(outer)()
        assert waits_for.endswith("test_a_call_that_a_frame_has_handed_on.<locals>.outer)")

    def test_a_blocking_call(self) -> None:
        """Where it was called, and where its coroutine stands."""
        begun = threading.Event()
        go_on: list[Callable[[], object]] = []

        async def slow() -> None:
            event, loop = asyncio.Event(), asyncio.get_running_loop()
            go_on.append(lambda: loop.call_soon_threadsafe(event.set))
            begun.set()
            await event.wait()

        thread = threading.Thread(target=async_to_sync(slow), name="the caller")
        thread.start()
        happened(begun)
        (wait,) = diagnose().waits
        text = str(diagnose())
        go_on[0]()
        thread.join(LIMIT)
        assert "the caller" == wait.thread
        assert "its coroutine, in async_to_sync" == wait.waits_for
        (coroutine,) = wait.held_by
        assert "typedbridge loop" == coroutine.thread
        assert line_of(slow, 4) == coroutine.stands_at
        assert str(wait) in text
        assert str(coroutine) in text

    def test_a_circle(self, nobody_watches: None) -> None:
        """It is shown as such: who waits for whom, the last one for the first."""
        context = ThreadSensitiveContext()
        waiting: list[asyncio.Task[int]] = []

        async def inside() -> None:
            async with context:
                waiting.append(asyncio.create_task(call_wanted()))
                await asyncio.wait(waiting)

        def holder() -> None:
            thread = threading.Thread(target=asyncio.run, args=(inside(),))
            thread.start()
            thread.join()

        async def main() -> None:
            async with context:
                await sync_to_async(holder)()

        outer = threading.Thread(target=asyncio.run, args=(main(),))
        outer.start()
        while not (cycles := diagnose().cycles):
            pass  # pytest's own limit ends it
        text = str(diagnose())
        waiting[0].get_loop().call_soon_threadsafe(waiting[0].cancel)
        outer.join(LIMIT)
        assert not outer.is_alive()
        ((first, second),) = cycles
        assert (f"{__name__}.wanted", "holder") == (
            first.function,
            second.function.rpartition(".")[2],
        )
        assert "For ever" in text


class TestLog:
    """A call that has waited for long is told of, once."""

    async def test_names_both_functions_and_places(
        self, gate: Gate, looking: Watch, clock: Clock, warnings: list[logging.LogRecord]
    ) -> None:
        """What waits, what for, how long, and what is in its way."""
        async with ThreadSensitiveContext():
            holding = asyncio.create_task(sync_to_async(gate.hold)())
            await gate.has_begun()
            waiting = asyncio.create_task(call_wanted())
            await asyncio.sleep(0)
            assert looking.look()
            clock.now += 9.9
            assert looking.look()
            assert [] == warnings
            clock.now += 0.1
            assert looking.look()
            (record,) = warnings
            clock.now += 100
            assert looking.look()
            gate.open()
            await asyncio.gather(holding, waiting)
        assert [record] == warnings
        assert ("typedbridge", "WARNING") == (record.name, record.levelname)
        message = record.getMessage()
        for part in ["wanted", line_of(call_wanted, 1), "10 seconds", "Gate.hold", "conftest.py:"]:
            assert part in message
        assert not looking.look()

    async def test_a_call_behind_many_that_move(
        self, looking: Watch, clock: Clock, warnings: list[logging.LogRecord], new_gate: NewGate
    ) -> None:
        """Also where the lane is not stuck: each of the others is short."""
        async with ThreadSensitiveContext():
            gates = [new_gate() for _ in range(8)]
            holding = [asyncio.create_task(sync_to_async(gate.hold)()) for gate in gates]
            await gates[0].has_begun()
            waiting = asyncio.create_task(call_wanted())
            await asyncio.sleep(0)
            for gate, following in itertools.pairwise(gates):
                looking.look()
                clock.now += 2
                gate.open()
                await following.has_begun()
            looking.look()
            gates[-1].open()
            await asyncio.gather(*holding, waiting)
        assert 1 == sum("wanted" in record.getMessage() for record in warnings)

    async def test_the_pool(
        self, looking: Watch, clock: Clock, warnings: list[logging.LogRecord], new_gate: NewGate
    ) -> None:
        """All that runs there is in the way."""
        from typedbridge._core.pool import pool

        gates = [new_gate() for _ in range(pool._size)]
        holding = [
            asyncio.create_task(sync_to_async(gate.hold, thread_sensitive=False)())
            for gate in gates
        ]
        for gate in gates:
            await gate.has_begun()
        waiting = asyncio.create_task(sync_to_async(wanted, thread_sensitive=False)())
        await asyncio.sleep(0)
        looking.look()
        clock.now += 10
        looking.look()
        for gate in gates:
            gate.open()
        await asyncio.gather(*holding, waiting)
        (record,) = warnings
        assert "the worker pool" in record.getMessage()
        assert pool._size == record.getMessage().count("Gate.hold")

    @shows_its_state
    def test_a_loop_that_does_not_come_to_a_call(
        self, gate: Gate, looking: Watch, clock: Clock, warnings: list[logging.LogRecord]
    ) -> None:
        """Where its thread is blocked is in the message."""

        def function() -> int:
            return async_to_sync(call_wanted)()

        async def main() -> int:
            task = asyncio.create_task(sync_to_async(function, thread_sensitive=False)())
            await asyncio.sleep(0)  # handed over
            gate.hold()  # blocks the loop
            return await task

        results: list[int] = []
        thread = threading.Thread(target=lambda: results.append(asyncio.run(main())))
        thread.start()
        happened(gate.begun)
        while not any(frame.asks() for frame in blocked()):
            pass  # pytest's own limit ends it
        looking.look()
        clock.now += 10
        looking.look()
        gate.open()
        thread.join(LIMIT)
        assert [42] == results
        (record,) = warnings
        assert "its event loop to begin it" in record.getMessage()
        assert "conftest.py:" in record.getMessage()

    async def test_can_be_switched_off(
        self, gate: Gate, looking: Watch, clock: Clock, warnings: list[logging.LogRecord]
    ) -> None:
        """With None nothing is told."""
        looking.patience = None
        holding = asyncio.create_task(sync_to_async(gate.hold)())
        await gate.has_begun()
        waiting = asyncio.create_task(call_wanted())
        await asyncio.sleep(0)
        for _ in range(3):
            looking.look()
            clock.now += 1000
        gate.open()
        await asyncio.gather(holding, waiting)
        assert [] == warnings


class TestTime:
    """The time after which it is logged holds for the process."""

    @pytest.fixture(autouse=True)
    def restored(self) -> Iterator[None]:
        before = watch.patience
        yield
        watch.patience = before

    @pytest.mark.parametrize("seconds", [0.5, 60, None])
    def test_is_set(self, seconds: float | None) -> None:
        """In seconds; None is for never."""
        assert 10.0 == watch.patience
        log_waits_longer_than(seconds)
        assert seconds == watch.patience

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_nonsense_is_refused(self, seconds: float) -> None:
        """And changes nothing."""
        with pytest.raises(ValueError, match="seconds"):
            log_waits_longer_than(seconds)
        assert 10.0 == watch.patience

    async def test_the_library_looks_by_itself(self, gate: Gate) -> None:
        """From the first call that has to wait, and no longer than something waits."""
        told = threading.Event()

        class Telling(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "wanted" in record.getMessage():
                    told.set()

        handler, logger = Telling(), logging.getLogger("typedbridge")
        logger.addHandler(handler)
        log_waits_longer_than(0)
        try:
            holding = asyncio.create_task(sync_to_async(gate.hold)())
            await gate.has_begun()
            waiting = asyncio.create_task(call_wanted())
            await asyncio.to_thread(happened, told)
        finally:
            logger.removeHandler(handler)
        gate.open()
        await asyncio.gather(holding, waiting)
        while vigil.awake:  # noqa: ASYNC110  # pytest's own limit ends it
            await asyncio.sleep(0.01)


SIGNALLED = """
import asyncio, os, signal, sys, threading
from typedbridge import async_to_sync, diagnose_on_signal, sync_to_async

signal.signal(signal.SIGUSR1, lambda *_: print("before", flush=True))
diagnose_on_signal()
diagnose_on_signal()

async def main():
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

async_to_sync(main)()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no such signal here")
class TestSignal:
    """SIGUSR1 writes a diagnosis, if asked for."""

    def test_in_a_blocked_main_thread(self) -> None:
        """To standard error; the handler that was there is called too."""
        with subprocess.Popen(
            [sys.executable, "-c", SIGNALLED],
            env={**os.environ, "PYTHONPATH": str(Path(typedbridge.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert "begun\n" == process.stdout.readline()
            process.send_signal(signal.SIGUSR1)
            assert "before\n" == process.stdout.readline()
            assert "1 waiting:\n" == process.stderr.readline()
            assert "__main__.main" in process.stderr.readline()
            assert "__main__.main" in process.stderr.readline()
            output, errors = process.communicate("go on\n", timeout=LIMIT)
            assert (0, "", "") == (process.returncode, output, errors)

    def test_outside_of_the_main_thread(self) -> None:
        """Only the main thread may set handlers."""
        errors: list[BaseException] = []

        def work() -> None:
            try:
                diagnose_on_signal()
            except ValueError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(LIMIT)
        assert [ValueError] == list(map(type, errors))


def test_a_platform_without_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one has to be named."""
    monkeypatch.delattr(signal, "SIGUSR1", raising=False)
    with pytest.raises(ValueError, match="name another signal"):
        diagnose_on_signal()
