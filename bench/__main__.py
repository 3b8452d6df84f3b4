"""The command line: ``python -m bench``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench import export, page, record, report, runner
from bench.model import Row
from bench.rows import select
from bench.timing import CLOCK_VARIABLE, CLOCKS

#: What is asked of other interpreters: enough for one small table.
SHORT: Final = ("lane", "pool", "lane-1000", "in-caller", "no-loop", "inside", "16-threads")
PAGE: Final = Path("docs/performance.md")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure what a hop costs, next to the barest hand-off and to the peers "
        "that are installed. All contestants of a row run in turn, in one run, on one core.",
    )
    add = made.add_argument
    add("--list", action="store_true", help="show the rows and stop")
    add("--rows", default="", help="names, groups or patterns, with commas between")
    add("--only", default="", help="ask only these contestants, and the base")
    add("--rounds", type=positive, default=7, help="default: 7")
    add("--calls", type=positive, help="calls a round; default: each row's own number")
    add("--quick", action="store_true", help="one round, few calls: a smoke run")
    add("--profile", default="", metavar="ROW", help="show what a row's time is made of")
    add("--cpu", type=int, help="the core to stay on; default: the last allowed")
    add("--no-pin", action="store_true", help="use all cores")
    clock = "cpu: processor time, steady on a busy machine; latency and cold rows stay on the wall clock"
    add("--clock", choices=list(CLOCKS), default="wall", help=clock)
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--pyperf", type=Path, metavar="FILE", help="write them for pyperf compare_to")
    source = "measure nothing: read what --json wrote"
    add("--from", dest="source", type=Path, metavar="FILE", help=source)
    target = f"write the page; default: {PAGE}"
    add("--page", nargs="?", type=Path, const=PAGE, metavar="FILE", help=target)
    python = "also measure the main rows with this interpreter, for the page; may be repeated"
    add("--python", action="append", default=[], metavar="COMMAND", help=python)
    return made


def positive(text: str) -> int:
    """A whole number above zero, as argparse wants it."""
    if not text.isdecimal() or int(text) < 1:
        message = f"must be a whole number above zero, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def chosen(options: argparse.Namespace) -> list[Row]:
    """The rows that the options name."""
    if options.profile:
        return select([*words(options.profile), "parts"])
    rows = select(words(options.rows))
    return [row for row in rows if row.quick] if options.quick else rows


def measure(options: argparse.Namespace, rows: list[Row]) -> record.Record:
    """Run the rows on one core."""
    pinned = None if options.no_pin else runner.pin(options.cpu)
    if pinned is None and not options.no_pin:
        print("This system cannot keep a process on one core: figures will vary.", file=sys.stderr)
    os.environ[CLOCK_VARIABLE] = options.clock
    settings = runner.Settings(
        rounds=1 if options.quick else options.rounds,
        calls=options.calls,
        quick=options.quick,
        only=tuple(words(options.only)),
    )
    with report.progress(runner.steps(rows, settings)) as progress:
        found = runner.run(rows, settings, progress)
    calls = settings.calls or "by row"
    said = {"rounds": settings.rounds, "calls": calls, "quick": settings.quick}
    return record.made(found, pinned, {**said, "clock": options.clock})


def measure_others(options: argparse.Namespace) -> list[record.Record]:
    """Run the main rows with other interpreters, each in a process of its own."""
    found: list[record.Record] = []
    for python in options.python:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "record.json"
            command = [python, "-m", "bench", "--rows", ",".join(SHORT), "--json", str(target)]
            command += ["--rounds", str(options.rounds), "--clock", options.clock]
            command += ["--quick"] * options.quick + ["--no-pin"] * options.no_pin
            command += [] if options.cpu is None else ["--cpu", str(options.cpu)]
            print(f"{python}: measuring the main rows", file=sys.stderr)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            found.append(record.Record.load(target))
    return found


def show_list(rows: list[Row]) -> None:
    for row in rows:
        aim = report.aim_words(row.aim, row.unit)
        print(f"{row.name:<20} {row.title}" + (f"  (at most {aim})" if aim else ""))


def main(arguments: list[str] | None = None) -> int:
    """Do what the options say.

    :returns: the exit status: 1 when a contestant failed, 2 for options that do not fit.
    """
    options = parser().parse_args(arguments)
    try:
        rows = chosen(options)
        found = record.Record.load(options.source) if options.source else None
    except (LookupError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        show_list(rows)
        return 0
    # The others first: this process keeps to one core, and its children with it.
    others = measure_others(options)
    if found is None:
        found = measure(options, rows)
    if options.json:
        found.save(options.json)
    if options.pyperf:
        export.save(found, options.pyperf)
    report.show(found)
    if options.page:
        page.write(found, others, options.page)
        print(f"Wrote {options.page} and its pictures.")
    for line in found.failed():
        print(f"failed: {line}", file=sys.stderr)
    return 1 if found.failed() else 0


if __name__ == "__main__":
    # Both bridges are loaded in one process, and measured as each is alone: they would join there.
    os.environ.setdefault("TYPEDBRIDGE_ASGIREF", "apart")
    raise SystemExit(main())
