"""The bridge between sync and async Python for codebases that type-check strictly."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

#: The modules whose public names are the package's too. The names stand there, and in the stub.
_DOORS = ("sync", "local", "current_thread_executor", "waits", "streams", "executors")


def __getattr__(name: str) -> object:
    """Import a name, or ``__all__``, when it is first asked for.

    mypy imports this package for the plugin that is below it, and needs neither the rest nor asyncio.
    """
    if name in (*_DOORS, "asgiref", "observe"):
        return import_module(f"typedbridge.{name}")
    if name == "__all__":
        globals()[name] = _names()
    else:
        # What the import system and other tools look for is no reason to import.
        home = None if name.startswith("__") else _home(name)
        if home is None:
            raise AttributeError(f"module 'typedbridge' has no attribute {name!r}")
        globals()[name] = getattr(home, name)
    return globals()[name]


def _doors() -> Iterator[ModuleType]:
    return (import_module(f"typedbridge.{door}") for door in _DOORS)


def _home(name: str) -> ModuleType | None:
    """Return the module that a public name is in. Those behind it are not imported."""
    return next((door for door in _doors() if name in door.__all__), None)


def _names() -> list[str]:
    return sorted(name for door in _doors() for name in door.__all__)


def __dir__() -> list[str]:
    return sorted({*globals(), *_names()})
