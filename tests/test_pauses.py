"""Races are widened: a pause before each statement of a hand-over, one statement at a time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest
from conftest import unmeasured
from pauses.__main__ import Pauses

TESTS: Final = Path(__file__).parent

HAND_OVERS: Final = (
    *("workers", "pool", "mailbox", "current_thread", "jobs"),
    *("call", "frames", "loops", "spares", "to_sync", "contexts"),
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("module", HAND_OVERS)
def test_nothing_is_lost_where_threads_pause(module: str) -> None:
    """Whichever statement of a module takes long, each call has its outcome, and runs once."""
    done = subprocess.run(
        [sys.executable, "-m", "pauses", module, "1"],
        cwd=TESTS,
        # Few workers: jobs have to wait for one, too.
        env={**unmeasured(), "ASGI_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr[-5000:]
    found = re.fullmatch(r"(\d+) pauses in (\d+) places\n", done.stdout)
    assert found is not None
    assert all(int(number) > 5 for number in found.groups())


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("pauses.__main__.time", SimpleNamespace(sleep=made.append))
    return made


def test_only_one_statement_pauses(slept: list[float]) -> None:
    """And not at every pass: of two threads that are there at once, one has to come first."""
    pauses = Pauses(seed=1)
    pauses.begin("line 1")
    for _ in range(20):
        pauses("line 2")
    assert [] == slept

    for _ in range(20):
        pauses("line 1")
    assert 0 < len(slept) < 20
