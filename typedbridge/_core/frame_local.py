"""`AsyncToSync.executors`: which executor takes the sensitive calls of the current code."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typedbridge._core.local import Local
from typedbridge._core.placement import frame_in_force
from typedbridge._core.scope import Waiting, current_frame
from typedbridge._core.to_async import SyncToAsync
from typedbridge._core.visitors import EarlierFrame

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["FrameLocal"]


class FrameLocal(Local, internal=True):
    """A `Local` whose ``current`` is derived from the frame that waits, and so always true.

    Users set it in a context: to `None` for a task that is to outlive the frame, or to another executor.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "current":
            super().__setattr__(name, value)
        elif value is None or isinstance(value, Waiting):
            current_frame.set(value)
        elif callable(getattr(value, "submit", None)):
            current_frame.set(EarlierFrame(value.submit, value))
        else:
            raise TypeError(
                f"AsyncToSync.executors.current must be an executor or None, not {value!r}"
            )

    def __delattr__(self, name: str) -> None:
        if name == "current":
            current_frame.set(None)
        else:
            super().__delattr__(name)

    @property
    def current(self) -> Executor | None:
        """The executor of the frame that takes the sensitive calls of the current code."""
        frame = frame_in_force(SyncToAsync.thread_sensitive_context)
        return frame.executor if isinstance(frame, EarlierFrame) else frame
