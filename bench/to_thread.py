"""From an event loop to a thread and back: every way to await a blocking function."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from bench import barest, peers, timing
from bench.model import BARE_FUTURES, BAREST, AsyncCall, Entry, Sample
from bench.timing import identity, on_loop

# What awaits the calls: given the contestant's call and a number of calls, one figure.
# Any: a coroutine's yield and send types belong to the event loop.
Body = Callable[[AsyncCall, int], Coroutine[Any, Any, float]]
Ways = dict[str, Callable[[], AbstractContextManager[AsyncCall]]]


def ways(function: Callable[[int], int], *, sensitive: bool) -> Ways:
    """A context manager for each; nothing is imported before it is entered."""

    def of(module: str, name: str) -> AbstractContextManager[AsyncCall]:
        return nullcontext(partial(getattr(peers.load(module), name), function))

    def bridged(name: str) -> AbstractContextManager[AsyncCall]:
        return nullcontext(peers.bridge(name).sync_to_async(function, thread_sensitive=sensitive))

    return {
        BAREST: partial(barest.to_thread, function),
        "asyncio": partial(of, "asyncio", "to_thread"),
        "anyio": partial(of, "anyio.to_thread", "run_sync"),
        "starlette": partial(of, "starlette.concurrency", "run_in_threadpool"),
        **peers.of_bridges(bridged),
    }


def entries(ways: Ways, body: Body, loop: str = "") -> dict[str, Entry]:
    """One sample a contestant: *body*, on a loop of the named kind."""

    @contextmanager
    def entry(way: Callable[[], AbstractContextManager[AsyncCall]]) -> Iterator[Sample]:
        with way() as call, on_loop(partial(body, call), loop) as sample:
            yield sample

    return {name: partial(entry, way) for name, way in ways.items()}


def asked(kind: str) -> Ways:
    return ways(identity, sensitive=kind == "lane")


def one_by_one(kind: str, loop: str = "") -> dict[str, Entry]:
    return entries(asked(kind), timing.one_by_one, loop)


def at_once(kind: str, size: int, loop: str = "") -> dict[str, Entry]:
    """That many calls in flight."""
    return entries(asked(kind), partial(timing.at_once, size), loop)


def and_bare_futures(kind: str, size: int) -> dict[str, Entry]:
    """The same, with a contestant that shows what the tasks cost."""
    bare: Ways = {BARE_FUTURES: partial(barest.to_thread_without_tasks, identity)}
    return entries({**asked(kind), **bare}, partial(timing.at_once, size))


def in_caller() -> dict[str, Entry]:
    """A sensitive call inside async_to_sync: its thread is the one that waits."""

    @contextmanager
    def of_barest() -> Iterator[Sample]:
        with barest.running_loop() as loop:
            yield lambda calls: barest.in_caller(
                identity, lambda call: timing.one_by_one(call, calls), loop
            )

    def of_bridge(name: str) -> AbstractContextManager[Sample]:
        bridge = peers.bridge(name)
        return nullcontext(
            bridge.async_to_sync(partial(timing.one_by_one, bridge.sync_to_async(identity)))
        )

    return {BAREST: of_barest, **peers.of_bridges(of_bridge)}
