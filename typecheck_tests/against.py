"""The same cases with asgiref in typedbridge's place: what it does, and where it accepts more."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typecheck_tests.cases import CaseFile
from typecheck_tests.checkers import CHECKERS
from typecheck_tests.judge import GAPS, Outcome, check, gaps

__all__ = ["LIST", "More", "asgiref_outcomes", "compared", "every_more", "listed", "worse"]

# What cannot be met, each with its reason; the tests hold it to the letter.
LIST: Final[Path] = GAPS / "asgiref_accepts.toml"

# asgiref has none of these, and nothing that finds mistakes.
_NOT_IN_ASGIREF: Final = (
    *("call_form", "cancelling", "findings", "observing", "waiting"),
    *("managers", "stream_findings", "stream_methods", "streams"),
)

# How much of a program is lost. An error that is missed costs nothing that was right.
_COST: Final[dict[str, int]] = {"works": 0, "missed": 0, "other type": 1, "false alarm": 2}


@dataclass(frozen=True)
class More:
    """Cases that asgiref's types accept and ours do not, and why that is so."""

    note: str
    checkers: list[str]
    cases: list[str]


def every_more() -> list[More]:
    """The whole list."""
    with LIST.open("rb") as stream:
        return [More(**entry) for entry in tomllib.load(stream)["more"]]


def listed(checker: str) -> list[str]:
    """The cases that the list has for a checker."""
    return [case for more in every_more() if checker in more.checkers for case in more.cases]


def compared(files: list[CaseFile]) -> list[CaseFile]:
    """The files that are also run against asgiref."""
    return [file for file in files if file.row not in _NOT_IN_ASGIREF]


def asgiref_outcomes(checker: str, files: list[CaseFile]) -> dict[str, Outcome]:
    """What one checker makes of the same cases with asgiref in typedbridge's place."""
    results = check(CHECKERS[checker], compared(files), "asgiref")
    return {result.key: result.outcome for result in results}


def worse(checker: str, files: list[CaseFile], theirs: dict[str, Outcome]) -> set[str]:
    """The cases of which a checker refuses more, or knows less, with our types than with asgiref's.

    What it makes of ours is in the folders and gap files, which the tests hold it to.
    """
    known = {case: gap.outcome for gap in gaps(checker) for case in gap.cases}
    found: set[str] = set()
    for file in compared(files):
        for case in file.cases:
            key = f"{file.row}: {case.name}"
            if file.folder == "plugin_only" and checker != "mypy-plugin":
                if theirs[key] == "works":
                    found.add(key)
            elif _COST[known.get(key, "works")] > _COST[theirs[key]]:
                found.add(key)
    return found
