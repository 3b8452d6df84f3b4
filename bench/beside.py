"""What a call costs more where asgiref is in the process, and the two libraries have joined."""

from __future__ import annotations

import os
import sys
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


def joined() -> None:
    """Have the libraries join: this is a process for one contestant."""
    os.environ["TYPEDBRIDGE_ASGIREF"] = ""
    peers.load("asgiref.sync")
    peers.bridge(OURS).sync_to_async(identity)
    assert peers.load("typedbridge._core.beside").state()[0] == "beside"


class Switch:
    """Puts the process back to what it is where there is no asgiref, and forth.

    Attributes are set one by one, and those of instances alone: the interpreter would forget what it has
    learnt of a class, and of an instance whose dictionary somebody has asked for.
    """

    def __init__(self) -> None:
        seam = peers.load("typedbridge._core.seam")
        mover = peers.load("typedbridge._core.carry").mover
        plain = seam.Seam()
        names = ("look", "theirs", "earlier_frames", "earlier_local", "as_ours")
        self._values = [(seam.seam, name, getattr(plain, name)) for name in names]
        self._values.append((mover, "kind", None))
        self._name, self._module = seam.ASGIREF, sys.modules[seam.ASGIREF]
        self._joined = True

    def turn(self, *, joined: bool) -> None:
        if joined == self._joined:
            return
        self._joined = joined
        for place, (owner, name, value) in enumerate(self._values):
            self._values[place] = (owner, name, getattr(owner, name))
            setattr(owner, name, value)
        if joined:
            sys.modules[self._name] = self._module
        else:
            del sys.modules[self._name]


async def difference(call: Callable[[int], Awaitable[float]], calls: int) -> float:
    """What *call* says more when the libraries have joined: the median of pairs of long blocks.

    The blocks are as long as they are since the interpreter adapts to what is switched.
    """
    switch = Switch()

    async def alone(block: int) -> float:
        switch.turn(joined=False)
        return await call(block)

    async def beside(block: int) -> float:
        switch.turn(joined=True)
        return await call(block)

    try:
        return await extra(alone, beside, calls, block=400)
    finally:
        switch.turn(joined=True)


def to_thread(locals_set: int) -> dict[str, Entry]:
    """A sensitive call, with so many of asgiref's Locals set."""

    def entry() -> AbstractContextManager[Sample]:
        joined()
        call: AsyncCall = peers.bridge(OURS).sync_to_async(identity)
        namespaces = [peers.load("asgiref.local").Local() for _ in range(locals_set)]

        async def body(calls: int) -> float:
            for namespace in namespaces:
                namespace.value = 1
            return await difference(partial(one_by_one, call), calls)

        return on_loop(body)

    return {OURS: entry}


def to_loop() -> dict[str, Entry]:
    """A blocking call with no loop around."""

    @contextmanager
    def entry() -> Iterator[Sample]:
        joined()
        call: Callable[[int], int] = peers.bridge(OURS).async_to_sync(async_identity)

        async def block_of(calls: int) -> float:
            return blocking(call, calls)

        yield lambda calls: without_loop(difference(block_of, calls))

    return {OURS: entry}
