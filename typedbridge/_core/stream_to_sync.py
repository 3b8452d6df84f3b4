"""`SyncStream`: an async iterator or generator, taken step by step from sync code."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
import sys
from asyncio import CancelledError, _get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from typedbridge._core.carry import carry_back, outcome_error
from typedbridge._core.feed import Feed
from typedbridge._core.mailbox import tell
from typedbridge._core.marks import describe
from typedbridge._core.scope import current_frame, innermost_frame
from typedbridge._core.threadless import NO_THREADS
from typedbridge._core.thrown import error_of
from typedbridge._core.to_sync import AsyncToSync
from typedbridge._core.unraisable import unraisable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["SyncStream"]

_Y = TypeVar("_Y")
_S = TypeVar("_S")


class _Opening(AsyncToSync[..., None]):
    """The call that a stream's task is begun with, for its rules: which loop, what is wrapped around it.

    A subclass of the public wrapper, for what users and tools replace on that counts here too.
    """

    def __init__(self, name: str) -> None:
        self.awaitable = _Named(name)
        self.force_new_loop = False


class _Named:
    """What is called, for messages."""

    def __init__(self, name: str) -> None:
        self.__module__, _, self.__qualname__ = name.rpartition(".")

    def __call__(self) -> Awaitable[None]:
        raise NotImplementedError


class SyncStream(Generator[_Y, _S, None]):
    """What an async iterator or generator gives, for sync code to take.

    One task makes all steps. It runs in the event loop of the enclosing `sync_to_async` call, or else in
    a loop thread of the library, which is the stream's until its end. Whenever the consumer waits, its
    thread runs the sensitive work that the task sends back.

    It is closed by ``with``, `contextlib.closing` and `close`; at the latest when nobody holds it any
    more.
    """

    #: What async code is to use.
    _instead = "async for"

    def __init__(self, make: Callable[[], AsyncIterator[_Y]], name: str, prefetch: int) -> None:
        self._make = make
        self._opening = _Opening(name)
        self._prefetch = prefetch
        self._items: deque[_Y] = deque()
        self._feed: Feed | None = None
        self._closed = False
        #: Taken by the one who waits.
        self._turn = [None]
        #: The consumer's context when it last got something.
        self._seen: Context | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {describe(self._opening.awaitable)}>"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Y:
        """Return the next item, and have the task go on where there is room for more.

        :raises StopIteration: at the end.
        :raises RuntimeError: in a thread whose event loop is running: use ``async for`` there.
        """
        feed = self._feed
        if feed is None or not self._items:
            return self._pull()
        if feed.waiting():
            feed.serve()
        try:
            item = self._items.popleft()
        except IndexError:  # another thread was faster
            return self._pull()
        if len(self._items) <= feed.low:
            feed.make_room()
        return item

    def send(self, value: _S) -> _Y:
        """Send a value into the generator, and return what it gives next.

        :raises RuntimeError: if the task runs ahead: it needs ``prefetch=0``.
        """
        if value is None:
            return self.__next__()
        if self._feed is None and not self._closed:
            raise TypeError(f"send: {self!r} has not begun, and takes no value but None")
        return self._pull(self._lock_step("send", partial(_send, value)))

    # Any: as in typeshed, for an error, or for its class with a value and a traceback.
    def throw(self, typ: Any, val: Any = None, tb: TracebackType | None = None, /) -> _Y:
        """Raise an error in the generator, and return what it gives next.

        :raises RuntimeError: if the task runs ahead: it needs ``prefetch=0``.
        """
        error = error_of(typ, val, tb)
        try:
            if self._closed or (self._feed is not None and self._feed.over):
                raise error
            return self._pull(self._lock_step("throw", partial(_throw, error)))
        finally:
            del error, typ, val  # its traceback holds this frame

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the generator and wait for its cleanup, which runs in the task of its steps.

        A step that is under way, since the task runs ahead, is cancelled.
        """
        if self._closed:
            return
        self._take_turn()
        try:
            feed = self._feed
            if feed is not None and not feed.over and feed.process == os.getpid():
                self._refuse_to_block()
                self._closed = feed.left = True
                self._wait(feed, partial(feed.wait_for, feed.leave))
                self._raise_error(feed)
            self._closed = True
        finally:
            if self._closed:
                self._items.clear()
            self._turn.append(None)

    def __del__(self) -> None:
        feed = getattr(self, "_feed", None)
        if feed is None or feed.over or feed.loop is None or feed.process != os.getpid():
            return
        feed.left = True
        feed.at_last(partial(_report, feed))
        tell(feed.loop, feed.leave)
        feed.close()  # its sensitive work goes on to the next lane

    # -- steps -------------------------------------------------------------------------------

    def _lock_step(
        self, user: str, move: Callable[[Any], Awaitable[Any]]
    ) -> Callable[[Any], Awaitable[Any]]:
        if self._prefetch:
            raise RuntimeError(
                f"{user}: {describe(self._opening.awaitable)} runs ahead of what was taken from it: give "
                f"prefetch=0"
            )
        return move

    def _take_turn(self) -> None:
        """Be the only one who waits, until the turn is put back."""
        try:
            self._turn.pop()
        except IndexError:
            raise RuntimeError(f"somebody waits for the next item of {self!r} already") from None

    def _refuse_to_block(self) -> None:
        if _get_running_loop() is not None:
            raise RuntimeError(
                f"{self!r} was waited for in a thread whose event loop is running, which that would "
                f"block: use {self._instead} there"
            )

    def _pull(self, move: Callable[[Any], Awaitable[Any]] | None = None) -> _Y:
        self._take_turn()
        try:
            feed = self._feed
            if self._closed:
                raise StopIteration
            if feed is None or self._items or not feed.over:
                self._refuse_to_block()
                if feed is None:
                    feed = self._new_feed()
                    feed.move = move
                    self._wait(feed, partial(self._open, feed, current_frame.get()))
                else:
                    feed.move = move
                    self._wait(feed, feed.next)
            if not self._items:
                self._closed = True
                self._raise_error(feed)
                raise StopIteration
            item = self._items.popleft()
        finally:
            self._turn.append(None)
        if len(self._items) <= feed.low:
            feed.make_room()
        return item

    def _new_feed(self) -> Feed:
        if NO_THREADS:
            raise RuntimeError(
                f"there are no threads here: no event loop could run {self!r} between two items"
            )
        self._feed = Feed(
            self._opening.awaitable, innermost_frame(), self._make, self._items, self._prefetch
        )
        return self._feed

    def _open(self, feed: Feed, outer: CurrentThreadExecutor | None) -> None:
        feed.hunger.append(None)
        try:
            self._opening._run(outer, feed, feed.run(), copy_context())
        except BaseException:
            if feed.loop is None:  # no thread could be started for it: the next pull may try again
                self._feed = None
                feed.close()
            raise

    def _wait(self, feed: Feed, action: Callable[[], None]) -> None:
        """Wait for an item or the end, in the calling thread."""
        if feed.process != os.getpid():
            raise RuntimeError(f"{self!r} was begun before the fork, and its task is the parent's")
        token = current_frame.set(feed)
        try:
            feed.resume()
            feed.in_hand = sys.exception()
            given = copy_context()
            if self._seen is not None:
                # The task may not have come to what it was handed last.
                seen = self._seen if feed.handed is None else feed.handed[0]
                feed.handed = seen, given
            action()
            changes = feed.last_changes()
            if changes is not None:
                carry_back(*changes)
            self._seen = copy_context()
        except BaseException:
            feed.error = None  # this thread has one of its own: Ctrl-C, a loop that stopped
            raise
        finally:
            current_frame.reset(token)
            if feed.over:
                feed.close()
            else:
                feed.pause()

    def _raise_error(self, feed: Feed) -> None:
        error, feed.error = feed.error, None
        if error is not None:
            try:
                raise outcome_error(error)
            finally:
                del error


def _send(value: object, iterator: Any) -> Awaitable[Any]:
    return _generator("send", iterator).asend(value)


def _throw(error: BaseException, iterator: Any) -> Awaitable[Any]:
    return _generator("throw", iterator).athrow(error)


def _generator(user: str, iterator: Any) -> AsyncGenerator[Any, Any]:
    found = iterator  # a name of its own, which a check of its class does not narrow
    if not isinstance(iterator, AsyncGenerator):
        raise TypeError(f"{user}: {found!r} is no async generator")
    generator: AsyncGenerator[Any, Any] = found
    return generator


def _report(feed: Feed) -> None:
    """Report an error of a cleanup that nobody waits for."""
    error, feed.error = feed.error, None
    if error is not None and not isinstance(error, CancelledError):
        unraisable(error, f"Exception ignored while closing the stream of {describe(feed.func)}")
