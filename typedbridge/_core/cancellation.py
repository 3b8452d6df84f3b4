"""What a cancellation says, and whom it does not reach."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task

__all__ = ["cancellation", "message_of", "shielded"]

#: How the messages begin with which anyio's scopes cancel tasks.
_ANYIO = ("Cancelled via cancel scope ", "Cancelled by cancel scope ")


def cancellation(message: object) -> CancelledError:
    """Return the error of a task that was cancelled with a message, or with none: `None`."""
    return CancelledError() if message is None else CancelledError(message)


def message_of(error: CancelledError) -> object:
    """Return the message of `asyncio.Task.cancel`, or `None`."""
    return error.args[0] if error.args else None


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
