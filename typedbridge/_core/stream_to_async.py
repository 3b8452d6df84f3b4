"""`AsyncStream`: an iterator or generator of sync code, taken step by step from async code."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
from asyncio import CancelledError, get_running_loop
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from typedbridge._core.carry import carry_back, outcome_error
from typedbridge._core.keeping import Kept, through
from typedbridge._core.mailbox import tell
from typedbridge._core.marks import describe
from typedbridge._core.producer import Leaving, Producer
from typedbridge._core.thrown import error_of

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections import deque
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Executor
    from types import TracebackType

    from typedbridge._core.call import Call

__all__ = ["AsyncStream"]

_Y = TypeVar("_Y")
_S = TypeVar("_S")

#: Seconds for which a consumer waits for the whole of a batch; from then on each item wakes it. A
#: wake-up writes to a socket: one for every item takes twenty times as long as the item.
_PATIENCE: Final = 0.001


class AsyncStream(AsyncGenerator[_Y, _S]):
    """What a sync iterator or generator gives, for async code to take.

    All steps run in one thread, which the table of `docs/contract.md`, section 1, names when the first
    one is made; between two steps that thread is free for others. The event loop goes on meanwhile.

    It is closed by ``async with``, `contextlib.aclosing` and `aclose`; at the latest when nobody holds
    it any more. A pull that is cancelled loses no item: the next one gets it.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[_Y]] | Generator[_Y, Any, Any],
        name: str,
        prefetch: int,
        thread_sensitive: bool,
        executor: Executor | None,
    ) -> None:
        self._producer = producer = Producer(make, name)
        self._items: deque[_Y] = producer.items
        self._bridge = Kept(producer, thread_sensitive, executor)
        self._prefetch = prefetch
        #: With so few items left, or fewer, the producer goes on.
        self._low = prefetch // 2 if prefetch else -1
        #: The step that is under way, or whose outcome nobody has looked at.
        self._step: Call | None = None
        #: Where a consumer waits.
        self._arrival: Future[None] | None = None
        #: Raised when what came before it has been taken.
        self._error: BaseException | None = None
        self._begun = self._closed = False
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {describe(self._producer)}>"

    # -- the consumer ------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Y:
        """Return the next item, and have the producer go on where there is room for more.

        :raises StopAsyncIteration: at the end, with what a generator returned.
        :raises RuntimeError: while another task awaits an item.
        """
        if not self._items:
            return await self._pull()
        item = self._items.popleft()
        if len(self._items) <= self._low:
            self._refill()
        return item

    async def asend(self, value: _S) -> _Y:
        """Send a value into the generator, and return what it gives next.

        :raises RuntimeError: if the producer runs ahead: it needs ``prefetch=0``.
        """
        if value is None:
            return await self.__anext__()
        return await self._advance("asend", self._producer.send, value)

    # Any: as in typeshed, for an error, or for its class with a value and a traceback.
    async def athrow(self, typ: Any, val: Any = None, tb: TracebackType | None = None, /) -> _Y:
        """Raise an error in the generator, and return what it gives next.

        :raises RuntimeError: if the producer runs ahead: it needs ``prefetch=0``.
        """
        error = error_of(typ, val, tb)
        try:
            if self._closed or self._producer.ended:
                raise error
            return await self._advance("athrow", self._producer.throw, error)
        finally:
            del error, typ, val  # its traceback holds this frame

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the generator: its cleanup runs in the thread of its steps, and is awaited.

        A step that is under way is waited for; it can ask with `cancelled`, and a coroutine that it is
        blocked in is cancelled. A cancellation does not end the wait, and rises after it.
        """
        if self._closed:
            return
        self._refuse_a_second()
        self._closed = self._producer.left = True
        self._items.clear()
        cancelled: CancelledError | None = None
        step, self._step = self._step, None
        try:
            if step is not None and step.loop is not get_running_loop():
                step.tell_unwanted()
            elif step is not None:
                if not step.future.done():
                    cancelled = await _told(step)
                carry_back(step.before, step.context)
            if not self._producer.ended and (self._begun or self._producer.was_begun()):
                step = self._bridge.begin_last(get_running_loop(), self._producer.close)
                cancelled = await through(step) or cancelled
                carry_back(step.before, step.context)
                if step.error is not None:
                    raise outcome_error(step.error)
            if cancelled is not None:
                raise cancelled
        finally:
            self._items.clear()  # also what a step put out meanwhile
            self._bridge.release()
            del step, cancelled  # a traceback holds this frame

    def __del__(self) -> None:
        producer = self._producer
        producer.left = True
        if not self._begun or self._closed or producer.ended or self._process != os.getpid():
            return
        if self._step is not None:
            self._step.tell_unwanted()
        # The interpreter is exiting, or the executor was shut down: the generator ends with its object.
        with suppress(RuntimeError):
            self._bridge.leave(Leaving(producer, self._bridge))

    # -- steps -------------------------------------------------------------------------------

    def _begin(self, move: Callable[..., None], *args: object) -> None:
        self._begun = True
        self._step = self._bridge.begin(get_running_loop(), move, *args)

    def _begin_to_fill(self) -> None:
        self._begin(self._producer.fill, max(1, self._prefetch - len(self._items)))

    def _refill(self) -> None:
        """Have the producer go on, unless it does."""
        step = self._step
        if step is not None:
            if not step.future.done():
                return
            self._look_at(step)
        if not (self._producer.ended or self._closed or self._error):
            with suppress(
                Exception
            ):  # what is in the way will be so at the next pull, and rise there
                self._begin_to_fill()

    def _look_at(self, step: Call) -> None:
        """Take over the outcome of a step: context variables, and an error for later."""
        self._step = None
        carry_back(step.before, step.context)
        if step.error is not None:
            self._error = outcome_error(step.error)
        if self._producer.ended:
            self._bridge.release()

    def _refuse_a_second(self) -> None:
        if self._arrival is not None:
            raise RuntimeError(f"another task awaits the next item of {self!r}")

    async def _advance(self, user: str, move: Callable[..., None], argument: object) -> _Y:
        """Have a generator make a move that is no plain `next`, and return what it gives."""
        try:
            self._refuse_a_second()
            if self._prefetch:
                raise RuntimeError(
                    f"{user}: {describe(self._producer)} runs ahead of what was taken from it: give "
                    f"prefetch=0"
                )
            while self._step is not None:  # that of a pull that was cancelled
                await self._arrive(self._step)
                self._look_at(self._step)
            self._raise_if_over()
            self._begin(move, argument)
        finally:
            del argument
        return await self._pull()

    async def _pull(self) -> _Y:
        self._refuse_a_second()
        items = self._items
        while not items:
            if self._step is None:
                self._raise_if_over()
                self._begin_to_fill()
            step = self._step
            if step is not None and not step.future.done():
                await self._arrive(step)
            if step is not None and step.future.done():
                self._look_at(step)
        item = items.popleft()
        if len(items) <= self._low:
            self._refill()
        return item

    def _raise_if_over(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error
        if self._closed or self._producer.ended:
            returned, self._producer.returned = self._producer.returned, None
            raise StopAsyncIteration(*(() if returned is None else (returned,)))

    async def _arrive(self, step: Call) -> None:
        """Wait until there is an item, or the step is over. A cancellation loses neither."""
        loop = get_running_loop()
        if step.loop is not loop:
            self._take_over(step, loop)
            return
        if not self._prefetch:
            self._arrival = step.future
            try:
                await step.future
            except CancelledError:
                if step.future.cancelled():  # else the outcome came in the same turn of the loop
                    step.future = loop.create_future()
                    if step.arrived:
                        step.future.set_result(None)
                raise
            finally:
                self._arrival = None
            return
        arrival = self._arrival = loop.create_future()
        arrived = partial(_arrived, arrival)
        step.future.add_done_callback(arrived)
        look = loop.call_later(_PATIENCE, self._look, arrival, loop)
        try:
            await arrival
        finally:
            self._arrival = self._producer.wake = None
            look.cancel()
            step.future.remove_done_callback(arrived)

    def _take_over(self, step: Call, loop: AbstractEventLoop) -> None:
        """Take a step over from another event loop, which may be closed: it must be over."""
        if step.lane is not None:
            raise RuntimeError(
                f"a step of {self!r} is under way, and was begun in another event loop"
            )
        step.future = loop.create_future()
        step.future.set_result(None)

    def _look(self, arrival: Future[None], loop: AbstractEventLoop) -> None:
        """Wait for the whole of a batch no longer: the next item will do."""
        self._producer.wake = partial(tell, loop, _arrived, arrival)
        if self._items:
            _arrived(arrival)


def _arrived(arrival: Future[None], step: Future[None] | None = None) -> None:
    """Wake a consumer."""
    del step
    if not arrival.done():
        arrival.set_result(None)


async def _told(step: Call) -> CancelledError | None:
    """Tell a step that its outcome is not wanted, and wait until it is over."""
    unwanted = CancelledError()
    last = await step.outlive_cancellation(unwanted)
    return None if last is unwanted else last
