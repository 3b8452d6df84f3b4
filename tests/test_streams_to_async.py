"""Sync iterators and generators taken from async code: who runs them, in which order, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import pickle
import sqlite3
import sys
import threading
import traceback
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from unittest import mock

import pytest
from conftest import LIMIT, Gate, NewGate, Run, happened

from typedbridge import (
    AsyncStream,
    DeadlockError,
    Local,
    ThreadSensitiveContext,
    async_to_sync,
    cancelled,
    check_cancelled,
    sync_to_async,
)
from typedbridge.streams import (
    async_to_sync_iter,
    sync_to_async_generator,
    sync_to_async_iter,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator

AHEAD = pytest.mark.parametrize("prefetch", [0, 1, 2, 64])


async def taken(stream: AsyncIterator[Any]) -> list[Any]:
    """Everything that a stream gives."""
    return [item async for item in stream]


class BrokenError(Exception):
    """What went wrong in a producer."""


class Tracker:
    """A generator that notes where it was stepped and cleaned up, and how."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.closed_in: threading.Thread | None = None
        self.closed_by: BaseException | None = None
        self.closed = threading.Event()
        self.made = 0

    def count(self, end: int | None = None) -> Iterator[int]:
        """Numbers from nought on."""
        try:
            for number in count() if end is None else range(end):
                self.threads.append(threading.current_thread())
                self.made += 1
                yield number
        except BaseException as error:
            self.closed_by = error
            raise
        finally:
            self.closed_in = threading.current_thread()
            self.closed.set()

    def one_thread(self) -> threading.Thread:
        """The one thread of all steps."""
        (thread,) = set(self.threads)
        return thread


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


class Place(Protocol):
    """Runs a consumer where a stream's producer has a place of some kind, with the options for it."""

    async def __call__(self, consume: Callable[[dict[str, Any]], Awaitable[Any]], /) -> Any: ...


