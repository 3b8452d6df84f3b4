"""What a running function may ask about the call that runs it."""

from __future__ import annotations

from typedbridge._core.call import Call
from typedbridge._core.scope import current_call, here, innermost_call

__all__ = ["cancelled", "check_cancelled"]


def _running() -> Call | None:
    """Return the call whose function this code is in."""
    call = innermost_call(here.scope, current_call.get(None))
    return call if isinstance(call, Call) else None


def cancelled() -> bool:
    """Tell a function whether the call that runs it was cancelled.

    Any thread may ask: the one that runs the function of a bridge, and what the function starts with a
    copy of its context. A function that was called directly was not cancelled.

    :returns: true once the awaiting task was cancelled, whether it waits for the function or not.
    """
    call = _running()
    return call is not None and call.is_cancelled()


def check_cancelled() -> None:
    """End a function whose call was cancelled: the place for it to stop early.

    Where `cancelled` is false it does nothing. With ``on_cancel="wait"`` a function that catches the error
    and returns has swallowed the cancellation, as a coroutine may, and its caller gets the result.

    :raises asyncio.CancelledError: with the message of `asyncio.Task.cancel`, every time.
    """
    call = _running()
    if call is not None:
        call.check_cancelled()
