"""Write docs/types.md from what the cases and gap files say; `python -m typecheck_tests.page`.

The tests hold every checker to the folders and gap files, so a page made from those tells what
the checkers really do. What cannot be read from them, the checkers' versions and the count for
asgiref, is kept in measured.json and compared by the tests as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from typecheck_tests.against import asgiref_outcomes, compared, every_more
from typecheck_tests.cases import ROWS, CaseFile, load
from typecheck_tests.checkers import CHECKERS, ROOT
from typecheck_tests.judge import Gap, Outcome, gaps

__all__ = ["MEASURED", "PAGE", "counted", "render", "versions"]

PAGE: Final = ROOT / "docs" / "types.md"
MEASURED: Final = Path(__file__).parent / "measured.json"

_HEAD: Final = """\
<!-- Made by `python -m typecheck_tests.page --write`; edit the cases or typecheck_tests/page.py. -->

# What the type checkers know

mypy with the plugin infers everything in the table below. The other checkers read the stubs alone;
what they miss is listed with its cause. The page is made from the test cases in
`typecheck_tests/`, which every checker must meet exactly: a case that starts to fail fails the
tests, and so does a listed gap that starts to work.

A case is a small program with `assert_type` and marks for the errors that must be reported.
It works if the checker reports those errors and no other.
"""

_NOTES: Final = """\
mypy and pyrefly type an `async def` as `Coroutine`, the other checkers as `CoroutineType`. The stubs give
each of them what it takes an `async def` for, so one may override the other on all of them.
"""


_COLUMNS: Final = """\
**Plugin only**: what a stub cannot say, the attributes of a bridge and the mistakes that the plugin
finds. **Error missed**: accepted where it should be refused. **Other type**: accepted, with a wider
type than could be known. **False alarm**: refused where it should be accepted.

The last three columns run the same cases with asgiref in typedbridge's place, without the rows that
asgiref has no counterpart for (the call form, the mistakes). With asgiref, mypy with plugin is mypy
alone: asgiref has no plugin.
"""


_NEXT_TO_ASGIREF: Final = """\
What asgiref's types accept on a checker, ours accept on it; a test compares the two, case by case.
The exceptions:
"""


_EDITORS: Final = """\
The stubs have no docstrings, and need none: pyright shows for a decorated function, method, class
method or twin the parameters with names and defaults and the docstring of the function itself, in
hover, signature help and completion; of an overloaded function it lists every overload. For the
decorators themselves it shows the docstrings of typedbridge's source. A test asks pyright's
language server all of this (`typecheck_tests/test_editors.py`).
"""


@dataclass(frozen=True)
class _Score:
    """How a checker does on one row, or on all."""

    outcomes: Counter[str]

    @property
    def cases(self) -> int:
        return self.outcomes.total()

    @property
    def works(self) -> int:
        return self.outcomes["works"]


def versions() -> dict[str, str]:
    """The installed version of each checker's package."""
    return {name: version(name.removesuffix("-plugin")) for name in CHECKERS}


def counted(outcomes: dict[str, Outcome]) -> dict[str, int]:
    """How often each outcome is there."""
    return dict(sorted(Counter(outcomes.values()).items()))


