"""What each call was to do, and what became of it."""

from __future__ import annotations

import asyncio
import enum
import threading
from collections import Counter
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class Fate(enum.IntEnum):
    """What is to become of a call."""

    RETURN = 0
    RAISE = 1
    CANCEL = 2


class OwnError(Exception):
    """What a call raises that is to raise; it carries its ticket."""


SEEN: ContextVar[int] = ContextVar("seen", default=-1)
"""The ticket of the last call that was made in a context."""

SPREAD: Final = 7919
"""A prime: the fates of neighbours are unlike, and a seed moves them all."""


class Ledger:
    """Counts how often the function of each call ran, and what its caller got.

    :param size: how many calls there will be; each has a ticket, from 0 on.
    :param seed: moves the calls that raise and that are cancelled, one in a hundred each.
    """

    def __init__(self, size: int, seed: int) -> None:
        # Nobody else writes to a call's place: no lock is needed.
        self.ran = bytearray(size)
        self.answered = bytearray(size)
        self.faults: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self._seed = seed
        self._lock = threading.Lock()

    def fate(self, ticket: int) -> Fate:
        """What is to become of the call."""
        place = (ticket * SPREAD + self._seed) % 200
        return Fate.RAISE if place < 2 else Fate.CANCEL if place < 4 else Fate.RETURN

    # -- what calls do ---------------------------------------------------------------------------

    def work(self, ticket: int = -1) -> int:
        """Run once, and return or raise (a sync function)."""
        if ticket < 0:  # nobody would hear of the TypeError if the call was cancelled
            self.faults.append("a function ran without its argument")
        self.ran[ticket] += 1
        SEEN.set(ticket)
        if self.fate(ticket) is Fate.RAISE:
            raise OwnError(ticket)
        return ticket

    async def work_async(self, ticket: int) -> int:
        """As `work`; one that is to be cancelled cancels itself."""
        if self.fate(ticket) is Fate.CANCEL:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        return self.work(ticket)

    # -- what callers say ------------------------------------------------------------------------

    def settle(self, style: str, ticket: int, outcome: Callable[[], object]) -> None:
        """Note how a call ended for its caller.

        :param outcome: returns or raises as the call did.
        """
        self.answered[ticket] += 1
        fate, wrong = self.fate(ticket), ""
        try:
            value = outcome()
        except OwnError as error:
            ended = "raised"
            if fate is not Fate.RAISE or error.args != (ticket,):
                wrong = f"raised {error!r}"
        except asyncio.CancelledError:
            ended = "cancelled"
            if fate is not Fate.CANCEL:
                wrong = "was cancelled"
        except BaseException as error:
            ended, wrong = "failed", f"raised {error!r}"
        else:
            # One that was to be cancelled may have been faster.
            ended = "returned"
            if fate is Fate.RAISE or value != ticket:
                wrong = f"returned {value!r}"
        if not wrong and ended != "cancelled" and self.ran[ticket] != 1:
            wrong = f"{ended} after {self.ran[ticket]} runs"
        with self._lock:
            self.outcomes[ended] += 1
            if wrong:
                self.faults.append(f"{style}, call {ticket}, which was to {fate.name}: {wrong}")

    def check(self) -> list[str]:
        """All that went wrong. Asked when every call is over."""
        lost = self.answered.count(0)
        twice = [
            f"call {ticket} ran {runs} times" for ticket, runs in enumerate(self.ran) if runs > 1
        ]
        found = [*self.faults, *twice]
        return [*found, f"{lost} calls have no outcome"] if lost else found
