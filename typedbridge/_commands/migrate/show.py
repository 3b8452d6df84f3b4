"""What the user sees: a diff that `patch` takes, the places that need a person, and a summary."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from typedbridge._commands.migrate.model import Reason
from typedbridge._commands.migrate.source import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from typedbridge._commands.migrate.files import Examined

STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def print_diff(console: Console, examined: Examined, after: bytes) -> None:
    """Print what would change in a file, as a unified diff."""
    name = examined.path.as_posix().lstrip("/")
    for line in difflib.unified_diff(
        _lines(decode(examined.before).text),
        _lines(decode(after).text),
        f"a/{name}",
        f"b/{name}",
    ):
        text = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        if console.is_terminal:
            style = "bold" if line.startswith(("---", "+++")) else STYLES.get(line[0], "")
            console.print(Text(text, style), end="", soft_wrap=True)
        else:
            # As it is: rich would leave out what moves a terminal's cursor, a carriage return too.
            console.file.write(text)
    console.file.flush()


def _lines(text: str) -> list[str]:
    """Lines as `patch` sees them: only a line feed ends one."""
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *filter(None, lines[-1:])]


def print_findings(console: Console, examined: Examined) -> None:
    """Print what is left for a person in a file, one place a line."""
    for finding in examined.findings:
        place = f":{finding.line}:{finding.column}" if finding.line else ""
        line = Text.assemble(
            (f"{examined.path}{place}", "bold"),
            f": {finding.text} ",
            (f"[{finding.reason.value}]", "yellow" if is_readable(examined) else "red"),
        )
        console.print(line, soft_wrap=True)


def is_readable(examined: Examined) -> bool:
    """Tell whether the file could be looked at."""
    return all(finding.reason is not Reason.UNREADABLE for finding in examined.findings)


def with_progress(console: Console, files: Iterable[Examined], total: int) -> Iterator[Examined]:
    """Show on a terminal how many files have been looked at, while they are."""
    if not console.is_terminal:
        yield from files
        return
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield from progress.track(files, total=total)


def count(number: int, thing: str) -> str:
    """A number with what it counts: ``1 file``, ``2 files``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
