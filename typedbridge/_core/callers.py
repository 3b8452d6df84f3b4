"""Who called us? The first frame outside of the library, for error messages and warnings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["caller", "caller_level", "is_ours"]

_PACKAGE = __name__.partition(".")[0]


def caller() -> FrameType:
    """Return the frame that called into the library."""
    return _way_out()[0]


def caller_level() -> int:
    """Return the `stacklevel` of that frame for a warning given by the function that asks."""
    return _way_out()[1] - 1


def _way_out() -> tuple[FrameType, int]:
    """Return the first frame outside of the library, and its level seen from the frame below ours."""
    frame, level = sys._getframe(1), 1  # pyright: ignore[reportPrivateUsage]  # no public name
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
        level += 1
    return frame, level


def is_ours(frame: FrameType) -> bool:
    """Tell whether a frame is the library's."""
    name: object = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] == _PACKAGE
