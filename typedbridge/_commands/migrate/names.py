"""Which names of asgiref are there in typedbridge? Asked of the library itself."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from typedbridge._commands.migrate.model import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

OLD: Final = "asgiref"
NEW: Final = "typedbridge"
MODULES: Final = ("sync", "local", "current_thread_executor")
"""The modules of asgiref that typedbridge stands in for; the others are no business of this command."""

BRIDGES: Final = {
    f"{package}.{name}": name
    for package in ("asgiref.sync", "typedbridge.sync", "typedbridge")
    for name in ("sync_to_async", "async_to_sync", "SyncToAsync", "AsyncToSync")
}
"""What wraps a callable, by every name that it is imported by."""

GONE: Final = frozenset({"_is_coroutine", "_run_event_loop", "get_current_task", "launch_map"})
"""Attributes of the wrapper classes of some asgiref from 3.2 on, which typedbridge's do not have."""


class Lack(NamedTuple):
    """Why a name cannot be taken from typedbridge."""

    reason: Reason
    text: str


@cache
def _module(name: str) -> ModuleType:
    return import_module(f"{NEW}.{name}")


@cache
def _public(module: str) -> frozenset[str]:
    names: Sequence[str] = _module(module).__all__
    return frozenset(names)


def lack(path: Sequence[str]) -> Lack | None:
    """Tell what typedbridge lacks of a name in asgiref, if anything.

    :param path: the name's parts below ``asgiref``, the module first: ``["sync", "SyncToAsync", "func"]``.
    """
    module, name, *attributes = path
    where = f"{OLD}.{module}"
    if name not in _public(module):
        if name.startswith("_"):
            return Lack(Reason.PRIVATE, f"{where}.{name} is private to asgiref")
        elsewhere = [other for other in MODULES if name in _public(other)]
        hint = f": it is in {NEW}.{elsewhere[0]}" if elsewhere else ""
        return Lack(Reason.MISSING, f"typedbridge.{module} has no {name}{hint}")
    if attributes and not hasattr(getattr(_module(module), name), attributes[0]):
        full = f"{name}.{attributes[0]}"
        if attributes[0].startswith("_"):
            return Lack(Reason.PRIVATE, f"{where}.{full} is private to asgiref")
        return Lack(Reason.MISSING, f"typedbridge.{module} has no {full}")
    return None
