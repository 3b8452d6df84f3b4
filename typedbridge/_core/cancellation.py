"""What a cancellation says, and whom it does not reach."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections import deque
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from asyncio import Task
    from contextlib import AbstractContextManager

__all__ = ["Cancelling", "OnCancel", "cancellation", "message_of", "shield_from", "shielded"]

#: What a cancelled call does about a function that runs.
OnCancel: TypeAlias = Literal["abandon", "wait"]

#: How the messages begin with which anyio's scopes cancel tasks.
_ANYIO = ("Cancelled via cancel scope ", "Cancelled by cancel scope ")


def cancellation(message: object) -> CancelledError:
    """Return the error of a task that was cancelled with a message, or with none: `None`."""
    return CancelledError() if message is None else CancelledError(message)


def message_of(error: CancelledError) -> object:
    """Return the message of `asyncio.Task.cancel`, or `None`."""
    return error.args[0] if error.args else None


class Cancelling:
    """That a call was cancelled while its function ran, and what the function was not told of it."""

    __slots__ = ("message", "untold")

    def __init__(self) -> None:
        #: That of the last cancellation.
        self.message: object = None
        #: The same, until one of the threads takes it to tell the function. More than one say no more.
        self.untold: deque[object] = deque(maxlen=1)

    def again(self, message: object) -> None:
        """Know of another cancellation."""
        self.message = message
        self.untold.append(message)


def shield_from(error: CancelledError) -> AbstractContextManager[object]:
    """Return a context in which the one who cancelled does not cancel at every turn of the loop.

    That is what anyio's scopes do for as long as a task waits.
    """
    anyio: Any = sys.modules.get("anyio")
    if anyio is None or not str(message_of(error)).startswith(_ANYIO):
        return nullcontext()
    scope: AbstractContextManager[object] = anyio.CancelScope(shield=True)
    return scope


def shielded(task: Task[Any], message: object) -> bool:
    """Tell whether a cancellation by one of anyio's scopes does not concern a task now.

    anyio cancels again and again for as long as a task waits inside the scope. What a task shields
    from that, with ``CancelScope(shield=True)``, holds for scopes further out. A coroutine under a
    bridge has a task of its own, of which anyio does not know that it stands in the scope.
    """
    if not (isinstance(message, str) and message.startswith(_ANYIO)):
        return False
    # anyio has no public name for the scopes of another task. If these go, nothing is shielded.
    backend: Any = sys.modules.get("anyio._backends._asyncio")
    states: Any = getattr(backend, "_task_states", None)
    state: Any = None if states is None else states.get(task)
    scope: Any = getattr(state, "cancel_scope", None)
    while scope is not None:
        if getattr(scope, "shield", False):
            return True
        scope = getattr(scope, "_parent_scope", None)
    return False
