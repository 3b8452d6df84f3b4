"""The pictures of the page, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import breakdown, peers
from bench.model import ASGIREF, BAREST, OURS
from bench.record import Record, RowRecord

#: Colours that are told apart by readers who see few of them, and in grey (Okabe and Ito); markers.
LOOKS: Final = {
    BAREST: ("#999999", "s"),
    "asyncio": ("#56b4e9", "^"),
    "anyio": ("#cc79a7", "v"),
    "starlette": ("#009e73", "D"),
    ASGIREF: ("#e69f00", "o"),
    OURS: ("#0072b2", "*"),
}
SLICE_COLOURS: Final = ("#bbbbbb", "#888888", "#555555", "#0072b2")

# Any: axes of matplotlib, which is loaded by name: only the page needs it.
Axes = Any


@dataclass(frozen=True)
class Picture:
    """One picture and its place on the page.

    :param words: what it shows, for those who do not see it.
    :param section: of the page.
    :param height: inches: bars need more room the more there are.
    """

    name: str
    words: str
    section: str
    draw: Callable[[Axes], None]
    height: float = 4.0


def pairs(
    axes: Axes, labels: list[str], heights: dict[str, list[float]], form: str, scale: str
) -> None:
    """Two bars a label, with their figures beside them."""
    places = range(len(labels))
    for offset, (name, values) in zip((-0.2, 0.2), heights.items(), strict=True):
        middles = [place + offset for place in places]
        bars = axes.barh(middles, values, 0.38, label=name, color=LOOKS[name][0])
        axes.bar_label(bars, [form.format(value) if value else "" for value in values], padding=3)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlabel(scale)
    axes.legend()
    axes.margins(x=0.1)


def ratios(axes: Axes, rows: list[RowRecord]) -> None:
    """asgiref and typedbridge, with the barest hand-off as 1.0."""
    heights = {name: [row.ratio(name) or 0.0 for row in rows] for name in (ASGIREF, OURS)}
    words = "times the barest hand-off (line at 1; dots: the aim)"
    pairs(axes, [row.title for row in rows], heights, "{:.2f}", words)
    axes.axvline(1, color="black", linewidth=1)
    for place, row in enumerate(rows):
        if row.aim is not None:
            axes.plot([row.aim.limit] * 2, [place - 0.02, place + 0.42], color="black", ls=":")


def requests(axes: Axes, rows: list[RowRecord]) -> None:
    """Requests each second through Django."""
    heights = {
        name: [1e6 / figure if (figure := row.median(name)) else 0.0 for row in rows]
        for name in (ASGIREF, OURS)
    }
    views = [row.title.rpartition(": ")[2] for row in rows]
    pairs(axes, views, heights, "{:,.0f}", "requests each second, one client")


def items(axes: Axes, rows: list[RowRecord]) -> None:
    """Time for each item of a stream, a bar a contestant."""
    names = sorted({name for row in rows for name in row.values}, key=peers.rank)
    width = 0.8 / len(names)
    for position, name in enumerate(names):
        figures = [row.median(name) or 0.0 for row in rows]
        middles = [place + (position + 0.5) * width - 0.4 for place in range(len(rows))]
        bars = axes.barh(middles, figures, width * 0.95, label=name, color=LOOKS[name][0])
        words = [f"{figure:.1f}" if figure else "" for figure in figures]
        axes.bar_label(bars, words, padding=3)
    labels = [row.title.partition(" items of ")[2].replace(", ", ",\n") for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("microseconds an item")
    axes.margins(x=0.1)
    axes.legend()


def stacked(axes: Axes, title: str, found: dict[str, breakdown.Slices]) -> None:
    """What one call is made of, a bar a contestant."""
    lefts = dict.fromkeys(found, 0.0)
    *others, library = breakdown.labels(found)
    looks = {**dict(zip(others, SLICE_COLOURS, strict=False)), library: SLICE_COLOURS[-1]}
    for place, (label, colour) in enumerate(looks.items()):
        costs = {
            name: max(0.0, slices[place][1]) if place < len(slices) else 0.0
            for name, slices in found.items()
        }
        axes.barh(
            list(found), list(costs.values()), left=list(lefts.values()), label=label, color=colour
        )
        lefts = {name: left + costs[name] for name, left in lefts.items()}
    axes.invert_yaxis()
    axes.set_title(title, loc="left")
    axes.set_xlabel("microseconds a call")
    axes.legend()


def curves(axes: Axes, rows: list[RowRecord], label: str, divisor: int) -> None:
    """Figures of all calls against their number, both axes logarithmic: straight is linear."""
    for name in sorted({name for row in rows for name in row.values}, key=peers.rank):
        points = {
            row.x: figure * row.x / divisor
            for row in rows
            if row.x is not None and (figure := row.median(name)) is not None
        }
        colour, marker = LOOKS.get(name, ("#000000", "x"))
        axes.plot(list(points), list(points.values()), label=name, color=colour, marker=marker)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("calls in flight")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.legend()


def pictures(record: Record) -> Iterator[Picture]:
    """Every picture that the record has figures for."""

    def rows(group: str) -> list[RowRecord]:
        return [row for row in record.rows if row.group == group and row.values]

    def curve(group: str) -> list[RowRecord]:
        return [row for row in rows(group) if row.x is not None]

    compared = [
        row for row in record.rows if row.aim and row.aim.against == BAREST and row.ratio(ASGIREF)
    ]
    if compared:
        words = f"{ASGIREF} and {OURS}, times the barest hand-off"
        height = 1.2 + 0.6 * len(compared)
        yield Picture("ratios", words, "main", partial(ratios, rows=compared), height)
    if streams := rows("streams"):
        words = "time for each item of a stream"
        yield Picture("streams", words, "main", partial(items, rows=streams), 5.5)
    if django := rows("Django"):
        words = "requests each second through Django"
        yield Picture("django", words, "main", partial(requests, rows=django))
    for row in record.rows:
        if found := breakdown.slices(record, row):
            yield Picture(
                f"parts-{row.name}",
                f"{row.title}: stacked bars",
                "parts",
                partial(stacked, title=row.title, found=found),
                1.5 + 0.35 * len(row.values),
            )
    for group, name, words, label, divisor in (
        ("in flight", "in-flight", "time for all calls", "microseconds for all", 1),
        ("memory", "memory", "memory of all calls that wait", "kilobytes for all", 1000),
    ):
        if len(found_rows := curve(group)) > 1:
            draw = partial(curves, rows=found_rows, label=label, divisor=divisor)
            yield Picture(name, words, "growth", draw)


def save(record: Record, folder: Path) -> list[Picture]:
    """Draw every picture into *folder*.

    :returns: them; none where matplotlib is not installed.
    """
    if not peers.installed("matplotlib"):
        return []
    matplotlib, pyplot = peers.load("matplotlib"), peers.load("matplotlib.pyplot")
    matplotlib.use("svg")
    # The same figures give the same file: no random ids, no date. Text stays text.
    plain = dict.fromkeys(("axes.spines.top", "axes.spines.right"), False)
    matplotlib.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "none", **plain})
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.svg"):
        stale.unlink()
    made = list(pictures(record))
    for picture in made:
        figure, axes = pyplot.subplots(figsize=(9, picture.height), layout="constrained")
        picture.draw(axes)
        target = folder / f"{picture.name}.svg"
        figure.savefig(target, metadata={"Date": None}, facecolor="white")
        pyplot.close(figure)
    return made
