"""What surrounds a call: contexts, context variables, methods, Local."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractContextManager
from contextvars import Context, ContextVar, copy_context
from functools import partial
from itertools import count
from typing import Any, Final

from bench import barest, peers
from bench.model import BAREST, AsyncCall, Entry, Sample
from bench.timing import MICROSECONDS, clock, extra, identity, on_loop, one_by_one
from bench.to_thread import entries, ways

VARIABLES: Final = [ContextVar[int](f"bench_{number}") for number in range(50)]
# Above the integers that CPython keeps: each is a new object.
FRESH: Final = count(1_000_000)


def own_thread(calls_inside: int) -> dict[str, Entry]:
    """Enter ThreadSensitiveContext, make a few calls, leave it."""

    async def inside(call: AsyncCall) -> None:
        for _ in range(calls_inside):
            await call(1)

    def of_barest() -> AbstractContextManager[Sample]:
        async def cycle(_value: int) -> None:
            with barest.to_thread(identity) as call:
                await inside(call)

        return on_loop(partial(one_by_one, cycle))

    def of_bridge(name: str) -> AbstractContextManager[Sample]:
        bridge = peers.bridge(name)
        call = bridge.sync_to_async(identity)

        async def cycle(_value: int) -> None:
            async with bridge.ThreadSensitiveContext():
                await inside(call)

        return on_loop(partial(one_by_one, cycle))

    return {BAREST: of_barest, **peers.of_bridges(of_bridge)}


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


def variables(kind: str) -> dict[str, Entry]:
    """The same calls with 50 context variables set and with none."""

    async def body(call: AsyncCall, calls: int) -> float:
        loop = asyncio.get_running_loop()

        # A task each, in the context that is wanted.
        def within(context: Context, block: int) -> asyncio.Task[float]:
            return loop.create_task(one_by_one(call, block), context=context)

        return await extra(partial(within, Context()), partial(within, with_variables()), calls)

    return entries(ways(touch if kind == "changed" else identity, sensitive=True), body)


def method() -> dict[str, Entry]:
    """A decorated method against a decorated function that does the same."""

    def of_bridge(name: str) -> AbstractContextManager[Sample]:
        sync_to_async = peers.bridge(name).sync_to_async

        class Owner:
            @sync_to_async  # type: ignore[untyped-decorator]  # see peers
            def method(self, value: int) -> int:
                return value

        owner, function = Owner(), sync_to_async(identity)

        # Looked up for each call, as users write it.
        async def bound(value: int) -> None:
            await owner.method(value)

        async def plain(value: int) -> None:
            await function(value)

        return on_loop(partial(extra, partial(one_by_one, plain), partial(one_by_one, bound)))

    return peers.of_bridges(of_bridge)


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


def local(kind: str) -> dict[str, Entry]:
    """Attributes of Local in a task, next to those of threading.local."""
    measure = {"read": read, "write": write}[kind]

    # Any: see read.
    def entry(namespace: Any) -> AbstractContextManager[Sample]:
        # One function call for all: the task is there for Local to find.
        async def body(calls: int) -> float:
            return measure(namespace, calls)

        return on_loop(body)

    return {
        "threading.local": lambda: entry(threading.local()),
        **peers.of_bridges(lambda name: entry(peers.load(f"{name}.local").Local())),
    }
