"""`Feed`: the task of an async stream, and the frame that its consumer waits in."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
from asyncio import CancelledError, get_running_loop
from collections.abc import AsyncGenerator
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from queue import Empty
from threading import get_ident
from typing import TYPE_CHECKING, Any, Self

from typedbridge._core.call import Call
from typedbridge._core.carry import carry_back, handling
from typedbridge._core.frames import Frame
from typedbridge._core.mailbox import tell
from typedbridge._core.marks import describe
from typedbridge._core.scope import here
from typedbridge._core.to_sync import enter

if TYPE_CHECKING:
    from asyncio import Future
    from collections import deque
    from collections.abc import AsyncIterator, Awaitable, Callable

    from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["Feed", "Visit"]


class Visit:
    """An async iterator of the library's: it has an end of its own where the consumer has gone."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        raise NotImplementedError

    async def aleave(self, error: BaseException | None) -> None:
        """Come to that end.

        :param error: what ends the task.
        """
        raise NotImplementedError


class Feed(Frame):
    """The frame of a stream: open for its whole life, and waited in whenever the consumer pulls.

    Its task does not know the stream, which may go meanwhile. The methods in the first part run on the
    loop's thread.
    """

    def __init__(
        self,
        func: Callable[[], object],
        parent: CurrentThreadExecutor | None,
        make: Callable[[], AsyncIterator[Any]],
        items: deque[Any],
        prefetch: int,
    ) -> None:
        super().__init__(func, parent)
        self._make = make
        #: What the consumer has not taken yet. One thread appends, the other one pops.
        self.items = items
        self._full = max(1, prefetch)
        #: With so few items left, or fewer, the task goes on.
        self.low = prefetch // 2 if prefetch else -1
        #: The consumer waits for an item. Whoever takes what is in it, the task or the consumer, decides
        #: whether the consumer is woken.
        self.hunger: list[None] = []
        #: Nobody will ask for more.
        self.left = False
        #: The same, since the loop's thread is to end.
        self._parted = False
        #: Where the task waits for room.
        self._gap: Future[None] | None = None
        #: The generator is at work.
        self._stepping = False
        #: Makes the next move, in the place of `__anext__`. Any: what a generator takes and gives.
        self.move: Callable[[Any], Awaitable[Any]] | None = None
        #: What the consumer handles while it pulls.
        self.in_hand: BaseException | None = None
        #: The consumer's context when it last got something, and when it began to wait again.
        self.handed: tuple[Context, Context] | None = None
        #: The task's context as the consumer knows it.
        self._known = Context()
        #: The same, and as it was when the consumer was woken.
        self.changes: tuple[Context, Context] | None = None
        self.process = os.getpid()

    @property
    def rests(self) -> bool:
        """Whether there is something to take before the end."""
        return bool(self.items) and not self.left and self._cancelled is None

    async def run(self) -> None:
        """Be the task of the stream."""
        self._known = copy_context()
        iterator = self._make()
        ended_by: BaseException | None = None
        try:
            while not self.left:
                self.items.append(await self._step(iterator))
                if self._told:  # it swallowed a cancellation, and goes on
                    self._told, self._cancelled = False, None
                if self.hunger:
                    self._give()
                # In lock step also where the item has been taken: none is made before it is asked for.
                if len(self.items) >= self._full or self.low < 0:
                    await self._room()
        except StopAsyncIteration:
            pass
        except CancelledError as error:
            ended_by = error
            if not self.left:
                raise
        finally:
            await _close(iterator, ended_by)
            del ended_by
        if self._parted:
            raise RuntimeError(
                f"{describe(self.func)} has ended with the AsyncSingleThreadContext that it was begun in"
            )

    async def _step(self, iterator: AsyncIterator[Any]) -> Any:
        handed, self.handed = self.handed, None
        if handed is not None:
            carry_back(*handed)
            self._known.run(carry_back, *handed)
        move, self.move = self.move, None
        handled, self.in_hand = self.in_hand, None
        self._stepping = True
        try:
            step = iterator.__anext__() if move is None else move(iterator)
            return await (step if handled is None else handling(handled, step))
        finally:
            self._stepping = False
            del move, handled

    def _give(self) -> None:
        """Wake the consumer."""
        try:
            self.hunger.pop()
        except IndexError:  # it has seen the item
            return
        if not self.items:  # it has taken the item, too, and waits for the next
            self.hunger.append(None)
            return
        known, self._known = self._known, copy_context()
        self.changes = known, self._known.copy()
        self._jobs.put(None)

    async def _room(self) -> None:
        """Wait until the consumer has taken enough, or waits itself."""
        items = self.items
        while not (self.left or len(items) <= self.low or (self.hunger and not items)):
            self._gap = get_running_loop().create_future()
            try:
                await self._gap
            finally:
                self._gap = None

    def go_on(self) -> None:
        """Look again whether there is room."""
        gap = self._gap
        if gap is not None and not gap.done():
            gap.set_result(None)

    def part(self) -> None:
        """Come to an end that the consumer did not want, and may never ask for."""
        self._parted = self.left = True
        self.leave()

    def leave(self) -> None:
        """Come to an end."""
        if self._stepping and self._task is not None:
            self._task.cancel()
        else:
            self.go_on()

    # -- on the consumer's thread ------------------------------------------------------------

    def make_room(self) -> None:
        """Have the task go on, if it waits for that."""
        if self._gap is not None and self.loop is not None:
            tell(self.loop, self.go_on)

    def serve(self) -> None:
        """Run the sensitive work that came while nobody pulled."""
        self._thread = get_ident()
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is not None:
                self.job = job
                try:
                    job.run()
                finally:
                    self.job = None
                    del job

    def next(self) -> None:
        """Wait for an item or the end."""
        self.hunger.append(None)
        try:
            if self.items:  # it came before the task could know of the wish: the next may take long
                with suppress(IndexError):
                    self.hunger.pop()
                    return
            self.wait_for(self.go_on)
        finally:
            self.hunger.clear()

    def wait_for(self, action: Callable[[], None]) -> None:
        """Have the loop do something, and wait for an item or the end."""
        loop = self.loop
        if loop is None:
            return
        scope = here.scope
        call = scope if isinstance(scope, Call) else None
        blocked_in = None if call is None else call.frame
        if call is not None:
            enter(call, self)
        try:
            self.ask(loop, partial(tell, loop, action), None if self.host is not None else loop)
        finally:
            if call is not None:
                call.frame = blocked_in
                call.take_back(self)

    def last_changes(self) -> tuple[Context, Context] | None:
        """Return what the task has changed since the consumer was told."""
        if self.over and self.context is not None:
            changes, self.context = (self._known, self.context), None
            return changes
        changes_so_far, self.changes = self.changes, None
        return changes_so_far


async def _close(iterator: AsyncIterator[Any], ended_by: BaseException | None) -> None:
    """Let what has an end of its own come to it."""
    try:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
        elif isinstance(iterator, Visit):
            await iterator.aleave(ended_by)
    finally:
        del ended_by  # its traceback holds this frame
