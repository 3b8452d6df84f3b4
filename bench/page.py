"""docs/performance.md: the figures of a run as a page, with pictures. Written by one command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from bench import breakdown, plots
from bench.model import ASGIREF, OURS
from bench.peers import rank
from bench.record import Record, RowRecord
from bench.report import factor, figure, verdict

INTRODUCTION: Final = """\
# Performance

<!-- Written by `python -m bench --page`; change bench/page.py, not this file. -->

What a hop costs in time and memory, next to the least that Python's own pieces cost, and next to
the libraries that do the same work.
"""

METHOD: Final = """\
## How it is measured

- **The barest hand-off** of each direction carries no context, handles no error and cannot be
  cancelled; it is an async function where the others are, so many at once are many tasks. To a thread: a `SimpleQueue`, one thread, `loop.call_soon_threadsafe(future.set_result, ...)`.
  To a loop: a loop that runs in another thread, a task, a raw lock for the answer. From 16 threads: 16 such
  loops. Back to the thread that waits: a queue to it, and `call_soon_threadsafe` back. Ratios are to these.
- All contestants of a row take turns in one process, in another order each round, on one core. A figure is
  the median of the rounds; "spread" in the printed table is the middle half of the rounds, as a part of it.
- `--clock cpu` counts the processor time of the process instead of the wall clock. On one quiet core the two
  agree, since a hop waits for nothing but its own other half; on a busy one this stays steady. Latency,
  fairness and cold starts are always on the wall clock.
- Memory, imports, cold starts and Django use child processes, on the same core and also in turns.
- Where asgiref and typedbridge differ in what they promise, the promise is kept: context variables are
  carried back, the handled exception is seen inside, calls can be cancelled, overridden methods are called.
- pyperf does not take the samples: it runs one benchmark to its end before the next, and a ratio needs both
  figures from the same moments. `--pyperf FILE` writes the figures for `pyperf compare_to` between two runs.
- Where an aim is a time, it was set on another machine. "At asgiref's pace" is the same aim, longer or shorter
  by what asgiref takes here over what it took there.
"""

AGAIN: Final = """\
## Again, on your machine

```
make bench                                   # all rows, a table
python -m bench --list                       # the rows
python -m bench --rows lane,pool --rounds 15 # some of them
python -m bench --profile lane               # what a row's time is made of
python -m bench --page                       # this page
```
"""


def table(header: Iterable[str], lines: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table, figures to the right."""
    names = list(header)
    yield "| " + " | ".join(names) + " |"
    yield "|" + "|".join(["---", *["---:"] * (len(names) - 1)]) + "|"
    for line in lines:
        yield "| " + " | ".join(line) + " |"
    yield ""


def setting(record: Record) -> Iterator[str]:
    """Machine, versions, date."""
    machine = record.machine
    yield f"- Machine: {machine['cpu']}, {machine['cores']} cores, {machine['system']}"
    yield f"- Kept on one core: {'no' if machine['pinned'] == 'no' else 'yes'}"
    versions = dict(record.versions)
    yield f"- {versions.pop('python')}; " + ", ".join(
        f"{name} {version}" for name, version in versions.items()
    )
    clock = "wall clock" if record.settings["clock"] == "wall" else "processor time"
    yield f"- Rounds: {record.settings['rounds']}; {clock}; date: {record.date}"
    if record.settings.get("quick") == "True":
        yield ""
        yield "**A smoke run: the figures mean nothing.**"
    yield ""


def with_ratio(row: RowRecord, name: str) -> str:
    """A figure, and its ratio to the row's base in brackets."""
    words = figure(row.median(name), row.unit)
    ratio = row.ratio(name)
    return f"{words} ({factor(ratio)})" if ratio is not None and name != row.base else words


