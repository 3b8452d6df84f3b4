"""Very many calls in all styles: a short run, and proof that a long one would notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import unmeasured
from soak.ledger import Fate, Ledger, OwnError
from soak.run import ALLOWED, Soak
from soak.styles import FROM_LOOPS, FROM_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).parent
CALLS = 4000


def test_nothing_is_lost_run_twice_or_kept() -> None:
    """Thousands of calls, with exceptions and cancellations, leave the process as it was."""
    done = subprocess.run(
        [sys.executable, "-m", "soak", "--calls", str(CALLS), "--rounds", "8", "--seed", "3"],
        cwd=TESTS,
        # coverage keeps more and more objects itself.
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert done.stdout.startswith(f"seed 3: {CALLS:,} calls")


def test_there_are_styles_of_both_kinds() -> None:
    """A list that went empty would make the run prove nothing."""
    assert len(set(FROM_LOOPS)) >= 12
    assert len(set(FROM_THREADS)) >= 6


def ticket_to(ledger: Ledger, fate: Fate) -> int:
    return next(ticket for ticket in range(200) if ledger.fate(ticket) is fate)


def returns(value: object) -> Callable[[], object]:
    return lambda: value


def raises(error: BaseException) -> Callable[[], object]:
    def outcome() -> object:
        raise error

    return outcome


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(200, seed=0)


@pytest.mark.parametrize("fate", [Fate.RAISE, Fate.CANCEL])
def test_one_call_in_a_hundred_raises_and_one_is_cancelled(ledger: Ledger, fate: Fate) -> None:
    """Whatever the seed."""
    assert 2 == sum(ledger.fate(ticket) is fate for ticket in range(200))


def test_a_call_that_ends_as_it_should_is_no_fault(ledger: Ledger) -> None:
    """A result, an error of its own, a cancellation; one that was cancelled too late."""
    for ticket in range(200):
        if ledger.fate(ticket) is Fate.RAISE:
            with pytest.raises(OwnError):
                ledger.work(ticket)
            ledger.settle("style", ticket, raises(OwnError(ticket)))
        else:
            ledger.settle("style", ticket, returns(ledger.work(ticket)))
    assert [] == ledger.check()


@pytest.mark.parametrize(
    ("fate", "outcome", "fault"),
    [
        (Fate.RETURN, returns(-1), "returned -1"),
        (Fate.RETURN, raises(OwnError(7)), "raised OwnError(7)"),
        (Fate.RAISE, raises(OwnError(-1)), "raised OwnError(-1)"),
        (Fate.RETURN, raises(LookupError()), "raised LookupError()"),
    ],
)
def test_an_outcome_of_another_call_is_a_fault(
    ledger: Ledger, fate: Fate, outcome: Callable[[], object], fault: str
) -> None:
    """Neither values nor errors may be mixed up."""
    ticket = ticket_to(ledger, fate)
    ledger.settle("style", ticket, outcome)
    assert [f"style, call {ticket}, which was to {fate.name}: {fault}"] == ledger.faults


def test_a_result_without_a_run_is_a_fault(ledger: Ledger) -> None:
    """A call cannot have an outcome if its function has not run."""
    ticket = ticket_to(ledger, Fate.RETURN)
    ledger.settle("style", ticket, returns(ticket))
    assert [f"style, call {ticket}, which was to RETURN: returned after 0 runs"] == ledger.faults


def test_a_call_that_is_lost_or_runs_twice_is_found_at_the_end(ledger: Ledger) -> None:
    """Also when nobody waits for it any more."""
    ticket = ticket_to(ledger, Fate.RETURN)
    ledger.work(ticket)
    ledger.work(ticket)
    assert [f"call {ticket} ran 2 times", "200 calls have no outcome"] == ledger.check()


@pytest.mark.parametrize("what", sorted(ALLOWED))
def test_what_grows_is_found(what: str) -> None:
    """Between the second quarter of the rounds and the last one, beyond the noise."""
    soak = Soak(calls=8, rounds=8, seed=0)
    level = dict.fromkeys(ALLOWED, 1000)
    soak.samples = [level] * 7
    assert [] == soak.growth()

    soak.samples = [level] * 6 + [{**level, what: 1001 + ALLOWED[what]}] * 2
    assert [f"{what} grew from 1,000 to {1001 + ALLOWED[what]:,}"] == soak.growth()
