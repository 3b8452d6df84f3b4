"""Each checker says of each case what the folders and the gap files say it does."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from typecheck_tests.cases import CASES, FOLDERS, CaseFile, load, read
from typecheck_tests.checkers import CHECKERS, Diagnostic
from typecheck_tests.judge import (
    Outcome,
    Problem,
    Result,
    check,
    expected_outcomes,
    gaps,
    verdict,
)

# TYPECHECK_CHECKERS=mypy-plugin,mypy: for the run with the lowest mypy, where the rest is absent.
_CHECKERS = os.environ.get("TYPECHECK_CHECKERS", ",".join(CHECKERS)).split(",")

# Of a checker's run over all files, on a busy machine.
_SECONDS = 240


def _keys(files: list[CaseFile]) -> set[str]:
    return {f"{file.row}: {case.name}" for file in files for case in file.cases}


def _all_files() -> list[CaseFile]:
    files = load()
    if not any(file.needs_python_312 for file in files):
        pytest.skip("Python 3.12 is needed to read all cases")
    return files


# One test for a checker and a subtest for a case that fails: so the checker runs once, under
# xdist as well, and the report still names the case.
@pytest.mark.timeout(_SECONDS)
@pytest.mark.parametrize("checker", _CHECKERS)
def test_checker_meets_every_case(checker: str, subtests: pytest.Subtests) -> None:
    """A case works, or it is a known gap and fails in the known way."""
    files = load()
    expected = expected_outcomes(checker, files)
    for result in check(CHECKERS[checker], files):
        problem = verdict(checker, result, expected)
        if problem is not None:
            with subtests.test(f"{checker}: {result.key}"):
                pytest.fail(problem, pytrace=False)


def test_every_plugin_case_has_a_twin() -> None:
    """What only the plugin knows stands beside what mypy says without it."""
    files = _all_files()
    lost = {case for gap in gaps("mypy") if gap.closed_in is None for case in gap.cases}
    only = _keys([file for file in files if file.folder == "plugin_only"])
    twins = _keys([file for file in files if file.folder == "without_plugin"])
    assert sorted(lost | only) == sorted(twins)


@pytest.mark.parametrize("checker", CHECKERS)
def test_gaps_name_cases_that_exist(checker: str) -> None:
    """A gap names cases of the folder `partly`, each once."""
    partly = _keys([file for file in _all_files() if file.folder == "partly"])
    lasting = [gap for gap in gaps(checker) if gap.closed_in is None]
    named = [case for gap in lasting for case in gap.cases]
    assert sorted(set(named)) == sorted(named)
    assert set() == set(named) - partly


def test_partly_holds_only_what_somebody_misses() -> None:
    """A case that every checker meets belongs into the baseline."""
    partly = _keys([file for file in _all_files() if file.folder == "partly"])
    missed = {
        case
        for checker in CHECKERS
        for gap in gaps(checker)
        if gap.closed_in is None
        for case in gap.cases
    }
    assert set() == partly - missed


def test_case_names_are_unique() -> None:
    """A row and a name say which case is meant."""
    files = [file for file in load() if file.folder != "without_plugin"]
    names = [f"{file.row}: {case.name}" for file in files for case in file.cases]
    assert sorted(set(names)) == sorted(names)


def test_every_file_is_in_a_known_folder() -> None:
    """No case file is left unread."""
    folders = {path.parent.name for path in CASES.glob("*/*.py")}
    assert sorted(FOLDERS) == sorted(folders)


def test_marks_are_read(tmp_path: Path) -> None:
    """A mark has a line, maybe checkers, maybe a text; several may share a line."""
    path = tmp_path / "functions.py"
    path.write_text(
        "# case: one\n"
        "first()  # E\n"
        "second()  # E: a text # E[ty, mypy]: other\n"
        "# case: two\n"
        "third(\n"
        "    1,  # E[zuban]\n"
        ")\n"
    )
    file = read(path)
    assert ["one", "two"] == [case.name for case in file.cases]
    assert [(2, set(), ""), (3, set(), "a text"), (3, {"ty", "mypy"}, "other")] == [
        (mark.line, set(mark.checkers), mark.text) for mark in file.cases[0].marks
    ]
    assert [(6, {"zuban"}, "")] == [
        (mark.line, set(mark.checkers), mark.text) for mark in file.cases[1].marks
    ]
    assert 5 == file.statement(6)


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [("mypy-plugin", {"one": "works", "two": "false alarm", "three": "works"}), ("ty", {})],
)
def test_one_error_for_each_mark(tmp_path: Path, name: str, outcomes: dict[str, str]) -> None:
    """A second error in a marked statement fails mypy with the plugin, and nobody else."""
    path = tmp_path / "partly" / "functions.py"
    path.parent.mkdir()
    path.write_text(
        "# case: one\nfirst()  # E: a text # E\n"
        "# case: two\nsecond()  # E: a text\n"
        "# case: three\nthird()  # E\n"
    )
    file = read(path)
    said = [
        Diagnostic(file.path, line, "code", message)
        for line, message in ((2, "other"), (2, "a text"), (4, "a text"), (4, "other"), (6, "any"))
    ]
    checker = replace(
        CHECKERS[name],
        command=lambda *_: [sys.executable, "-c", "print(1)"],
        parse=lambda _: said,
    )

    results = {result.case.name: result.outcome for result in check(checker, [file])}

    assert {"one": "works", "two": "works", "three": "works"} | outcomes == results


@pytest.fixture
def file(tmp_path: Path) -> CaseFile:
    path = tmp_path / "partly" / "functions.py"
    path.parent.mkdir()
    path.write_text("# case: one\nfirst()\n")
    return read(path)


def _result(file: CaseFile, *outcomes: Outcome) -> Result:
    problems = [Problem(one, file.path, 2, "no error", "an error", "ty") for one in outcomes]
    return Result(file, file.cases[0], problems)


def test_an_unlisted_failure_fails(file: CaseFile) -> None:
    """The message says file, line, expected, got and checker."""
    said = verdict("ty", _result(file, "false alarm"), {"partly/functions: one": ("works",)})
    assert said == (
        "ty, case 'functions: one' in partly/functions.py\n"
        "    typecheck_tests/cases/partly/functions.py:2: ty: expected no error, got an error"
    )


def test_a_listed_gap_that_fails_as_listed_passes(file: CaseFile) -> None:
    """The worst of a case's problems is its outcome."""
    result = _result(file, "missed", "other type")
    assert verdict("ty", result, {"partly/functions: one": ("other type",)}) is None


def test_a_listed_gap_that_works_fails(file: CaseFile) -> None:
    """So the list of gaps cannot grow old."""
    said = verdict("ty", _result(file), {"partly/functions: one": ("missed",)})
    assert said is not None
    assert "passes, but is listed as a known gap (missed)" in said


def test_a_listed_gap_that_fails_otherwise_fails(file: CaseFile) -> None:
    """A wider type must not become a false alarm unseen."""
    said = verdict("ty", _result(file, "false alarm"), {"partly/functions: one": ("other type",)})
    assert said is not None
    assert "is a known gap with another outcome: other type" in said
