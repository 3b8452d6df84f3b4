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
    Expected,
    Outcome,
    Problem,
    Result,
    check,
    expectations,
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
    expected = expectations(checker, files)
    for result in check(CHECKERS[checker], files):
        problem = verdict(checker, result, expected[result.key])
        if problem is not None:
            with subtests.test(f"{checker}: {result.key}"):
                pytest.fail(problem, pytrace=False)


def test_marks_name_checkers_that_exist() -> None:
    """A misspelt name would be a mark for nobody."""
    marks = [mark for file in load() for case in file.cases for mark in case.marks]
    named = {name for mark in marks for name in mark.checkers | mark.silent}
    assert set() == named - set(CHECKERS)


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
    names = [f"{file.row}: {case.name}" for file in load() for case in file.cases]
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
        "fourth()  # E[all but mypy, ty]: a text\n"
    )
    file = read(path)
    assert ["one", "two"] == [case.name for case in file.cases]
    assert [(2, set(), ""), (3, set(), "a text"), (3, {"ty", "mypy"}, "other")] == [
        (mark.line, set(mark.checkers), mark.text) for mark in file.cases[0].marks
    ]
    assert [(6, {"zuban"}, "", set()), (8, set(), "a text", {"mypy", "ty"})] == [
        (mark.line, set(mark.checkers), mark.text, set(mark.silent)) for mark in file.cases[1].marks
    ]
    assert ["pyright"] == [
        name for name in ("mypy", "ty", "pyright") if file.cases[1].marks[1].applies_to(name)
    ]
    assert 5 == file.statement(6)


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [("mypy-plugin", {"one": "works", "two": "false alarm", "three": "works"}), ("ty", {})],
)
def test_one_error_for_each_mark(tmp_path: Path, name: str, outcomes: dict[str, str]) -> None:
    """A second error in a marked statement fails mypy with the plugin, and nobody else."""
    file = _written(
        tmp_path,
        "# case: one\nfirst()  # E: a text # E\n"
        "# case: two\nsecond()  # E: a text\n"
        "# case: three\nthird()  # E\n",
    )
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


_SAYS_OTHERWISE = (
    "# case: one\n"
    "first()  # E[all but mypy]: a text\n"
    "second()  # E[mypy]: of type\n"
    "# case: two\n"
    "third()  # E[mypy-plugin]: a finding  # E[mypy, ty]: a text\n"
)


@pytest.mark.parametrize(
    ("name", "said", "outcomes"),
    [
        ("mypy-plugin", {2: "a text", 5: "a finding"}, ["works", "works"]),
        ("mypy", {3: "of type", 5: "a text"}, ["false alarm", "missed"]),
        ("pyright", {2: "a text"}, ["works", "missed"]),
        ("ty", {2: "a text", 5: "a text"}, ["works", "missed"]),
    ],
)
def test_the_plugin_says_what_is_right_and_the_marks_what_is_said(
    tmp_path: Path, name: str, said: dict[int, str], outcomes: list[str]
) -> None:
    """The outcome is measured by what the plugin is to report; the marks also say what others do."""
    results = _judged(tmp_path, name, said)

    assert outcomes == [result.outcome for result in results]
    assert [[], []] == [result.unmarked for result in results]


def test_a_gap_that_fails_otherwise_than_marked_fails(tmp_path: Path) -> None:
    """What a checker says where it is wrong must not change unseen."""
    _, two = _judged(tmp_path, "mypy", {5: "another"})
    assert verdict("mypy", two, Expected(("missed",), as_marked=True)) == (
        "mypy, case 'functions: two' in partly/functions.py\n"
        "    fails as it is known to, but not as the marks say of mypy\n"
        "    typecheck_tests/cases/partly/functions.py:5: mypy: expected an error with 'a text', "
        "got another [code]"
    )
    assert verdict("mypy", two, Expected(("missed",), as_marked=False)) is None


def test_marks_hold_for_mypy_and_for_those_they_name(tmp_path: Path) -> None:
    """Others that fail a case need no marks; a gap that a newer mypy closed has none."""
    file = _written(tmp_path, _SAYS_OTHERWISE)
    as_marked = {
        name: [one.as_marked for one in expectations(name, [file]).values()]
        for name in ("mypy-plugin", "mypy", "ty", "pyright")
    }
    assert {
        "mypy-plugin": [False, True],
        "mypy": [True, True],
        "ty": [False, True],
        "pyright": [False, False],
    } == as_marked


def _written(tmp_path: Path, source: str) -> CaseFile:
    path = tmp_path / "partly" / "functions.py"
    path.parent.mkdir()
    path.write_text(source)
    return read(path)


def _judged(tmp_path: Path, name: str, said: dict[int, str]) -> list[Result]:
    file = _written(tmp_path, _SAYS_OTHERWISE)
    found = [Diagnostic(file.path, line, "code", text) for line, text in said.items()]
    checker = replace(
        CHECKERS[name],
        command=lambda *_: [sys.executable, "-c", "print(1)"],
        parse=lambda _: found,
    )
    return check(checker, [file])


@pytest.fixture
def file(tmp_path: Path) -> CaseFile:
    return _written(tmp_path, "# case: one\nfirst()\n")


def _result(file: CaseFile, *outcomes: Outcome) -> Result:
    problems = [Problem(one, file.path, 2, "no error", "an error", "ty") for one in outcomes]
    return Result(file, file.cases[0], problems)


def test_an_unlisted_failure_fails(file: CaseFile) -> None:
    """The message says file, line, expected, got and checker."""
    said = verdict("ty", _result(file, "false alarm"), Expected(("works",), as_marked=False))
    assert said == (
        "ty, case 'functions: one' in partly/functions.py\n"
        "    typecheck_tests/cases/partly/functions.py:2: ty: expected no error, got an error"
    )


def test_a_listed_gap_that_fails_as_listed_passes(file: CaseFile) -> None:
    """The worst of a case's problems is its outcome."""
    result = _result(file, "missed", "other type")
    assert verdict("ty", result, Expected(("other type",), as_marked=False)) is None


def test_a_listed_gap_that_works_fails(file: CaseFile) -> None:
    """So the list of gaps cannot grow old."""
    said = verdict("ty", _result(file), Expected(("missed",), as_marked=False))
    assert said is not None
    assert "passes, but is listed as a known gap (missed)" in said


def test_a_listed_gap_that_fails_otherwise_fails(file: CaseFile) -> None:
    """A wider type must not become a false alarm unseen."""
    said = verdict("ty", _result(file, "false alarm"), Expected(("other type",), as_marked=False))
    assert said is not None
    assert "is a known gap with another outcome: other type" in said
