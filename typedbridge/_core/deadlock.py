"""Who waits for whom: a call that would wait for ever is refused."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import threading
from asyncio import current_task
from threading import get_ident
from typing import TYPE_CHECKING

from typedbridge._core.chains import Search, is_one_thread, name_of
from typedbridge._core.current_thread import CurrentThreadExecutor
from typedbridge._core.green import allocate_lock, are_green
from typedbridge._core.jobs import DirectExecutor
from typedbridge._core.marks import describe
from typedbridge._core.places import call_site
from typedbridge._core.pool import pool
from typedbridge._core.reports import Wait, told
from typedbridge._core.scope import Hop, Mark, Outside, here, hop_of
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from contextvars import ContextVar
    from typing import Protocol

    from typedbridge._core.chains import Step

    class Chained(Protocol):
        """What this asks of a bridge. Users replace both attributes."""

        @property
        def single_thread_executor(self) -> Executor: ...
        @property
        def deadlock_context(self) -> ContextVar[object]: ...


__all__ = [
    "DeadlockError",
    "deadlock",
    "is_blocked",
    "refuse_deadlock",
    "refuse_if_all_wait",
    "verdict",
]


class Verdict:
    """Held from the look at a circle of waits until it is broken: once is enough."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew in a forked child: another thread may have held the lock."""
        self.lock = allocate_lock()


verdict = Verdict()

_INSTEAD = (
    "Start the inner event loop with async_to_sync instead of asyncio.run, or use "
    "thread_sensitive=False for one of the two."
)


class DeadlockError(RuntimeError):
    """A call would wait for ever: what it waits for waits, in the end, for the call itself.

    :ivar chain: who waits for whom, from the call that was refused; the last one waits for the first.
    """

    chain: tuple[Wait, ...] = ()


def is_blocked(job: object) -> bool:
    """Tell whether what holds a lane is blocked in something of ours, and so may wait for a call."""
    call = hop_of(job)
    return call is not None and (call.frame is not None or call.nests)


def refuse_deadlock(bridge: Chained, call: Hop, lane: Executor) -> None:
    """Raise `DeadlockError` if a call that is about to be queued would wait for its lane for ever."""
    inside = not isinstance(here.scope, Outside)
    if inside and call.origin is not None:
        call.origin.nests = True
    if lane is pool:
        return  # see `refuse_if_all_wait`
    job: object = None
    # Who holds another executor is known only after a walk through all threads, which is for the watch.
    if isinstance(lane, CurrentThreadExecutor):
        job = lane.job
    elif isinstance(lane, Lane):
        job = lane.post.job
    # A greenlet's stack is not that of its thread: there only what runs inside is certain.
    held = job is not None and is_blocked(job) and not are_green()
    if held or call.origin is not None:
        with verdict.lock:
            way = _way(bridge, call, lane, held=held, inside=inside)
            if way is not None:
                raise _error(call, lane, way)
    reason = _declared(bridge, lane)
    if reason is not None:
        raise DeadlockError(
            f"{describe(call.func())}, called at {call_site()}, would wait for {name_of(lane)}, which "
            f"{reason} holds until this call is over. {_INSTEAD}"
        )


def _way(
    bridge: Chained, call: Hop, lane: Executor, *, held: bool, inside: bool
) -> list[Step] | None:
    """Return who waits for whom, from the holder of the lane to the call that is about to wait."""
    outer = call.origin
    search = Search(current_task(call.loop), call)
    one = isinstance(lane, DirectExecutor) or lane is bridge.single_thread_executor
    if one or is_one_thread(lane):
        while outer is not None:
            if outer.lane is lane and not outer.waits():
                # This loop runs in a thread that the outer call holds. Elsewhere that may go on: the
                # watch will see.
                sure = inside or (not call.tellable and outer.loop is not call.loop)
                if sure or are_green():
                    return [outer] if sure else None
                return search.from_running(outer)
            outer = outer.origin
    return search.from_lane(lane) if held else None


def _declared(bridge: Chained, lane: Executor) -> str | None:
    """Return what says that a lane is taken, without a call that holds it."""
    if isinstance(lane, CurrentThreadExecutor):
        return "the running event loop" if lane._thread == get_ident() else None
    if lane is bridge.single_thread_executor:
        mark = bridge.deadlock_context.get(None)
        if mark and not isinstance(mark, Mark):
            return "SyncToAsync.deadlock_context says that somebody"
    return None


def refuse_if_all_wait(call: Hop) -> None:
    """Raise `DeadlockError` if a call has to wait for a worker, and all workers wait for such calls."""
    with verdict.lock:
        way = Search(current_task(call.loop), call).from_lane(pool)
        if way is not None:
            raise _error(call, pool, way)


def _error(call: Hop, lane: Executor, way: Iterable[Step]) -> DeadlockError:
    """Say who waits for whom."""
    first = Wait(describe(call.func()), call_site(), threading.current_thread().name, name_of(lane))
    return deadlock([first, *map(told, way)])


def deadlock(chain: list[Wait]) -> DeadlockError:
    """Return the error for a circle of waits: the last one waits for the first."""
    first = chain[0]
    if first.waits_for == name_of(pool):
        advice = (
            f"There are {pool.most} workers, and TYPEDBRIDGE_MAX_WORKERS allows no more: all of them "
            f"wait for calls that need another one."
        )
    else:
        advice = _INSTEAD
    lines = "".join(f"\n  {wait}" for wait in chain)
    error = DeadlockError(
        f"{first.function} would wait for ever for {first.waits_for}. Each of these waits for the "
        f"next, and the last one for the first:{lines}\n{advice}"
    )
    error.chain = tuple(chain)
    return error
