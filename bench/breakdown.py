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
#: Where a slice is not called as its piece.
LABELS: Final = {
    "lock wake-up": "thread wake-up",
    "loop turn, 1000 tasks at once": "tasks and their loop turn",
}

#: What a contestant's call is made of: label and microseconds, in the order of the picture.
Slices = list[tuple[str, float]]


def slices(record: Record, row: RowRecord) -> dict[str, Slices]:
    """The slices for each contestant of *row*; empty when the pieces were not measured."""
    pieces, base = record.row("parts"), row.median(row.base)
    costs = {piece: pieces.median(piece) for piece in row.parts} if pieces else {}
    common = [(LABELS.get(piece, piece), cost) for piece, cost in costs.items() if cost is not None]
    if base is None or not common or len(common) < len(costs):
        return {}
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


def labels(found: dict[str, Slices]) -> list[str]:
    return [label for label, _ in max(found.values(), key=len)]
