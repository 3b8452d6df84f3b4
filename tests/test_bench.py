"""The benchmark works: every row, the record, the table and the page. No figure is judged."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from conftest import unmeasured

from bench import page
from bench.model import Aim
from bench.record import Record, RowRecord
from bench.report import verdict
from bench.rows import all_rows, select
from bench.runner import Settings, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model import Row

ROOT = Path(__file__).resolve().parent.parent

# One run feeds most tests here; it starts about thirty processes of its own.
pytestmark = [pytest.mark.plain, pytest.mark.timeout(300)]


class SmokeRun(NamedTuple):
    """What ``python -m bench --quick`` left behind."""

    output: str
    record: dict[str, Any]
    page: Path


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark's command line."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> SmokeRun:
    """All rows once, with few calls."""
    folder = tmp_path_factory.mktemp("bench")
    record, written = folder / "record.json", folder / "performance.md"
    done = bench("--quick", "--no-pin", "--json", str(record), "--page", str(written))
    assert (0, []) == (
        done.returncode,
        [line for line in done.stderr.splitlines() if line.startswith("failed")],
    ), done.stderr
    return SmokeRun(done.stdout, json.loads(record.read_text()), written)


def quick_rows() -> list[Row]:
    return [row for row in all_rows() if row.quick]


def test_every_row_is_measured(smoke: SmokeRun) -> None:
    """A smoke run has a figure for every contestant of every row that is quick enough."""
    expected = {row.name: sorted(row.entries) for row in quick_rows()}

    assert expected == {row["name"]: sorted(row["values"]) for row in smoke.record["rows"]}


def test_figures_are_numbers(smoke: SmokeRun) -> None:
    """Each contestant has one finite figure a round."""
    odd = {
        (row["name"], name): values
        for row in smoke.record["rows"]
        for name, values in row["values"].items()
        if len(values) != 1 or not math.isfinite(values[0])
    }

    assert {} == odd


def test_typedbridge_stands_in_every_row(smoke: SmokeRun) -> None:
    """No row leaves out what the benchmark is for; the pieces belong to no library."""
    without = [row["name"] for row in smoke.record["rows"] if "typedbridge" not in row["values"]]

    assert ["parts"] == without


def test_record_names_no_place(smoke: SmokeRun) -> None:
    """The record and the page tell the machine's kind, not its name or its folders."""
    text = json.dumps(smoke.record) + smoke.page.read_text()

    assert {"cpu", "cores", "system", "pinned"} == set(smoke.record["machine"])
    assert str(ROOT) not in text
    assert sys.prefix not in text


def test_table_shows_every_row(smoke: SmokeRun) -> None:
    """The printed table has a heading for each row."""
    missing = [row.name for row in quick_rows() if f"\n{row.name}: {row.title}" not in smoke.output]

    assert [] == missing


def test_page_has_its_pictures(smoke: SmokeRun) -> None:
    """Each picture that the page shows is a file beside it, and none is left over."""
    shown = set(re.findall(r"\]\((performance/[^)]+\.svg)\)", smoke.page.read_text()))
    drawn = {f"performance/{file.name}" for file in smoke.page.parent.glob("performance/*.svg")}

    assert drawn == shown
    assert bool(importlib.util.find_spec("matplotlib")) == bool(shown)


def test_page_is_made_from_a_record(smoke: SmokeRun, tmp_path: Path) -> None:
    """The page can be written again from the record alone, letter for letter."""
    record = tmp_path / "record.json"
    record.write_text(json.dumps(smoke.record))
    again = tmp_path / "performance.md"

    page.write(Record.load(record), [], again)

    assert smoke.page.read_text() == again.read_text()


class Recorder:
    """A progress that remembers the order of steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, row: str, contestant: str) -> None:
        self.steps.append(contestant)


def test_contestants_take_turns() -> None:
    """Every round asks each contestant once, and begins with another one."""
    (row,) = select(["local-get"])
    progress = Recorder()
    names = list(row.entries)

    run([row], Settings(rounds=2, calls=10), progress)

    assert [*names, *names[1:], names[0]] == progress.steps


def test_failure_is_reported_not_hidden() -> None:
    """A contestant that raises is left out with its error; the others go on."""
    (row,) = select(["local-get"])

    def broken() -> Iterator[None]:
        raise LookupError("gone")

    row.entries["broken"] = broken  # type: ignore[index]  # a mapping of ours, open to this test
    (found,) = run([row], Settings(quick=True, rounds=1), Recorder())

    assert {"broken": "LookupError: gone"} == found.errors
    assert sorted({*row.entries} - {"broken"}) == sorted(found.values)


def test_unknown_row_is_refused() -> None:
    """A name that matches no row is told and ends with status 2."""
    done = bench("--rows", "no-such-row")

    assert (2, "no row is called 'no-such-row'; --list shows them\n") == (
        done.returncode,
        done.stderr,
    )


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        (Aim(2.0), True),
        (Aim(1.9), False),
        (Aim(0.5, against="asgiref"), True),
        (Aim(0.4, against="asgiref"), False),
        (Aim(20.0, against=None), True),
        (Aim(19.0, against=None, asgiref=1.0), False),
    ],
)
def test_aim_is_judged_by_what_it_is_against(aim: Aim, met: bool) -> None:
    """A limit counts against the base, against another contestant, or as it stands."""
    row = RowRecord("r", "R", "g", "us", 1, "barest", aim=aim)
    row.values = {"barest": [10.0], "asgiref": [40.0], "typedbridge": [20.0]}

    assert met == row.met("typedbridge")


def test_limit_is_also_told_at_asgirefs_pace() -> None:
    """Where asgiref takes twice as long as where a limit was set, the limit doubles beside it."""
    row = RowRecord("r", "R", "g", "us", 1, "barest", aim=Aim(10.0, against=None, asgiref=20.0))
    row.values = {"asgiref": [40.0], "typedbridge": [20.0]}

    assert "10.0 us: missed; at asgiref's pace here 20.0 us: met" == verdict(row)
