"""The pictures of the page, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench import breakdown, peers
from bench.model import ASGIREF, BAREST, OURS
from bench.record import Record, RowRecord

# Told apart by readers who see few colours, and in grey (Okabe and Ito).
COLOURS: Final = {
    BAREST: "#999999",
    "asyncio": "#56b4e9",
    "anyio": "#cc79a7",
    "starlette": "#009e73",
    ASGIREF: "#e69f00",
    OURS: "#0072b2",
}
SLICE_COLOURS: Final = ("#bbbbbb", "#888888", "#555555", "#0072b2")
MARKERS: Final = {
    BAREST: "s",
    "asyncio": "^",
    "anyio": "v",
    "starlette": "D",
    ASGIREF: "o",
    OURS: "*",
}

# Any: figures and axes of matplotlib, which is loaded by name: only this page needs it.
Axes = Any
Draw = Callable[[Axes], None]


def ratios(rows: list[RowRecord]) -> Draw:
    """Bars of asgiref and typedbridge, with the barest hand-off as 1.0."""

    def draw(axes: Axes) -> None:
        places = range(len(rows))
        for offset, name in ((-0.2, ASGIREF), (0.2, OURS)):
            values = [row.ratio(name) or 0.0 for row in rows]
            bars = axes.barh(
                [place + offset for place in places], values, 0.38, label=name, color=COLOURS[name]
            )
            axes.bar_label(bars, [f"{value:.2f}" if value else "" for value in values], padding=3)
        axes.axvline(1, color="black", linewidth=1)
        for place, row in zip(places, rows, strict=True):
            if row.aim is not None and row.aim.against == BAREST:
                axes.plot([row.aim.limit] * 2, [place - 0.02, place + 0.42], color="black", ls=":")
        axes.set_yticks(places, [row.title for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("times the barest hand-off (line at 1; dots: the aim)")
        axes.legend()
        axes.margins(x=0.1)

    return draw


def stacked(record: Record, row: RowRecord) -> Draw:
    """What one call is made of, a bar a contestant."""

    def draw(axes: Axes) -> None:
        found = breakdown.slices(record, row)
        names = list(found)
        lefts = [0.0] * len(names)
        labels = [label for label, _ in max(found.values(), key=len)]
        colours = [*SLICE_COLOURS[: len(labels) - 1], SLICE_COLOURS[-1]]
        for place, (label, colour) in enumerate(zip(labels, colours, strict=True)):
            costs = [
                max(0.0, found[name][place][1]) if place < len(found[name]) else 0.0
                for name in names
            ]
            axes.barh(names, costs, left=lefts, label=label, color=colour)
            lefts = [left + cost for left, cost in zip(lefts, costs, strict=True)]
        axes.invert_yaxis()
        axes.set_title(row.title, loc="left")
        axes.set_xlabel("microseconds a call")
        axes.legend()

    return draw


def curves(rows: list[RowRecord], label: str, scale: Callable[[float, int], float]) -> Draw:
    """Figures against the number of calls, both axes logarithmic; a straight line is linear growth."""

    def draw(axes: Axes) -> None:
        names = sorted({name for row in rows for name in row.values}, key=peers.rank)
        for name in names:
            points = [
                (row.x, scale(figure, row.x))
                for row in rows
                if row.x is not None and (figure := row.median(name)) is not None
            ]
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                label=name,
                color=COLOURS.get(name, "#000000"),
                marker=MARKERS.get(name, "x"),
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("calls in flight")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()

    return draw


def requests(rows: list[RowRecord]) -> Draw:
    """Requests each second through Django."""

    def draw(axes: Axes) -> None:
        places = range(len(rows))
        for offset, name in ((-0.2, ASGIREF), (0.2, OURS)):
            values = [1e6 / figure if (figure := row.median(name)) else 0.0 for row in rows]
            bars = axes.barh(
                [place + offset for place in places], values, 0.38, label=name, color=COLOURS[name]
            )
            axes.bar_label(bars, fmt="{:,.0f}", padding=3)
        axes.set_yticks(places, [row.title.rpartition(": ")[2] for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("requests each second, one client")
        axes.legend()
        axes.margins(x=0.1)

    return draw


def pictures(record: Record) -> dict[str, Draw]:
    """Every picture that the record has figures for, by file name."""
    made: dict[str, Draw] = {}
    compared = [
        row
        for row in record.rows
        if row.aim is not None and row.aim.against == BAREST and row.ratio(ASGIREF)
    ]
    if compared:
        made["ratios"] = ratios(compared)
    for row in record.rows:
        if breakdown.slices(record, row):
            made[f"parts-{row.name}"] = stacked(record, row)
    flying = [row for row in record.rows if row.group == "in flight"]
    if len(flying) > 1:
        made["in-flight"] = curves(flying, "microseconds for all", lambda each, x: each * x)
    waiting = [row for row in record.rows if row.group == "memory" and row.x is not None]
    if len(waiting) > 1:
        made["memory"] = curves(waiting, "kilobytes for all", lambda each, x: each * x / 1000)
    django = [row for row in record.rows if row.group == "Django" and row.values]
    if django:
        made["django"] = requests(django)
    return made


def height(name: str, record: Record) -> float:
    """Inches: bars need more room the more there are."""
    if name == "ratios":
        return 1.2 + 0.6 * sum(
            row.aim is not None and row.aim.against == BAREST for row in record.rows
        )
    if name.startswith("parts-"):
        row = record.row(name.removeprefix("parts-"))
        return 1.5 + 0.35 * (len(row.values) if row else 1)
    return 4.0


def save(record: Record, folder: Path) -> list[str]:
    """Draw every picture into *folder*.

    :returns: the pictures' names; empty where matplotlib is not installed.
    """
    if not peers.installed("matplotlib"):
        return []
    matplotlib = peers.load("matplotlib")
    matplotlib.use("svg")
    # The same figures give the same file: no random ids, no date. Text stays text.
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "bench",
            "svg.fonttype": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    pyplot = peers.load("matplotlib.pyplot")
    folder.mkdir(parents=True, exist_ok=True)
    made = pictures(record)
    for stale in folder.glob("*.svg"):
        if stale.stem not in made:
            stale.unlink()
    for name, draw in made.items():
        figure, axes = pyplot.subplots(figsize=(9, height(name, record)), layout="constrained")
        draw(axes)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor="white")
        pyplot.close(figure)
    return list(made)
