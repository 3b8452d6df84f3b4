"""A process that runs programs with one library: ``python -m fuzz.worker PACKAGE LIMIT``.

It reads a program from each line of its input, as JSON, and answers with a line.
"""

from __future__ import annotations

import json
import sys
import warnings

from parity import library

from fuzz.machine import outcome


def main() -> None:
    package, limit = sys.argv[1:]
    library.LIMIT = float(limit)  # type: ignore[misc]  # the other programs have more time
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(outcome(json.loads(line), package)), flush=True)


if __name__ == "__main__":
    main()
