"""``where`` and ``trace``: a program as ``run`` runs it, and what its calls did."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from typedbridge import observe
from typedbridge._commands import run
from typedbridge._commands.terminal import Interrupted, consoles, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from typedbridge.observe import FunctionStatistics

__all__ = ["trace", "where"]

#: Where a function runs, by the row of the contract's table.
PLACES = {
    1: "executor",
    2: "worker pool",
    3: "executor",
    4: "caller",
    5: "context",
    6: "caller",
    7: "process lane",
}

_own_arguments = click.argument("program", nargs=-1, type=click.UNPROCESSED, required=True)
_OWN = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.command(context_settings=_OWN)
@click.option("--json", "as_json", is_flag=True, help="Print the figures for programs.")
@_own_arguments
def where(program: tuple[str, ...], as_json: bool) -> None:
    """Run a program, and say what its calls waited for.

    PROGRAM and its arguments are as behind `run`: a file, or -m and a module. When it ends, or on Ctrl-C, a
    table on standard error shows each function that was called through a bridge, with where it ran, how
    often, and how long calls waited and ran. Who waited longest comes first. Other processes that the program starts are not seen.
    """
    with (
        observe.everywhere(observe.Statistics()) as statistics,
        _until_the_end(lambda: _show(statistics.functions(), as_json=as_json)),
    ):
        _carry_out(program)


@click.command(context_settings=_OWN)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("trace.json"),
    show_default=True,
    help="The file to write.",
)
@_own_arguments
def trace(program: tuple[str, ...], output: Path) -> None:
    """Run a program, and write a picture of its calls over time.

    PROGRAM and its arguments are as behind `run`: a file, or -m and a module. When it ends, or on Ctrl-C, the
    file is written, in Chrome's trace format: Perfetto and chrome://tracing show a row for each thread.
    Other processes that the program starts are not seen.
    """
    observer = observe.TraceObserver()

    def write() -> None:
        try:
            observer.write(output)
        except OSError as error:
            raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
        tell(consoles()[1], f"typedbridge: wrote {output}")

    with observe.everywhere(observer), _until_the_end(write):
        _carry_out(program)


@contextmanager
def _until_the_end(show: Callable[[], None]) -> Generator[None]:
    """Show what there is however the program ends."""
    try:
        yield
    except KeyboardInterrupt:
        show()
        raise Interrupted("") from None
    except BaseException:
        show()
        raise
    show()


def _carry_out(program: tuple[str, ...]) -> None:
    """Run it. It ends as it would by itself."""
    try:
        status = run.main(program)
    except SystemExit as end:
        if isinstance(end.code, str):  # what python does with it; click would not
            sys.stderr.write(f"{end.code}\n")
            raise SystemExit(1) from None
        raise
    if status:
        raise SystemExit(status)


def _show(functions: list[FunctionStatistics], *, as_json: bool) -> None:
    out, err = consoles()
    if as_json:
        out.print_json(json.dumps([_as_data(each) for each in functions]))
        return
    if not functions:
        tell(err, "typedbridge: no call went through a bridge")
        return
    table = Table(
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title="Milliseconds, in half of the calls and at most",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for head in ("calls", "waited", "most", "ran", "most"):
        table.add_column(head, justify="right", no_wrap=True)
    # Last, since names are long; each in one line where there is room.
    table.add_column("function, and where it ran", overflow="fold")
    for each in functions:
        durations = (each.wait.p50, each.wait.most, each.run.p50, each.run.most)
        table.add_row(
            str(each.calls),
            *(f"{1000 * seconds:.1f}" for seconds in durations),
            Text(f"{each.name}\n  {_places(each)}"),
        )
    err.print(table)


def _places(function: FunctionStatistics) -> str:
    if function.direction == "to_sync":
        return "event loop"
    return ", ".join({PLACES[row]: None for row in function.rows})


def _as_data(function: FunctionStatistics) -> dict[str, object]:
    return {
        **function._asdict(),
        "wait": function.wait._asdict(),
        "run": function.run._asdict(),
    }
