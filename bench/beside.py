"""What a call costs more where asgiref is in the process, and the two libraries have joined."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from unittest import mock

from bench import peers
from bench.model import OURS, AsyncCall, Entry, Sample
from bench.timing import async_identity, blocking, extra, identity, on_loop, one_by_one


def joined() -> None:
    """Have the libraries join: this is a process for one contestant."""
    os.environ["TYPEDBRIDGE_ASGIREF"] = ""
    peers.load("asgiref.sync")
    peers.bridge(OURS).sync_to_async(identity)
    assert peers.load("typedbridge._core.beside").state()[0] == "beside"


@contextmanager
def without_asgiref() -> Iterator[None]:
    """As it is where there is no asgiref."""
    module = peers.load("typedbridge._core.seam")
    mover = peers.load("typedbridge._core.carry").mover
    executor = peers.load("typedbridge._core.jobs").DirectExecutor
    modules = {name: value for name, value in sys.modules.items() if name != module.ASGIREF}
    with (
        mock.patch.dict(vars(module.seam), vars(module.Seam())),
        mock.patch.object(mover, "kind", None),
        mock.patch.object(executor, "job_of", None),
        mock.patch.dict(sys.modules, modules, clear=True),
    ):
        yield


def to_thread(locals_set: int) -> dict[str, Entry]:
    """A sensitive call, with so many of asgiref's Locals set."""

    def entry() -> AbstractContextManager[Sample]:
        joined()
        call: AsyncCall = peers.bridge(OURS).sync_to_async(identity)
        namespaces = [peers.load("asgiref.local").Local() for _ in range(locals_set)]

        async def alone(block: int) -> float:
            with without_asgiref():
                return await one_by_one(call, block)

        async def body(calls: int) -> float:
            for namespace in namespaces:
                namespace.value = 1
            return await extra(alone, partial(one_by_one, call), calls)

        return on_loop(body)

    return {OURS: entry}


def to_loop() -> dict[str, Entry]:
    """A blocking call with no loop around."""

    @contextmanager
    def entry() -> Iterator[Sample]:
        joined()
        call: Callable[[int], int] = peers.bridge(OURS).async_to_sync(async_identity)

        async def alone(block: int) -> float:
            with without_asgiref():
                return blocking(call, block)

        async def beside(block: int) -> float:
            return blocking(call, block)

        def sample(calls: int) -> float:
            # Nothing is awaited: `extra` is run by hand, since no loop may run around the call.
            turns = extra(alone, beside, calls)
            try:
                turns.send(None)
            except StopIteration as done:
                figure: float = done.value
                return figure
            raise AssertionError(turns)

        yield sample

    return {OURS: entry}
