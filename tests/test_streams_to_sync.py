"""Async iterators and generators taken from sync code: who runs them, in which order, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import os
import pickle
import signal
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from unittest import mock

import anyio.lowlevel
import pytest
from conftest import LIMIT, Gate, NewGate, happened, in_thread

from typedbridge import (
    AsyncSingleThreadContext,
    Local,
    SyncStream,
    async_to_sync,
    sync_to_async,
)
from typedbridge._core import frames
from typedbridge.streams import (
    async_to_sync_generator,
    async_to_sync_iter,
    sync_to_async_iter,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

AHEAD = pytest.mark.parametrize("prefetch", [0, 1, 2, 64])


class BrokenError(Exception):
    """What went wrong in a producer."""


class Tracker:
    """An async generator that notes where it was stepped and cleaned up, and how."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any] | None] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None
        self.closed_in: asyncio.Task[Any] | None = None
        self.closed_by: BaseException | None = None
        self.closed = threading.Event()
        self.made = 0

    async def count(self, end: int = sys.maxsize) -> AsyncIterator[int]:
        """Numbers from nought on."""
        self.loop = asyncio.get_running_loop()
        self.thread = threading.current_thread()
        try:
            for number in range(end):
                self.tasks.append(asyncio.current_task())
                self.made += 1
                yield number
        except BaseException as error:
            self.closed_by = error
            raise
        finally:
            self.closed_in = asyncio.current_task()
            self.closed.set()

    def one_task(self) -> asyncio.Task[Any] | None:
        """The one task of all steps."""
        (task,) = set(self.tasks)
        return task


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


class Place(Protocol):
    """Runs a consumer in a thread of some kind."""

    def __call__(self, consume: Callable[[], Any], /) -> Any: ...


def in_main_thread(consume: Callable[[], Any]) -> Any:
    return consume()


def in_single_thread_context(consume: Callable[[], Any]) -> Any:
    with AsyncSingleThreadContext():
        return consume()


def in_call(consume: Callable[[], Any]) -> Any:
    return asyncio.run(sync_to_async(consume)())


def in_pool_call(consume: Callable[[], Any]) -> Any:
    return asyncio.run(sync_to_async(consume, thread_sensitive=False)())


