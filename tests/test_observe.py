"""Observers: what they are told of calls, in which thread, and what they may do wrong."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import Gate

from typedbridge import (
    ThreadSensitiveContext,
    async_to_sync,
    call_async,
    observe,
    sync_to_async,
)
from typedbridge._core.accounts import Statistics
from typedbridge._core.observing import Record, watchers
from typedbridge.observe import ObservedCall, Observer


class Notes(Observer):
    """Notes what it is told, and in which thread."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ObservedCall, threading.Thread]] = []

    def note(self, what: str, call: ObservedCall) -> None:
        self.told.append((what, call, threading.current_thread()))

    def called(self, call: ObservedCall) -> None:
        self.note("called", call)

    def started(self, call: ObservedCall) -> None:
        self.note("started", call)

    def ended(self, call: ObservedCall) -> None:
        self.note("ended", call)

    def cancelled(self, call: ObservedCall) -> None:
        self.note("cancelled", call)

    def of(self, function: Callable[..., object]) -> list[str]:
        """What was told of a function."""
        return [what for what, call, _ in self.told if call.function is function]

    def threads(self, function: Callable[..., object]) -> list[threading.Thread]:
        return [thread for _, call, thread in self.told if call.function is function]

    def call(self, function: Callable[..., object]) -> ObservedCall:
        return next(call for _, call, _ in self.told if call.function is function)


@pytest.fixture
def notes() -> Iterator[Notes]:
    """An observer of all calls."""
    with observe.everywhere(Notes()) as made:
        yield made
    assert not watchers.on


class TestCalls:
    """What is told of a call."""

    async def test_to_a_thread(self, notes: Notes) -> None:
        """Called on the loop's thread, started and ended in the function's."""

        def function() -> threading.Thread:
            return threading.current_thread()

        lane = await sync_to_async(function)()
        assert ["called", "started", "ended"] == notes.of(function)
        assert [threading.current_thread(), lane, lane] == notes.threads(function)
        call = notes.call(function)
        assert ("to_async", "returned", None) == (call.direction, call.outcome, call.error)
        assert (threading.current_thread(), lane) == (call.caller, call.thread)
        assert call.name.endswith("function")
        assert call.called <= (call.started or 0) <= (call.ended or 0)
        assert call.wait is not None
        assert call.run is not None
        assert call.wait + call.run == pytest.approx((call.ended or 0) - call.called)

    def test_to_a_loop(self, notes: Notes) -> None:
        """Started on the loop's thread, ended in the one that waited."""

        async def work() -> threading.Thread:
            return threading.current_thread()

        loop = async_to_sync(work)()
        assert ["called", "started", "ended"] == notes.of(work)
        me = threading.current_thread()
        assert [me, loop, me] == notes.threads(work)
        call = notes.call(work)
        assert ("to_sync", "returned", None) == (call.direction, call.outcome, call.row)

    def test_an_error(self, notes: Notes) -> None:
        """Seen by the observer; not kept by what it was told."""

        def fails() -> None:
            raise ValueError

        async def work() -> None:
            await sync_to_async(fails)()

        seen: list[object] = []

        class Errors(Observer):
            def ended(self, call: ObservedCall) -> None:
                seen.append((call.function, type(call.error)))

        with observe.everywhere(Errors()), pytest.raises(ValueError):  # noqa: PT011  # which one, says the list
            async_to_sync(work)()
        assert [(fails, ValueError), (work, ValueError)] == seen
        assert "raised" == notes.call(fails).outcome == notes.call(work).outcome
        assert notes.call(fails).error is None

    def test_a_handled_error_around_is_none_of_the_calls(self, notes: Notes) -> None:
        """A call in an except block returns, like any other."""

        async def work() -> None: ...

        try:
            raise KeyError
        except KeyError:
            async_to_sync(work)()
        assert "returned" == notes.call(work).outcome

    async def test_cancelled_in_the_queue(self, notes: Notes, gate: Gate) -> None:
        """It never starts."""

        def queued() -> None: ...

        holding = asyncio.create_task(sync_to_async(gate.hold)())
        await gate.has_begun()
        task = asyncio.create_task(sync_to_async(queued)())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert ["called", "cancelled"] == notes.of(queued)
        assert "cancelled" == notes.call(queued).outcome
        gate.open()
        await holding

    async def test_cancelled_while_it_runs(self, notes: Notes, gate: Gate) -> None:
        """The end of the function is told all the same."""
        hold = gate.hold
        task = asyncio.create_task(sync_to_async(hold)())
        await gate.has_begun()
        task.cancel()
        await asyncio.wait([task])
        assert ["called", "started", "cancelled"] == notes.of(hold)
        gate.open()
        await sync_to_async(int)()
        assert ["called", "started", "cancelled", "ended"] == notes.of(hold)

    async def test_a_call_that_may_not_be_made(self, notes: Notes) -> None:
        """A DeadlockError rises before the call is one."""

        def function() -> None:
            asyncio.run(sync_to_async(int)())

        with pytest.raises(RuntimeError):
            await sync_to_async(function)()
        assert [] == notes.of(int)
        assert "raised" == notes.call(function).outcome

    async def test_in_other_processes(self, notes: Notes) -> None:
        """There is nobody to tell when it begins."""
        with ProcessPoolExecutor(1) as pool:
            assert 3 == await sync_to_async(abs, thread_sensitive=False, executor=pool)(-3)
        assert ["called", "ended"] == notes.of(abs)
        assert notes.call(abs).wait is None

    async def test_the_row_of_the_table(self, notes: Notes) -> None:
        """As in the contract."""

        def row(function: Callable[[], Any]) -> int | None:
            return next(
                call.row
                for what, call, _ in reversed(notes.told)
                if what == "called" and call.function is function
            )

        def one() -> None: ...

        with ThreadPoolExecutor(1) as pool:
            await sync_to_async(one, thread_sensitive=False, executor=pool)()
            assert 1 == row(one)
            await sync_to_async(one, thread_sensitive=False)()
            assert 2 == row(one)
            async with ThreadSensitiveContext(executor=pool):
                await sync_to_async(one)()
            assert 3 == row(one)
        await sync_to_async(call_async, thread_sensitive=False)(sync_to_async(one))
        assert 4 == row(one)
        async with ThreadSensitiveContext():
            await sync_to_async(one)()
        assert 5 == row(one)
        await sync_to_async(one)()
        assert 7 == row(one)

    def test_nothing_is_kept(self) -> None:
        """What an observer was told lives as long as the observer keeps it."""

        class Thing:
            pass

        class Empty(Observer):
            def ended(self, call: ObservedCall) -> None: ...

        def function(thing: Thing) -> Thing:
            return thing

        async def work() -> weakref.ref[Thing]:
            thing = Thing()
            await sync_to_async(function)(thing)
            return weakref.ref(thing)

        with observe.everywhere(Empty()):
            gone = async_to_sync(work)()
            gc.collect()
            assert gone() is None


