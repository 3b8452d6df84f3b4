"""What is found in source files."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a definition makes."""

    FUNCTION = "function"
    COROUTINE = "coroutine"
    CLASS = "class"


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class, and where it stands."""

    kind: Kind
    name: str
    qualified_name: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was parsed. ``seconds`` is processor time."""

    path: str
    lines: int
    seconds: float
    definitions: tuple[Definition, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or directory that is not in the index, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Tally:
    """How far a run has come. Changed on the event loop only; still there after Ctrl-C."""

    found: int = 0
    parsed: int = 0
    skipped: list[Skipped] = field(default_factory=list[Skipped])


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals over the whole index."""

    files: int
    lines: int
    functions: int
    coroutines: int
    classes: int