def _score(checker: str, files: list[CaseFile]) -> _Score:
    known = {case: gap.outcome for gap in gaps(checker) for case in gap.cases}
    outcomes: Counter[str] = Counter()
    for file in files:
        for case in file.cases:
            if file.folder == "plugin_only" and checker != "mypy-plugin":
                outcomes["plugin only"] += 1
            else:
                outcomes[known.get(f"{file.row}: {case.name}", "works")] += 1
    return _Score(outcomes)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _counts(files: list[CaseFile], measured: dict[str, dict[str, dict[str, int]]]) -> str:
    both = compared(files)
    rows: list[list[str]] = []
    for name, checker in CHECKERS.items():
        score, narrow = _score(name, files), _score(name, both)
        asgiref = Counter(measured["asgiref"][name])
        rows.append(
            [
                f"{checker.title} {measured['versions'][name]}",
                f"{score.works} of {score.cases}",
                str(score.outcomes["plugin only"] or ""),
                str(score.outcomes["missed"] or ""),
                str(score.outcomes["other type"] or ""),
                str(score.outcomes["false alarm"] or ""),
                f"{narrow.works} of {narrow.cases}",
                f"{asgiref['works']} of {asgiref.total()}",
                str(asgiref["false alarm"]),
            ]
        )
    head = [
        "checker",
        "cases that work",
        "plugin only",
        "error missed",
        "other type",
        "false alarm",
        "comparable cases that work",
        "with asgiref",
        "false alarms with asgiref",
    ]
    return _table(head, rows)


def _rows(files: list[CaseFile]) -> str:
    rows: list[list[str]] = []
    for row, title in ROWS.items():
        mine = [file for file in files if file.row == row]
        cells: list[str] = []
        for name in CHECKERS:
            score = _score(name, mine)
            missing = score.cases - score.works
            cells.append("all" if not missing else f"{score.works}" if score.works else "none")
        rows.append([title, str(_score("mypy-plugin", mine).cases), *cells])
    return _table(["", "cases", *(checker.title for checker in CHECKERS.values())], rows)


def _issue(gap: Gap) -> str:
    if "#" not in gap.issue:
        return "no issue found"
    repository, number = gap.issue.split("#")
    return f"[{gap.issue}](https://github.com/{repository}/issues/{number})"


def _gaps() -> str:
    parts: list[str] = []
    for name, checker in CHECKERS.items():
        # One line for a cause: it may cost an error here and a type there.
        causes: dict[tuple[str, str], Counter[str]] = {}
        for gap in gaps(name):
            causes.setdefault((gap.note, _issue(gap)), Counter())[gap.outcome] += len(gap.cases)
        lines = [
            f"- {note} ({', '.join(f'{outcome}: {count}' for outcome, count in costs.items())}; "
            f"{issue})\n"
            for (note, issue), costs in causes.items()
        ]
        parts.append(f"### {checker.title}\n\n" + ("".join(lines) or "None.\n"))
    return "\n".join(parts)


def _next_to_asgiref() -> str:
    cases = {
        (more.note, case): [
            checker.title for checker in CHECKERS.values() if checker.name in more.checkers
        ]
        for more in every_more()
        for case in more.cases
    }
    return "".join(
        f"- {case}, on {', '.join(checkers)}: {note}\n" for (note, case), checkers in cases.items()
    )


def render() -> str:
    """The page, from the cases, the gap files and measured.json."""
    files = load()
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    return "\n".join(
        [
            _HEAD,
            "## By what is decorated\n",
            "The number of cases that work, on mypy with the plugin and then on the stubs alone.\n",
            _rows(files),
            _NOTES,
            "## In numbers\n",
            _COLUMNS,
            _counts(files, measured),
            "## Next to asgiref\n",
            _NEXT_TO_ASGIREF,
            _next_to_asgiref(),
            "## In an editor\n",
            _EDITORS,
            "## Gaps\n",
            "Each with the number of cases it costs and the checker's own issue where there is one.\n",
            _gaps(),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m typecheck_tests.page", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page (default: print it)")
    parser.add_argument("--measure", action="store_true", help="run the cases against asgiref anew")
    options = parser.parse_args()
    files = load()
    if not any(file.needs_python_312 for file in files):
        parser.error("needs Python 3.12 or newer: the page counts cases in PEP 695 syntax")
    if options.measure or not MEASURED.exists():
        counts = {name: counted(asgiref_outcomes(name, files)) for name in CHECKERS}
        content = {"versions": versions(), "asgiref": counts}
        MEASURED.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(render(), encoding="utf-8")
    else:
        print(render(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
