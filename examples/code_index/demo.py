"""What type checkers make of the index, then the index itself: ``python -m examples.code_index.demo``."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from examples.code_index import cli
from typedbridge import async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "examples/code_index"

BRIDGES: Final = (
    "Repository.open",
    "repository.add",
    "repository.summary",
    "repository.slowest",
    "repository.find",
    "repository.close",
    "events.publish_from_thread",
    "find_sources",
    "has_sources",
    "index_tree",
)
"""Everything in the package that is decorated, as written in :data:`PROGRAM`."""

PROGRAM: Final = (
    "from typing import reveal_type",
    "from examples.code_index.cli import index_tree",
    "from examples.code_index.events import Events",
    "from examples.code_index.parsing import find_sources, has_sources",
    "from examples.code_index.repository import Repository",
    "def reveal(repository: Repository, events: Events) -> None:",
    *(f"    reveal_type({bridge})" for bridge in BRIDGES),
)
"""The program in which the checkers are asked for types, line by line."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one checker says.

    :param checker: its name.
    :param types: the type of each bridge.
    :param errors: what it has against the package.
    """

    checker: str
    types: dict[str, str]
    errors: list[str]


@dataclass(frozen=True, slots=True)
class _Message:
    file: str
    line: int
    is_note: bool
    text: str


class CheckerError(Exception):
    """A checker did not run; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both checkers' types, then run the index.

    :param arguments: the index's command line; by default the process's own.
    :returns: the exit code: 1 when a checker finds an error, else that of the index.
    """
    console = Console()
    console.print(f"{PACKAGE} as mypy with the plugin and pyright in strict mode see it:")
    try:
        with tempfile.TemporaryDirectory() as directory, console.status("Type-checking ..."):
            program = Path(directory, "revealed.py")
            program.write_text("\n".join(PROGRAM), encoding="utf-8")
            verdicts = check(program)
    except CheckerError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted while type-checking", file=sys.stderr)
        return 130
    print_types(verdicts, console)
    for verdict in verdicts:
        console.print(f"{verdict.checker}: {len(verdict.errors) or 'no'} errors")
        for line in verdict.errors:
            console.print(f"  {line}", markup=False)
    if any(verdict.errors for verdict in verdicts):
        return 1
    console.print()
    return cli.main(arguments)


@async_to_sync
async def check(program: Path) -> tuple[Verdict, Verdict]:
    """Give a program to both checkers at the same time.

    :param program: :data:`PROGRAM`, in a file.
    """
    return await asyncio.gather(_ask_mypy(program), _ask_pyright(program))


@sync_to_async(thread_sensitive=False)
def _ask_mypy(program: Path) -> Verdict:
    output = _run("mypy", "--output", "json", PACKAGE, str(program))
    reports: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    return _verdict(
        "mypy",
        [_Message(r["file"], r["line"], r["severity"] == "note", r["message"]) for r in reports],
    )


@sync_to_async(thread_sensitive=False)
def _ask_pyright(program: Path) -> Verdict:
    output = _run("pyright", "--outputjson", "--pythonpath", sys.executable, PACKAGE, str(program))
    reports: list[dict[str, Any]] = json.loads(output)["generalDiagnostics"]
    return _verdict(
        "pyright",
        [
            _Message(
                r["file"],
                # pyright counts lines from 0.
                r["range"]["start"]["line"] + 1,
                r["severity"] == "information",
                r["message"],
            )
            for r in reports
        ],
    )


def _run(checker: str, *arguments: str) -> str:
    """Run a checker with the project's settings; its output, also when it found errors."""
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        [sys.executable, "-m", checker, *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    # Both exit with 1 when they find something, and with more when they could not work.
    if done.returncode > 1 or (done.returncode and not done.stdout):
        raise CheckerError(f"{checker} did not run:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _verdict(checker: str, messages: Iterable[_Message]) -> Verdict:
    types: dict[str, str] = {}
    errors: list[str] = []
    for message in messages:
        revealed = re.search(r'type (?:is|of "[^"]*" is) "(.*)"$', message.text, re.IGNORECASE)
        if not message.is_note:
            errors.append(f"{message.file}:{message.line}: {message.text}")
        elif revealed:
            types[PROGRAM[message.line - 1].strip()[len("reveal_type(") : -1]] = revealed[1]
    return Verdict(checker, types, errors)


def print_types(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print what each checker infers for each bridge, one above the other."""
    for bridge in BRIDGES:
        console.print(bridge, style="bold")
        for verdict in verdicts:
            # Modules' names make long lines of short types.
            short = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])", "", verdict.types.get(bridge, "?"))
            console.print(f"    {verdict.checker:8}{short}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