def in_call_below(consume: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return await sync_to_async(consume)()

    return async_to_sync(main)()


@pytest.fixture(
    params=[
        in_main_thread,
        in_thread,
        in_single_thread_context,
        in_call,
        in_pool_call,
        in_call_below,
    ],
    ids=["main", "thread", "single", "call", "pool", "below"],
)
def place(request: pytest.FixtureRequest) -> Place:
    """Each kind of place that a consumer may be in."""
    found: Place = request.param
    return found


# Taking items.


@AHEAD
def test_all_items_arrive_in_order(prefetch: int, place: Place) -> None:
    """Wherever the consumer is, and however far ahead the task is."""
    assert list(range(500)) == place(
        lambda: list(async_to_sync_iter(Tracker().count(500), prefetch=prefetch))
    )


@AHEAD
def test_nothing_comes_of_nothing(prefetch: int) -> None:
    """And the end comes again each time."""
    stream = async_to_sync_iter(Tracker().count(0), prefetch=prefetch)
    assert [] == list(stream)
    with pytest.raises(StopIteration):
        next(stream)


@AHEAD
def test_items_of_every_kind_pass(prefetch: int) -> None:
    """None and exceptions are items like others."""
    items = [None, StopIteration(), BrokenError(), False, StopAsyncIteration()]

    async def give() -> AsyncIterator[Any]:
        for item in items:
            yield item

    assert items == list(async_to_sync_iter(give(), prefetch=prefetch))


@AHEAD
def test_an_iterator_need_not_be_a_generator(prefetch: int) -> None:
    """What `async for` takes."""

    class Numbers:
        def __init__(self) -> None:
            self.at = 0

        def __aiter__(self) -> Numbers:
            return self

        async def __anext__(self) -> int:
            await asyncio.sleep(0)
            self.at += 1
            if self.at > 3:
                raise StopAsyncIteration
            return self.at

    assert [1, 2, 3] == list(async_to_sync_iter(Numbers(), prefetch=prefetch))


@AHEAD
def test_each_item_of_a_slow_producer_arrives_at_once(prefetch: int, place: Place) -> None:
    """Before the task makes the next one, however many there is room for."""
    opened = [threading.Event() for _ in range(5)]

    async def slow() -> AsyncIterator[int]:
        for number, event in enumerate(opened):
            yield number
            await asyncio.to_thread(happened, event)

    def consume() -> None:
        with async_to_sync_iter(slow(), prefetch=prefetch) as stream:
            for number, event in enumerate(opened):
                assert number == next(stream)
                event.set()
            assert [] == list(stream)

    place(consume)


@pytest.mark.parametrize("prefetch", [1, 2, 3, 8])
def test_an_item_that_is_there_is_never_waited_behind(prefetch: int) -> None:
    """An item that comes while the consumer begins to wait is taken, not the one after it."""

    async def numbers(go_on: threading.Event) -> AsyncIterator[int]:
        for number in range(prefetch + 1):
            yield number
        # The consumer sets it when it has them all: were one of them held back, both would wait.
        await asyncio.to_thread(happened, go_on)
        yield -1

    for _ in range(60):
        go_on = threading.Event()
        with async_to_sync_iter(numbers(go_on), prefetch=prefetch) as stream:
            for number in range(prefetch + 1):
                assert number == next(stream)
            go_on.set()
            assert [-1] == list(stream)


class Wishes(list[None]):
    """The wish for an item: holds the thread of the consumer, or the task, at the worst moment.

    :param feed: Any: what a stream has inside.
    :param until: how many wishes there must have been before the task may take the first.
    """

    def __init__(self, feed: Any, until: int) -> None:
        super().__init__()
        self.feed = feed
        self.wished, self.taken = threading.Semaphore(0), threading.Event()
        self.task_is_here = threading.Event()
        self.until = until
        self.consumer = threading.get_ident()

    def append(self, wish: None) -> None:
        if self.until == 0:  # the wish comes just behind the item
            self.wished.release()
            while not (self.feed.items or self.feed.over):
                self.taken.wait(0.001)
        super().append(wish)
        self.wished.release()
        if self.until and not self.task_is_here.is_set():  # the task knows of the wish
            happened(self.task_is_here)

    def pop(self, *_where: Any) -> None:
        if threading.get_ident() == self.consumer:
            super().pop()
            self.taken.set()
        elif self.task_is_here.is_set():
            super().pop()
        else:
            self.task_is_here.set()
            happened(self.taken)  # the consumer has taken the wish back, and the item
            for _wish in range(self.until):
                assert self.wished.acquire(timeout=LIMIT)
            super().pop()


@pytest.mark.parametrize("until", [0, 1, 2])
def test_no_wake_up_is_lost_where_item_and_wish_meet(until: int) -> None:
    """Whoever of the two is held, and the consumer asks for the next item meanwhile."""
    asked, got = threading.Event(), threading.Event()

    async def numbers() -> AsyncIterator[int]:
        yield 0
        await asyncio.to_thread(happened, asked)
        yield 1
        await asyncio.to_thread(happened, got)
        yield 2

    stream: Any = async_to_sync_iter(numbers(), prefetch=1)
    assert 0 == next(stream)
    wishes = stream._feed.hunger = Wishes(stream._feed, until)

    def let_the_task_go_on() -> None:
        wishes.wished.acquire()
        wishes.wished.release()
        asked.set()

    threading.Thread(target=let_the_task_go_on).start()
    assert 1 == next(stream)
    got.set()
    assert [2] == list(stream)


# How far ahead the task is.


@AHEAD
def test_the_task_is_never_further_ahead_than_was_said(
    prefetch: int, tracker: Tracker, place: Place
) -> None:
    """It has no end and the consumer is slow: what waits is bounded."""
    pause = threading.Event()

    def consume() -> None:
        with async_to_sync_iter(tracker.count(), prefetch=prefetch) as stream:
            for number in range(200):
                assert number == next(stream)
                if number % 10 == 0:
                    pause.wait(0.002)  # the task does whatever it would do
                assert tracker.made - (number + 1) <= prefetch

    place(consume)
    assert tracker.closed.is_set()


def test_lock_step_runs_nothing_before_it_is_asked_for() -> None:
    """What stands after a yield runs when the next item is wanted."""
    seen: list[str] = []

    @async_to_sync_generator
    async def steps() -> AsyncIterator[int]:
        seen.append("begin")
        yield 1
        seen.append("middle")
        yield 2
        seen.append("end")

    stream = steps()
    assert [] == seen
    next(stream)
    assert ["begin"] == seen
    next(stream)
    assert ["begin", "middle"] == seen
    assert [] == list(stream)
    assert ["begin", "middle", "end"] == seen


# Errors.


@AHEAD
def test_an_error_comes_after_the_items_before_it(prefetch: int, place: Place) -> None:
    """It is the producer's own, with the place where it was raised; then there is nothing more."""
    error = BrokenError()

    async def three() -> AsyncIterator[int]:
        for number in range(3):
            yield number
        raise error

    def consume() -> list[int]:
        stream = async_to_sync_iter(three(), prefetch=prefetch)
        got: list[int] = []

        def take() -> None:
            for item in stream:
                got.append(item)  # noqa: PERF402  # those that came are looked at

        with pytest.raises(BrokenError) as raised:
            take()
        assert error is raised.value
        assert "three" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert [] == list(stream)
        return got

    assert [0, 1, 2] == place(consume)


@AHEAD
def test_stop_iteration_of_either_kind_in_a_generator_is_a_runtime_error(prefetch: int) -> None:
    """As it is in async code."""
    for kind in (StopIteration, StopAsyncIteration):

        async def wrong(kind: type[Exception] = kind) -> AsyncIterator[int]:
            yield 1
            raise kind

        stream = async_to_sync_iter(wrong(), prefetch=prefetch)
        assert 1 == next(stream)
        with pytest.raises(RuntimeError) as raised:
            next(stream)
        assert isinstance(raised.value.__cause__, kind)


def test_an_error_while_the_iterator_is_made_rises_at_the_first_pull() -> None:
    """Also one that would be taken for the end."""

    @async_to_sync_generator
    def wrong() -> AsyncIterator[int]:
        raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        next(wrong())


def test_a_cancelled_error_in_the_task_rises() -> None:
    """It is an error like others."""

    async def leave() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError("why")

    stream = async_to_sync_iter(leave(), prefetch=0)
    assert 1 == next(stream)
    with pytest.raises(asyncio.CancelledError, match="why"):
        next(stream)
    assert [] == list(stream)


# The protocol of generators.


async def echo() -> AsyncGenerator[object, object]:
    """Gives what it is sent, and errors that it is thrown."""
    got: object = "ready"
    while got != "stop":
        try:
            got = yield got
        except BrokenError as error:
            got = error


def test_values_are_sent_in_lock_step(place: Place) -> None:
    """And what the generator gives for each comes back."""

    def consume() -> None:
        with async_to_sync_generator(echo)() as stream:
            assert "ready" == stream.send(None)
            assert "one" == stream.send("one")
            assert next(stream) is None
            assert 2 == stream.send(2)
            with pytest.raises(StopIteration):
                stream.send("stop")

    place(consume)


def test_errors_are_thrown_in_lock_step() -> None:
    """The generator may answer one, by the same object."""
    stream = async_to_sync_generator(echo)()
    next(stream)
    error = BrokenError()
    assert error is stream.throw(error)
    assert isinstance(stream.throw(BrokenError), BrokenError)
    again = stream.throw(BrokenError, "why")
    assert isinstance(again, BrokenError)
    assert ("why",) == again.args
    with pytest.raises(ZeroDivisionError):
        stream.throw(ZeroDivisionError())
    assert [] == list(stream)


def test_a_value_sent_too_early_is_refused_and_ends_nothing() -> None:
    """As in async code: the generator has not come to a yield."""
    stream = async_to_sync_generator(echo)()
    with pytest.raises(TypeError, match="has not begun"):
        stream.send("early")
    assert "ready" == next(stream)
    stream.close()


def test_an_error_thrown_first_ends_a_generator_that_has_not_begun(tracker: Tracker) -> None:
    """It runs nothing."""
    stream = async_to_sync_generator(tracker.count)()
    with pytest.raises(BrokenError):
        stream.throw(BrokenError())
    assert [] == list(stream)
    assert 0 == tracker.made


def test_an_error_thrown_into_what_has_ended_rises() -> None:
    """As in any generator."""
    stream = async_to_sync_generator(echo)()
    stream.close()
    error = BrokenError()
    with pytest.raises(BrokenError) as raised:
        stream.throw(error)
    assert error is raised.value


def test_a_task_that_runs_ahead_takes_neither_values_nor_errors() -> None:
    """It has gone on already: the message says what to give."""
    with async_to_sync_generator(echo, prefetch=2)() as stream:
        assert "ready" == stream.send(None)
        with pytest.raises(RuntimeError, match=r"send: .*echo runs ahead.*prefetch=0"):
            stream.send("value")
        with pytest.raises(RuntimeError, match=r"throw: .*echo runs ahead.*prefetch=0"):
            stream.throw(BrokenError())


@pytest.mark.parametrize("move", ["send", "throw"])
def test_what_is_no_generator_takes_neither_values_nor_errors(move: str) -> None:
    """The message says so."""

    class Ones:
        def __aiter__(self) -> Ones:
            return self

        async def __anext__(self) -> int:
            return 1

    stream: Any = async_to_sync_iter(Ones(), prefetch=0)
    assert 1 == next(stream)
    with pytest.raises(TypeError, match=f"{move}: .*Ones.* is no async generator"):
        getattr(stream, move)(BrokenError())


# Which task, loop and thread.


def test_one_task_makes_all_steps_and_the_cleanup(tracker: Tracker, place: Place) -> None:
    """For the whole life of the stream, and not in the consumer's thread."""

    def consume() -> None:
        with async_to_sync_iter(tracker.count(), prefetch=2) as stream:
            for number in range(50):
                assert number == next(stream)
        assert threading.current_thread() is not tracker.thread

    place(consume)
    assert tracker.closed_in is tracker.one_task() is not None


async def test_the_loop_is_that_of_the_enclosing_call(tracker: Tracker) -> None:
    """As with calls."""
    assert [0, 1] == await sync_to_async(lambda: list(async_to_sync_iter(tracker.count(2))))()
    assert asyncio.get_running_loop() is tracker.loop


def test_without_one_it_is_a_loop_of_the_library_which_others_use_afterwards() -> None:
    """One stream has it at a time; then it is kept for the next."""
    first, second, third = Tracker(), Tracker(), Tracker()
    with async_to_sync_iter(first.count()) as one, async_to_sync_iter(second.count()) as two:
        next(one)
        next(two)
    assert first.loop is not second.loop
    assert [0] == list(async_to_sync_iter(third.count(1)))
    assert third.loop in (first.loop, second.loop)


def test_a_single_thread_context_gives_all_streams_one_loop() -> None:
    """And calls beside them."""
    first, second = Tracker(), Tracker()

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    with (
        AsyncSingleThreadContext(),
        async_to_sync_iter(first.count()) as one,
        async_to_sync_iter(second.count()) as two,
    ):
        for number in range(5):
            assert number == next(one) == next(two)
            assert async_to_sync(loop)() is first.loop is second.loop


def test_leaving_a_single_thread_context_ends_an_open_stream() -> None:
    """Its loop goes: the context does not wait for a consumer that may never come."""
    tracker = Tracker()
    with AsyncSingleThreadContext():
        stream = async_to_sync_iter(tracker.count(), prefetch=0)
        assert 0 == next(stream)
    assert tracker.closed.is_set()
    with pytest.raises(RuntimeError, match="count has ended with the AsyncSingleThreadContext"):
        next(stream)
    assert [] == list(stream)


def test_a_cancel_scope_and_a_task_group_stand_across_a_yield() -> None:
    """Both belong to one task."""

    async def numbers() -> AsyncIterator[int]:
        async with anyio.create_task_group() as group, asyncio.timeout(LIMIT):
            group.start_soon(anyio.sleep_forever)
            with anyio.CancelScope() as scope:
                for number in range(5):
                    yield number
                    await anyio.lowlevel.checkpoint()
            assert not scope.cancel_called
            group.cancel_scope.cancel()

    assert list(range(5)) == list(async_to_sync_iter(numbers(), prefetch=0))
    assert list(range(5)) == list(async_to_sync_iter(numbers()))


@AHEAD
def test_sensitive_work_comes_back_to_the_consumers_thread(prefetch: int, place: Place) -> None:
    """Whenever it pulls."""

    async def threads() -> AsyncIterator[threading.Thread]:
        for _ in range(20):
            yield await sync_to_async(threading.current_thread)()

    def consume() -> bool:
        stream = async_to_sync_iter(threads(), prefetch=prefetch)
        return {threading.current_thread()} == set(stream)

    assert place(consume)


def test_sensitive_work_is_run_also_while_items_wait(new_gate: NewGate) -> None:
    """A pull that finds an item runs what came meanwhile."""
    asked, ran = threading.Event(), threading.Event()

    async def numbers() -> AsyncIterator[int]:
        for number in range(4):
            yield number
        work = asyncio.ensure_future(sync_to_async(ran.set)())
        await asyncio.sleep(0)
        asked.set()
        await work
        yield 4

    with async_to_sync_iter(numbers(), prefetch=64) as stream:
        assert 0 == next(stream)
        happened(asked)
        assert not ran.is_set()
        assert 1 == next(stream)
        assert ran.is_set()
        assert [2, 3, 4] == list(stream)


def test_a_stream_may_be_taken_by_another_thread(place: Place) -> None:
    """Its sensitive work then runs there."""

    async def threads() -> AsyncIterator[threading.Thread]:
        while True:
            yield await sync_to_async(threading.current_thread)()

    with async_to_sync_iter(threads(), prefetch=0) as stream:
        assert threading.current_thread() is next(stream)
        assert in_thread(lambda: next(stream) is threading.current_thread())


def test_two_threads_may_not_wait_for_an_item_at_once(gate: Gate) -> None:
    """The second one is told, and the first one gets its item; closing is refused as well."""

    async def numbers() -> AsyncIterator[int]:
        await asyncio.to_thread(gate.hold)
        yield 1

    stream = async_to_sync_iter(numbers())
    got: list[int] = []
    first = threading.Thread(target=lambda: got.append(next(stream)))
    first.start()
    happened(gate.begun)
    for second in (stream.__next__, stream.close):
        with pytest.raises(RuntimeError, match="somebody waits for the next item"):
            second()
    gate.open()
    first.join(LIMIT)
    assert [1] == got
    assert [] == list(stream)


async def test_a_stream_is_not_waited_for_in_the_loops_thread(tracker: Tracker) -> None:
    """It would block; the message says what to use. Elsewhere the stream goes on."""
    stream = async_to_sync_iter(tracker.count(2), prefetch=0)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"event loop is running.*use async for"):
            next(stream)
    assert 0 == await asyncio.to_thread(next, stream)
    with pytest.raises(RuntimeError, match="use async for"):
        stream.close()
    assert 1 == await asyncio.to_thread(next, stream)
    await asyncio.to_thread(stream.close)
    assert tracker.closed.is_set()


