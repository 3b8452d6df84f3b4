"""Rows about sync_to_async: from an event loop to a thread and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final

from bench import barest, peers
from bench.model import BARE_FUTURES, BAREST, Aim, AsyncCall, Entry, Part, Row, Sample
from bench.timing import at_once, identity, on_loop, one_by_one

GROUP: Final = "sync_to_async"
IN_FLIGHT: Final = (1, 10, 100, 1000, 10_000)

# What awaits the calls: given the contestant's call and a number of calls, one figure.
# Any: a coroutine's yield and send types belong to the event loop.
Body = Callable[[AsyncCall, int], Any]
ThreadCall = Callable[[], AbstractContextManager[AsyncCall]]


def at_once_body(size: int) -> Body:
    """A body that keeps *size* calls in flight."""

    def body(call: AsyncCall, calls: int) -> Any:  # Any: see Body
        return at_once(call, size, calls)

    return body


def calls_of(function: Callable[[int], int], *, sensitive: bool) -> dict[str, ThreadCall]:
    """Every installed way to await *function*, a context manager each."""

    @contextmanager
    def plain(build: Callable[[], AsyncCall]) -> Iterator[AsyncCall]:
        yield build()

    def to_thread() -> AsyncCall:
        return partial(peers.load("asyncio").to_thread, function)

    def run_sync() -> AsyncCall:
        return partial(peers.load("anyio.to_thread").run_sync, function)

    def run_in_threadpool() -> AsyncCall:
        return partial(peers.load("starlette.concurrency").run_in_threadpool, function)

    def bridged(name: str) -> AsyncCall:
        call: AsyncCall = peers.bridge(name).sync_to_async(function, thread_sensitive=sensitive)
        return call

    ways: dict[str, ThreadCall] = {BAREST: partial(barest.to_thread, function)}
    ways["asyncio"] = partial(plain, to_thread)
    if peers.installed("anyio"):
        ways["anyio"] = partial(plain, run_sync)
    if peers.installed("starlette"):
        ways["starlette"] = partial(plain, run_in_threadpool)
    for name in peers.bridges():
        ways[name] = partial(plain, partial(bridged, name))
    return ways


def entries(ways: dict[str, ThreadCall], body: Body, loop: str = "") -> dict[str, Entry]:
    """One sample a contestant: *body*, on a loop of the named kind."""

    @contextmanager
    def entry(way: ThreadCall) -> Iterator[Sample]:
        with (
            way() as call,
            on_loop(partial(body, call), peers.loop_factory(loop)) as sample,
        ):
            yield sample

    return {name: partial(entry, way) for name, way in ways.items()}


def in_caller_entries() -> dict[str, Entry]:
    """A sensitive call inside async_to_sync: its thread is the one that waits."""

    @contextmanager
    def barest_entry() -> Iterator[Sample]:
        with barest.running_loop() as loop:
            yield lambda calls: barest.in_caller(
                identity, lambda call: one_by_one(call, calls), loop
            )

    @contextmanager
    def bridge_entry(name: str) -> Iterator[Sample]:
        bridge = peers.bridge(name)
        call: AsyncCall = bridge.sync_to_async(identity)

        async def main(calls: int) -> float:
            return await one_by_one(call, calls)

        sample: Sample = bridge.async_to_sync(main)
        yield sample

    made: dict[str, Entry] = {BAREST: barest_entry}
    made.update({name: partial(bridge_entry, name) for name in peers.bridges()})
    return made


PARTS: Final = (
    Part("loop turn", "loop turn"),
    Part("thread wake-up", "thread wake-up"),
)
PARTS_AT_ONCE: Final = (Part("tasks and their loop turn", "loop turn, 1000 tasks at once"),)


def rows() -> list[Row]:
    """Rows of one call after another, of many at once, and back in the caller's thread."""
    lane = calls_of(identity, sensitive=True)
    pool = calls_of(identity, sensitive=False)
    made = [
        Row(
            name="lane",
            title="sync_to_async, one after another",
            group=GROUP,
            entries=entries(lane, one_by_one),
            aim=Aim(1.4),
            parts=PARTS,
        ),
        Row(
            name="pool",
            title="sync_to_async(thread_sensitive=False), one after another",
            group=GROUP,
            entries=entries(pool, one_by_one),
            aim=Aim(1.4),
            parts=PARTS,
        ),
    ]
    for size in (100, 1000):
        made.extend(
            Row(
                name=f"{name}-{size}",
                title=f"{title}, {size} at once",
                group=GROUP,
                entries=entries(
                    {**ways, BARE_FUTURES: partial(barest.to_thread_without_tasks, identity)},
                    at_once_body(size),
                ),
                calls=max(size, 1000),
                least=size,
                aim=Aim(1.2),
                parts=PARTS_AT_ONCE if size == 1000 else (),
            )
            for name, title, ways in (
                ("lane", "sync_to_async", lane),
                ("pool", "sync_to_async(thread_sensitive=False)", pool),
            )
        )
    made.append(
        Row(
            name="in-caller",
            title="sync_to_async back in the thread that waits in async_to_sync",
            group=GROUP,
            entries=in_caller_entries(),
            aim=Aim(1.5),
            parts=PARTS,
        )
    )
    return made


def curve() -> list[Row]:
    """Time for each call with more and more calls in flight."""
    pool = calls_of(identity, sensitive=False)
    return [
        Row(
            name=f"in-flight-{size}",
            title=f"{size:,} calls in flight, time each",
            group="in flight",
            entries=entries(pool, at_once_body(size)),
            calls=max(1000, size),
            least=size,
            x=size,
        )
        for size in IN_FLIGHT
    ]


def uvloop_rows() -> list[Row]:
    """The main rows again with every contestant on uvloop."""
    if not peers.installed("uvloop"):
        return []
    lane = calls_of(identity, sensitive=True)
    pool = calls_of(identity, sensitive=False)
    return [
        Row(
            name="lane-uvloop",
            title="sync_to_async, one after another",
            group="uvloop",
            entries=entries(lane, one_by_one, "uvloop"),
        ),
        Row(
            name="pool-uvloop",
            title="sync_to_async(thread_sensitive=False), one after another",
            group="uvloop",
            entries=entries(pool, one_by_one, "uvloop"),
        ),
        Row(
            name="lane-1000-uvloop",
            title="sync_to_async, 1000 at once",
            group="uvloop",
            entries=entries(lane, at_once_body(1000), "uvloop"),
            least=1000,
        ),
    ]
