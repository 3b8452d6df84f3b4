"""``python -m faults``: run the programs with both libraries, and print the table for docs/proof.md.

``python -m faults PROGRAM PACKAGE`` runs one; ``--before FOLDER`` adds a column for the typedbridge in there.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.progress import track

from faults.programs import PLACES, PROGRAMS

LIMIT: Final = 10.0
"""Seconds after which a program hangs. Each takes less than two."""

HERE: Final = Path(__file__).resolve().parents[1]
OURS: Final = "typedbridge.sync"
THEIRS: Final = "asgiref.sync"


def outcome(name: str, package: str, source: Path = HERE.parent) -> str:
    """Run a program in a process of its own: "works", "hangs", or what went wrong.

    :param source: the folder that typedbridge is imported from.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "faults", name, package],
            cwd=HERE,
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("COV")},
                "PYTHONPATH": str(source),
                "ASGI_THREADS": str(PLACES),
            },
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode == 0:
        return "works"
    if done.returncode < 0:
        return f"dies of signal {-done.returncode}"
    return done.stderr.strip().splitlines()[-1]


def run(name: str, package: str) -> None:
    """Be the process of one program."""
    logging.lastResort = None
    PROGRAMS[name].run(importlib.import_module(package))


def brief(told: str) -> str:
    """What the table says of an outcome."""
    return told if told in ("works", "hangs") or told.startswith("dies") else "fails"


def table(before: Path | None) -> str:
    """Make the table."""
    columns = [("asgiref", THEIRS, HERE.parent)]
    if before is not None:
        columns.append(("before", OURS, before))
    columns.append(("now", OURS, HERE.parent))
    lines = [
        f"| what | {' | '.join(name for name, *_ in columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for name, program in track(PROGRAMS.items(), "Running"):
        told = [outcome(name, package, source) for _, package, source in columns]
        for (column, *_), one in zip(columns, told, strict=True):
            if brief(one) == "fails":
                print(f"{column}, {name}: {one}", file=sys.stderr)
        lines.append(f"| {program.title} | {' | '.join(map(brief, told))} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", nargs="?", choices=PROGRAMS)
    parser.add_argument("package", nargs="?", choices=[OURS, THEIRS], default=OURS)
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    if options.program is None:
        print(table(options.before))
    else:
        run(options.program, options.package)


if __name__ == "__main__":
    main()
