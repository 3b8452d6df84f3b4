"""What a call costs more where an observer is told of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from bench import peers
from bench.model import OURS, AsyncCall, Entry, Sample
from bench.timing import (
    async_identity,
    blocking,
    extra,
    identity,
    on_loop,
    one_by_one,
    without_loop,
)


async def difference(call: Callable[[int], Awaitable[float]], calls: int) -> float:
    """What *call* says more when it is observed: the median of pairs of long blocks."""
    observe = peers.load("typedbridge.observe")

    class Empty(observe.Observer):  # type: ignore[misc, name-defined]  # loaded by name, as peers are
        def ended(self, call: object) -> None: ...

    observer = Empty()

    async def observed(block: int) -> float:
        with observe.everywhere(observer):
            return await call(block)

    return await extra(call, observed, calls, block=400)


def to_thread() -> dict[str, Entry]:
    """A sensitive call."""

    def entry() -> AbstractContextManager[Sample]:
        call: AsyncCall = peers.bridge(OURS).sync_to_async(identity)
        return on_loop(partial(difference, partial(one_by_one, call)))

    return {OURS: entry}


def to_loop() -> dict[str, Entry]:
    """A blocking call with no loop around."""

    @contextmanager
    def entry() -> Iterator[Sample]:
        call: Callable[[int], int] = peers.bridge(OURS).async_to_sync(async_identity)

        async def block_of(calls: int) -> float:
            return blocking(call, calls)

        yield lambda calls: without_loop(difference(block_of, calls))

    return {OURS: entry}
