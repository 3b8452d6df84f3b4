"""The command line: ``make fuzz``."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, seed, settings

from fuzz.compare import Comparison
from fuzz.programs import programs

if TYPE_CHECKING:
    from fuzz.programs import Steps


def main() -> int:
    """Run programs until one differs, which is then made smaller; print how many were equal."""
    parser = argparse.ArgumentParser(
        prog="fuzz", description="Run generated programs through both libraries."
    )
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    start = time.perf_counter()
    with Comparison() as comparison:

        @settings(
            max_examples=options.programs,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @seed(options.seed)
        @given(programs())
        def check(program: Steps) -> None:
            comparison.check(program)

        try:
            check()
        except AssertionError as error:
            print(error)
            status = 1
        except KeyboardInterrupt:  # what was compared until then is told
            status = 0
        else:
            status = 0
    seconds = time.perf_counter() - start
    counted = ", ".join(f"{number:,} {name}" for name, number in comparison.count.most_common())
    print(
        f"seed {options.seed}: {comparison.count.total():,} programs in {seconds:.0f} s: {counted}"
    )
    return status


if __name__ == "__main__":
    sys.exit(main())
