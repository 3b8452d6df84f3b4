"""Compare what a checker said with the marks, and the outcome with the known gaps."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal, TypeAlias

from typecheck_tests.cases import Case, CaseFile, Mark
from typecheck_tests.checkers import Checker, Diagnostic

__all__ = [
    "GAPS",
    "Expected",
    "Gap",
    "Outcome",
    "Problem",
    "Result",
    "check",
    "expectations",
    "gaps",
    "verdict",
]

GAPS: Final = Path(__file__).parent / "gaps"

# What a failing case fails by, worst first.
#   false alarm: an error where there is none to find; an accepted program is refused
#   other type:  assert_type saw another type, mostly a wider one
#   missed:      an error that is there was not reported
Outcome: TypeAlias = Literal["works", "false alarm", "other type", "missed"]
_WORST_FIRST: Final[tuple[Outcome, ...]] = ("false alarm", "other type", "missed")

# Who reports one error for a mark: the plugin takes out of mypy's sight what it refuses itself. The
# others may say of a marked statement what they like, in as many errors.
_COUNTED: Final = frozenset({"mypy-plugin"})

# Whose answer to a case of `partly` and `plugin_only` is the right one.
_NORM: Final = "mypy-plugin"

# Of whom the marks say in every case what it reports, also where that is not what it should.
_ALWAYS_MARKED: Final = frozenset({"mypy"})


@dataclass(frozen=True)
class Problem:
    """One line where a checker and the marks disagree."""

    outcome: Outcome
    path: str
    line: int
    expected: str
    got: str
    checker: str

    def __str__(self) -> str:
        place = f"typecheck_tests/cases/{self.path}:{self.line}"
        return f"{place}: {self.checker}: expected {self.expected}, got {self.got}"


@dataclass
class Result:
    """What one checker made of one case."""

    file: CaseFile
    case: Case
    # Where it differs from what it should say.
    problems: list[Problem] = field(default_factory=list[Problem])
    # Where it differs from what the marks say of it.
    unmarked: list[Problem] = field(default_factory=list[Problem])

    @property
    def key(self) -> str:
        return f"{self.file.row}: {self.case.name}"

    @property
    def outcome(self) -> Outcome:
        found = {problem.outcome for problem in self.problems}
        for outcome in _WORST_FIRST:
            if outcome in found:
                return outcome
        return "works"


@dataclass(frozen=True)
class Gap:
    """A known gap of one checker: its cause in a sentence, and the cases it costs."""

    note: str
    outcome: Outcome
    issue: str
    cases: list[str]
    # Of mypy alone, which is run in two versions: the gap is closed from this major version on.
    closed_in: int | None = None


def gaps(checker: str) -> list[Gap]:
    """The known gaps of a checker in the version that is installed."""
    path = GAPS / f"{checker}.toml"
    if not path.exists():
        return []
    with path.open("rb") as stream:
        found = [Gap(**entry) for entry in tomllib.load(stream)["gap"]]
    return [gap for gap in found if gap.closed_in is None or _mypy_major() < gap.closed_in]


def _mypy_major() -> int:
    return int(version("mypy").partition(".")[0])


@contextmanager
def _workplace(files: Iterable[CaseFile], package: str) -> Generator[Path, None, None]:
    # A copy outside the repository: no checker finds another configuration or an ignore file there.
    folder = Path(tempfile.mkdtemp(prefix="typecheck-")).resolve()
    try:
        for file in files:
            path = folder / file.path
            path.parent.mkdir(exist_ok=True)
            path.write_text(file.source.replace("typedbridge", package), encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder)


def check(checker: Checker, files: list[CaseFile], package: str = "typedbridge") -> list[Result]:
    """Run one checker over the files, with `package` in typedbridge's place."""
    diagnostics: list[Diagnostic] = []
    with _workplace(files, package) as folder:
        for python, new_syntax in (("3.11", False), ("3.12", True)):
            paths = [file.path for file in files if file.needs_python_312 is new_syntax]
            diagnostics += checker.run(folder, python, paths)
    by_path: dict[str, list[Diagnostic]] = defaultdict(list)
    for diagnostic in diagnostics:
        by_path[diagnostic.path].append(diagnostic)
    results = [
        result for file in files for result in _judge(checker, file, by_path.pop(file.path, []))
    ]
    if by_path:
        # An error in the stubs themselves would otherwise go unseen.
        raise AssertionError(f"{checker.name} reports outside the cases: {dict(by_path)}")
    return results


