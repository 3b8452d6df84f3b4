"""Programs in which a bridge may go wrong: none does. The table of docs/proof.md says it of others, too."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from faults.__main__ import OURS, outcome
from faults.programs import PROGRAMS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "proof.md"


@pytest.mark.plain
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_works(name: str) -> None:
    """In a process of its own, without the other library."""
    if name == "late_tracer" and sys.version_info < (3, 12):
        pytest.skip("there is no settrace_all_threads")
    assert "works" == outcome(name, OURS)


def test_the_table_has_every_program() -> None:
    """The page was made with the programs that there are, and says that they work."""
    rows = re.findall(r"^\| (.*?) \|.*\| (\w+) \|$", PAGE.read_text(), re.MULTILINE)
    assert [(each.title, "works") for each in PROGRAMS.values()] == rows[-len(PROGRAMS) :]
