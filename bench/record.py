"""What one run found, as written to JSON and read back: figures, machine, versions, settings."""

from __future__ import annotations

import json
import os
import platform
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Self

from bench import peers
from bench.model import ASGIREF, Aim, Question, Row

SCHEMA = 2


@dataclass
class RowRecord(Question):
    """The figures of one row: a list with one figure a round for each contestant."""

    values: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row, calls: int) -> Self:
        asked = {each.name: getattr(row, each.name) for each in fields(Question)}
        return cls(**{**asked, "calls": calls})

    @classmethod
    # Any: parsed JSON.
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "aim": data["aim"] and Aim(**data["aim"])})

    def median(self, contestant: str) -> float | None:
        values = self.values.get(contestant)
        return median(values) if values else None

    def spread(self, contestant: str) -> float:
        """The middle half of the rounds, as a part of the median."""
        values = self.values[contestant]
        middle = median(values)
        if len(values) < 3 or not middle:
            return 0.0
        low, _, high = quantiles(values, n=4)
        return abs((high - low) / middle)

    def ratio(self, contestant: str, against: str | None = None) -> float | None:
        """The median, with that of *against* (the base by default) as 1.0."""
        mine, base = self.median(contestant), self.median(against or self.base)
        return mine / base if mine is not None and base else None

    def paced_limit(self) -> float | None:
        """A limit in units, carried over to this machine by asgiref's pace then and now."""
        now = self.median(ASGIREF)
        if self.aim is None or not self.aim.asgiref or now is None:
            return None
        return self.aim.limit * now / self.aim.asgiref

    def aimed(self, contestant: str) -> float | None:
        """The figure that the aim limits: a ratio, or the median itself."""
        if self.aim is None:
            return None
        if self.aim.against is None:
            return self.median(contestant)
        return self.ratio(contestant, self.aim.against)

    def met(self, contestant: str) -> bool | None:
        """Tell whether the aim is met; ``None`` where there is none, or no figure."""
        figure = self.aimed(contestant)
        return None if figure is None or self.aim is None else figure <= self.aim.limit


@dataclass
class Record:
    """One run on one interpreter."""

    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    settings: dict[str, str]
    rows: list[RowRecord]
    schema: int = SCHEMA

    def row(self, name: str) -> RowRecord | None:
        return next((row for row in self.rows if row.name == name), None)

    def failed(self) -> list[str]:
        """One line for each contestant that raised."""
        return [
            f"{row.name}, {name}: {error}"
            for row in self.rows
            for name, error in row.errors.items()
        ]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        :raises ValueError: when another version of the benchmark wrote it.
        """
        data = json.loads(path.read_text())
        if data.get("schema") != SCHEMA:
            message = f"{path}: not a record of this benchmark (schema {SCHEMA})"
            raise ValueError(message)
        rows = [RowRecord.from_json(row) for row in data.pop("rows")]
        return cls(rows=rows, **data)


def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine(pinned: int | None) -> dict[str, str]:
    """The machine in general words: no host name, no path."""
    return {
        "cpu": cpu_model(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "pinned": "no" if pinned is None else "one core",
    }


def versions() -> dict[str, str]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        python += " without the GIL"
    # Half as fast again, or not: most distributions build with it, pyenv by default does not.
    if "--enable-optimizations" not in str(sysconfig.get_config_var("CONFIG_ARGS")):
        python += ", built without profile-guided optimisation"
    return {"python": python, **peers.versions()}


def made(rows: list[RowRecord], pinned: int | None, settings: Mapping[str, object]) -> Record:
    """A record of now and here."""
    return Record(
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(pinned),
        versions=versions(),
        settings={name: str(value) for name, value in settings.items()},
        rows=rows,
    )
