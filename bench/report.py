"""The table of a run, and the progress line while it works: with rich on a terminal, else plain."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from bench import breakdown, peers
from bench.model import BAREST, OURS, Aim
from bench.record import Record, RowRecord
from bench.runner import Progress

HEADER: Final = ("contestant", "median", "spread", "ratio", "aim")
UNITS: Final = {"us": " us", "ms": " ms", "B": " B", "x": ""}


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


def lines(row: RowRecord) -> Iterator[tuple[str, ...]]:
    """One line a contestant."""
    for name in sorted(row.values, key=peers.rank):
        yield (
            name,
            figure(row.median(name), row.unit),
            f"{row.spread(name):.0%}",
            factor(row.ratio(name)),
            verdict(row) if name == OURS else "",
        )
    for name, error in row.errors.items():
        yield (name, "failed", "", "", error)


def plain(record: Record) -> str:
    """All rows as text."""
    parts: list[str] = []
    for row in record.rows:
        parts.append(f"\n{row.name}: {row.title} ({row.calls} calls a round)")
        table = [HEADER, *lines(row)]
        widths = [max(len(line[place]) for line in table) for place in range(len(HEADER))]
        parts += [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in table
        ]
        parts.append(breakdown.text(record, row))
    return "\n".join(part.rstrip() for part in parts if part)


def show(record: Record) -> None:
    """Print the tables."""
    if not (sys.stdout.isatty() and peers.installed("rich")):
        print(plain(record))
        return
    console = peers.load("rich.console").Console()
    table_of = peers.load("rich.table").Table
    for row in record.rows:
        table = table_of(title=f"{row.title} ({row.calls} calls a round)", title_justify="left")
        for place, name in enumerate(HEADER):
            table.add_column(name, justify="left" if place in {0, 4} else "right")
        for line in lines(row):
            style = "bold" if line[0] == OURS else None
            table.add_row(*line, style=style)
        console.print(table)
        stacked = breakdown.text(record, row)
        if stacked:
            console.print(stacked, markup=False, highlight=False)


class Plain:
    """A line a row."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._row = ""

    def step(self, row: str, contestant: str) -> None:  # noqa: ARG002  # one line a row is enough
        if row != self._row:
            self._row = row
            print(f"[{self._done}/{self._total}] {row}", file=sys.stderr, flush=True)
        self._done += 1


class Rich:
    """A bar that moves."""

    # Any: rich is optional, and loaded by name.
    def __init__(self, bar: Any, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total)

    def step(self, row: str, contestant: str) -> None:
        self._bar.update(self._task, advance=1, description=f"{row}: {contestant}")
        self._bar.refresh()


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """Show how far the run is, on standard error."""
    if not (sys.stderr.isatty() and peers.installed("rich")):
        yield Plain(total)
        return
    rich = peers.load("rich.progress")
    console = peers.load("rich.console").Console(stderr=True)
    with rich.Progress(
        rich.TextColumn("{task.description:<40}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        console=console,
        # The bar draws from a thread of its own, on the core that is measured.
        auto_refresh=False,
    ) as bar:
        shown = Rich(bar, total)
        yield shown
        bar.refresh()
