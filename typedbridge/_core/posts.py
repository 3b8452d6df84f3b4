"""What a thread of ours is in the middle of; nothing of it is lost to an exception that is set there.

Timeouts of other tools (celery, pytest-timeout, stopit) and debuggers set one from another thread, with
`PyThreadState_SetAsyncExc`. It rises between any two steps of the interpreter, at a call or at the end of a
loop's body: never between the step in which a `for` takes the next item from an iterator of C and those
that assign it. So where the loss of an item would count, it is taken by a `for`, and assigned at once to
where it is found again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from typedbridge._core.jobs import Job

__all__ = ["Post", "outlive"]

#: So often a job is brought to its end. One that fails each time is not interrupted, but broken.
_TRIES: Final = 50

#: Exceptions, each a microsecond after the other, that a thread outlives.
_DEPTH: Final = 4


class Post:
    """What one thread has taken."""

    __slots__ = ("error", "job", "tries")

    def __init__(self) -> None:
        self.job: Job | None = None
        #: How often its end was seen to.
        self.tries = 0
        #: What was raised in the thread, and in no function that it ran.
        self.error: BaseException | None = None

    def mend(self) -> None:
        """Have the job that was interrupted come to its end. It stays here, for should that be too."""
        job, error = self.job, self.error
        self.tries += 1
        if job is None or error is None:
            return
        if self.tries <= _TRIES:
            job.interrupted(error)
        else:
            args = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(args))


def outlive(post: Post, work: Callable[[], None], depth: int = _DEPTH) -> None:
    """Do the work of a thread to its end, whatever exceptions are set in the thread.

    :param work: called again after an exception, which is in the post then; it goes on from there.
    :param depth: how many times more this is done inside: one may come when the one before was noted and
        the loop begins anew.
    """
    while True:
        try:
            if depth:
                outlive(post, work, depth - 1)
            else:
                work()
            return
        except BaseException as error:
            post.error = error