class TestObservers:
    """Who is told."""

    async def test_here(self) -> None:
        """Of what is called in the block and what is started there, and of nothing beside."""

        def inside() -> None: ...

        def beside() -> None: ...

        async def call_beside() -> None:
            await ready.wait()
            await sync_to_async(beside)()
            over.set()

        ready, over = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(call_beside())
        mine = Notes()
        with observe.here(mine):
            await asyncio.create_task(sync_to_async(inside)())
            ready.set()
            await over.wait()
        await sync_to_async(inside)()
        await task
        assert ["called", "started", "ended"] == mine.of(inside)
        assert [] == mine.of(beside)
        assert not watchers.on

    def test_several_and_one_that_goes(self) -> None:
        """Each is told; a call that has begun is told to its end."""

        def function() -> None:
            observe.remove(first)

        first, second = Notes(), Notes()
        observe.add(first)
        observe.add(second)
        asyncio.run(sync_to_async(function)())
        asyncio.run(sync_to_async(int)())
        observe.remove(second)
        assert ["called", "started", "ended"] == first.of(function) == second.of(function)
        assert ([], 3) == (first.of(int), len(second.of(int)))
        assert not watchers.on

    def test_one_that_fails(self, caplog: pytest.LogCaptureFixture) -> None:
        """It is reported once and dropped; calls and other observers go on."""

        class Fails(Notes):
            def started(self, call: ObservedCall) -> None:
                super().started(call)
                raise KeyError("lost")

        fails, fine = Fails(), Notes()
        with observe.everywhere(fails), observe.everywhere(fine):
            for _ in range(3):
                assert 5 == asyncio.run(sync_to_async(int)("5"))
        assert ["called", "started"] == fails.of(int)
        assert 9 == len(fine.of(int))
        (record,) = caplog.records
        assert "typedbridge" == record.name
        assert "Fails" in record.getMessage()
        assert record.exc_info is not None

    def test_what_is_no_observer(self) -> None:
        """Refused where it is given."""
        with pytest.raises(TypeError, match="no Observer"):
            observe.add(print)  # type: ignore[arg-type]

    def test_only_what_is_overridden_is_called(self) -> None:
        """An observer of nothing is told nothing, and drops nothing."""
        with observe.everywhere(Observer()):
            assert 5 == asyncio.run(sync_to_async(int)("5"))

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
    def test_in_a_forked_child(self, notes: Notes) -> None:
        """Observers go on there."""
        child = os.fork()
        if not child:
            asyncio.run(sync_to_async(int)())
            os._exit(len(notes.of(int)))
        assert 3 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class TestStatistics:
    """Counts and durations for each function."""

    def test_counts(self, gate: Gate) -> None:
        """Calls, errors and cancellations."""

        def fails(number: int) -> None:
            if number % 2:
                raise ValueError

        async def main() -> None:
            call = sync_to_async(fails)
            await asyncio.gather(*[call(number) for number in range(10)], return_exceptions=True)
            holding = asyncio.create_task(sync_to_async(gate.hold)())
            await gate.has_begun()
            queued = asyncio.create_task(call(0))
            await asyncio.sleep(0)
            queued.cancel()
            await asyncio.wait([queued])
            gate.open()
            await holding

        statistics = observe.Statistics()
        with observe.everywhere(statistics):
            asyncio.run(main())
        known = {each.name.rsplit(".", 1)[-1]: each for each in statistics.functions()}
        assert (11, 5, 1) == known["fails"][2:5]
        assert (1, 0, 0) == known["hold"][2:5]

    def test_durations(self) -> None:
        """Percentiles, to 5 %; the function that has waited longest comes first."""
        statistics = Statistics()
        for function, unit in ((int, 1e-6), (str, 1e-3)):
            for number in range(1, 2001):
                call = Record("to_async", function, 7, ())
                call.started = call.called + number * unit
                call.ended = call.started + 2 * unit
                call.outcome = "returned"
                statistics.ended(call)
        slow, fast = statistics.functions()
        assert ("builtins.str", "builtins.int") == (slow.name, fast.name)
        assert [1.0, 1.8, 1.98, 2.0] == pytest.approx(slow.wait, rel=0.05)
        assert [2e-6] * 4 == pytest.approx(fast.run, rel=0.05)

    def test_its_memory_is_bounded(self) -> None:
        """What is noted of calls becomes counts."""
        statistics = Statistics()
        for _ in range(1500):
            statistics.ended(Record("to_async", int, 7, ()))
        assert len(statistics._new) < 1500
        assert 1500 == statistics.functions()[0].calls


