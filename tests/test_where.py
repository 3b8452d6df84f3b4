"""``python -m typedbridge where`` and ``trace``: a program, and then what its calls did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = """
import sys, threading
from typedbridge import async_to_sync, sync_to_async

def function(): print("in", threading.current_thread().name)

async def main(): await sync_to_async(function)()

async_to_sync(main)()
match sys.argv[1:]:
    case ["exit", status]: sys.exit(int(status) if status.isdecimal() else status)
    case ["raise"]: 1 / 0
    case ["wait"]: print(sys.argv, flush=True); threading.Event().wait()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prog.py").write_text(PROGRAM)
    (tmp_path / "quiet.py").write_text("print('quiet')")
    return tmp_path


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "typedbridge", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )


pytestmark = pytest.mark.plain


def test_a_table(folder: Path) -> None:
    """Each function with where it ran, on standard error: the output is the program's."""
    done = command(folder, "where", "prog.py")
    assert (0, "in MainThread\n") == (done.returncode, done.stdout)
    words = [line.split() for line in done.stderr.splitlines()]
    found = {
        line[-1]: (line[0], " ".join(words[place + 1]))
        for place, line in enumerate(words)
        if line and line[-1].startswith("__main__")
    }
    assert {"__main__.function": ("1", "caller"), "__main__.main": ("1", "event loop")} == found
    assert all(len(line) <= 80 for line in done.stderr.splitlines())


def test_figures_for_programs(folder: Path) -> None:
    """Behind the program's own output, in seconds."""
    done = command(folder, "where", "--json", "prog.py")
    of = {each["name"]: each for each in json.loads(done.stdout.partition("\n")[2])}
    assert {"__main__.function", "__main__.main"} == of.keys()
    assert (1, [4], "to_async") == tuple(
        of["__main__.function"][key] for key in ("calls", "rows", "direction")
    )
    assert 0 < of["__main__.main"]["run"]["p50"] <= of["__main__.main"]["run"]["most"] < 60


def test_a_program_without_calls(folder: Path) -> None:
    """There is nothing to show, and that is said."""
    done = command(folder, "where", "quiet.py")
    assert (0, "quiet\n") == (done.returncode, done.stdout)
    assert "no call" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("exit", "3"), 3, ""),
        (("exit", "message"), 1, "message"),
        (("raise",), 1, "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("name", ["where", "trace"])
def test_it_ends_as_the_program_does(
    folder: Path, name: str, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """And shows what there is first."""
    done = command(folder, name, "prog.py", *arguments)
    assert status == done.returncode
    assert said in done.stderr
    assert ("__main__.function" if name == "where" else "wrote trace.json") in done.stderr


def test_ctrl_c(folder: Path) -> None:
    """The table is what one wants to see of a program that stands still."""
    process = subprocess.Popen(
        [sys.executable, "-m", "typedbridge", "where", "prog.py", "wait"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "in MainThread\n" == process.stdout.readline()
    assert "['prog.py', 'wait']\n" == process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "__main__.function" in errors
    assert "Traceback" not in errors


def test_a_trace(folder: Path) -> None:
    """A file, and a line that says which; `--output` names another."""
    done = command(folder, "trace", "-o", "out.json", "-m", "prog")
    assert (0, "in MainThread\n") == (done.returncode, done.stdout)
    assert "wrote out.json" in done.stderr
    names = {each["name"] for each in json.loads((folder / "out.json").read_text())["traceEvents"]}
    assert {"__main__.function", "__main__.main"} <= names


def test_a_trace_that_cannot_be_written(folder: Path) -> None:
    """One line, and no traceback."""
    done = command(folder, "trace", "--output", "nowhere/out.json", "prog.py")
    assert 1 == done.returncode
    assert "nowhere/out.json cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_program(folder: Path) -> None:
    """The usage, and exit status 2; so too for a program that is not there."""
    assert 2 == command(folder, "where").returncode
    done = command(folder, "where", "nothing.py")
    assert 2 == done.returncode
    assert "can't open file" in done.stderr