def _judge(checker: Checker, file: CaseFile, said: list[Diagnostic]) -> list[Result]:
    results = {case.name: Result(file, case) for case in file.cases}
    if len(results) != len(file.cases):
        raise ValueError(f"{file.path}: two cases of the same name")
    norm = checker.name if file.folder == "baseline" else _NORM
    for line, problem in _differences(checker, file, said, norm):
        results[file.case_at(line).name].problems.append(problem)
    for line, problem in _differences(checker, file, said, checker.name):
        results[file.case_at(line).name].unmarked.append(problem)
    return list(results.values())


def _differences(
    checker: Checker, file: CaseFile, said: list[Diagnostic], marked_as: str
) -> Iterator[tuple[int, Problem]]:
    """Compare with the marks for `marked_as`; the line is the statement's."""
    said_at: dict[int, list[Diagnostic]] = defaultdict(list)
    for diagnostic in said:
        said_at[file.statement(diagnostic.line)].append(diagnostic)
    marks_at: dict[int, list[Mark]] = defaultdict(list)
    for mark in (mark for case in file.cases for mark in case.marks):
        if mark.applies_to(marked_as):
            marks_at[file.statement(mark.line)].append(mark)

    for statement in marks_at | said_at:
        marks, found = marks_at[statement], said_at[statement]
        for problem in _missed(checker, file, marks, found):
            yield statement, problem
        if not marks or checker.name in _COUNTED:
            for one in _unmarked(marks, found):
                yield statement, _unexpected(checker, file, one)


def _missed(
    checker: Checker, file: CaseFile, marks: list[Mark], found: list[Diagnostic]
) -> Iterator[Problem]:
    got = "; ".join(map(str, found)) or "none"
    for mark in marks:
        if not any(mark.text in str(one) for one in found):
            expected = f"an error with {mark.text!r}" if mark.text else "an error"
            yield Problem("missed", file.path, mark.line, expected, got, checker.name)


def _unmarked(marks: list[Mark], found: list[Diagnostic]) -> list[Diagnostic]:
    """Return the errors that are left when each mark has taken one."""
    left = list(found)
    # A mark without a text takes any error: those with one choose first.
    for mark in sorted(marks, key=lambda mark: not mark.text):
        taken = next((one for one in left if mark.text in str(one)), None)
        if taken is not None:
            left.remove(taken)
    return left


def _unexpected(checker: Checker, file: CaseFile, found: Diagnostic) -> Problem:
    outcome: Outcome = "other type" if checker.assert_type in str(found) else "false alarm"
    return Problem(outcome, file.path, found.line, "no error", str(found), checker.name)


@dataclass(frozen=True)
class Expected:
    """What the folders and gap files allow a checker to make of a case."""

    outcomes: tuple[str, ...]
    # Whether the marks say what it reports; else they say what it should report.
    as_marked: bool


def expectations(checker: str, files: list[CaseFile]) -> dict[str, Expected]:
    """For each case what is expected of a checker, by row and name."""
    known = {case: gap for gap in gaps(checker) for case in gap.cases}
    return {
        f"{file.row}: {case.name}": _expected(
            checker, file, case, known.get(f"{file.row}: {case.name}")
        )
        for file in files
        for case in file.cases
    }


def _expected(checker: str, file: CaseFile, case: Case, gap: Gap | None) -> Expected:
    # A gap that a later version has closed is no longer in the marks.
    lasting = gap is None or gap.closed_in is None
    as_marked = lasting and (checker in _ALWAYS_MARKED or case.names(checker))
    if file.folder == "plugin_only" and checker != _NORM:
        # Nobody but the plugin can know.
        return Expected(("false alarm", "other type", "missed"), as_marked)
    return Expected((gap.outcome if gap else "works",), as_marked)


def verdict(checker: str, result: Result, expected: Expected) -> str | None:
    """What is wrong with a result, or `None` when it is what the folders, gaps and marks say."""
    lines = [f"{checker}, case {result.key!r} in {result.file.path}"]
    if result.outcome not in expected.outcomes:
        if result.outcome == "works":
            lines.append(
                f"    passes, but is listed as a known gap ({', '.join(expected.outcomes)})"
            )
        elif expected.outcomes != ("works",):
            lines.append(f"    is a known gap with another outcome: {', '.join(expected.outcomes)}")
        lines += [f"    {problem}" for problem in result.problems]
    elif expected.as_marked and result.unmarked:
        lines.append(f"    fails as it is known to, but not as the marks say of {checker}")
        lines += [f"    {problem}" for problem in result.unmarked]
    else:
        return None
    return "\n".join(lines)
