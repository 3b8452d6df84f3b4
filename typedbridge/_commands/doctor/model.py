"""What an examination comes to: a verdict on each thing, and what to do about it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """How a thing stands; the command fails if anything is wrong."""

    OK = "ok"
    NOTE = "note"
    """Good to know: right for some and wrong for others."""
    WARNING = "warning"
    """It works, and something is lost."""
    WRONG = "wrong"
    """It does not work, or not as somebody meant it to."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``advice`` is what to do, where there is something to do."""

    name: str
    verdict: Verdict
    found: str
    advice: str | None = None
