"""Observers of the library's own: statistics of functions, a log, and a trace for a viewer."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
from collections import Counter, deque
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from typedbridge._core.marks import describe
from typedbridge._core.observing import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from typedbridge._core.observing import Direction, ObservedCall

__all__ = ["FunctionStatistics", "LogObserver", "Percentiles", "Statistics", "TraceObserver"]

#: Counts of durations are kept for ranges: so many for each doubling, which makes 4.4 %.
_RANGES: Final = 16
#: The shortest duration that is told from none, in seconds.
_LEAST: Final = 1e-9
#: After so many calls what is noted of each is added to the counts.
_MANY: Final = 1000

_MICROSECONDS: Final = 1_000_000
#: Microseconds that what has no length is drawn with.
_A_MOMENT: Final = 1


class Percentiles(NamedTuple):
    """Durations in seconds: no more than this in 50, 90 and 99 of 100 calls, and in all. To 5 %."""

    p50: float
    p90: float
    p99: float
    most: float


class FunctionStatistics(NamedTuple):
    """What is known of a function."""

    #: Module and qualified name.
    name: str
    direction: Direction
    #: That have ended, or were cancelled before they began.
    calls: int
    raised: int
    cancelled: int
    #: The rows of the contract's table that said where it runs; none for `async_to_sync`.
    rows: tuple[int, ...]
    #: From the call to the begin of the function.
    wait: Percentiles
    #: From its begin to its end.
    run: Percentiles


class _Durations:
    """How many durations there were in each range."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._most = 0.0

    def add(self, seconds: float) -> None:
        self._counts[math.ceil(math.log2(max(seconds, _LEAST) / _LEAST) * _RANGES)] += 1
        self._most = max(self._most, seconds)

    def percentiles(self) -> Percentiles:
        return Percentiles(self._at(0.5), self._at(0.9), self._at(0.99), self._most)

    def _at(self, share: float) -> float:
        left = math.ceil(self._counts.total() * share)
        for place in sorted(self._counts):
            left -= self._counts[place]
            if left <= 0:
                return min(_LEAST * 2 ** (place / _RANGES), self._most)
        return self._most


class _Account:
    """What is known of one function."""

    def __init__(self, name: str, direction: Direction) -> None:
        self.name = name
        self.direction: Direction = direction
        self.outcomes: Counter[str | None] = Counter()
        self.rows: set[int] = set()
        self.wait, self.run = _Durations(), _Durations()


class _Noted(NamedTuple):
    """One call, not counted yet."""

    direction: Direction
    function: Callable[..., object]
    row: int | None
    outcome: str | None
    wait: float | None
    run: float | None


class Statistics(Observer):
    """Counts calls and their durations, for each function. Its memory does not grow with the calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: deque[_Noted] = deque()
        self._accounts: dict[tuple[str, Direction], _Account] = {}

    def ended(self, call: ObservedCall) -> None:
        """Note a call."""
        self._note(call)

    def cancelled(self, call: ObservedCall) -> None:
        """Note one that never begins."""
        if call.started is None:
            self._note(call)

    def _note(self, call: ObservedCall) -> None:
        self._new.append(
            _Noted(call.direction, call.function, call.row, call.outcome, call.wait, call.run)
        )
        if len(self._new) > _MANY:
            self._fold()

    def _fold(self) -> None:
        with self._lock:
            for _ in range(len(self._new)):
                noted = self._new.popleft()
                name = describe(noted.function)
                direction: Direction = noted.direction
                account = self._accounts.get((name, direction))
                if account is None:
                    account = self._accounts[name, direction] = _Account(name, direction)
                account.outcomes[noted.outcome] += 1
                if noted.row is not None:
                    account.rows.add(noted.row)
                if noted.wait is not None:
                    account.wait.add(noted.wait)
                if noted.run is not None:
                    account.run.add(noted.run)

    def functions(self) -> list[FunctionStatistics]:
        """Return what is known, the function that has waited longest first."""
        self._fold()
        with self._lock:
            found = [
                FunctionStatistics(
                    account.name,
                    account.direction,
                    account.outcomes.total(),
                    account.outcomes["raised"],
                    account.outcomes["cancelled"],
                    tuple(sorted(account.rows)),
                    account.wait.percentiles(),
                    account.run.percentiles(),
                )
                for account in self._accounts.values()
            ]
        return sorted(found, key=lambda each: each.wait.most, reverse=True)


class LogObserver(Observer):
    """Logs each call when it has ended, or was cancelled.

    :param logger: where; by default the logger ``typedbridge.calls``.
    :param level: of the records.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.DEBUG) -> None:
        self._logger = logging.getLogger("typedbridge.calls") if logger is None else logger
        self._level = level

    def ended(self, call: ObservedCall) -> None:
        """Log it."""
        if not self._logger.isEnabledFor(self._level):
            return
        self._logger.log(
            self._level,
            "%s %s in %s: waited %.3f ms, ran %.3f ms",
            call.name,
            call.outcome,
            "no thread" if call.thread is None else call.thread.name,
            1000 * (call.wait or 0),
            1000 * (call.run or 0),
        )

    def cancelled(self, call: ObservedCall) -> None:
        """Log it."""
        began = "before it began" if call.started is None else "while it ran"
        self._logger.log(self._level, "%s was cancelled %s", call.name, began)


