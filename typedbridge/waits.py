"""Who waits for whom: asked for by the program, by a signal, or told in the log.

Calls that wait for ever, as far as the library can know, raise `DeadlockError`. What it cannot know, such as
a lock of the user's, shows here.
"""

from __future__ import annotations

import typedbridge._core.life  # noqa: F401  # pyright: ignore[reportUnusedImport]  # fork and exit hooks
from typedbridge._core import watch
from typedbridge._core.frames import blocked
from typedbridge._core.reports import Diagnosis, Running, Wait, diagnosis
from typedbridge._core.signals import reporter

__all__ = [
    "Diagnosis",
    "Running",
    "Wait",
    "diagnose",
    "diagnose_on_signal",
    "log_waits_longer_than",
]


def diagnose() -> Diagnosis:
    """Tell who waits for whom in this process, at this moment.

    Works from any thread, and blocks nothing. It walks the tasks of all event loops that have used bridges, and
    the stacks of all threads: about 2 us a task.

    :returns: the calls that wait for a thread, and the blocking calls that wait for their coroutines, with
        what is in the way of each, as data; `str` of it is for people.
    """
    return diagnosis(blocked())


def diagnose_on_signal(signum: int | None = None) -> None:
    """Have a signal write a diagnosis to standard error.

    Nothing is installed unless this is called. The handler that was there before is called too. The text is
    written by a thread of its own, so also where the main thread is blocked in a call of the library's.

    :param signum: the signal; without it ``SIGUSR1``.
    :raises ValueError: outside of the main thread, or where the platform has no ``SIGUSR1`` and no other
        signal is named.
    """
    reporter.listen(signum, diagnose)


def log_waits_longer_than(seconds: float | None) -> None:
    """Set how long a call may wait before a warning is logged; 10 seconds if this is never called.

    Holds for the process. The warning goes to the logger ``typedbridge``, once for each call, and names what
    waits and what is in its way, with the places. What waits is looked at about once a second.

    :param seconds: `None` for no warnings.
    :raises ValueError: for a negative number of seconds, or none at all.
    """
    if seconds is not None and not seconds >= 0:
        raise ValueError(f"the time in seconds must not be negative, but it is {seconds!r}")
    watch.watch.patience = seconds
