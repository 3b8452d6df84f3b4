"""The command ``migrate``: what its options do, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from typedbridge._commands.migrate.files import Candidate, Examined, candidates, examine, find
from typedbridge._commands.migrate.show import (
    count,
    is_readable,
    print_diff,
    print_findings,
    with_progress,
)
from typedbridge._commands.migrate.source import ChangedMeanwhileError, write
from typedbridge._commands.terminal import Interrupted, consoles, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


@dataclass(slots=True)
class Tally:
    """What a run has come to."""

    changed: int = 0
    places: int = 0
    failed: int = 0


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    metavar="[PATH]...",
    type=click.Path(exists=True, path_type=Path),
)
@click.option("--write", "writing", is_flag=True, help="Change the files.")
@click.option(
    "--check", "checking", is_flag=True, help="Exit with 1 if anything would change, for CI."
)
@click.pass_context
def migrate(
    context: click.Context, paths: Sequence[Path], *, writing: bool, checking: bool
) -> None:
    """Turn imports of asgiref's bridges into imports of typedbridge.

    Looks at the Python files in each PATH (a file, or a folder; by default this one) and shows what
    would change, as a diff. What a person has to look at is listed with its line, column and reason;
    docs/migrating.md explains them. Folders that others made (.git, .venv, node_modules, ...) are left
    out unless they are named.
    """
    if writing and checking:
        raise click.UsageError("--write and --check do not go together")
    out, err = consoles()
    tally = Tally()
    try:
        _run(paths or [Path()], tally, out, err, writing=writing)
    except KeyboardInterrupt:
        written = f" {count(tally.changed, 'file')} had been changed" if writing else ""
        raise Interrupted(written) from None
    _summary(err, tally, writing=writing)
    if tally.failed:
        context.exit(2)
    context.exit(1 if checking and tally.changed else 0)


def _run(paths: Sequence[Path], tally: Tally, out: Console, err: Console, *, writing: bool) -> None:
    wanted: list[Candidate] = []
    for found in candidates(find(paths)):
        if isinstance(found, Candidate):
            wanted.append(found)
        else:
            _report(found, tally, out, err, writing=writing)
    for examined in with_progress(err, examine(wanted), len(wanted)):
        _report(examined, tally, out, err, writing=writing)


def _report(examined: Examined, tally: Tally, out: Console, err: Console, *, writing: bool) -> None:
    after = examined.after
    if after is not None and not writing:
        print_diff(out, examined, after)
        tally.changed += 1
    elif after is not None:
        try:
            write(examined.path, examined.before, after)
        except (ChangedMeanwhileError, OSError) as error:
            tell(err, f"{examined.path}: {getattr(error, 'strerror', None) or error}")
            tally.failed += 1
        else:
            tell(err, f"changed {examined.path}")
            tally.changed += 1
    print_findings(out, examined)
    if is_readable(examined):
        tally.places += len(examined.findings)
    else:
        tally.failed += 1


def _summary(err: Console, tally: Tally, *, writing: bool) -> None:
    verb = "changed" if writing else "would change"
    parts = [f"{count(tally.changed, 'file')} {verb}"]
    if tally.places:
        parts.append(f"{count(tally.places, 'place')} for a person to look at")
    if tally.failed:
        parts.append(f"{count(tally.failed, 'file')} could not be done")
    tell(err, ", ".join(parts))
    if tally.changed and not writing:
        tell(err, "Nothing was written; --write does it.")
