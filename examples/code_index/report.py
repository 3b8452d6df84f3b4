"""What the user sees, on a terminal and without one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from examples.code_index.model import Definition, Summary, Tally


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run. ``matches`` is ``None`` when nothing was looked up."""

    root: Path
    summary: Summary
    slowest: list[tuple[str, float]]
    matches: list[Definition] | None


@contextmanager
def progress_bar(tally: Tally) -> Generator[Callable[[], None]]:
    """Show how far the run has come, on standard error.

    :returns: a function to call when the tally has changed.
    """
    progress = Progress(
        TextColumn("Indexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    task = progress.add_task("index", total=None)

    def show() -> None:
        progress.update(task, total=tally.found, completed=tally.parsed + len(tally.skipped))
        progress.start()  # not before there is something to show; a second start does nothing

    try:
        yield show
    finally:
        if progress.live.is_started:
            progress.stop()


def print_report(report: Report, tally: Tally, *, limit: int) -> None:
    """Print the totals and lists.

    :param limit: rows of the list of skipped files.
    """
    console = Console()
    base = report.root if report.root.is_dir() else report.root.parent

    def place(path: str) -> str:
        return os.path.relpath(path, base)

    console.print(f"Index of {report.root}", soft_wrap=True, markup=False)
    console.print(_totals(report.summary, tally))
    slowest = _table("Slowest files", "file", "ms")
    for path, seconds in report.slowest:
        slowest.add_row(place(path), f"{seconds * 1000:.0f}")
    console.print(slowest)
    if tally.skipped:
        skipped = _table("Skipped", "file", "reason")
        for problem in sorted(tally.skipped, key=lambda problem: problem.path)[:limit]:
            skipped.add_row(place(problem.path), problem.reason)
        hidden = len(tally.skipped) - limit
        skipped.caption = f"and {hidden} more" if hidden > 0 else None
        console.print(skipped)
    if report.matches is not None:
        matches = _table("Found" if report.matches else "Nothing found", "kind", "name", "place")
        for match in report.matches:
            matches.add_row(match.kind, match.qualified_name, f"{place(match.path)}:{match.line}")
        console.print(matches)


def _totals(summary: Summary, tally: Tally) -> Table:
    totals = Table(show_header=False)
    totals.add_column()
    totals.add_column(justify="right")
    for label, number in (
        ("files", summary.files),
        ("lines", summary.lines),
        ("functions", summary.functions),
        ("coroutines", summary.coroutines),
        ("classes", summary.classes),
        ("skipped", len(tally.skipped)),
    ):
        totals.add_row(label, f"{number:,}")
    return totals


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
