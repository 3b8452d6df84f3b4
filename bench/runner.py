"""Runs rows: every round asks all contestants of a row once, each time in another order."""

from __future__ import annotations

import faulthandler
import gc
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Protocol

from bench.child import enter
from bench.model import Row, Sample
from bench.record import RowRecord

# A bridge that hangs would hang the benchmark: after so many seconds in one sample the stacks
# of all threads are printed and the process ends.
PATIENCE: Final = 180


class Progress(Protocol):
    """What the runner tells while it works."""

    def step(self, row: str, contestant: str) -> None: ...


@dataclass(frozen=True)
class Settings:
    """What the command line may change.

    :param calls: calls in a sample, or ``None`` for each row's own number.
    :param quick: a smoke run: the figures mean nothing.
    :param only: contestants to ask besides each row's base; empty for all.
    """

    rounds: int = 7
    calls: int | None = None
    quick: bool = False
    only: tuple[str, ...] = ()

    def calls_for(self, row: Row) -> int:
        if self.quick:
            return row.quick
        if row.fixed or self.calls is None:
            return row.calls
        return max(row.least, self.calls)

    def rounds_for(self, row: Row) -> int:
        return self.rounds if row.rounds is None else min(self.rounds, row.rounds)

    def contestants(self, row: Row) -> list[str]:
        return [
            name
            for name in row.entries
            if not self.only or name in self.only or name == row.base or row.name == "parts"
        ]


def steps(rows: list[Row], settings: Settings) -> int:
    """How many steps :func:`run` will report."""
    return sum(len(settings.contestants(row)) * settings.rounds_for(row) for row in rows)


def pin(cpu: int | None) -> int | None:
    """Keep this process and its children on one core, the last allowed one by default.

    :returns: the core, or ``None`` where the system offers no way to do it.
    """
    if not hasattr(os, "sched_setaffinity"):  # macOS and Windows
        return None
    chosen = max(os.sched_getaffinity(0)) if cpu is None else cpu
    os.sched_setaffinity(0, {chosen})
    return chosen


def guarded(record: RowRecord, name: str, action: Callable[[str], None]) -> None:
    """Do *action*; a contestant that fails is left out, and the record says why."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    try:
        action(name)
    except Exception as error:  # noqa: BLE001  # one contestant must not end the run of all
        record.errors[name] = f"{type(error).__name__}: {error}"
        record.values.pop(name, None)
    finally:
        faulthandler.cancel_dump_traceback_later()


def run_row(row: Row, settings: Settings, progress: Progress) -> RowRecord:
    """All rounds of one row."""
    calls = settings.calls_for(row)
    record = RowRecord.of(row, calls)
    samples: dict[str, Sample] = {}
    with ExitStack() as stack:

        def ready(name: str) -> None:
            sample = stack.enter_context(enter(row, name))
            # Once before it counts.
            sample(calls if row.fixed else min(calls, row.quick))
            samples[name] = sample

        def take(name: str) -> None:
            # Garbage of the last contestant is not this one's.
            gc.collect()
            record.values.setdefault(name, []).append(samples[name](calls))

        for name in settings.contestants(row):
            guarded(record, name, ready)
        names = list(samples)
        for turn in range(settings.rounds_for(row)):
            shift = turn % max(1, len(names))
            for name in names[shift:] + names[:shift]:
                progress.step(row.name, name)
                if name not in record.errors:
                    guarded(record, name, take)
    return record


def run(rows: list[Row], settings: Settings, progress: Progress) -> list[RowRecord]:
    """All rows, one after another."""
    return [run_row(row, settings, progress) for row in rows]