async def in_process_lane(consume: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
    return await consume({})


async def in_context(consume: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
    async with ThreadSensitiveContext():
        return await consume({})


async def in_contexts_pool(consume: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
    with ThreadPoolExecutor(3) as executor:
        async with ThreadSensitiveContext(executor=executor):
            return await consume({})


async def in_frame(consume: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await consume({})

    return await sync_to_async(async_to_sync(main), thread_sensitive=False)()


async def alone(consume: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
    return await consume({"thread_sensitive": False})


async def in_executor(consume: Callable[[dict[str, Any]], Awaitable[Any]], size: int) -> Any:
    with ThreadPoolExecutor(size) as executor:
        return await consume({"thread_sensitive": False, "executor": executor})


@pytest.fixture(
    params=[
        in_process_lane,
        in_context,
        in_contexts_pool,
        in_frame,
        alone,
        partial(in_executor, size=3),
        partial(in_executor, size=1),
    ],
    ids=["lane", "context", "contexts-pool", "frame", "alone", "executor", "one-thread-executor"],
)
def place(request: pytest.FixtureRequest) -> Place:
    """Each kind of place that a producer may have."""
    found: Place = request.param
    return found


# Taking items.


@AHEAD
async def test_all_items_arrive_in_order(prefetch: int, place: Place) -> None:
    """Wherever the producer runs, and however far ahead."""

    async def consume(options: dict[str, Any]) -> list[int]:
        return await taken(sync_to_async_iter(range(500), prefetch=prefetch, **options))

    assert list(range(500)) == await place(consume)


@AHEAD
@pytest.mark.parametrize("empty", [(), iter(()), range(0)])
async def test_nothing_comes_of_nothing(prefetch: int, empty: Any) -> None:
    """And the end comes again each time."""
    stream = sync_to_async_iter(empty, prefetch=prefetch)
    assert [] == await taken(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@AHEAD
async def test_what_has_only_getitem_is_taken_too(prefetch: int) -> None:
    """As a `for` loop does."""

    class Old:
        def __getitem__(self, index: int) -> int:
            if index == 3:
                raise IndexError
            return index

    stream: Any = sync_to_async_iter(Old(), prefetch=prefetch)  # type: ignore[arg-type]  # no checker knows it
    assert [0, 1, 2] == await taken(stream)


@AHEAD
async def test_items_of_every_kind_pass(prefetch: int) -> None:
    """None, exceptions and exhausted iterators are items like others."""
    items = [None, StopIteration(), BrokenError(), iter(()), False, StopAsyncIteration()]
    assert items == await taken(sync_to_async_iter(items, prefetch=prefetch))


async def test_a_slow_producers_item_arrives_while_it_is_blocked(gate: Gate) -> None:
    """Before the next one, however many there is room for."""

    def numbers() -> Iterator[int]:
        yield 1
        gate.hold()
        yield 2

    async with sync_to_async_iter(numbers()) as stream:
        assert 1 == await anext(stream)
        await gate.has_begun()
        assert not gate.left.is_set()
        gate.open()
        assert [2] == await taken(stream)


async def test_each_item_of_a_slow_producer_arrives_at_once(new_gate: NewGate) -> None:
    """Also those after the first."""
    gates = [new_gate() for _ in range(4)]

    def numbers() -> Iterator[int]:
        for number, gate in enumerate(gates):
            yield number
            gate.hold()

    async with sync_to_async_iter(numbers()) as stream:
        for number, gate in enumerate(gates):
            assert number == await anext(stream)
            await gate.has_begun()
            gate.open()
        assert [] == await taken(stream)


@AHEAD
async def test_the_event_loop_goes_on(prefetch: int, gate: Gate, place: Place) -> None:
    """While the producer blocks."""

    def blocked() -> Iterator[str]:
        gate.hold()
        yield "item"

    async def consume(options: dict[str, Any]) -> str:
        stream = sync_to_async_iter(blocked(), prefetch=prefetch, **options)
        pull = asyncio.ensure_future(anext(stream))
        await gate.has_begun()
        gate.open()
        item = await pull
        await stream.aclose()
        return item

    assert "item" == await place(consume)


# How far ahead the producer is.


@AHEAD
async def test_the_producer_is_never_further_ahead_than_was_said(
    prefetch: int, tracker: Tracker, place: Place
) -> None:
    """It has no end and the consumer is slow: what waits is bounded."""

    async def consume(options: dict[str, Any]) -> None:
        async with sync_to_async_iter(tracker.count(), prefetch=prefetch, **options) as stream:
            for number in range(200):
                assert number == await anext(stream)
                # A turn of the producer's thread and of the loop: it does whatever it would do.
                if number % 10 == 0:
                    await asyncio.sleep(0.002)
                assert tracker.made - (number + 1) <= prefetch

    await place(consume)
    assert tracker.closed.is_set()


async def test_memory_is_bounded_by_prefetch() -> None:
    """Of many large items, only those that wait are there."""

    class Large:
        alive = 0
        most = 0

        def __init__(self) -> None:
            type(self).alive += 1
            type(self).most = max(self.most, self.alive)

        def __del__(self) -> None:
            type(self).alive -= 1

    def large() -> Iterator[Large]:
        while True:
            yield Large()

    async with sync_to_async_iter(large(), prefetch=8) as stream:
        for _ in range(1000):
            await anext(stream)
    # Those that wait, the one on its way, the one in the consumer's hand.
    assert Large.most <= 8 + 3


async def test_lock_step_runs_nothing_before_it_is_asked_for() -> None:
    """What stands after a yield runs when the next item is wanted."""
    seen: list[str] = []

    @sync_to_async_generator
    def steps() -> Iterator[int]:
        seen.append("begin")
        yield 1
        seen.append("middle")
        yield 2
        seen.append("end")

    stream = steps()
    assert [] == seen
    await anext(stream)
    assert ["begin"] == seen
    await anext(stream)
    assert ["begin", "middle"] == seen
    assert [] == await taken(stream)
    assert ["begin", "middle", "end"] == seen


# Errors.


@AHEAD
async def test_an_error_comes_after_the_items_before_it(prefetch: int, place: Place) -> None:
    """It is the producer's own, with the place where it was raised; then there is nothing more."""
    error = BrokenError()

    def three() -> Iterator[int]:
        yield from range(3)
        raise error

    async def consume(options: dict[str, Any]) -> list[int]:
        stream = sync_to_async_iter(three(), prefetch=prefetch, **options)
        got: list[int] = []

        async def take() -> None:
            async for item in stream:
                got.append(item)  # noqa: PERF401  # those that came are looked at

        with pytest.raises(BrokenError) as raised:
            await take()
        assert error is raised.value
        assert "three" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert [] == await taken(stream)
        return got

    assert [0, 1, 2] == await place(consume)


@AHEAD
async def test_an_iterator_may_go_on_after_an_error(prefetch: int) -> None:
    """As one that is no generator may in sync code."""

    class Stumbling:
        def __init__(self) -> None:
            self.at = 0

        def __iter__(self) -> Stumbling:
            return self

        def __next__(self) -> int:
            self.at += 1
            if self.at == 2:
                raise BrokenError
            if self.at == 4:
                raise StopIteration
            return self.at

    stream = sync_to_async_iter(Stumbling(), prefetch=prefetch)
    assert 1 == await anext(stream)
    with pytest.raises(BrokenError):
        await anext(stream)
    assert [3] == await taken(stream)


@AHEAD
async def test_stop_iteration_in_a_generator_is_a_runtime_error(prefetch: int) -> None:
    """As it is in sync code."""

    def wrong() -> Iterator[int]:
        yield 1
        raise StopIteration(5)  # noqa: PLR1708  # the mistake

    stream = sync_to_async_iter(wrong(), prefetch=prefetch)
    assert 1 == await anext(stream)
    with pytest.raises(RuntimeError) as raised:
        await anext(stream)
    assert isinstance(raised.value.__cause__, StopIteration)


async def test_stop_iteration_while_the_iterator_is_made_is_no_end() -> None:
    """A function that returns an iterator must not end a stream in silence."""

    @sync_to_async_generator
    def wrong() -> Iterator[int]:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await taken(wrong())


@pytest.mark.parametrize(
    "kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]
)
async def test_an_error_that_is_no_exception_passes(kind: type[BaseException]) -> None:
    """To the consumer, and not to the thread."""

    def leave() -> Iterator[int]:
        yield 1
        raise kind

    stream = sync_to_async_iter(leave(), prefetch=0)
    assert 1 == await anext(stream)
    with pytest.raises(kind):
        await anext(stream)
    assert await sync_to_async(lambda: True)()


# The protocol of generators.


def echo() -> Generator[object, object, str]:
    """Gives what it is sent, and errors that it is thrown."""
    got: object = "ready"
    while got != "stop":
        try:
            got = yield got
        except BrokenError as error:
            got = error
    return "returned"


async def test_values_are_sent_in_lock_step(place: Place) -> None:
    """And what the generator gives for each comes back."""

    async def consume(options: dict[str, Any]) -> None:
        make: Any = sync_to_async_generator(echo, **options)
        async with make() as stream:
            assert "ready" == await stream.asend(None)
            assert "one" == await stream.asend("one")
            assert await anext(stream) is None
            assert 2 == await stream.asend(2)

    await place(consume)


async def test_errors_are_thrown_in_lock_step() -> None:
    """The generator may answer one, by the same object."""
    stream = sync_to_async_generator(echo)()
    await anext(stream)
    error = BrokenError()
    assert error is await stream.athrow(error)
    assert isinstance(await stream.athrow(BrokenError), BrokenError)
    again = await stream.athrow(BrokenError, "why")
    assert isinstance(again, BrokenError)
    assert ("why",) == again.args
    with pytest.raises(ZeroDivisionError):
        await stream.athrow(ZeroDivisionError())
    assert [] == await taken(stream)


async def test_a_generators_return_value_comes_with_the_end() -> None:
    """As the argument of StopAsyncIteration; once."""
    stream = sync_to_async_generator(echo)()
    await anext(stream)
    with pytest.raises(StopAsyncIteration) as end:
        await stream.asend("stop")
    assert ("returned",) == end.value.args
    with pytest.raises(StopAsyncIteration) as end:
        await anext(stream)
    assert () == end.value.args


async def test_a_value_sent_too_early_is_refused_and_ends_nothing() -> None:
    """As in sync code: the generator has not come to a yield."""
    stream = sync_to_async_generator(echo)()
    with pytest.raises(TypeError, match="just-started"):
        await stream.asend("early")
    assert "ready" == await anext(stream)


async def test_an_error_thrown_first_ends_a_generator_that_has_not_begun() -> None:
    """It runs nothing."""
    tracker = Tracker()
    stream = sync_to_async_generator(tracker.count)()
    with pytest.raises(BrokenError):
        await stream.athrow(BrokenError())
    assert [] == await taken(stream)
    assert 0 == tracker.made


async def test_an_error_thrown_into_what_has_ended_rises() -> None:
    """As in any generator."""
    stream = sync_to_async_generator(echo)()
    await stream.aclose()
    error = BrokenError()
    with pytest.raises(BrokenError) as raised:
        await stream.athrow(error)
    assert error is raised.value


async def test_what_is_no_generator_takes_neither_values_nor_errors() -> None:
    """The message names both; the stream goes on."""
    stream: Any = sync_to_async_iter([1, 2], prefetch=0)
    assert 1 == await anext(stream)
    with pytest.raises(TypeError, match=r"asend: .*list.*no generator"):
        await stream.asend("value")
    with pytest.raises(TypeError, match=r"athrow: .*list.*no generator"):
        await stream.athrow(BrokenError())
    assert [2] == await taken(stream)


async def test_a_producer_that_runs_ahead_takes_neither_values_nor_errors() -> None:
    """It has gone on already: the message says what to give."""
    async with sync_to_async_generator(echo, prefetch=2)() as stream:
        assert "ready" == await stream.asend(None)
        with pytest.raises(RuntimeError, match=r"asend: .*echo runs ahead.*prefetch=0"):
            await stream.asend("value")
        with pytest.raises(RuntimeError, match=r"athrow: .*echo runs ahead.*prefetch=0"):
            await stream.athrow(BrokenError())


# Which thread.


async def test_one_thread_makes_all_steps_and_the_cleanup(tracker: Tracker, place: Place) -> None:
    """For the whole life of the stream, and it is not the event loop's."""

    async def consume(options: dict[str, Any]) -> None:
        async with sync_to_async_iter(tracker.count(), prefetch=2, **options) as stream:
            for number in range(50):
                assert number == await anext(stream)
        assert threading.current_thread() is not tracker.one_thread()

    await place(consume)
    assert tracker.closed_in is tracker.one_thread()


@AHEAD
async def test_a_cursor_of_sqlite_is_read_row_by_row(prefetch: int, place: Place) -> None:
    """It may be used in the thread that made it only."""

    def rows() -> Iterator[tuple[int]]:
        connection = sqlite3.connect(":memory:")
        try:
            yield from connection.execute("values (1), (2), (3)")
        finally:
            connection.close()

    async def consume(options: dict[str, Any]) -> list[tuple[int]]:
        return await taken(sync_to_async_generator(rows, prefetch=prefetch, **options)())

    assert [(1,), (2,), (3,)] == await place(consume)


async def test_a_sensitive_stream_runs_where_sensitive_calls_run(tracker: Tracker) -> None:
    """In the lane of the process, of a context, in a frame's thread."""

    async def consume() -> None:
        expected = await sync_to_async(threading.current_thread)()
        own = Tracker()
        assert [0, 1, 2] == await taken(sync_to_async_iter(own.count(3)))
        assert expected is own.one_thread() is own.closed_in

    await consume()
    async with ThreadSensitiveContext():
        await consume()
    with ThreadPoolExecutor(1) as executor:
        async with ThreadSensitiveContext(executor=executor):
            await consume()
    await sync_to_async(async_to_sync(consume), thread_sensitive=False)()


async def test_an_executors_thread_is_given_back_at_the_end(tracker: Tracker) -> None:
    """Of two threads, each of two open streams has one; a third gets one when a stream is closed."""
    with ThreadPoolExecutor(2) as executor:
        make = partial(sync_to_async_iter, thread_sensitive=False, executor=executor, prefetch=0)
        trackers = [Tracker() for _ in range(3)]
        first, second, third = (make(one.count()) for one in trackers)
        await anext(first)
        await anext(second)
        pull = asyncio.ensure_future(anext(third))
        assert trackers[0].one_thread() is not trackers[1].one_thread()
        await first.aclose()
        assert 0 == await pull
        assert trackers[2].one_thread() is trackers[0].one_thread()
        await second.aclose()
        await third.aclose()


async def test_streams_take_turns_in_an_executor_of_one_thread() -> None:
    """Each has it for a step; so do other calls."""
    with ThreadPoolExecutor(1) as executor:
        make = partial(sync_to_async_iter, thread_sensitive=False, executor=executor, prefetch=0)
        streams = [make(range(10)), make(range(10))]
        call = sync_to_async(lambda: "called", thread_sensitive=False, executor=executor)
        for number in range(10):
            assert [number, number] == [await anext(stream) for stream in streams]
            assert "called" == await call()
        for stream in streams:
            assert [] == await taken(stream)


@AHEAD
async def test_a_slow_consumer_keeps_nobody_from_the_lane(prefetch: int, place: Place) -> None:
    """Between two steps another sensitive call gets through, and another stream does."""

    async def consume(options: dict[str, Any]) -> None:
        options = {} if options.get("executor") else options
        async with sync_to_async_iter(count(), prefetch=prefetch, **options) as stream:
            for number in range(100):
                assert number == await anext(stream)
                if number % 10 == 0:
                    assert "called" == await sync_to_async(lambda: "called")()
                    assert [1, 2] == await taken(sync_to_async_iter([1, 2], prefetch=prefetch))

    await place(consume)


async def test_a_busy_producer_gives_up_the_lane_again_and_again() -> None:
    """One that always has an item, and room for ever more, does not keep others out."""
    stream = sync_to_async_iter(count(), prefetch=10_000_000)
    await anext(stream)
    assert "called" == await sync_to_async(lambda: "called")()
    await stream.aclose()


class TestExecutorsThatEnd:
    """What becomes of a stream whose executor is shut down."""

    @pytest.mark.parametrize("size", [1, 2])
    async def test_the_next_pull_says_so(self, size: int) -> None:
        """And does not hang; nor does the shutdown, which waits for its threads."""
        tracker = Tracker()
        executor = ThreadPoolExecutor(size)
        stream = sync_to_async_iter(
            tracker.count(), prefetch=0, thread_sensitive=False, executor=executor
        )
        assert 0 == await anext(stream)
        await asyncio.to_thread(executor.shutdown)
        with pytest.raises(RuntimeError, match="after shutdown"):
            await anext(stream)

    @pytest.mark.parametrize("size", [1, 2])
    async def test_the_cleanup_runs_all_the_same(self, size: int) -> None:
        """In a thread that is still there: whatever the generator holds is given back."""
        tracker = Tracker()
        executor = ThreadPoolExecutor(size)
        options: dict[str, Any] = {"thread_sensitive": False, "executor": executor}
        async with sync_to_async_iter(tracker.count(), prefetch=0, **options) as stream:
            assert 0 == await anext(stream)
            await asyncio.to_thread(executor.shutdown)
        assert tracker.closed.is_set()
        assert tracker.closed_in is not threading.current_thread()

    async def test_a_dropped_stream_is_cleaned_up_too(self) -> None:
        """The same, where nobody closes it."""
        tracker = Tracker()
        executor = ThreadPoolExecutor(2)
        stream = sync_to_async_iter(
            tracker.count(), prefetch=0, thread_sensitive=False, executor=executor
        )
        assert 0 == await anext(stream)
        await asyncio.to_thread(executor.shutdown)
        del stream
        await asyncio.to_thread(happened, tracker.closed)

    async def test_processes_are_refused(self) -> None:
        """They cannot keep what is stepped through; the message says what to do."""
        with ProcessPoolExecutor(1) as executor:
            for refused in (
                partial(sync_to_async_iter, [1]),
                partial(sync_to_async_generator, echo),
            ):
                with pytest.raises(TypeError, match=r"ProcessPoolExecutor.*threads, or collect"):
                    refused(thread_sensitive=False, executor=executor)


# Leaving.


async def leave_by_break(stream: AsyncStream[int, None]) -> None:
    async with stream:
        async for _ in stream:
            break


async def leave_by_error(stream: AsyncStream[int, None]) -> None:
    with contextlib.suppress(BrokenError):
        async with contextlib.aclosing(stream):
            async for _ in stream:
                raise BrokenError


async def leave_by_aclose(stream: AsyncStream[int, None]) -> None:
    await anext(stream)
    await stream.aclose()


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_error, leave_by_aclose])
@AHEAD
async def test_leaving_closes_the_generator(
    leave: Callable[[AsyncStream[int, None]], Awaitable[None]],
    prefetch: int,
    tracker: Tracker,
    place: Place,
) -> None:
    """In its thread, by GeneratorExit, before the consumer goes on."""

    async def consume(options: dict[str, Any]) -> None:
        await leave(sync_to_async_iter(tracker.count(), prefetch=prefetch, **options))
        assert tracker.closed.is_set()

    await place(consume)
    assert tracker.closed_in is tracker.one_thread()
    assert isinstance(tracker.closed_by, GeneratorExit)


@AHEAD
async def test_a_dropped_stream_is_closed_in_its_thread(
    prefetch: int, tracker: Tracker, place: Place
) -> None:
    """After `break` nobody holds it any more."""

    async def consume(options: dict[str, Any]) -> None:
        async for _ in sync_to_async_iter(tracker.count(), prefetch=prefetch, **options):
            break
        await asyncio.to_thread(happened, tracker.closed)

    await place(consume)
    assert tracker.closed_in is tracker.one_thread()


async def test_a_stream_is_closed_twice_and_before_its_first_step(tracker: Tracker) -> None:
    """The generator then never begins."""
    stream = sync_to_async_iter(tracker.count())
    await stream.aclose()
    await stream.aclose()
    assert [] == await taken(stream)
    assert 0 == tracker.made


async def test_a_generator_that_was_begun_elsewhere_is_closed_with_the_stream() -> None:
    """Also before the first step of the stream."""
    tracker = Tracker()
    numbers = tracker.count()
    next(numbers)
    await sync_to_async_iter(numbers).aclose()
    assert tracker.closed.is_set()


async def test_an_error_of_the_cleanup_rises_from_aclose() -> None:
    """Nobody else would see it."""

    @sync_to_async_generator
    def numbers() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise BrokenError

    stream = numbers()
    await anext(stream)
    with pytest.raises(BrokenError):
        await stream.aclose()


async def test_a_generator_that_will_not_end_is_an_error_of_aclose() -> None:
    """As in sync code."""

    @sync_to_async_generator
    def stubborn() -> Iterator[int]:
        with contextlib.suppress(GeneratorExit):
            yield 1
        yield 2

    stream = stubborn()
    await anext(stream)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        await stream.aclose()


async def test_an_error_of_the_cleanup_of_a_dropped_stream_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To sys.unraisablehook, with the name of the generator."""
    reports: list[Any] = []
    reported = threading.Event()

    def report(what: Any) -> None:
        reports.append((what.exc_type, what.err_msg))
        reported.set()

    monkeypatch.setattr(sys, "unraisablehook", report)

    @sync_to_async_generator
    def numbers() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise BrokenError

    stream = numbers()
    await anext(stream)
    del stream
    await asyncio.to_thread(happened, reported)
    [(kind, message)] = reports
    assert kind is BrokenError
    assert "closing the stream of" in message
    assert "numbers" in message


@AHEAD
def test_a_stream_outlives_its_loop_and_is_dropped(
    prefetch: int, run: Run, tracker: Tracker
) -> None:
    """Its cleanup needs no event loop."""
    streams = [sync_to_async_iter(tracker.count(), prefetch=prefetch)]

    async def begin() -> int:
        return await anext(streams[0])

    assert 0 == run(begin)
    streams.clear()
    happened(tracker.closed)
    assert tracker.closed_in is tracker.one_thread()


def test_lock_step_goes_on_in_another_loop(run: Run, tracker: Tracker) -> None:
    """Each step belongs to the loop that awaits it."""
    stream = sync_to_async_iter(tracker.count(), prefetch=0)

    async def step() -> int:
        return await anext(stream)

    assert [0, 1, 2] == [run(step) for _ in range(3)]
    run(stream.aclose)
    assert tracker.closed_in is tracker.one_thread()


def test_a_step_that_a_closed_loop_left_is_no_hang(run: Run, gate: Gate, tracker: Tracker) -> None:
    """The next loop is told; closing works."""

    def numbers() -> Iterator[int]:
        yield 0
        gate.hold()
        yield from tracker.count()

    stream = sync_to_async_iter(numbers(), prefetch=1)

    async def begin() -> int:
        item = await anext(stream)
        await gate.has_begun()
        return item

    async def go_on() -> int:
        return await anext(stream)

    assert 0 == run(begin)
    with pytest.raises(RuntimeError, match="event loop"):
        run(go_on)
    gate.open()
    run(stream.aclose)
    with pytest.raises(StopAsyncIteration):
        run(go_on)


async def test_items_are_let_go_at_once() -> None:
    """Neither the stream nor its thread keeps what was taken, or what waits when it is closed."""

    class Item:
        pass

    alive: list[weakref.ref[Item]] = []

    def items() -> Iterator[Item]:
        for _ in range(5):
            item = Item()
            alive.append(weakref.ref(item))
            yield item
            del item

    stream = sync_to_async_iter(items(), prefetch=4)
    await anext(stream)
    await stream.aclose()
    # The thread lets go of its last step just after it is over: after the next call it has.
    await sync_to_async(lambda: None)()
    assert {None} == {one() for one in alive}
    del stream


async def test_many_streams_leave_nothing_behind(place: Place) -> None:
    """No threads, and no objects of ours, whether they end, are closed or dropped."""

    async def consume(options: dict[str, Any]) -> None:
        for number in range(60):
            stream = sync_to_async_iter(range(5), prefetch=number % 3, **options)
            assert 0 == await anext(stream)
            if number % 3 == 0:
                await stream.aclose()
            elif number % 3 == 1:
                assert [1, 2, 3, 4] == await taken(stream)

    await place(consume)
    before = set(threading.enumerate())
    for _ in range(3):
        await place(consume)
    for thread in set(threading.enumerate()) - before:
        if "stream" in thread.name:
            await asyncio.to_thread(thread.join, LIMIT)
            assert not thread.is_alive()
    gc.collect()
    left = [one for one in gc.get_objects() if type(one) is AsyncStream]
    assert [] == left


# Cancellation.


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@AHEAD
async def test_a_cancelled_pull_loses_no_item(prefetch: int, new_gate: NewGate) -> None:
    """The producer goes on with its step; the next pull gets the item."""
    gates = [new_gate() for _ in range(3)]

    def numbers() -> Iterator[int]:
        for number, gate in enumerate(gates):
            gate.hold()
            yield number

    async with sync_to_async_iter(numbers(), prefetch=prefetch) as stream:
        for number, gate in enumerate(gates):
            pull = asyncio.ensure_future(anext(stream))
            await gate.has_begun()
            await cancel(pull)
            again = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            await cancel(again)
            gate.open()
            assert number == await anext(stream)
        assert [] == await taken(stream)


async def test_a_pull_with_a_timeout_loses_no_item(gate: Gate) -> None:
    """Nor an error, which comes in its turn."""

    def numbers() -> Iterator[int]:
        gate.hold()
        yield 1
        raise BrokenError

    stream = sync_to_async_iter(numbers(), prefetch=0)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(stream), 0.01)
    gate.open()
    assert 1 == await anext(stream)
    with pytest.raises(BrokenError):
        await anext(stream)


async def both_in_one_turn(task: asyncio.Task[Any], gate: Gate) -> None:
    """Have the outcome of a step arrive and its task cancelled in one turn of the loop, in this order."""
    await gate.has_begun()
    behind = Gate()
    following = asyncio.ensure_future(sync_to_async(behind.hold)())
    await asyncio.sleep(0)
    gate.open()
    happened(behind.begun)  # so the outcome is on its way to the loop, which does not turn
    asyncio.get_running_loop().call_soon(task.cancel)
    behind.open()
    await asyncio.wait([task])
    await following


@AHEAD
async def test_a_pull_that_is_cancelled_just_behind_its_item_loses_nothing(
    prefetch: int, gate: Gate
) -> None:
    """The item is there already, and the task was not told."""

    def numbers() -> Iterator[int]:
        gate.hold()
        yield from range(3)

    stream = sync_to_async_iter(numbers(), prefetch=prefetch)
    pull = asyncio.ensure_future(anext(stream))
    await both_in_one_turn(pull, gate)
    assert pull.cancelled()
    assert [0, 1, 2] == await taken(stream)


async def test_closing_that_is_cancelled_just_behind_its_end_is_over(gate: Gate) -> None:
    """The cancellation rises."""

    def numbers() -> Iterator[int]:
        try:
            yield 0
        finally:
            gate.hold()

    stream = sync_to_async_iter(numbers(), prefetch=0)
    await anext(stream)
    closing = asyncio.ensure_future(stream.aclose())
    await both_in_one_turn(closing, gate)
    assert closing.cancelled()


async def test_a_call_that_is_cancelled_just_behind_its_outcome_is_cancelled(gate: Gate) -> None:
    """The same for a call that waits for its function: it does not wait for ever."""
    call = asyncio.ensure_future(sync_to_async(gate.hold, on_cancel="wait")())
    await both_in_one_turn(call, gate)
    assert call.cancelled()


async def test_a_value_is_sent_after_the_item_of_a_cancelled_pull(gate: Gate) -> None:
    """What the cancelled pull was to get comes first; nothing is sent in the wrong place."""

    def numbers() -> Generator[object, object, None]:
        gate.hold()
        got = yield "first"
        while True:
            got = yield got

    async with sync_to_async_generator(numbers)() as stream:
        pull = asyncio.ensure_future(anext(stream))
        await gate.has_begun()
        await cancel(pull)
        send = asyncio.ensure_future(stream.asend("sent"))
        await asyncio.sleep(0)
        gate.open()
        assert ["first", "sent"] == [await send, await anext(stream)]


async def test_a_cancelled_consumer_closes_the_stream_it_is_in(
    gate: Gate, tracker: Tracker
) -> None:
    """Also while the producer is blocked: that is waited for, and cleaned up in its thread."""

    def numbers() -> Iterator[int]:
        yield from tracker.count(1)
        try:
            gate.hold()
            yield 1
        finally:
            tracker.closed_in = threading.current_thread()

    async def consume() -> None:
        async with sync_to_async_iter(numbers(), prefetch=0) as stream:
            async for _ in stream:
                pass

    task = asyncio.create_task(consume())
    await gate.has_begun()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.open()
    await asyncio.wait([task])
    assert task.cancelled()
    assert tracker.closed_in is tracker.one_thread()


async def test_a_stream_that_is_left_while_queued_never_begins(
    gate: Gate, tracker: Tracker
) -> None:
    """Its first step waits for the lane; the consumer is cancelled and gone when its turn comes."""
    holder = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()

    async def consume() -> None:
        async for _ in sync_to_async_iter(tracker.count()):
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)
    await cancel(task)
    del task
    gate.open()
    await holder
    await sync_to_async(lambda: None)()
    assert 0 == tracker.made


async def test_closing_is_not_cut_short_by_a_cancellation(gate: Gate) -> None:
    """The cleanup runs to its end; then the cancellation rises."""
    ended = threading.Event()

    @sync_to_async_generator
    def numbers() -> Iterator[int]:
        try:
            yield 1
        finally:
            gate.hold()
            ended.set()

    stream = numbers()
    await anext(stream)
    task = asyncio.ensure_future(stream.aclose())
    await gate.has_begun()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.open()
    await asyncio.wait([task])
    assert task.cancelled()
    assert ended.is_set()


async def test_closing_waits_for_the_step_of_a_cancelled_pull(gate: Gate) -> None:
    """And then closes, with the step's item dropped."""
    tracker = Tracker()

    def numbers() -> Iterator[int]:
        gate.hold()
        yield from tracker.count()

    stream = sync_to_async_iter(numbers(), prefetch=0)
    pull = asyncio.ensure_future(anext(stream))
    await gate.has_begun()
    await cancel(pull)
    closing = asyncio.ensure_future(stream.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    gate.open()
    await closing
    assert tracker.closed.is_set()
    assert [] == await taken(stream)


async def test_a_producer_can_ask_whether_it_is_wanted(gate: Gate) -> None:
    """`cancelled` is true in its step when the consumer closes the stream meanwhile."""
    answers: list[bool] = []

    def numbers() -> Iterator[int]:
        yield 0
        answers.append(cancelled())
        gate.begun.set()
        while not cancelled():
            gate.opened.wait(0.001)
        answers.append(cancelled())
        yield 1

    async with sync_to_async_iter(numbers(), prefetch=1) as stream:
        await anext(stream)
        await gate.has_begun()
    assert [False, True] == answers


async def test_a_dropped_producer_can_ask_as_well(gate: Gate) -> None:
    """Nobody awaits the step: still it learns that it is not wanted."""
    ended = threading.Event()

    def numbers() -> Iterator[int]:
        yield 0
        gate.begun.set()
        try:
            while True:
                check_cancelled()
                gate.opened.wait(0.001)
        finally:
            ended.set()

    stream = sync_to_async_iter(numbers(), prefetch=1)
    await anext(stream)
    await gate.has_begun()
    del stream
    await asyncio.to_thread(happened, ended)


async def never() -> None:
    """A coroutine that ends by cancellation only."""
    await asyncio.get_running_loop().create_future()


class Blocked:
    """A producer that is blocked in a coroutine."""

    def __init__(self) -> None:
        self.waits = threading.Event()
        self.freed = threading.Event()

    async def _wait(self) -> None:
        self.waits.set()
        await never()

    def numbers(self) -> Iterator[int]:
        """One item; then a wait for what never comes."""
        yield 0
        try:
            async_to_sync(self._wait)()
        finally:
            self.freed.set()


@AHEAD
async def test_a_producer_blocked_in_a_coroutine_is_freed_when_the_stream_is_closed(
    prefetch: int, place: Place
) -> None:
    """The coroutine is cancelled."""
    producer = Blocked()

    async def consume(options: dict[str, Any]) -> None:
        stream = sync_to_async_iter(producer.numbers(), prefetch=prefetch, **options)
        assert 0 == await anext(stream)
        pull = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(happened, producer.waits)
        await cancel(pull)
        await stream.aclose()
        assert producer.freed.is_set()

    await place(consume)


@AHEAD
async def test_a_producer_blocked_in_a_coroutine_is_freed_when_the_stream_is_dropped(
    prefetch: int, place: Place
) -> None:
    """The same: a consumer that stops never leaves a blocked producer."""
    producer = Blocked()

    async def consume(options: dict[str, Any]) -> None:
        stream = sync_to_async_iter(producer.numbers(), prefetch=prefetch, **options)
        assert 0 == await anext(stream)
        pull = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(happened, producer.waits)
        await cancel(pull)
        del stream, pull
        await asyncio.to_thread(happened, producer.freed)

    await place(consume)


# Several consumers.


@AHEAD
async def test_two_tasks_may_not_await_an_item_at_once(prefetch: int, gate: Gate) -> None:
    """The second one is told, and the first one gets its item; closing is refused as well."""

    def numbers() -> Iterator[int]:
        gate.hold()
        yield 1

    stream = sync_to_async_iter(numbers(), prefetch=prefetch)
    first = asyncio.ensure_future(anext(stream))
    await gate.has_begun()
    for second in (stream.__anext__, stream.aclose):
        with pytest.raises(RuntimeError, match="another task awaits the next item"):
            await second()
    gate.open()
    assert 1 == await first
    assert [] == await taken(stream)


async def test_tasks_that_take_turns_share_the_items() -> None:
    """A stream belongs to no task."""
    stream = sync_to_async_iter(range(40), prefetch=4)
    turn = asyncio.Lock()
    got: list[int] = []

    async def work() -> None:
        for _ in range(10):
            async with turn:
                got.append(await anext(stream))
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(4)))
    assert list(range(40)) == got
    assert [] == await taken(stream)


# What travels with a step.

variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="unset")


async def test_context_variables_travel_both_ways_with_each_step() -> None:
    """The producer sees what the consumer has set, and the consumer what the producer has."""

    @sync_to_async_generator
    def numbers() -> Iterator[object]:
        for number in range(3):
            seen = variable.get()
            variable.set(f"producer {number}")
            yield seen

    stream = numbers()
    for number in range(3):
        variable.set(f"consumer {number}")
        assert f"consumer {number}" == await anext(stream)
        assert f"producer {number}" == variable.get()


async def test_a_step_that_runs_ahead_sees_the_context_of_the_pull_that_began_it() -> None:
    """And what it sets is there when its items have come."""

    def numbers() -> Iterator[object]:
        for _ in range(4):
            yield variable.get()
        variable.set("producer")

    variable.set("consumer")
    stream = sync_to_async_iter(numbers(), prefetch=8)
    assert ["consumer"] * 4 == await taken(stream)
    assert "producer" == variable.get()


async def test_the_handled_exception_is_that_of_the_consumer() -> None:
    """For each step, whoever takes it."""

    @sync_to_async_generator
    def handled() -> Iterator[BaseException | None]:
        while True:
            yield sys.exception()

    async with handled() as stream:
        assert await anext(stream) is None
        for error in (BrokenError(), BrokenError()):
            try:
                raise error
            except BrokenError:
                assert error is await anext(stream)
        assert await anext(stream) is None


async def test_values_of_a_local_follow_the_steps(local: Local) -> None:
    """Both ways, as with calls."""

    @sync_to_async_generator
    def numbers() -> Iterator[object]:
        for number in range(2):
            seen = local.value
            local.value = f"producer {number}"
            yield seen

    stream = numbers()
    for number in range(2):
        local.value = f"consumer {number}"
        assert f"consumer {number}" == await anext(stream)
        assert f"producer {number}" == local.value


# One inside the other.


@AHEAD
async def test_a_stream_of_a_stream(prefetch: int, place: Place) -> None:
    """Async code takes from sync code what that takes from async code, and so on."""

    async def source() -> AsyncIterator[int]:
        for number in range(20):
            yield number
            await asyncio.sleep(0)

    def middle() -> Iterator[int]:
        for number in async_to_sync_iter(source(), prefetch=prefetch):
            yield number * 2

    async def consume(options: dict[str, Any]) -> list[int]:
        return await taken(sync_to_async_iter(middle(), prefetch=prefetch, **options))

    assert [number * 2 for number in range(20)] == await place(consume)


async def test_a_producer_calls_back_into_the_loop(place: Place) -> None:
    """A step may use async_to_sync, and what that awaits may be sensitive: it runs in the producer."""

    async def square(number: int) -> tuple[int, threading.Thread]:
        return number**2, await sync_to_async(threading.current_thread)()

    def squares() -> Iterator[tuple[int, bool]]:
        for number in range(5):
            value, thread = async_to_sync(square)(number)
            yield value, thread is threading.current_thread()

    async def consume(options: dict[str, Any]) -> list[tuple[int, bool]]:
        return await taken(sync_to_async_iter(squares(), **options))

    assert [(number**2, True) for number in range(5)] == await place(consume)


async def test_a_call_below_takes_from_a_stream() -> None:
    """A sync function opens a stream through async_to_sync, in the thread that it runs in."""
    tracker = Tracker()

    async def total() -> int:
        return sum(await taken(sync_to_async_iter(tracker.count(10))))

    def work() -> tuple[int, threading.Thread]:
        return async_to_sync(total)(), threading.current_thread()

    value, thread = await sync_to_async(work)()
    assert 45 == value
    assert thread is tracker.one_thread()


@pytest.mark.parametrize("prefetch", [0, 8])
async def test_a_producer_that_needs_its_own_lane_is_told(prefetch: int) -> None:
    """A loop of its own in the lane's thread would wait for ever."""

    async def inner() -> list[int]:
        return await taken(sync_to_async_iter([1, 2]))

    def numbers() -> Iterator[list[int]]:
        yield asyncio.run(inner())

    with pytest.raises(DeadlockError, match="list"):
        await taken(sync_to_async_iter(numbers(), prefetch=prefetch))


# Decorating.


@sync_to_async_generator
def module_level(start: int, /, stop: int = 3, *, step: int = 1) -> Iterator[int]:
    """Numbers."""
    yield from range(start, stop, step)


class Source:
    """Methods of each kind."""

    factor = 2

    @sync_to_async_generator
    def method(self, end: int) -> Iterator[int]:
        for number in range(end):
            yield number * self.factor

    @classmethod
    @sync_to_async_generator(prefetch=2)
    def of_the_class(cls, end: int) -> Iterator[int]:
        for number in range(end):
            yield number * cls.factor

    @staticmethod
    @sync_to_async_generator(thread_sensitive=False)
    def static(end: int) -> Iterator[int]:
        yield from range(end)


class TestDecorated:
    """What a decorated function is."""

    async def test_methods_of_every_kind_bind(self) -> None:
        """Also read from the class."""
        source = Source()
        assert [0, 2, 4] == await taken(source.method(3))
        assert [0, 2, 4] == await taken(Source.method(source, 3))
        assert [0, 2, 4] == await taken(Source.of_the_class(3))
        assert [0, 1, 2] == await taken(source.static(3))

    async def test_a_bound_method_is_wrapped_as_a_call(self) -> None:
        """With its instance."""
        source = Tracker()
        assert [0, 1] == await taken(sync_to_async_generator(source.count)(2))

    async def test_a_function_that_returns_an_iterable_runs_in_the_thread(self) -> None:
        """Where it may block."""
        threads: list[threading.Thread] = []

        @sync_to_async_generator
        def lines() -> list[str]:
            threads.append(threading.current_thread())
            return ["a", "b"]

        assert ["a", "b"] == await taken(lines())
        assert [await sync_to_async(threading.current_thread)()] == threads

    def test_it_looks_like_the_function(self) -> None:
        """Name, documentation, signature; it is none of the kinds that a generator function is."""
        assert "module_level" == module_level.__name__
        assert "Numbers." == module_level.__doc__
        assert "(start: 'int', /, stop: 'int' = 3, *, step: 'int' = 1) -> 'Iterator[int]'" == str(
            inspect.signature(module_level)
        )
        assert not inspect.isgeneratorfunction(module_level)
        assert not inspect.iscoroutinefunction(module_level)
        assert inspect.isfunction(module_level)

    def test_it_is_pickled_by_name(self) -> None:
        """As a function."""
        assert pickle.loads(pickle.dumps(module_level)) is module_level

    async def test_it_can_be_specified_for_a_mock(self) -> None:
        """Which checks the arguments."""
        double = mock.create_autospec(module_level)
        double(1)
        with pytest.raises(TypeError):
            double()

    async def test_wrong_arguments_are_refused_when_called(self) -> None:
        """Not at the first step."""
        wrong: Any = module_level
        with pytest.raises(TypeError):
            wrong()

    def test_a_stream_says_what_it_is_of(self) -> None:
        """In its representation."""
        assert "module_level" in repr(module_level(1))
        assert "count" in repr(sync_to_async_iter(Tracker().count()))
        assert "range" in repr(sync_to_async_iter(range(3)))


# What is refused.


async def an_async_generator() -> AsyncIterator[int]:
    yield 1


def a_generator() -> Iterator[int]:
    yield 1


async def a_coroutine_function() -> list[int]:
    return [1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (an_async_generator(), r"sync_to_async_iter: .*async already: use async for"),
        (a_generator, r"sync_to_async_iter: .*a_generator is a function: call it, or decorate"),
        (5, r"sync_to_async_iter: 5 cannot be iterated over"),
    ],
)
def test_what_cannot_be_iterated_over_is_refused(wrong: Any, message: str) -> None:
    """The message names it and says what to do."""
    with pytest.raises(TypeError, match=message):
        sync_to_async_iter(wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (an_async_generator, r"sync_to_async_generator: .*an_async_generator is async already"),
        (a_coroutine_function, r"sync_to_async_generator: .*a_coroutine_function is async already"),
        ([1], r"sync_to_async_generator: \[1\] is not callable: give it to sync_to_async_iter"),
        (5, r"sync_to_async_generator: 5 is not callable$"),
        (staticmethod(a_generator), "staticmethod"),
        (classmethod(lambda cls: a_generator()), "classmethod"),
    ],
)
def test_what_is_no_sync_function_is_refused(wrong: Any, message: str) -> None:
    """The same for the decorator."""
    with pytest.raises(TypeError, match=message):
        sync_to_async_generator(wrong)


