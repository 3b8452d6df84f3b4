"""What the user sees of an examination: lines for people, or JSON for programs."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from rich.text import Text

from typedbridge._commands.doctor.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from typedbridge._commands.doctor.model import Check

STYLES: Final = {
    Verdict.OK: "green",
    Verdict.NOTE: "cyan",
    Verdict.WARNING: "yellow",
    Verdict.WRONG: "bold red",
}


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print a line for each thing, and what to do below it."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        console.print(
            Text.assemble(
                (f"{check.verdict.value:<8}", STYLES[check.verdict]),
                (f"{check.name:<{width}}  ", "bold"),
                check.found,
            ),
            soft_wrap=True,
        )
        if check.advice is not None:
            console.print(Text(f"{'':{8 + width}}  -> {check.advice}"), soft_wrap=True)


def as_json(checks: Sequence[Check], *, good: bool) -> str:
    """The same for programs; names and keys stay as they are from version to version."""
    document = {
        "typedbridge": version("typedbridge"),
        "ok": good,
        "checks": [
            {
                "name": check.name,
                "verdict": check.verdict.value,
                "found": check.found,
                "advice": check.advice,
            }
            for check in checks
        ],
    }
    return json.dumps(document, indent=2)
