"""The way from any thread to an event loop: one callback, or the results of many calls."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable
    from typing import Protocol

    class Reply(Protocol):
        """A finished job whose result a loop awaits."""

        future: Future[None]

        def forget(self) -> None:
            """Drop the outcome: nobody awaits it any more."""


__all__ = ["Mailbox", "forget", "loops", "mailbox_of", "tell"]


def tell(loop: AbstractEventLoop, callback: Callable[..., object], *args: object) -> bool:
    """Have a loop call something soon. Called from any thread.

    :returns: false if the loop is closed, and so never will.
    """
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:  # the recursion limit is no sign of a closed loop
        if not loop.is_closed():
            raise
        return False
    return True


class Mailbox:
    """Finished jobs on their way to one loop: many of them share one wake-up."""

    __slots__ = ("_replies", "_woken", "crew")

    def __init__(self) -> None:
        self._replies: deque[Reply] = deque()
        #: The workers of the pool that take the loop's calls. Any: they are two floors up.
        self.crew: Any = None
        self._woken = False

    def deliver(self, reply: Reply, loop: AbstractEventLoop) -> None:
        """Hand a finished job to the loop. Called from any thread."""
        self._replies.append(reply)
        if not self._woken:
            try:
                self._woken = True
                if not tell(loop, self._open):
                    self._woken = False
                    self._replies.clear()  # nobody awaits them any more
            except BaseException:  # Ctrl-C, or the recursion limit
                # No wake-up is on its way: the next reply must see to one.
                self._woken = False
                raise

    def _open(self) -> None:
        # Cleared before looking: a job that arrives from here on wakes the loop again.
        self._woken = False
        replies = self._replies
        try:
            for _ in range(len(replies)):
                reply = replies[0]  # taken out when it is settled: see below
                future = reply.future
                if not future.done():
                    future.set_result(None)
                elif future.cancelled():  # not when Ctrl-C had a reply settled twice
                    reply.forget()
                del replies[0]
        except BaseException:  # what a signal's handler raised: the rest must not wait for ever
            tell(asyncio.get_running_loop(), self._open)
            raise


_mailboxes: dict[ref[AbstractEventLoop], Mailbox] = {}


def mailbox_of(loop: AbstractEventLoop) -> Mailbox:
    """Return the loop's mailbox. Called on the loop's thread."""
    # A plain dict keyed by weak reference: `WeakKeyDictionary` costs 0.3 us more a call.
    mailbox = _mailboxes.get(ref(loop))
    if mailbox is None:
        mailbox = _mailboxes[ref(loop, _mailboxes.pop)] = Mailbox()
    return mailbox


def loops() -> list[AbstractEventLoop]:
    """Return the loops that have awaited calls."""
    return [loop for known in list(_mailboxes) if (loop := known()) is not None]


def forget() -> None:
    """Start anew in a forked child: what is on its way is for the parent's loops."""
    _mailboxes.clear()
