"""Where the microseconds of a call go: waking a thread, turning and waking a loop, Python.

A hop cannot be stopped half-way to look at the clock without changing it. So each piece is
measured alone, in the same run: a loop that turns once with no thread about, a thread that is
woken with no loop about. The barest hand-off less these is what waking the loop costs, and a
library less the barest hand-off is what its own code costs.
"""

from __future__ import annotations

from typing import Final

from bench.peers import rank
from bench.record import Record, RowRecord

REST: Final = "the rest of the barest hand-off"
LIBRARY: Final = "the library's Python"
WIDTH: Final = 60
MARKS: Final = "=#-+"

#: What a contestant's call is made of: label and microseconds, in the order of the picture.
Slices = list[tuple[str, float]]


def slices(record: Record, row: RowRecord) -> dict[str, Slices]:
    """The slices for each contestant of *row*; empty when the pieces were not measured."""
    pieces = record.row("parts")
    base = row.median(row.base)
    if pieces is None or base is None or not row.parts:
        return {}
    common: Slices = []
    for part in row.parts:
        cost = pieces.median(part.entry)
        if cost is None:
            return {}
        common.append((part.label, cost * part.times))
    common.append((REST, max(0.0, base - sum(cost for _, cost in common))))
    found: dict[str, Slices] = {}
    for name in sorted(row.values, key=rank):
        figure = row.median(name)
        if name == row.base:
            found[name] = common
        # Below the base: it does without the second thread, so these are not its pieces.
        elif figure is not None and figure > base:
            found[name] = [*common, (LIBRARY, figure - base)]
    return found


def text(record: Record, row: RowRecord) -> str:
    """The stacked picture in characters."""
    found = slices(record, row)
    if not found:
        return ""
    most = max(sum(max(0.0, cost) for _, cost in part) for part in found.values())
    lines = [f"{row.title}: where the microseconds go"]
    for name, part in found.items():
        bar = "".join(
            mark * round(max(0.0, cost) / most * WIDTH)
            for mark, (_, cost) in zip(MARKS, part, strict=False)
        )
        figures = " ".join(f"{cost:.1f}" for _, cost in part)
        lines.append(f"  {name:<26} {bar:<{WIDTH + 2}} {figures}")
    labels = [label for label, _ in max(found.values(), key=len)]
    legend = ", ".join(f"{mark} {label}" for mark, label in zip(MARKS, labels, strict=False))
    lines.append(f"  {legend}")
    return "\n".join(lines)
