"""The command ``doctor``: what is looked at, in which order, and what its exit status says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from typedbridge._commands.doctor import checkers, process
from typedbridge._commands.doctor.joined import asgiref
from typedbridge._commands.doctor.model import Verdict
from typedbridge._commands.doctor.pyright import pyright
from typedbridge._commands.doctor.show import as_json, print_checks
from typedbridge._commands.terminal import consoles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typedbridge._commands.doctor.model import Check


@click.command()
@click.argument(
    "project",
    metavar="[PATH]",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--json", "for_programs", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(context: click.Context, project: Path, *, for_programs: bool) -> None:
    """Look at the set-up of a project, and say what is wrong and what to do.

    PATH is the project's folder, by default this one. Run it with the Python, and with the environment
    variables, that the project runs with. Nothing is changed. Exit status: 1 if anything is wrong, else 0.
    """
    out, _ = consoles()
    found = [*_look(project.resolve())]
    good = all(check.verdict is not Verdict.WRONG for check in found)
    if for_programs:
        click.echo(as_json(found, good=good))
    else:
        print_checks(out, found)
    context.exit(0 if good else 1)


def _look(project: Path) -> Iterator[Check]:
    yield process.python()
    yield process.typedbridge(project)
    workers = [*process.workers()]
    yield from workers
    if all(check.verdict is not Verdict.WRONG for check in workers):
        # With a wrong value there the library cannot be imported, and that has been said.
        yield asgiref(project)
    yield process.event_loop()
    yield process.greenlets()
    yield checkers.checkers()
    yield checkers.mypy()
    yield checkers.plugin(project)
    yield from checkers.pre_commit(project)
    yield from pyright(project)