WRAP: list[Callable[..., Any]] = [
    partial(sync_to_async_iter, [1]),
    partial(sync_to_async_generator, a_generator),
    sync_to_async_generator,
]


@pytest.mark.parametrize("wrap", WRAP)
class TestOptions:
    """Those that there are not."""

    @pytest.mark.parametrize("wrong", [True, False, 1.0, "1", None])
    def test_prefetch_is_a_whole_number(self, wrap: Callable[..., Any], wrong: object) -> None:
        """Of items."""
        with pytest.raises(TypeError, match="prefetch must be a whole number of items"):
            wrap(prefetch=wrong)

    def test_prefetch_is_not_negative(self, wrap: Callable[..., Any]) -> None:
        """Nought is lock step."""
        with pytest.raises(ValueError, match="prefetch must not be negative, and is -1"):
            wrap(prefetch=-1)

    def test_an_executor_needs_insensitive_steps(
        self, wrap: Callable[..., Any], pool: ThreadPoolExecutor
    ) -> None:
        """As with calls."""
        with pytest.raises(TypeError, match="thread_sensitive=False"):
            wrap(executor=pool)

    def test_an_executor_has_submit(self, wrap: Callable[..., Any]) -> None:
        """As with calls."""
        with pytest.raises(TypeError, match="submit"):
            wrap(executor=object(), thread_sensitive=False)