# Leaving.


def leave_by_break(stream: SyncStream[int, None]) -> None:
    with stream:
        for _ in stream:
            break


def leave_by_error(stream: SyncStream[int, None]) -> None:
    with contextlib.suppress(BrokenError), contextlib.closing(stream):
        for _ in stream:
            raise BrokenError


def leave_by_close(stream: SyncStream[int, None]) -> None:
    next(stream)
    stream.close()


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_error, leave_by_close])
@AHEAD
def test_leaving_closes_the_generator(
    leave: Callable[[SyncStream[int, None]], None], prefetch: int, tracker: Tracker, place: Place
) -> None:
    """In its task, before the consumer goes on."""

    def consume() -> None:
        leave(async_to_sync_iter(tracker.count(), prefetch=prefetch))
        assert tracker.closed.is_set()

    place(consume)
    assert tracker.closed_in is tracker.one_task()
    assert isinstance(tracker.closed_by, GeneratorExit)


@AHEAD
def test_a_dropped_stream_is_closed_in_its_task(
    prefetch: int, tracker: Tracker, place: Place
) -> None:
    """After `break` nobody holds it any more."""

    def consume() -> None:
        for _ in async_to_sync_iter(tracker.count(), prefetch=prefetch):
            break
        happened(tracker.closed)

    place(consume)
    assert tracker.closed_in is tracker.one_task()


