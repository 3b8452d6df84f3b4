"""Each finding stands among right programs that look like it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

import typedbridge.mypy_plugin.errors as plugin_errors
from typecheck_tests.cases import Case, load, read

# Notes are no findings: mypy passes with them.
_CODES: Final = sorted(
    code.code for code in plugin_errors.ALL if code.code not in plugin_errors.NOTES
)


def _cases() -> list[Case]:
    return [case for file in load() for case in file.cases]


def _found(case: Case) -> set[str]:
    """The findings that a case has."""
    texts = {mark.text for mark in case.marks if mark.applies_to("mypy-plugin")}
    return {code for code in _CODES if any(code in text for text in texts)}


@pytest.mark.parametrize("code", _CODES)
def test_as_many_cases_are_right_as_wrong(code: str) -> None:
    """A finding is known by what it is not: for each case that has it, one that is near and right."""
    near = Counter(code for case in _cases() for code in case.near)
    wrong = Counter(code for case in _cases() for code in _found(case))
    assert wrong[code] > 0
    assert near[code] >= wrong[code]


def test_a_case_that_is_near_has_no_finding() -> None:
    """Nor anything else that the plugin reports."""
    wrong = [
        case.name
        for case in _cases()
        if case.near and any(mark.applies_to("mypy-plugin") for mark in case.marks)
    ]
    assert [] == wrong


def test_what_a_case_is_near_to_is_a_finding() -> None:
    """A misspelt code would count for nothing."""
    assert set() == {code for case in _cases() for code in case.near} - set(_CODES)


def test_near_is_read_from_the_line_below_the_name(tmp_path: Path) -> None:
    """One or more codes."""
    path = tmp_path / "baseline" / "near.py"
    path.parent.mkdir()
    path.write_text("# case: one\n# near: bridge-a, bridge-b\npass\n# case: two\npass\n")
    assert [{"bridge-a", "bridge-b"}, set()] == [case.near for case in read(path).cases]
