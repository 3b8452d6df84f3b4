"""`Producer`: what steps a sync iterator, in its thread."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from functools import partial
from inspect import GEN_SUSPENDED
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from typedbridge._core.carry import outcome_error
from typedbridge._core.marks import describe
from typedbridge._core.unraisable import unraisable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typedbridge._core.keeping import Kept

__all__ = ["Leaving", "Producer"]

#: Seconds after which a step gives up its thread, at the next item: others may wait for it.
_SLICE: Final = 0.01


class Producer:
    """What runs in the producer's thread. It does not know the stream, which may go meanwhile.

    :param make: gives the iterator, in that thread; or a generator, which needs no making.
    :param name: what the stream is called in messages.
    """

    def __init__(
        self, make: Callable[[], Iterator[Any]] | Generator[Any, Any, Any], name: str
    ) -> None:
        self._iterator: Iterator[Any] | None = None
        self._make: Callable[[], Iterator[Any]]
        if isinstance(make, Generator):
            self._iterator, self._make = make, partial(iter, make)
        else:
            self._make = make
        self.__module__, _, self.__qualname__ = name.rpartition(".")
        #: What the consumer has not taken yet. One thread appends, the other one pops.
        self.items: deque[Any] = deque()
        self.ended = False
        #: What a generator returned.
        self.returned: Any = None
        #: Nobody will ask for more.
        self.left = False
        #: Wakes the consumer, if it wants to know of the next item at once.
        self.wake: Callable[[], object] | None = None

    def __call__(self, step: Callable[..., None], *args: Any) -> None:
        """Make one step."""
        try:
            step(*args)
        except StopIteration as end:
            self.ended = True
            self.returned = end.value
        except BaseException:
            # Another iterator may go on after an error; so does a generator that has not begun when it
            # is sent a value.
            found = self._iterator
            self.ended = found is None or getattr(found, "gi_frame", found) is None
            raise

    def fill(self, room: int) -> None:
        """Put out as many items as there is room for, or those that come soon."""
        items, move = self.items, self._begun().__next__
        until = monotonic() + _SLICE
        for _ in range(room):
            if self.left:
                return
            items.append(move())
            if self.wake is not None:
                wake, self.wake = self.wake, None
                wake()
            if monotonic() > until:
                return

    def send(self, value: object) -> None:
        """Put out what a generator gives for a value."""
        generator = self._generator("asend")
        if not self.left:
            self.items.append(generator.send(value))

    def throw(self, error: BaseException) -> None:
        """Put out what a generator gives for an error."""
        try:
            generator = self._generator("athrow")
            if not self.left:
                self.items.append(generator.throw(error))
        finally:
            del error  # its traceback holds this frame

    def close(self) -> None:
        """End the iterator if it is a generator: it may have something to clean up."""
        iterator, self._iterator = self._iterator, None
        self.ended = True
        if isinstance(iterator, Generator):
            iterator.close()

    def was_begun(self) -> bool:
        """Tell whether this got a generator that somebody had begun: it may have something to clean up."""
        found = self._iterator
        return inspect.isgenerator(found) and inspect.getgeneratorstate(found) == GEN_SUSPENDED

    def _begun(self) -> Iterator[Any]:
        if self._iterator is None:
            if self.left:  # before it was begun
                raise StopIteration
            try:
                self._iterator = self._make()
            except StopIteration as error:  # which would be taken for the end
                raise outcome_error(error) from error
        return self._iterator

    def _generator(self, user: str) -> Any:  # Any: a generator of whatever there is
        iterator: Any = self._begun()
        found = iterator  # a name of its own, which a check of its class does not narrow
        if not isinstance(iterator, Generator):
            raise TypeError(f"{user}: {describe(self)} gives {found!r}, which is no generator")
        return found


class Leaving:
    """A job that closes what nobody takes from any more."""

    def __init__(self, producer: Producer, bridge: Kept) -> None:
        self._producer = producer
        self._bridge = bridge

    def run(self) -> None:
        """Close. An error goes where one in a finalizer goes."""
        try:
            self._producer.close()
        except BaseException as error:
            unraisable(
                error, f"Exception ignored while closing the stream of {describe(self._producer)}"
            )

    def interrupted(self, error: BaseException) -> None:
        """Close, unless that has begun: then the generator has had the error."""
        del error
        self.run()

    def displaced(self) -> None:
        """Run in the thread that is there in any case, unless the interpreter is exiting."""
        with suppress(RuntimeError):
            self._bridge.single_thread_executor.submit(self.run)
