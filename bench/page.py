"""The figures and pictures of docs/performance.md. Its words stand there, and are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bench import plots
from bench.child import ROOT
from bench.model import ASGIREF, OURS
from bench.peers import rank
from bench.plots import Picture
from bench.record import Record, RowRecord
from bench.report import factor, figure, verdict

PAGE: Final = ROOT / "docs" / "performance.md"
#: Where figures go: between two marks, the first with the name of a maker.
PLACE: Final = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def table(header: list[str], lines: list[list[str]]) -> Iterator[str]:
    """A Markdown table, figures to the right."""
    yield f"| {' | '.join(header)} |"
    yield "|".join(["", "---", *["---:"] * (len(header) - 1), ""])
    for cells in lines:
        yield f"| {' | '.join(cells)} |"
    yield ""


def setting(record: Record) -> Iterator[str]:
    """Machine, versions, date."""
    machine, settings = record.machine, record.settings
    yield f"- Machine: {machine['cpu']}, {machine['cores']} cores, {machine['system']}"
    yield f"- Kept on one core: {'no' if machine['pinned'] == 'no' else 'yes'}"
    python, *others = record.versions
    libraries = ", ".join(f"{name} {record.versions[name]}" for name in others)
    yield f"- {record.versions[python]}; {libraries}"
    clock = "wall clock" if settings["clock"] == "wall" else "processor time"
    yield f"- Rounds: {settings['rounds']}; {clock}; date: {record.date}"
    if settings.get("quick") == "True":
        yield from ("", "**A smoke run: the figures mean nothing.**")
    yield ""


def with_ratio(row: RowRecord, name: str) -> str:
    """A figure, and its ratio to the row's base in brackets."""
    words = figure(row.median(name), row.unit)
    ratio = row.ratio(name)
    return f"{words} ({factor(ratio)})" if ratio is not None and name != row.base else words


def main_table(rows: list[RowRecord]) -> Iterator[str]:
    """The rows that have an aim."""
    lines = []
    for row in rows:
        if row.aim is not None:
            base = figure(row.median(row.base), row.unit) if row.base != ASGIREF else ""
            both = [with_ratio(row, name) for name in (ASGIREF, OURS)]
            lines.append([row.title, base, *both, verdict(row)])
    if lines:
        yield from table(["", "base", ASGIREF, OURS, "aim"], lines)


def group_tables(rows: list[RowRecord]) -> Iterator[str]:
    """Every figure of every contestant."""
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        names = sorted({name for row in members for name in row.values}, key=rank)
        if names:
            lines = [[row.title, *(with_ratio(row, name) for name in names)] for row in members]
            yield from (f"### {group}", "", *table(["", *names], lines))
            for note in dict.fromkeys(row.note for row in members if row.note):
                yield from (note, "")


def interpreters(record: Record, others: list[Record]) -> Iterator[str]:
    """The main rows on each interpreter, by Python's version."""

    def both(row: RowRecord | None) -> str:
        return f"{factor(row.ratio(ASGIREF))}, {factor(row.ratio(OURS))}" if row else ""

    if others:
        # A record of the same version replaces none.
        records = sorted([*others, record], key=lambda one: one.versions["python"])
        names = [one.versions["python"].partition(",")[0] for one in records]
        rows = others[0].rows
        lines = [[row.title, *(both(one.row(row.name)) for one in records)] for row in rows]
        yield from table(["", *names], lines)


def text(record: Record, others: list[Record], shown: list[Picture], folder: str) -> str:
    """The whole page.

    :raises ValueError: when a place for figures was lost from its words.
    """

    def pictures(part: str) -> Iterator[str]:
        for picture in shown:
            if picture.section == part:
                yield from (f"![{picture.words}]({folder}/{picture.name}.svg)", "")

    makers: dict[str, Callable[[], Iterator[str]]] = {
        "setting": lambda: setting(record),
        "aims": lambda: main_table(record.rows),
        "pictures": lambda: pictures("main"),
        "parts": lambda: pictures("parts"),
        "growth": lambda: pictures("growth"),
        "interpreters": lambda: interpreters(record, others),
        "all": lambda: group_tables(record.rows),
        "failed": lambda: (f"- Failed: {line}" for line in record.failed()),
    }

    def fill(place: re.Match[str]) -> str:
        lines = list(makers[place[2]]())
        return place[1] + "".join(f"{line}\n" for line in lines) + place[3]

    words = PAGE.read_text()
    found = [place[2] for place in PLACE.finditer(words)]
    if found != list(makers):
        message = f"{PAGE.name} must have places for {list(makers)}, in this order, and has {found}"
        raise ValueError(message)
    return PLACE.sub(fill, words)


def write(record: Record, others: list[Record], path: Path) -> None:
    """Write the page to *path* and its pictures into a folder beside it, named like it."""
    folder = path.with_suffix("")
    shown = plots.save(record, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(record, others, shown, folder.name))
