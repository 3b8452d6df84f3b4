"""Rows about what surrounds a call: contexts, context variables, methods, Local."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context, ContextVar, copy_context
from functools import partial
from itertools import count
from typing import Any, Final

from bench import barest, peers
from bench.model import BAREST, Aim, AsyncCall, Entry, Row, Sample
from bench.rows_to_thread import calls_of
from bench.timing import MICROSECONDS, clock, extra, identity, on_loop, one_by_one

VARIABLES: Final = [ContextVar[int](f"bench_{number}") for number in range(50)]
# Above the integers that CPython keeps: each is a new object.
FRESH: Final = count(1_000_000)
# Any: the bridges' classes have the same names and different types.
MakeContext = Callable[[], AbstractContextManager[Any]]


def context_entries(calls_inside: int) -> dict[str, Entry]:
    """Enter ThreadSensitiveContext, make a few calls, leave it."""

    def timed(cycle: Callable[[], Awaitable[None]]) -> AbstractContextManager[Sample]:
        async def body(calls: int) -> float:
            await cycle()
            start = clock()
            for _ in range(calls):
                await cycle()
            return (clock() - start) / calls * MICROSECONDS

        return on_loop(body)

    def barest_entry() -> AbstractContextManager[Sample]:
        async def cycle() -> None:
            with barest.to_thread(identity) as call:
                for _ in range(calls_inside):
                    await call(1)

        return timed(cycle)

    def bridge_entry(name: str) -> AbstractContextManager[Sample]:
        bridge = peers.bridge(name)
        call: AsyncCall = bridge.sync_to_async(identity)

        async def cycle() -> None:
            async with bridge.ThreadSensitiveContext():
                for _ in range(calls_inside):
                    await call(1)

        return timed(cycle)

    made: dict[str, Entry] = {BAREST: barest_entry}
    made.update({name: partial(bridge_entry, name) for name in peers.bridges()})
    return made


def with_variables() -> Context:
    """A context in which all of VARIABLES have a value."""
    context = copy_context()
    for number, variable in enumerate(VARIABLES):
        context.run(variable.set, number)
    return context


def touch(value: int) -> int:
    """Change one of the variables, so that there is something to carry back."""
    VARIABLES[0].set(next(FRESH))
    return value


def variables_entries(function: Callable[[int], int]) -> dict[str, Entry]:
    """The same calls with 50 context variables set and with none."""

    @contextmanager
    def entry(way: Callable[[], AbstractContextManager[AsyncCall]]) -> Iterator[Sample]:
        async def body(calls: int) -> float:
            loop = asyncio.get_running_loop()
            loaded, empty = with_variables(), Context()

            # A task each, in the context that is wanted.
            def within(context: Context, block: int) -> asyncio.Task[float]:
                return loop.create_task(one_by_one(call, block), context=context)

            return await extra(partial(within, empty), partial(within, loaded), calls)

        with way() as call, on_loop(body) as sample:
            yield sample

    ways = calls_of(function, sensitive=True)
    return {name: partial(entry, way) for name, way in ways.items()}


def method_entries() -> dict[str, Entry]:
    """A decorated method against a decorated function that does the same."""

    def entry(name: str) -> AbstractContextManager[Sample]:
        sync_to_async = peers.bridge(name).sync_to_async

        @sync_to_async  # type: ignore[untyped-decorator]  # see peers
        def function(value: int) -> int:
            return value

        class Owner:
            @sync_to_async  # type: ignore[untyped-decorator]  # see peers
            def method(self, value: int) -> int:
                return value

        owner = Owner()

        # Looked up for each call, as users write it.
        async def method(block: int) -> float:
            start = clock()
            for _ in range(block):
                await owner.method(1)
            return (clock() - start) / block * MICROSECONDS

        async def plain(block: int) -> float:
            start = clock()
            for _ in range(block):
                await function(1)
            return (clock() - start) / block * MICROSECONDS

        async def body(calls: int) -> float:
            await one_by_one(function, min(calls, 10))
            return await extra(plain, method, calls)

        return on_loop(body)

    return {name: partial(entry, name) for name in peers.bridges()}


# Any: a namespace, whose attributes are anything.
def read(namespace: Any, calls: int) -> float:
    """Ten reads a turn, so that the loop itself does not count."""
    namespace.value = 1
    turns = max(1, calls // 10)
    start = clock()
    for _ in range(turns):
        namespace.value, namespace.value, namespace.value, namespace.value, namespace.value  # noqa: B018
        namespace.value, namespace.value, namespace.value, namespace.value, namespace.value  # noqa: B018
    return (clock() - start) / (turns * 10) * MICROSECONDS


# Any: see read.
def write(namespace: Any, calls: int) -> float:
    """Ten writes a turn; see read."""
    turns = max(1, calls // 10)
    start = clock()
    for _ in range(turns):
        namespace.value = namespace.value2 = namespace.value = namespace.value2 = 1
        namespace.value = namespace.value2 = namespace.value = namespace.value2 = 1
        namespace.value = namespace.value2 = 1
    return (clock() - start) / (turns * 10) * MICROSECONDS


def local_entries(measure: Callable[[Any, int], float]) -> dict[str, Entry]:
    """Attributes of Local in a task, next to those of threading.local."""

    # Any: see read.
    @contextmanager
    def entry(build: Callable[[], Any]) -> Iterator[Sample]:
        namespace = build()

        async def body(calls: int) -> float:
            # One function call for all: the task is there for Local to find.
            return measure(namespace, calls)

        with on_loop(body) as sample:
            yield sample

    def bridged(name: str) -> Any:  # Any: see read
        return peers.load(f"{name}.local").Local()

    made: dict[str, Entry] = {"threading.local": partial(entry, threading.local)}
    made.update({name: partial(entry, partial(bridged, name)) for name in peers.bridges()})
    return made


def rows() -> list[Row]:
    """All of them."""
    made = [
        Row(
            name=f"own-thread-{calls_inside}",
            title=f"ThreadSensitiveContext with {words}",
            group="contexts",
            entries=context_entries(calls_inside),
            calls=100,
            aim=Aim(limit, against=None, asgiref=then),
            note="Barest: start a thread, make the calls, tell it to end.",
        )
        for calls_inside, words, limit, then in (
            (1, "one call", 90, 204),
            (4, "four calls", 130, 378),
        )
    ]
    made += [
        Row(
            name="variables",
            title="50 context variables set: extra per call",
            group="contexts",
            entries=variables_entries(identity),
            calls=2000,
            base="",
            aim=Aim(3, against=None, asgiref=11),
            note="The barest carries no context: its figure is the noise of this row.",
        ),
        Row(
            name="variables-changed",
            title="50 context variables set, one changed by the call: extra per call",
            group="contexts",
            entries=variables_entries(touch),
            calls=2000,
            base="",
            note="asyncio, anyio and starlette do not carry the change back.",
        ),
        Row(
            name="method",
            title="Decorated method against decorated function: extra per call",
            group="contexts",
            entries=method_entries(),
            calls=2000,
            base="",
            aim=Aim(0.5, against=None, asgiref=3),
        ),
        Row(
            name="local-get",
            title="Local: read an attribute",
            group="Local",
            entries=local_entries(read),
            calls=20_000,
            base="threading.local",
            aim=Aim(0.20, against=None, asgiref=0.35),
        ),
        Row(
            name="local-set",
            title="Local: write an attribute",
            group="Local",
            entries=local_entries(write),
            calls=20_000,
            base="threading.local",
            aim=Aim(0.40, against=None, asgiref=0.75),
        ),
    ]
    return made
