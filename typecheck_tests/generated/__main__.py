"""Generate programs and look for those that mypy is wrong about.

Of faults of one kind the first is shown, as small as it gets. Exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from typing import Final

from typecheck_tests.generated.oracle import Fault, Judge
from typecheck_tests.generated.programs import HEAD
from typecheck_tests.generated.search import Search, kind

# Programs of one seed. More of them tell hypothesis nothing new, and take ever longer to draw.
_ROUND: Final = 1000


def _show(source: str, fault: Fault) -> None:
    print(f"{fault}\n")
    for number, line in enumerate(source.splitlines(), 1):
        if number > len(HEAD):
            print(f"{number:4}  {line}")
    print(flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m typecheck_tests.generated", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--examples", type=int, default=500, help="how many programs")
    parser.add_argument(
        "--seed", type=int, help="draw the programs of this seed (default: new ones)"
    )
    parser.add_argument("--as-drawn", action="store_true", help="do not make them smaller")
    options = parser.parse_args()
    number = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    started = time.perf_counter()
    counts: Counter[str] = Counter()
    judged = faulty = 0
    with Judge() as judge:
        for start in range(0, options.examples, _ROUND):
            search = Search(judge, min(_ROUND, options.examples - start), number + start)
            for source, faults in search.run():
                faulty += 1
                for fault in faults:
                    counts[kind(fault)] += 1
                    if counts[kind(fault)] == 1:
                        _report(search, source, fault, shrink=not options.as_drawn)
            judged += len(search.verdicts)
    for found, count in counts.most_common():
        print(f"{count:5}  {found}")
    seconds = time.perf_counter() - started
    print(f"seed {number}: {judged} programs, {faulty} with faults, {seconds:.0f} s")
    return 1 if faulty else 0


def _report(search: Search, source: str, fault: Fault, *, shrink: bool) -> None:
    if shrink:
        source = search.smallest(kind(fault)) or source
        fault = next(one for one in search.verdicts[source] if kind(one) == kind(fault))
    _show(source, fault)


if __name__ == "__main__":
    sys.exit(main())