class TestLog:
    """Calls in a log."""

    def test_a_line_for_each_call(self, caplog: pytest.LogCaptureFixture) -> None:
        """With what became of it, its thread and its times."""
        with (
            caplog.at_level(logging.DEBUG, "typedbridge.calls"),
            observe.everywhere(observe.LogObserver()),
        ):
            asyncio.run(sync_to_async(int)())
        (line,) = caplog.messages
        assert line.startswith("builtins.int returned in typedbridge process lane: waited ")

    async def test_a_cancelled_one(self, caplog: pytest.LogCaptureFixture, gate: Gate) -> None:
        """Whether it had begun."""
        with caplog.at_level(logging.INFO, "mine"):
            observer = observe.LogObserver(logging.getLogger("mine"), logging.INFO)
            with observe.everywhere(observer):
                task = asyncio.create_task(sync_to_async(gate.hold)())
                await gate.has_begun()
                task.cancel()
                await asyncio.wait([task])
                gate.open()
        assert caplog.messages[0].endswith("hold was cancelled while it ran")


def test_a_trace(tmp_path: Path) -> None:
    """Rows for threads, bars for calls, an arrow for each hop."""

    def function() -> None: ...

    async def main() -> None:
        await sync_to_async(function, thread_sensitive=False)()

    with observe.trace(tmp_path / "out.json"):
        async_to_sync(main)()
    events = json.loads((tmp_path / "out.json").read_text())["traceEvents"]
    rows = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert "MainThread" in rows.values()
    of = {
        name: [
            (each["ph"], rows[each["tid"]].split(" ")[0:2][-1])
            for each in events
            if name in each["name"]
        ]
        for name in (function.__qualname__, main.__qualname__)
    }
    loop, worker, me = "loop", "worker", "MainThread"
    assert [("b", loop), ("e", loop), ("X", loop), ("X", worker), ("s", loop), ("f", worker)] == of[
        function.__qualname__
    ]
    assert [("X", me), ("b", loop), ("e", loop), ("X", loop), ("s", me), ("f", loop)] == of[
        main.__qualname__
    ]
    bars = [each for each in events if each["ph"] == "X" and "args" in each]
    assert all(each["dur"] > 0 for each in bars)
    assert {"returned"} == {each["args"]["outcome"] for each in bars}


def test_a_trace_is_written_also_after_an_error(tmp_path: Path) -> None:
    """The picture of what went wrong is the one that is wanted."""

    def stop() -> None:
        async_to_sync(asyncio.sleep)(0)
        raise KeyError

    with pytest.raises(KeyError), observe.trace(tmp_path / "out.json"):
        stop()
    assert "asyncio.tasks.sleep" in (tmp_path / "out.json").read_text()