def test_a_stream_is_closed_twice_and_before_its_first_step(tracker: Tracker) -> None:
    """The generator then never begins."""
    stream = async_to_sync_iter(tracker.count())
    stream.close()
    stream.close()
    assert [] == list(stream)
    assert 0 == tracker.made


@pytest.mark.parametrize("dropped", [False, True])
def test_a_task_that_waits_is_cancelled_when_the_consumer_leaves(dropped: bool) -> None:
    """It runs ahead, and awaits what may never come."""
    waits, freed = threading.Event(), threading.Event()

    async def numbers() -> AsyncIterator[int]:
        yield 0
        try:
            waits.set()
            await asyncio.get_running_loop().create_future()
        finally:
            freed.set()

    stream = async_to_sync_iter(numbers())
    assert 0 == next(stream)
    happened(waits)
    if dropped:
        del stream
    else:
        stream.close()
        assert freed.is_set()
    happened(freed)


def test_the_cleanup_may_be_sensitive() -> None:
    """It runs in the thread that closes; when the stream is dropped, in the next lane."""
    threads: list[threading.Thread] = []
    ended = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 0
        finally:
            threads.append(await sync_to_async(threading.current_thread)())
            ended.set()

    with async_to_sync_iter(numbers(), prefetch=0) as stream:
        next(stream)
    assert [threading.current_thread()] == threads
    ended.clear()
    stream = async_to_sync_iter(numbers(), prefetch=0)
    next(stream)
    del stream
    happened(ended)
    assert threading.current_thread() is not threads[1]


