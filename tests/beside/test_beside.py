"""Beside asgiref: the two libraries act as one, in whatever order they come into the process."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

import typedbridge
from beside import in_place, late, nesting, programs

HERE: Final = Path(__file__).parent

LIMIT: Final = 100.0
"""Seconds until a process that never ends is killed, and its test fails."""

ASGIREF: Final = tuple(map(int, version("asgiref").split(".")[:2]))

NESTINGS: Final = 3000
"""All to a depth of 2, and some deeper ones."""


def run(script: str, *arguments: str, packages: bool = True) -> str:
    """Run a script beside this file and return what it printed; warnings are errors there.

    :param packages: whether what is installed can be imported.
    """
    # The library under test need not be installed where the script runs.
    search = [str(Path(typedbridge.__file__).parents[1])]
    if packages:
        search += filter(None, [os.environ.get("PYTHONPATH")])
    command = [sys.executable, "-W", "error"]
    # Since 3.12 any fork with threads warns; that it works all the same is what is tested.
    command += ["-W", "ignore:This process:DeprecationWarning"]
    if not packages:
        command.append("-S")
    done = subprocess.run(
        [*command, str(HERE / script), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search)},
    )
    assert 0 == done.returncode, done.stderr[-4000:]
    return done.stdout


def told(how: str, leave_out: int | None = None) -> dict[str, list[list[str]]]:
    """What each nesting saw in a process of its own.

    :param leave_out: what is different on purpose, by its place in what is seen.
    """
    lines = run("nesting.py", how, str(NESTINGS)).splitlines()
    seen: dict[str, list[list[str]]] = dict(json.loads(line) for line in lines)
    if leave_out is not None:
        for events in seen.values():
            for event in events:
                del event[leave_out : leave_out + 1]
    return seen


@pytest.mark.parametrize("name", sorted(in_place.PROGRAMS))
def test_program_in_asgirefs_place(name: str) -> None:
    """Each program asserts what `install` does."""
    run("in_place.py", name, packages=name not in in_place.WITHOUT_PACKAGES)


@pytest.mark.parametrize("name", sorted(programs.PROGRAMS))
def test_program(name: str) -> None:
    """Each program asserts what is the same through either library."""
    if name == "both_work_in_a_forked_child" and not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    run("programs.py", name)


@pytest.mark.parametrize("name", sorted(late.PROGRAMS))
def test_call_whose_executor_ends_first(name: str) -> None:
    """A call of either goes on to the next lane when what was to run it has ended, whosever that was."""
    run("late.py", name)


def different(
    left: dict[str, list[list[str]]], right: dict[str, list[list[str]]]
) -> dict[str, list[object]]:
    """The nestings that did not see the same, and what they saw."""
    assert left.keys() == right.keys()
    return {
        name: list(itertools.zip_longest(seen, right[name]))
        for name, seen in left.items()
        if right[name] != seen
    }


@pytest.mark.timeout(4 * LIMIT)
@pytest.mark.parametrize("first", [nesting.OURS, nesting.THEIRS])
def test_nested_bridges_of_both_see_what_those_of_asgiref_see(first: str) -> None:
    """Threads, loops, context variables, Locals and exceptions are those of asgiref alone."""
    # Before 3.9 asgiref's Local had one dictionary for a task and those that it was made by.
    leave_out = nesting.SEEN.index("local of ours") if ASGIREF < (3, 9) else None
    differing = different(told("alone", leave_out), told(first, leave_out))
    if differing:
        # Whether a pool's thread is used again depends on how soon it is idle: that differs by chance, what
        # is wrong differs each time.
        again = different(told("alone", leave_out), told(first, leave_out))
        differing = {name: seen for name, seen in differing.items() if name in again}
    assert {} == differing


@pytest.mark.timeout(2 * LIMIT)
@pytest.mark.skipif(ASGIREF < (3, 13), reason="asgiref had no contexts with an executor")
def test_nested_bridges_in_asgirefs_place_see_what_those_of_asgiref_see() -> None:
    """All but thread-critical Locals, which cross no hop here."""
    critical = nesting.SEEN.index("thread-critical local")
    assert {} == different(told("alone", critical), told("in place", critical))


def test_the_nestings_go_to_depth_4_in_every_direction() -> None:
    """What is left to the lot has every pair of neighbours in it, and both ends."""
    chosen = nesting.chosen(NESTINGS, executor_contexts=True)
    pairs = {
        (level, type(outer), outer.library, type(inner), inner.library)
        for one in chosen
        for level, (outer, inner) in enumerate(itertools.pairwise(one.hops))
    }
    # From sync and from async code, each library around each, at three places.
    assert 2 * 4 * 3 == len(pairs)
    assert {True, False} == {one.raises for one in chosen if len(one.hops) == 4}


RUN: Final = """
import django.core.handlers.asgi
import typedbridge.asgiref, typedbridge.sync

def test_whose():
    typedbridge.sync.sync_to_async(int)
    used = django.core.handlers.asgi.sync_to_async
    print(typedbridge.asgiref.status().state, used is typedbridge.sync.sync_to_async)
    assert False
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "xdist"])
@pytest.mark.parametrize("switch", ["", "1", "0"])
def test_a_test_run_with_the_plugin(switch: str, options: tuple[str, ...], tmp_path: Path) -> None:
    """``-p typedbridge.asgiref`` comes before a conftest that imports Django; 0 switches it off."""
    (tmp_path / "conftest.py").write_text("import django.core.handlers.asgi")
    (tmp_path / "test_run.py").write_text(RUN)
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "typedbridge.asgiref",
                "-p",
                "no:cacheprovider",
            ),
            *options,
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(typedbridge.__file__).parents[1]),
            "TYPEDBRIDGE_ASGIREF": switch,
        },
    )
    assert ("beside False" if switch == "0" else "installed True") in done.stdout
