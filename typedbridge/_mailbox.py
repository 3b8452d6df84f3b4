"""The way of results back to an event loop."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from typing import Protocol

    class Reply(Protocol):
        """A finished job whose result a loop awaits."""

        future: Future[None]

        def forget(self) -> None:
            """Drop the outcome: nobody awaits it any more."""


__all__ = ["Mailbox", "forget", "mailbox_of"]


class Mailbox:
    """Finished jobs on their way to one loop: many of them share one wake-up."""

    __slots__ = ("_replies", "_woken")

    def __init__(self) -> None:
        self._replies: deque[Reply] = deque()
        self._woken = False

    def deliver(self, reply: Reply, loop: AbstractEventLoop) -> None:
        """Hand a finished job to the loop. Called from any thread."""
        self._replies.append(reply)
        if not self._woken:
            try:
                self._woken = True
                loop.call_soon_threadsafe(self._open)
            except BaseException as error:
                # No wake-up is on its way: the next reply must see to one.
                self._woken = False
                # Ctrl-C and the recursion limit are no sign of a closed loop.
                if not (isinstance(error, RuntimeError) and loop.is_closed()):
                    raise
                self._replies.clear()  # nobody awaits them any more

    def _open(self) -> None:
        # Cleared before looking: a job that arrives from here on wakes the loop again.
        self._woken = False
        replies = self._replies
        for _ in range(len(replies)):
            reply = replies.popleft()
            future = reply.future
            if not future.done():
                future.set_result(None)
            elif future.cancelled():  # not when Ctrl-C had a reply delivered twice
                reply.forget()


_mailboxes: dict[ref[AbstractEventLoop], Mailbox] = {}


def mailbox_of(loop: AbstractEventLoop) -> Mailbox:
    """Return the loop's mailbox. Called on the loop's thread."""
    # A plain dict keyed by weak reference: `WeakKeyDictionary` costs 0.3 us more a call.
    mailbox = _mailboxes.get(ref(loop))
    if mailbox is None:
        mailbox = _mailboxes[ref(loop, _mailboxes.pop)] = Mailbox()
    return mailbox


def forget() -> None:
    """Start anew in a forked child: what is on its way is for the parent's loops."""
    _mailboxes.clear()
