"""Process life: what a fork and the interpreter's exit do to threads, loops and frames."""

from __future__ import annotations

import atexit
import os

from typedbridge._core import carry, frames, loops, mailbox, scope, spares, workers

__all__: list[str] = []


def _forget() -> None:
    """Start a forked child without the parent's threads: they do not run there."""
    carry.forget()
    frames.forget()
    loops.forget()
    mailbox.forget()
    scope.forget()
    spares.forget()
    workers.forget()


def _finish() -> None:
    """Let running work finish, then end the threads. Workers first: they may need a loop."""
    workers.finish()
    spares.finish()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)
atexit.register(_finish)
