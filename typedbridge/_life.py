"""Process life: what a fork and the interpreter's exit do to threads, loops and frames."""

from __future__ import annotations

import atexit
import os

from typedbridge import _carry, _frames, _loops, _mailbox, _workers

__all__: list[str] = []


def _forget() -> None:
    """Start a forked child without the parent's threads: they do not run there."""
    _carry.forget()
    _frames.forget()
    _loops.forget()
    _mailbox.forget()
    _workers.forget()


def _finish() -> None:
    """Let running work finish, then end the threads. Workers first: they may need a loop."""
    _workers.finish()
    _loops.finish()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)
atexit.register(_finish)
