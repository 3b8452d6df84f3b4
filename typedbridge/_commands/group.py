"""The commands of the extra, each with its name and its help."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from typedbridge._commands.doctor.command import doctor
from typedbridge._commands.migrate.command import migrate
from typedbridge._commands.observed import trace, where
from typedbridge._commands.run import USAGE

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("typedbridge"), prog_name="typedbridge")
def commands() -> None:
    """typedbridge: the bridge between sync and async Python."""


@commands.command(add_help_option=False)
def run() -> None:
    """Run a program with typedbridge in asgiref's place."""
    # Never reached: it works without this package, and is dealt with before.
    click.echo(USAGE)


for command in (doctor, migrate, trace, where):
    commands.add_command(command)


def main(arguments: Sequence[str]) -> int:
    """Carry out a command.

    :returns: the exit status.
    """
    try:
        commands.main([*arguments], prog_name="python -m typedbridge")
    except SystemExit as end:
        # click ends so in every case.
        return end.code if isinstance(end.code, int) else 0
