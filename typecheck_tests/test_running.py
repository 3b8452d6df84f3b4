"""What is typed is run: accepted cases do what their types say, refused ones fail as reported."""

from __future__ import annotations

from pathlib import Path

import pytest

import typedbridge.mypy_plugin.errors as plugin_errors
from typecheck_tests.cases import CaseFile, load, read
from typecheck_tests.running import PREDICTED, run
from typecheck_tests.samples import NoSampleError, samples


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, with the one file that cases read, `a`."""
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "a").write_text("text\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("file", load(), ids=lambda file: file.path)
def test_cases_run_as_they_are_typed(file: CaseFile, subtests: pytest.Subtests) -> None:
    """A case that is accepted runs, one that a finding refuses fails, and values have their types."""
    for ran in run(file):
        if ran.problems:
            with subtests.test(f"{file.row}: {ran.case.name}"):
                pytest.fail("\n".join(ran.problems), pytrace=False)


def test_every_finding_has_a_prediction() -> None:
    """A finding that cannot be shown at run time is none, at most a note."""
    assert {code.code for code in plugin_errors.ALL} - plugin_errors.NOTES == set(PREDICTED)


_HEAD = """\
from __future__ import annotations
from typing import assert_type
from typedbridge.sync import async_to_sync, sync_to_async
"""


def _problems(tmp_path: Path, *lines: str) -> list[str]:
    path = tmp_path / "baseline" / "functions.py"
    path.parent.mkdir()
    path.write_text(_HEAD + "# case: one\n" + "\n".join(lines) + "\n")
    return [
        problem.removeprefix("typecheck_tests/cases/baseline/functions.py:")
        for ran in run(read(path))
        for problem in ran.problems
    ]


def test_a_case_that_does_what_it_says_has_no_problems(tmp_path: Path) -> None:
    """Functions called `use_...` run, with each value that their parameters can have."""
    assert [] == _problems(
        tmp_path,
        "@sync_to_async",
        "def name_of(number: int, flag: bool) -> str:",
        "    return str(number) if flag else ''",
        "async def use_name_of(flag: bool) -> None:",
        "    assert_type(await name_of(1, flag), str)",
        "def use_error() -> None:",
        "    raise LookupError  # raises: LookupError",
    )


def test_an_accepted_statement_that_raises_is_a_problem(tmp_path: Path) -> None:
    """The line is the innermost one of the case; what comes after it does not hide."""
    assert [
        "5: raises ZeroDivisionError('division by zero')",
        "8: raises ZeroDivisionError('division by zero')",
    ] == _problems(
        tmp_path,
        "1 / 0",
        "@async_to_sync",
        "async def broken(zero: int = 0) -> float:",
        "    return 1 / zero",
        "def use_broken() -> None:",
        "    broken()",
    )


def test_a_finding_that_does_not_fail_is_a_problem(tmp_path: Path) -> None:
    """Nor is it shown by an error of another kind, or one that the library did not raise."""
    assert [
        "6: bridge-async-function is reported, and nothing happens",
        "7: bridge-async-function is reported, and nothing happens",
        "8: bridge-async-function is reported, and nothing happens",
    ] == _problems(
        tmp_path,
        "def use_len() -> None:",
        "    sync_to_async(len)  # E[mypy-plugin]: bridge-async-function",
        "    len(1)  # E[mypy-plugin]: bridge-async-function",
        "    call_sync(len)  # E[mypy-plugin]: bridge-async-function",
    )


def test_a_finding_that_fails_as_it_says_is_none(tmp_path: Path) -> None:
    """One way to get there is enough: a union may hold something right as well."""
    assert [] == _problems(
        tmp_path,
        "async def fetch() -> int:",
        "    return 1",
        "def use_fetch(wrong: bool) -> None:",
        "    sync_to_async(fetch if wrong else len)  # E[mypy-plugin]: bridge-async-function",
        "    async_to_sync(len)  # E[mypy-plugin]: bridge-sync-function",
        "@sync_to_async  # E[mypy-plugin]: bridge-async-function",
        "async def refused() -> int:",
        "    return 1",
    )


def test_what_never_runs_is_a_problem(tmp_path: Path) -> None:
    """A case of which half is never reached shows less than it seems to."""
    assert ["6: never ran", "9: never ran"] == _problems(
        tmp_path,
        "async def helper() -> None:",
        "    assert_type(1, int)",
        "def use_nothing() -> None:",
        "    if len(''):",
        "        sync_to_async(helper)  # E[mypy-plugin]: bridge-async-function",
    )


def test_a_type_that_is_not_true_is_a_problem(tmp_path: Path) -> None:
    """`assert_type` is compared with the value."""
    (problem,) = _problems(
        tmp_path, "def use_it() -> None:", "    assert_type(len(''), str)  # type: ignore"
    )
    assert problem.startswith("6: is said to be <class 'str'>")


def test_what_types_alone_refuse_may_do_anything(tmp_path: Path) -> None:
    """A wrong argument may fail, or be taken."""
    assert [] == _problems(
        tmp_path,
        "async def use_len() -> None:",
        "    await sync_to_async(len)(1)  # E",
        "    await sync_to_async(repr)(1, 2)  # E",
        "    await sync_to_async(str)(object=1)  # E",
    )


def test_raises_is_held_to_its_word(tmp_path: Path) -> None:
    """A statement that is said to raise has to."""
    assert [
        "6: should raise LookupError, not None",
        "7: should raise LookupError, not ValueError()",
    ] == _problems(
        tmp_path,
        "def use_it() -> None:",
        "    len('')  # raises: LookupError",
        "    raise ValueError  # raises: LookupError",
    )


def test_samples_are_plain_values_of_a_type() -> None:
    """Of a union and of bool all that differ, of a class an instance."""
    assert [False, True, None] == samples(bool | None, "flag")
    assert [["a"]] == samples(list[str], "names")
    assert [{"a": 1}] == samples(dict[str, int], "ages")
    assert [Path] == samples(type[Path], "kind")
    assert [Path()] == samples(Path, "path")


def test_a_parameter_without_a_plain_value_needs_a_default(tmp_path: Path) -> None:
    """The problem says so, and what is not run is not forgotten."""
    with pytest.raises(NoSampleError, match="copy needs a default"):
        samples(range, "copy")
    assert [
        "5: use_it(numbers) needs a default: there is no plain value of <class 'range'>"
    ] == _problems(tmp_path, "def use_it(numbers: range) -> None:", "    print(numbers)")
