"""Run the cases from the command line; see README.md in this folder."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Final

from typecheck_tests.against import compared
from typecheck_tests.cases import CaseFile, load
from typecheck_tests.checkers import CHECKERS
from typecheck_tests.judge import Result, check, expectations, verdict

_OURS: Final = "typedbridge"


def _report(checker: str, files: list[CaseFile], results: list[Result], *, known: bool) -> int:
    expected = expectations(checker, files)
    wrong = 0
    for result in results:
        problem = verdict(checker, result, expected[result.key])
        if problem is not None:
            wrong += 1
            print(problem)
        elif known and result.problems:
            print(f"{checker}, case {result.key!r}: {result.outcome}")
            print("\n".join(f"    {one}" for one in result.problems))
    return wrong


def _summary(checker: str, results: list[Result], package: str) -> str:
    counts: Counter[str] = Counter()
    for one in results:
        by_design = package == _OURS and one.problems and one.file.folder == "plugin_only"
        counts["plugin only" if by_design else one.outcome] += 1
    works = counts.pop("works", 0)
    rest = ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items()))
    return f"{checker}: {works} of {len(results)} cases work" + (f" ({rest})" if rest else "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m typecheck_tests", description=__doc__)
    parser.add_argument("--checker", action="append", choices=CHECKERS, help="only these")
    parser.add_argument("--case", default="", help="only cases with this in `row: name`")
    parser.add_argument("--all", action="store_true", help="show known gaps as well")
    parser.add_argument(
        "--against",
        default=_OURS,
        metavar="PACKAGE",
        help="put another package in typedbridge's place and count what works",
    )
    options = parser.parse_args()
    files = load() if options.against == _OURS else compared(load())
    wrong = 0
    for name in options.checker or CHECKERS:
        started = time.perf_counter()
        results = [
            result
            for result in check(CHECKERS[name], files, options.against)
            if options.case in result.key
        ]
        if options.against == _OURS:
            wrong += _report(name, files, results, known=options.all)
        seconds = time.perf_counter() - started
        print(f"{_summary(name, results, options.against)}, {seconds:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
