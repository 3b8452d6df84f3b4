"""A signal that asks for a diagnosis."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from typedbridge._core.green import SimpleQueue
from typedbridge._core.workers import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["reporter"]


class _Reporter:
    """Writes what is asked for by a signal, in a thread of its own.

    A handler interrupts the main thread anywhere, perhaps with a lock that the answer needs. To put something
    into a `SimpleQueue` is all that it may do.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[None] = SimpleQueue()
        self._report: Callable[[], object] | None = None
        self._handlers: list[object] = []

    def listen(self, signum: int | None, report: Callable[[], object]) -> None:
        """Begin to answer a signal.

        :raises ValueError: outside of the main thread, or without a signal.
        """
        if signum is None:
            # Not on Windows.
            signum = getattr(signal, "SIGUSR1", None)
            if signum is None:
                raise ValueError("this platform has no SIGUSR1: name another signal")
        before = signal.getsignal(signum)
        if before not in self._handlers:

            def ask(number: int, frame: FrameType | None) -> None:
                self._asked.put(None)
                if callable(before):
                    before(number, frame)

            signal.signal(signum, ask)
            self._handlers.append(ask)
        if self._report is None:
            self._report = report
            self._start()

    def forget(self) -> None:
        """Answer in a forked child too, with a thread of its own."""
        self._asked = SimpleQueue()
        if self._report is not None:
            self._start()

    def _start(self) -> None:
        asked, report = self._asked, self._report
        if report is None:
            return

        def answer() -> None:
            while True:
                asked.get()
                sys.stderr.write(f"{report()}\n")
                sys.stderr.flush()

        start_thread(answer, "typedbridge diagnosis")


reporter = _Reporter()
