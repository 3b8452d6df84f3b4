"""Generated programs have the outcome that asgiref gives them, unless the contract says otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fuzz.compare import Comparison
from fuzz.excuses import EXCUSES, excuse
from fuzz.programs import programs, walk
from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from fuzz.programs import Steps

EXAMPLES = 200


@pytest.mark.timeout(240)
def test_generated_programs_have_the_same_outcome() -> None:
    """The same ones each time; ``make fuzz`` runs many more, and others each time."""
    with Comparison() as comparison:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(programs())
        def check(program: Steps) -> None:
            comparison.check(program)

        check()

    # Those for which there is nothing to compare with must be few.
    assert comparison.count["equal"] > EXAMPLES * 0.8, comparison.count


def test_the_command_says_how_many_programs_were_equal() -> None:
    """And with which seed, so that a run can be made again."""
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--programs", "5", "--seed", "1"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.fullmatch(r"seed 1: \d+ programs in \d+ s: .*\d+ equal.*\n", done.stdout)


def test_a_difference_that_is_not_meant_is_told() -> None:
    """With the program, and with what each library did."""
    comparison = Comparison()
    comparison.workers = {
        "asgiref": Says(["returned", [1]]),
        "typedbridge": Says(["returned", [2]]),
    }

    with pytest.raises(AssertionError) as caught:
        comparison.check([["where"]])

    assert [
        '[["where"]]',
        "asgiref:     ['returned', [1]]",
        "typedbridge: ['returned', [2]]",
    ] == str(caught.value).splitlines()


class Says:
    """Stands in for a process that runs programs."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def outcome(self, program: Steps) -> Any:
        return self._outcome

    def end(self) -> None: ...


def test_steps_are_found_with_what_they_are_inside_of() -> None:
    """Those beside each other too, which are one list deeper."""
    inner: Any = ["where"]
    many = ["gather", [[["turn"]], [inner]]]
    program: Any = [["try", [["run", [many]]], [["get"]]]]

    found = {step[0]: [outer[0] for outer in path] for path, step in walk(program)}

    assert {
        "try": [],
        "run": ["try"],
        "gather": ["try", "run"],
        "turn": ["try", "run", "gather"],
        "where": ["try", "run", "gather"],
        "get": ["try"],
    } == found


LOCAL_IN_A_THREAD: Any = [["thread", True, [["local get"]]], ["local get"]]
IN_THREAD = ["thread with the context", ["local", 1]]
NOT_IN_THREAD = ["thread with the context", ["local", "nothing"]]


@pytest.mark.parametrize(
    ("program", "asgiref", "ours", "expected"),
    [
        (LOCAL_IN_A_THREAD, [IN_THREAD], [NOT_IN_THREAD], "STARTED_ELSEWHERE"),
        # The same difference in another place, or in a program without such a thread.
        (LOCAL_IN_A_THREAD, [["local", 1]], [["local", "nothing"]], None),
        ([["local get"]], [IN_THREAD], [NOT_IN_THREAD], None),
        (
            [["run", [["to thread", "lane", [["to loop", True, [["where"]]]]]]]],
            ["library's loop"],
            ["caller's loop"],
            "ENCLOSING_LOOP",
        ),
        ([["to loop", True, [["where"]]]], ["library's loop"], ["caller's loop"], None),
        (
            [["try", [["get"]], [["handled"]]]],
            [["handled", None]],
            [["handled", "KeyError"]],
            "STILL_HANDLED",
        ),
        ([["handled"]], [["handled", None]], [["handled", "KeyError"]], None),
    ],
)
def test_a_difference_is_excused_where_the_list_says_so(
    program: Steps, asgiref: Any, ours: Any, expected: str | None
) -> None:
    """And only there: an excuse hides no more than what it is about."""
    assert expected == excuse(program, ["returned", asgiref], ["returned", ours])


def test_only_asgiref_may_hang() -> None:
    """A program that hangs with typedbridge alone is never excused."""
    assert excuse([["where"]], ["hangs", []], ["returned", []]) == "asgiref hangs"
    assert excuse([["where"]], ["returned", []], ["hangs", []]) is None


def test_every_excuse_is_for_another_difference() -> None:
    """One way to say it."""
    items = [one.item for one in EXCUSES]
    assert sorted(set(items), key=str) == sorted(items, key=str)
