"""What the commands of the extra share: where they print, and how they end."""

from __future__ import annotations

import click
from rich.console import Console


class Interrupted(click.ClickException):
    """Ctrl-C, after which a command says how far it came."""

    exit_code = 130

    def show(self, file: object = None) -> None:  # click's
        """Say so in one line."""
        click.echo(f"typedbridge: interrupted.{self.message}", err=True)


def consoles() -> tuple[Console, Console]:
    """Standard output, for what the user asked for, and standard error, for what is said about it."""
    return Console(soft_wrap=True, highlight=False), Console(stderr=True, highlight=False)


def tell(console: Console, line: str) -> None:
    """Print a line as it is: not wrapped, and with brackets that mean themselves."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)
