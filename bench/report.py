"""What a run prints: its tables, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import breakdown, peers
from bench.model import BAREST, OURS, Aim
from bench.record import Record, RowRecord

HEADER: Final = ("contestant", "median", "spread", "ratio", "aim")
UNITS: Final = {"us": " us", "ms": " ms", "B": " B", "x": ""}
# Columns, where the output is no terminal.
WIDTH: Final = 140


def figure(value: float | None, unit: str) -> str:
    """Three digits that matter."""
    if value is None:
        return ""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:,.{digits}f}{UNITS.get(unit, ' ' + unit)}"


def factor(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x"


def aim_words(aim: Aim | None, unit: str) -> str:
    """The aim as the tables print it."""
    if aim is None:
        return ""
    if aim.against is None:
        return figure(aim.limit, unit)
    of = "" if aim.against == BAREST else f" of {aim.against}"
    return f"{factor(aim.limit)}{of}"


def verdict(row: RowRecord) -> str:
    """The aim, and whether typedbridge meets it; for a limit in units also at asgiref's pace."""
    words = aim_words(row.aim, row.unit)
    ours, met = row.median(OURS), row.met(OURS)
    if ours is None or met is None:
        return words
    words += ": met" if met else ": missed"
    paced = row.paced_limit()
    if paced is not None:
        words += f"; at asgiref's pace here {figure(paced, row.unit)}: "
        words += "met" if ours <= paced else "missed"
    return words


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """Figures to the right, typedbridge in bold."""
    made = Table(box=None, pad_edge=False)
    for name in header:
        made.add_column(name, justify="left" if name in {HEADER[0], HEADER[-1]} else "right")
    for line in lines:
        made.add_row(*line, style="bold" if line[0] == OURS else None)
    return made


def figures(row: RowRecord) -> Iterator[Sequence[str]]:
    """One line a contestant."""
    for name in sorted(row.values, key=peers.rank):
        median, ratio = figure(row.median(name), row.unit), factor(row.ratio(name))
        yield (name, median, f"{row.spread(name):.0%}", ratio, verdict(row) if name == OURS else "")
    for name, error in row.errors.items():
        yield (name, "failed", "", "", error)


def show(record: Record) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    for row in record.rows:
        title = f"\n{row.name}: {row.title} ({row.calls} calls a round)"
        console.print(title, markup=False, soft_wrap=True)
        console.print(table(HEADER, figures(row)))
        if found := breakdown.slices(record, row):
            console.print("where the microseconds go:")
            lines = [[name, *(f"{cost:.1f}" for _, cost in part)] for name, part in found.items()]
            console.print(table([HEADER[0], *breakdown.labels(found)], lines))


class Bar:
    """Says on standard error how far the run is; where that is no terminal, when it is through."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def step(self, row: str, contestant: str) -> None:
        self._progress.update(self._task, advance=1, description=f"{row}: {contestant}")
        self._progress.refresh()


@contextmanager
def progress(total: int) -> Iterator[Bar]:
    """A bar of *total* steps."""
    with Progress(
        TextColumn("{task.description:<40}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        # It would draw from a thread of its own, on the core that is measured.
        auto_refresh=False,
    ) as shown:
        yield Bar(shown, total)
