"""The seam to asgiref: what `beside` fills in once asgiref is in the process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from contextvars import ContextVar
    from typing import Any

    from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["ASGIREF", "modules", "part", "seam"]

#: The module that is looked for at every call, which costs 0.02 us where it is not there.
ASGIREF: Final = "asgiref.sync"
modules: Final = sys.modules


class Seam:
    """What the rest of the library asks. Plain as long as there is nobody on the other side.

    What is asked at each call stands in attributes: a function that looks there would cost 0.05 us.
    """

    def __init__(self) -> None:
        #: Called where asgiref is in the process, if it is not joined, or if its lane is another one.
        self.look: Callable[[], None] = lambda: None
        #: asgiref's `SyncToAsync`, when it is joined. Any: of whatever version.
        self.theirs: Any = None
        #: What its `single_thread_executor` was at the last look.
        self.lane: object = None
        #: Where asgiref kept the frame that current code belongs to, before the two libraries met; later
        #: frames are in `current_frame`.
        self.earlier_frames: ContextVar[Any] | None = None
        #: Makes a frame of what is there.
        self.earlier_frame: Callable[[], CurrentThreadExecutor | None] = lambda: None
        #: Where asgiref kept the loop of the call that a thread runs, before that.
        self.earlier_local: threading.local | None = None
        #: Finds a loop there that is still good.
        self.earlier_loop: Callable[[], AbstractEventLoop | None] = lambda: None
        #: Gives a context of either library's in the form that ours have. Any: there are two kinds.
        self.as_ours: Callable[[Any], Any] | None = None
        #: Whether one of ours was entered before: `as_ours` finds it where there seems to be none.
        self.entered_before = False
        #: Undoes what was done elsewhere to join.
        self.on_parting: Callable[[], None] = lambda: None


seam: Final = Seam()


def part() -> None:
    """Look for asgiref no more, and be as if it had never been there: nobody uses it any longer."""
    on_parting = seam.on_parting
    vars(seam).update(vars(Seam()))
    on_parting()
