"""What a file is turned into: where words are replaced, and what is left for a person."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Reason(enum.StrEnum):
    """Why something is left for a person; printed with each place, and explained in docs/migrating.md."""

    PRIVATE = "private-name"
    MISSING = "missing-name"
    STAR = "star-import"
    MIXED = "mixed-import"
    DYNAMIC = "dynamic"
    GENERATOR = "generator"
    DESCRIPTOR = "descriptor"
    EXECUTOR = "executor"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that needs a person. Line and column count from 1; a line is 0 for the whole file."""

    line: int
    column: int
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The word ``asgiref`` at an offset (bytes of the text in UTF-8), and what takes its place."""

    start: int
    new: str = "typedbridge"


@dataclass(slots=True)
class Rewritten:
    """A text after the edits that are certain."""

    text: str
    edits: list[Edit] = field(default_factory=list[Edit])
    findings: list[Finding] = field(default_factory=list[Finding])
