"""What asgiref's types accept on a checker, ours accept on it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from typecheck_tests import against
from typecheck_tests.against import asgiref_outcomes, compared, listed, worse
from typecheck_tests.cases import CaseFile, load, read
from typecheck_tests.checkers import CHECKERS
from typecheck_tests.judge import Gap, Outcome
from typecheck_tests.page import MEASURED, counted


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the cases in PEP 695 syntax count")
@pytest.mark.skipif(
    "TYPECHECK_CHECKERS" in os.environ, reason="the comparison is for the checkers as pinned"
)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("checker", CHECKERS)
def test_asgiref_accepts_no_case_that_we_refuse(checker: str) -> None:
    """Its counts are those on the page, and where it accepts more, the list says why."""
    files = load()
    theirs = asgiref_outcomes(checker, files)
    assert sorted(listed(checker)) == sorted(worse(checker, files, theirs))
    assert json.loads(MEASURED.read_text(encoding="utf-8"))["asgiref"][checker] == counted(theirs)


@pytest.fixture
def files(tmp_path: Path) -> list[CaseFile]:
    for folder, name in (("partly", "overrides"), ("plugin_only", "attributes")):
        path = tmp_path / folder / f"{name}.py"
        path.parent.mkdir()
        path.write_text("# case: one\npass\n")
    return [read(path) for path in sorted(tmp_path.glob("*/*.py"))]


@pytest.mark.parametrize(
    ("checker", "ours", "override", "attribute", "expected"),
    [
        ("mypy-plugin", None, "works", "works", []),
        ("mypy-plugin", "missed", "works", "missed", []),
        ("mypy-plugin", "other type", "works", "works", ["overrides: one"]),
        ("mypy-plugin", "other type", "other type", "works", []),
        ("mypy-plugin", "false alarm", "other type", "works", ["overrides: one"]),
        ("mypy-plugin", "false alarm", "false alarm", "works", []),
        ("pyright", None, "works", "works", ["attributes: one"]),
        ("pyright", None, "works", "other type", []),
    ],
)
def test_what_counts_as_worse(
    files: list[CaseFile],
    monkeypatch: pytest.MonkeyPatch,
    *,
    checker: str,
    ours: Outcome | None,
    override: Outcome,
    attribute: Outcome,
    expected: list[str],
) -> None:
    """An error that is missed takes nothing from a right program; a wider type does."""
    known = [] if ours is None else [Gap("a cause", ours, "", ["overrides: one"])]
    monkeypatch.setattr(against, "gaps", lambda _: known)
    theirs = {"overrides: one": override, "attributes: one": attribute}
    assert expected == sorted(worse(checker, files, theirs))


def test_what_asgiref_has_not_is_not_compared() -> None:
    """The call form, and the mistakes that only a plugin finds."""
    rows = {file.row for file in compared(load())}
    assert {"functions", "attributes"} <= rows
    assert set() == {"call_form", "cancelling", "findings", "waiting"} & rows
