"""Does somebody watch over what waits?

Whoever queues a job behind another one looks at `awake`, and rouses the watch if it sleeps: one look,
where to note a time for each call would cost several times as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["awake", "rouse"]

#: Whether the watch looks from time to time. It sleeps while nothing waits.
awake = False


def _nobody() -> None:
    """Do nothing: `watch` has not been imported."""


#: Wakes the watch, and starts it the first time.
rouse: Callable[[], None] = _nobody
