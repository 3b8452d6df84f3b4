"""Beside asgiref: the two libraries act as one, in whatever order they come into the process."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import typedbridge
from beside import nesting, programs

HERE: Final = Path(__file__).parent

LIMIT: Final = 100.0
"""Seconds until a process that never ends is killed, and its test fails."""

NESTINGS: Final = 3000
"""All to a depth of 2, and some deeper ones."""


def run(script: str, *arguments: str) -> str:
    """Run a script beside this file and return what it printed; warnings are errors there."""
    # The library under test need not be installed where the script runs.
    search = [str(Path(typedbridge.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        # Since 3.12 any fork with threads warns; that it works all the same is what is tested.
        [
            *(sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning"),
            *(str(HERE / script), *arguments),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, search)),
            "TYPEDBRIDGE_ASGIREF": "",
        },
    )
    assert 0 == done.returncode, done.stderr[-4000:]
    return done.stdout


def told(how: str) -> dict[str, list[list[str]]]:
    """What each nesting saw in a process of its own."""
    lines = run("nesting.py", how, str(NESTINGS)).splitlines()
    return dict(json.loads(line) for line in lines)


@pytest.mark.parametrize("name", sorted(programs.PROGRAMS))
def test_program(name: str) -> None:
    """Each program asserts what is the same through either library."""
    if name == "both_work_in_a_forked_child" and not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    run("programs.py", name)


@pytest.mark.timeout(2 * LIMIT)
@pytest.mark.parametrize("first", [nesting.OURS, nesting.THEIRS])
def test_nested_bridges_of_both_see_what_those_of_asgiref_see(first: str) -> None:
    """Threads, loops, context variables, Locals and exceptions are those of asgiref alone."""
    alone, mixed = told("alone"), told(first)
    assert alone.keys() == mixed.keys()
    assert {} == {
        name: list(itertools.zip_longest(alone[name], seen))
        for name, seen in mixed.items()
        if alone[name] != seen
    }


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
