"""The bridge between sync and async Python for codebases that type-check strictly."""

from __future__ import annotations

from importlib import import_module

#: The modules whose public names are the package's too. The names stand there, and in the stub.
_DOORS = ("sync", "local", "current_thread_executor", "waits")


def __getattr__(name: str) -> object:
    """Import a name, or ``__all__``, when it is first asked for.

    mypy imports this package for the plugin that is below it, and needs neither the rest nor asyncio.
    """
    if name in (*_DOORS, "asgiref"):
        return import_module(f"typedbridge.{name}")
    if name == "__all__":
        globals()[name] = sorted(_homes())
    # What the import system and other tools look for is no reason to import.
    elif not name.startswith("__") and name in (homes := _homes()):
        globals()[name] = getattr(import_module(homes[name]), name)
    else:
        raise AttributeError(f"module 'typedbridge' has no attribute {name!r}")
    return globals()[name]


def _homes() -> dict[str, str]:
    """Return each public name with the module that it is in."""
    doors = [import_module(f"typedbridge.{door}") for door in _DOORS]
    return {name: door.__name__ for door in doors for name in door.__all__}


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes()})
