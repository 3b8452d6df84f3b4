"""Where does an error go that nobody awaits? To `sys.unraisablehook`, as one in a finalizer."""

from __future__ import annotations

import sys

__all__ = ["unraisable"]


class _Report:
    """What the hook is told."""

    def __init__(self, error: BaseException, message: str) -> None:
        self.exc_type = type(error)
        self.exc_value = error
        self.exc_traceback = error.__traceback__
        self.err_msg = message
        self.object = None


def unraisable(error: BaseException, message: str) -> None:
    """Report an error.

    :param message: in whose place it is: what was being done.
    """
    sys.unraisablehook(_Report(error, message))  # type: ignore[arg-type]  # its own class cannot be made