def main_table(rows: list[RowRecord]) -> Iterator[str]:
    """The rows that have an aim."""
    aimed = [row for row in rows if row.aim is not None]
    if not aimed:
        return
    yield "## What matters most"
    yield ""
    yield "In brackets: times the base of the row, which is the barest hand-off, or `threading.local`, or"
    yield "for imports `asyncio`. The aims are this project's own, set before its first version."
    yield ""
    yield from table(
        ["", "base", ASGIREF, OURS, "aim"],
        (
            [
                row.title,
                figure(row.median(row.base), row.unit) if row.base != ASGIREF else "",
                with_ratio(row, ASGIREF),
                with_ratio(row, OURS),
                verdict(row),
            ]
            for row in aimed
        ),
    )


def group_tables(rows: list[RowRecord]) -> Iterator[str]:
    """Every figure of every contestant."""
    yield "## All figures"
    yield ""
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        names = sorted({name for row in members for name in row.values}, key=rank)
        if not names:
            continue
        yield f"### {group}"
        yield ""
        yield from table(
            ["", *names],
            ([row.title, *(with_ratio(row, name) for name in names)] for row in members),
        )
        for note in dict.fromkeys(row.note for row in members if row.note):
            yield note
            yield ""


def picture(name: str, words: str, drawn: list[str], folder: str) -> Iterator[str]:
    if name in drawn:
        yield f"![{words}]({folder}/{name}.svg)"
        yield ""


def stacked(record: Record, drawn: list[str], folder: str) -> Iterator[str]:
    """The pictures of what a call is made of."""
    rows = [row for row in record.rows if breakdown.slices(record, row)]
    if not rows:
        return
    yield "## Where the microseconds go"
    yield ""
    yield "The pieces are measured alone: a loop that turns once, a thread that is woken through a queue or a"
    yield "lock. The barest hand-off less these is the price of waking the loop; a library less the barest"
    yield "hand-off is its own Python, and what its locks and queues cost beyond the barest."
    yield ""
    for row in rows:
        yield from picture(f"parts-{row.name}", f"{row.title}: stacked bars", drawn, folder)


def growth(drawn: list[str], folder: str) -> Iterator[str]:
    if "in-flight" in drawn or "memory" in drawn:
        yield "## From 1 to 10,000 calls in flight"
        yield ""
        yield "Both axes are logarithmic: a straight line that rises one decade a decade is linear growth."
        yield ""
        yield from picture("in-flight", "time for all calls", drawn, folder)
        yield from picture("memory", "memory of all calls that wait", drawn, folder)


def interpreters(record: Record, others: list[Record]) -> Iterator[str]:
    """The main rows on each interpreter."""
    if not others:
        return
    # By Python's version; a record of the same version replaces none.
    records = sorted([*others, record], key=lambda one: one.versions["python"])
    names = [row.name for row in others[0].rows]
    yield "## Other versions of Python"
    yield ""
    yield f"Times the barest hand-off on the same interpreter: {ASGIREF}, then {OURS}."
    yield ""
    yield from table(
        ["", *(one.versions["python"].partition(",")[0] for one in records)],
        (
            [
                row.title,
                *(
                    f"{factor(found.ratio(ASGIREF))}, {factor(found.ratio(OURS))}"
                    if (found := one.row(name))
                    else ""
                    for one in records
                ),
            ]
            for name in names
            if (row := others[0].row(name))
        ),
    )


def text(record: Record, others: list[Record], drawn: list[str], folder: str) -> str:
    """The whole page."""
    lines = [INTRODUCTION, *setting(record)]
    lines += main_table(record.rows)
    lines += picture("ratios", f"{ASGIREF} and {OURS}, times the barest hand-off", drawn, folder)
    lines += picture("django", "requests each second through Django", drawn, folder)
    lines += stacked(record, drawn, folder)
    lines += growth(drawn, folder)
    lines += interpreters(record, others)
    lines += group_tables(record.rows)
    if record.failed():
        lines += ["## Failed", "", *(f"- {line}" for line in record.failed()), ""]
    lines += [METHOD, AGAIN]
    return "\n".join(lines).rstrip() + "\n"


def write(record: Record, others: list[Record], path: Path) -> None:
    """Write the page to *path* and its pictures into a folder beside it, named like it."""
    folder = path.with_suffix("")
    drawn = plots.save(record, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(record, others, drawn, folder.name))