def test_an_error_of_the_cleanup_rises_from_close() -> None:
    """Nobody else would see it."""

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise BrokenError

    stream = async_to_sync_iter(numbers(), prefetch=0)
    next(stream)
    with pytest.raises(BrokenError):
        stream.close()
    stream.close()


def test_an_error_of_the_cleanup_of_a_dropped_stream_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To sys.unraisablehook, with the name of the generator."""
    reports: list[Any] = []
    reported = threading.Event()

    def report(what: Any) -> None:
        reports.append((what.exc_type, what.err_msg))
        reported.set()

    monkeypatch.setattr(sys, "unraisablehook", report)

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise BrokenError

    stream = async_to_sync_iter(numbers(), prefetch=0)
    next(stream)
    del stream
    happened(reported)
    [(kind, message)] = reports
    assert kind is BrokenError
    assert "closing the stream of" in message
    assert "numbers" in message


def test_a_generator_that_answers_a_cancellation_with_an_item_is_closed() -> None:
    """The item is dropped."""
    waits = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        yield 0
        try:
            waits.set()
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            yield 1

    stream = async_to_sync_iter(numbers())
    next(stream)
    happened(waits)
    stream.close()
    assert [] == list(stream)


def test_a_stream_left_open_in_a_call_ends_with_the_calls_loop(tracker: Tracker) -> None:
    """The loop cancels it as it does all tasks: the next pull says so, and nothing hangs."""
    kept: list[SyncStream[int, None]] = []

    def begin() -> int:
        kept.append(async_to_sync_iter(tracker.count(), prefetch=0))
        return next(kept[0])

    assert 0 == asyncio.run(sync_to_async(begin)())
    assert tracker.closed.is_set()
    with pytest.raises((asyncio.CancelledError, RuntimeError)):
        next(kept[0])
    kept[0].close()


def test_many_streams_leave_nothing_behind() -> None:
    """No threads, descriptors or frames of ours, whether they end, are closed or dropped."""

    def some() -> None:
        for number in range(300):
            # Any: what it has inside.
            stream: Any = async_to_sync_iter(Tracker().count(5), prefetch=number % 2)
            assert 0 == next(stream)
            if number % 3 == 0:
                stream.close()
            elif number % 3 == 1:
                assert [1, 2, 3, 4] == list(stream)
            else:
                feed = stream._feed
                ended = threading.Event()
                feed.at_last(ended.set)
                del stream, feed
                happened(ended)

    descriptors = Path("/dev/fd")

    def state() -> tuple[int, int]:
        loops = [one for one in threading.enumerate() if one.name == "typedbridge loop"]
        return len(loops), len(list(descriptors.iterdir())) if descriptors.is_dir() else 0

    some()
    before = state()
    for _ in range(3):
        some()
    after = state()
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 6
    assert [] == frames.blocked()
    gc.collect()
    assert [] == [one for one in gc.get_objects() if type(one) is SyncStream]


# Cancellation and signals.


async def test_a_cancelled_call_cancels_the_stream_it_waits_for(tracker: Tracker) -> None:
    """As a coroutine that it is blocked in."""
    waits = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 0
            waits.set()
            await asyncio.get_running_loop().create_future()
        finally:
            tracker.closed.set()

    def consume() -> None:
        for _ in async_to_sync_iter(numbers(), prefetch=0):
            pass

    task = asyncio.create_task(sync_to_async(consume)())
    await asyncio.to_thread(happened, waits)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert tracker.closed.is_set()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal can be sent to a thread")
@AHEAD
def test_ctrl_c_while_pulling_ends_the_stream(prefetch: int) -> None:
    """Its cleanup is awaited before KeyboardInterrupt rises; then there is nothing more."""
    ready, closed = threading.Event(), threading.Event()
    main = threading.get_ident()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.to_thread(happened, ready)
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            closed.set()

    with async_to_sync_iter(numbers(), prefetch=prefetch) as stream:
        assert 0 == next(stream)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # it may strike behind the first, if the task runs ahead
            ready.set()
            next(stream)
    assert closed.is_set()
    assert [] == list(stream)


# What travels with a step.

variable: contextvars.ContextVar[object] = contextvars.ContextVar("variable", default="unset")


def test_context_variables_travel_both_ways_with_each_step() -> None:
    """The task sees what the consumer has set, and the consumer what the task has."""

    @async_to_sync_generator
    async def numbers() -> AsyncIterator[object]:
        for number in range(3):
            seen = variable.get()
            variable.set(f"task {number}")
            yield seen

    def consume() -> None:
        stream = numbers()
        for number in range(3):
            variable.set(f"consumer {number}")
            assert f"consumer {number}" == next(stream)
            assert f"task {number}" == variable.get()

    contextvars.copy_context().run(consume)


def test_what_the_consumer_sets_reaches_a_task_that_runs_ahead() -> None:
    """In order, and in the end: with a pull that waits."""

    async def numbers() -> AsyncIterator[object]:
        while True:
            yield variable.get()

    def consume() -> None:
        with async_to_sync_iter(numbers(), prefetch=2) as stream:
            last: object = "unset"
            for number in range(50):
                variable.set(number)
                seen = next(stream)
                assert (
                    seen == last or int(str(last).replace("unset", "-1")) < int(str(seen)) <= number
                )
                last = seen
            while next(stream) != number:
                pass

    contextvars.copy_context().run(consume)


def test_a_variable_set_at_the_end_is_carried_back() -> None:
    """Also by the cleanup."""

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            variable.set("cleanup")

    def consume() -> object:
        with async_to_sync_iter(numbers(), prefetch=0) as stream:
            next(stream)
        return variable.get()

    assert "cleanup" == contextvars.copy_context().run(consume)


def test_the_handled_exception_is_that_of_the_consumer() -> None:
    """For each step, whoever takes it."""

    @async_to_sync_generator
    async def handled() -> AsyncIterator[BaseException | None]:
        while True:
            yield sys.exception()

    with handled() as stream:
        assert next(stream) is None
        for error in (BrokenError(), BrokenError()):
            try:
                raise error
            except BrokenError:
                assert error is next(stream)
        assert next(stream) is None


def test_values_of_a_local_follow_the_steps(local: Local) -> None:
    """Both ways, as with calls."""

    @async_to_sync_generator
    async def numbers() -> AsyncIterator[object]:
        for number in range(2):
            seen = local.value
            local.value = f"task {number}"
            yield seen

    stream = numbers()
    for number in range(2):
        local.value = f"consumer {number}"
        assert f"consumer {number}" == next(stream)
        assert f"task {number}" == local.value


# One inside the other.


@AHEAD
def test_a_stream_of_a_stream(prefetch: int, place: Place) -> None:
    """Sync code takes from async code what that takes from sync code, in the consumer's thread."""
    threads: set[threading.Thread] = set()

    def source() -> Any:
        for number in range(20):
            threads.add(threading.current_thread())
            yield number

    async def middle() -> AsyncIterator[int]:
        async for number in sync_to_async_iter(source(), prefetch=prefetch):
            yield number * 2

    def consume() -> tuple[list[int], threading.Thread]:
        return list(async_to_sync_iter(middle(), prefetch=prefetch)), threading.current_thread()

    items, thread = place(consume)
    assert [number * 2 for number in range(20)] == items
    assert {thread} == threads


