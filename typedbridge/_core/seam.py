"""The seam to asgiref: what `beside` fills in once asgiref is in the process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import Any

    from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["ASGIREF", "modules", "part", "seam"]

#: The module that is looked for at every call, which costs 0.02 us where it is not there.
ASGIREF: Final = "asgiref.sync"
modules: Final = sys.modules


class Seam:
    """What the rest of the library asks. Plain as long as there is nobody on the other side."""

    #: Called before a call is placed where asgiref is in the process.
    look: Callable[[], None]
    #: Finds the frame of asgiref's that the current code belongs to, if it waited before the two
    #: libraries met; later ones are in `current_frame`.
    earlier_frame: Callable[[], CurrentThreadExecutor | None] | None
    #: Finds the loop of the call of asgiref's that this thread runs, if that began before.
    earlier_loop: Callable[[], AbstractEventLoop | None] | None
    #: Gives a context of either library's in the form that ours have. Any: there are two kinds.
    as_ours: Callable[[Any], Any] | None

    #: Undoes what was done elsewhere to join.
    on_parting: Callable[[], None]

    def __init__(self) -> None:
        self.look = self.on_parting = lambda: None
        self.earlier_frame = None
        self.earlier_loop = None
        self.as_ours = None


seam: Final = Seam()


def part() -> None:
    """Look for asgiref no more, and be as if it had never been there: nobody uses it any longer."""
    on_parting = seam.on_parting
    vars(seam).update(vars(Seam()))
    on_parting()
