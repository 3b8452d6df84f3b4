"""Very many calls while one statement of the library at a time takes long.

A program ``python -m pauses MODULE SEED`` imports the library so that every statement in the
functions of one module can pause, sets the shortest switch interval, and makes calls in all the
styles of `soak`: for each statement in turn, a round in which every second pass of it pauses. What is
lost, run twice or mixed up then is told, and what hangs ends the program with all stacks.
"""

from __future__ import annotations

import faulthandler
import random
import sys
import time
from typing import Final

from pauses.inserted import install

PAUSE: Final = 0.001
"""Seconds: as long as dozens of hand-overs."""

MOST: Final = 30
"""Pauses in one round."""

CALLS: Final = 160
"""In one round."""

PATIENCE: Final = 20
"""Seconds for one round."""


class Pauses:
    """Which statement pauses now."""

    def __init__(self, seed: int) -> None:
        self.made = 0
        self._random = random.Random(seed)
        self._place = ""
        self._left = 0

    def begin(self, place: str) -> None:
        """Have this statement pause, and no other."""
        self._left = MOST
        self._place = place

    def __call__(self, place: str) -> None:
        """Pause, or go on."""
        # Not always: one of two threads that are there at once has to come first.
        if place == self._place and self._left > 0 and self._random.random() < 0.5:
            self._left -= 1
            self.made += 1
            time.sleep(PAUSE)


def main() -> int:
    module, seed = sys.argv[1], int(sys.argv[2])
    pauses = Pauses(seed)
    places = install(module, pauses)
    sys.setswitchinterval(1e-6)
    # Loads the module, and so finds the places.
    from soak.run import Soak

    soak = Soak(CALLS * len(places), len(places), seed, patience=PATIENCE)

    def begin(done: int) -> None:
        if done < len(places):
            pauses.begin(places[done])
            print(places[done], file=sys.stderr, flush=True)

    begin(0)
    soak.run(begin)
    faulthandler.dump_traceback_later(PATIENCE, exit=True)  # the interpreter's exit waits too
    wrong = soak.ledger.check()
    print(f"{pauses.made} pauses in {len(places)} places")
    for line in wrong:
        print(f"wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
