"""One thread is held before a statement while another one does all that it has to do."""

from __future__ import annotations

import builtins
import contextlib
import threading
from typing import TYPE_CHECKING, Final

from conftest import LIMIT

from pauses.inserted import HOOK, pass_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON: Final = 0.05
"""Seconds that the second thread has while the first is held. It needs none, unless it has to wait for
the first one: then the first goes on."""


class Parking:
    """Holds the first thread that comes to a place."""

    def __init__(self) -> None:
        #: The places that were passed, in their order.
        self.passed: dict[str, None] = {}
        self._place = ""
        self._exempt = 0
        self._held = threading.Event()
        self._released = threading.Event()

    def __call__(self, place: str) -> None:
        """Pass a place, or be held there."""
        if threading.get_ident() == self._exempt:
            return
        self.passed.setdefault(place)
        if place == self._place:
            self._place = ""
            self._held.set()
            assert self._released.wait(LIMIT)

    def run(self, place: str, first: Callable[[], object], second: Callable[[], object]) -> None:
        """Hold the first, or a thread that it sets to work, at the place; do the second meanwhile."""
        self._place = place
        errors: list[BaseException] = []

        def guarded(action: Callable[[], object]) -> None:
            try:
                action()
            except BaseException as error:
                errors.append(error)

        def exempted() -> None:
            self._exempt = threading.get_ident()
            guarded(second)

        one = threading.Thread(target=guarded, args=(first,))
        two = threading.Thread(target=exempted)
        one.start()
        if place:
            self._held.wait(SOON * 4)
        two.start()
        two.join(SOON)
        self._place = ""
        self._released.set()
        one.join(LIMIT)
        two.join(LIMIT)
        assert not one.is_alive()
        assert not two.is_alive()
        assert [] == errors


@contextlib.contextmanager
def parking() -> Iterator[Parking]:
    """What the copies of the library's modules call."""
    made = Parking()
    setattr(builtins, HOOK, made)
    try:
        yield made
    finally:
        made._released.set()
        # Threads of the copies may go on.
        setattr(builtins, HOOK, pass_by)
