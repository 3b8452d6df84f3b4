"""The watch over what waits: asleep while nothing does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["awake", "rouse"]

#: Whether somebody watches. Whoever queues a job behind another one looks here, and rouses the
#: watch if it sleeps: one look, where a time for each call would cost ten times as much.
awake = True


def _nobody() -> None:
    """Do nothing: the watch is set up when the library has been imported."""


rouse: Callable[[], None] = _nobody