class TraceObserver(Observer):
    """Collects calls for a picture of them over time, a row for each thread."""

    def __init__(self) -> None:
        self._numbers = count(1)
        # Any: JSON.
        self._events: deque[dict[str, Any]] = deque()

    def ended(self, call: ObservedCall) -> None:
        """Note a call."""
        self._events.extend(_events(call, next(self._numbers)))

    def cancelled(self, call: ObservedCall) -> None:
        """Note the moment."""
        here = threading.current_thread()
        self._events.append(_event("i", f"cancelled: {call.name}", here, perf_counter(), s="t"))

    def write(self, path: str | PathLike[str]) -> None:
        """Write a file in Chrome's trace format, which Perfetto and ``chrome://tracing`` show."""
        events = list(self._events)
        names = {event["tid"]: event["thread"] for event in events}
        rows = [
            {
                "ph": "M",
                "pid": os.getpid(),
                "tid": tid,
                "name": "thread_name",
                "args": {"name": name},
            }
            for tid, name in names.items()
        ]
        shown = [{key: value for key, value in each.items() if key != "thread"} for each in events]
        with Path(path).open("w", encoding="utf-8") as file:
            json.dump({"traceEvents": rows + shown, "displayTimeUnit": "ms"}, file)


# Any: JSON.
def _event(
    kind: str, name: str, thread: threading.Thread, at: float, **more: Any
) -> dict[str, Any]:
    return {
        "ph": kind,
        "name": name,
        "cat": "typedbridge",
        "pid": os.getpid(),
        "tid": thread.ident,
        "thread": thread.name,
        "ts": at * _MICROSECONDS,
        **more,
    }


def _events(call: ObservedCall, number: int) -> Iterator[dict[str, Any]]:
    """Yield what a viewer draws of a call: a bar for each thread, and an arrow between them."""
    started, ended, thread = call.started, call.ended, call.thread
    if started is None or ended is None or thread is None:
        return
    name = call.name
    told = {"outcome": call.outcome, "wait_ms": 1000 * (started - call.called)}
    to_async = call.direction == "to_async"
    if to_async and call.row is not None:
        told["row"] = call.row
    # Bars of a thread have to lie inside of each other. Those of coroutines need not: each is a track.
    for track, of, begin, end in (
        (to_async, call.caller, call.called, ended),
        (not to_async, thread, started, ended),
    ):
        if track:
            yield _event("b", name, of, begin, id=number, args=told)
            yield _event("e", name, of, end, id=number)
            yield _event("X", name, of, begin, dur=_A_MOMENT)  # for the arrow
        else:
            yield _event("X", name, of, begin, dur=(end - begin) * _MICROSECONDS, args=told)
    yield _event("s", name, call.caller, call.called, id=number)
    yield _event("f", name, thread, started, id=number, bp="e")