def test_the_task_makes_calls_that_take_from_streams() -> None:
    """A step calls a sync function, which takes from a stream on the same loop."""
    inner = Tracker()

    def total() -> int:
        return sum(async_to_sync_iter(inner.count(10)))

    async def totals() -> AsyncIterator[int]:
        for _ in range(3):
            yield await sync_to_async(total)()

    assert [45, 45, 45] == list(async_to_sync_iter(totals(), prefetch=0))


# Fork.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@AHEAD
def test_a_stream_from_before_a_fork_is_refused_in_the_child(
    prefetch: int, tracker: Tracker
) -> None:
    """Its task is the parent's, where it goes on; a new one works, and closing does nothing."""
    stream = async_to_sync_iter(tracker.count(), prefetch=prefetch)
    assert 0 == next(stream)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(2 * prefetch + 1):
                next(stream)
        except RuntimeError as error:
            if "before the fork" in str(error):
                stream.close()
                code = 0 if [0, 1] == list(async_to_sync_iter(Tracker().count(2))) else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
    assert 1 == next(stream)
    stream.close()
    assert tracker.closed.is_set()


# Decorating.


@async_to_sync_generator
async def module_level(start: int, /, stop: int = 3, *, step: int = 1) -> AsyncIterator[int]:
    """Numbers."""
    for number in range(start, stop, step):
        yield number


