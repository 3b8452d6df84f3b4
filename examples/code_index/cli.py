"""The command line: sync from the first line to the last, with one call into async code."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import sysconfig
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from examples.code_index.model import Tally
from examples.code_index.parsing import has_sources
from examples.code_index.pipeline import index
from examples.code_index.report import Report, print_report, progress_bar
from examples.code_index.repository import Repository
from typedbridge import async_to_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of the command line."""

    path: Path
    database: str
    jobs: int
    find: str | None
    limit: int


class UsageError(Exception):
    """The arguments do not work; the message says which and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Index a source tree and print what is in it.

    :param arguments: the command line; by default the process's own.
    :returns: the exit code: 0, 2 for arguments that do not work, 130 after Ctrl-C.
    """
    options = _options(arguments)
    tally = Tally()
    try:
        with (
            # The parser warns about the files it reads. They are not our code.
            warnings.catch_warnings(action="ignore", category=SyntaxWarning),
            progress_bar(tally) as show_progress,
        ):
            report = index_tree(options, tally, show_progress)
    except UsageError as error:
        print(f"code_index: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        done = tally.parsed + len(tally.skipped)
        print(f"code_index: interrupted after {done} of {tally.found} files", file=sys.stderr)
        return 130
    print_report(report, tally, limit=options.limit)
    return 0


@async_to_sync
async def index_tree(options: Options, tally: Tally, on_progress: Callable[[], None]) -> Report:
    """Fill an index and ask it.

    The caller's thread is not idle while it waits: the repository's methods run in it.
    """
    try:
        found = await has_sources(options.path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    if not found:
        raise UsageError(f"no Python files in {options.path}")
    try:
        repository = await Repository.open(options.database)
    except sqlite3.Error as error:
        raise UsageError(f"cannot use {options.database}: {error}") from error
    try:
        await index(
            options.path, repository, jobs=options.jobs, tally=tally, on_progress=on_progress
        )
        summary, slowest = await asyncio.gather(
            repository.summary(), repository.slowest(limit=options.limit)
        )
        matches = None
        if options.find:
            async with repository.find(options.find, limit=options.limit) as rows:
                matches = [row async for row in rows]
    finally:
        await repository.close()
    return Report(options.path, summary, slowest, matches)


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="code_index",
        description="Index Python source code in SQLite.",
        usage=argparse.SUPPRESS,  # or every wrong argument would be answered with all of it
    )
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=Path(sysconfig.get_path("stdlib")),
        help="directory or file (default: this interpreter's standard library)",
    )
    parser.add_argument(
        "--database",
        metavar="FILE",
        default=":memory:",
        help="keep the index in this file, in place of an earlier one (default: in memory)",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=_positive, default=4, help="files parsed at a time (default: 4)"
    )
    parser.add_argument("--find", metavar="NAME", help="look a name up; may have * and ?")
    parser.add_argument(
        "--limit", metavar="N", type=_positive, default=10, help="rows of each list (default: 10)"
    )
    return Options(**vars(parser.parse_args(arguments)))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"not a positive number: {text}")
    return int(text)
