"""Makes the calls, and looks at what the process holds after each round."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from soak.ledger import Fate, Ledger
from soak.styles import FROM_LOOPS, FROM_THREADS, Ways
from typedbridge import sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from soak.styles import Style

CLIENTS: Final = 4
"""Threads with an event loop, and as many without."""

IN_FLIGHT: Final = 40
"""Calls that one loop makes at once, at most."""

ALLOWED: Final = {"threads": 6, "descriptors": 18, "objects": 500, "kilobytes": 2000}
"""What may be more in the last quarter of the rounds than in the second: as many clients that are
on their way at once as never before."""

FILES: Final = Path("/proc/self/fd")
STATM: Final = Path("/proc/self/statm")


def holds() -> dict[str, int]:
    """What the process holds now; what the system does not tell is 0."""
    gc.collect()
    return {
        "threads": threading.active_count(),
        "descriptors": len(list(FILES.iterdir())) if FILES.exists() else 0,
        "objects": len(gc.get_objects()),
        "kilobytes": int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024
        if STATM.exists()
        else 0,
    }


@dataclass
class Soak:
    """One run.

    :param calls: in all, a multiple of the number of rounds.
    :param patience: seconds for one round: a call that hangs ends the process, and shows all stacks.
    """

    calls: int
    rounds: int
    seed: int
    patience: float = 120
    samples: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.calls, self.seed)

    def run(self, progress: Callable[[int], None] = lambda _: None) -> list[str]:
        """Make all calls.

        :returns: what went wrong.
        """
        ways = Ways(self.ledger)
        each = self.calls // self.rounds
        for number in range(self.rounds):
            faulthandler.dump_traceback_later(self.patience, exit=True)
            tickets = range(number * each, (number + 1) * each)
            shares = [tickets[place :: 2 * CLIENTS] for place in range(2 * CLIENTS)]
            with ThreadPoolExecutor(2 * CLIENTS) as clients:
                choices = [random.Random(f"{self.seed} {share.start}") for share in shares]
                ends = [
                    clients.submit(client, ways, choice, share)
                    for client, choice, share in zip(
                        [self.from_loop, self.from_thread] * CLIENTS, choices, shares, strict=True
                    )
                ]
                for end in ends:
                    end.result()
            self.samples.append(holds())
            progress(number + 1)
        asyncio.run(self.drained(ways))
        faulthandler.cancel_dump_traceback_later()
        return [*self.ledger.check(), *self.growth()]

    async def drained(self, ways: Ways) -> None:
        """Wait for functions that go on alone, since their calls were cancelled."""
        waiting = [asyncio.to_thread(ways.executor.shutdown), sync_to_async(int)()]
        waiting += [sync_to_async(int, thread_sensitive=False)() for _ in range(100)]
        await asyncio.gather(*waiting)

    def from_thread(self, ways: Ways, choice: random.Random, tickets: Iterable[int]) -> None:
        """Call one after another, from a thread without a loop."""
        for ticket in tickets:
            style = choice.choice(FROM_THREADS)
            self.ledger.settle(style.__name__, ticket, partial(style, ways, ticket))

    def from_loop(self, ways: Ways, choice: random.Random, tickets: range) -> None:
        """Call many at once, from an event loop."""

        async def main() -> None:
            place = 0
            while place < len(tickets):
                size = choice.randint(1, IN_FLIGHT)
                calls = [
                    self.call(ways, choice, choice.choice(FROM_LOOPS), ticket)
                    for ticket in tickets[place : place + size]
                ]
                await asyncio.gather(*calls)
                place += size

        asyncio.run(main())

    async def call(self, ways: Ways, choice: random.Random, style: Style, ticket: int) -> None:
        """One call; one that is to be cancelled is, after a few turns of the loop."""
        task = asyncio.ensure_future(style(ways, ticket))
        if self.ledger.fate(ticket) is Fate.CANCEL:
            for _ in range(choice.randint(0, 4)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait({task})
        self.ledger.settle(style.__name__, ticket, task.result)

    def growth(self) -> list[str]:
        """What the process holds more of, late, than it did early."""
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return [
            f"{what} grew from {before:,.0f} to {after:,.0f}"
            for what, allowed in ALLOWED.items()
            if (after := median(sample[what] for sample in late))
            - (before := median(sample[what] for sample in early))
            > allowed
        ]