class Source:
    """Methods of each kind."""

    factor = 2

    @async_to_sync_generator
    async def method(self, end: int) -> AsyncIterator[int]:
        for number in range(end):
            yield number * self.factor

    @classmethod
    @async_to_sync_generator(prefetch=2)
    async def of_the_class(cls, end: int) -> AsyncIterator[int]:
        for number in range(end):
            yield number * cls.factor

    @staticmethod
    @async_to_sync_generator
    async def static(end: int) -> AsyncIterator[int]:
        for number in range(end):
            yield number


class TestDecorated:
    """What a decorated function is."""

    def test_methods_of_every_kind_bind(self) -> None:
        """Also read from the class."""
        source = Source()
        assert [0, 2, 4] == list(source.method(3))
        assert [0, 2, 4] == list(Source.method(source, 3))
        assert [0, 2, 4] == list(Source.of_the_class(3))
        assert [0, 1, 2] == list(source.static(3))

    def test_a_bound_method_is_wrapped_as_a_call(self, tracker: Tracker) -> None:
        """With its instance."""
        assert [0, 1] == list(async_to_sync_generator(tracker.count)(2))

    def test_it_looks_like_the_function(self) -> None:
        """Name, documentation, signature; it is none of the kinds that a generator function is."""
        assert "module_level" == module_level.__name__
        assert "Numbers." == module_level.__doc__
        assert ["start", "stop", "step"] == list(inspect.signature(module_level).parameters)
        assert not inspect.isasyncgenfunction(module_level)
        assert inspect.isfunction(module_level)

    def test_it_is_pickled_by_name(self) -> None:
        """As a function."""
        assert pickle.loads(pickle.dumps(module_level)) is module_level

    def test_it_can_be_specified_for_a_mock(self) -> None:
        """Which checks the arguments."""
        double = mock.create_autospec(module_level)
        double(1)
        with pytest.raises(TypeError):
            double()

    def test_a_stream_says_what_it_is_of(self, tracker: Tracker) -> None:
        """In its representation."""
        assert "module_level" in repr(module_level(1))
        assert "count" in repr(async_to_sync_iter(tracker.count()))


# What is refused.


async def an_async_generator() -> AsyncIterator[int]:
    yield 1


def a_generator() -> Any:
    yield 1


async def a_coroutine_function() -> list[int]:
    return [1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([1], r"async_to_sync_iter: async for cannot iterate over \[1\]: use for"),
        (5, r"async_to_sync_iter: async for cannot iterate over 5$"),
        (an_async_generator, r"an_async_generator is a function: call it, or decorate it with"),
    ],
)
def test_what_async_for_cannot_take_is_refused(wrong: Any, message: str) -> None:
    """The message names it and says what to do."""
    with pytest.raises(TypeError, match=message):
        async_to_sync_iter(wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (a_generator, r"async_to_sync_generator: .*a_generator is sync already: use for"),
        (a_coroutine_function, r"a_coroutine_function is a coroutine function: .*async_to_sync$"),
        (5, r"async_to_sync_generator: 5 is not callable$"),
        ([1], r"async_to_sync_generator: \[1\] is not callable: give it to async_to_sync_iter"),
        (staticmethod(an_async_generator), "staticmethod"),
        (classmethod(lambda cls: an_async_generator()), "classmethod"),
    ],
)
def test_what_is_no_async_generator_function_is_refused(wrong: Any, message: str) -> None:
    """The same for the decorator."""
    with pytest.raises(TypeError, match=message):
        async_to_sync_generator(wrong)


@pytest.mark.parametrize(
    "wrap",
    [
        partial(async_to_sync_iter, Tracker().count(1)),
        partial(async_to_sync_generator, an_async_generator),
        async_to_sync_generator,
    ],
)
def test_prefetch_is_a_whole_number_that_is_not_negative(wrap: Callable[..., Any]) -> None:
    """Of items; nought is lock step."""
    for wrong in (True, 1.0, "1", None):
        with pytest.raises(TypeError, match="prefetch must be a whole number of items"):
            wrap(prefetch=wrong)
    with pytest.raises(ValueError, match="prefetch must not be negative, and is -1"):
        wrap(prefetch=-1)
