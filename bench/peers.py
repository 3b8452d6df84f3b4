"""The libraries that are compared, as far as they are installed.

The two bridges have the same names and different types, and most peers are optional: they are
loaded by name and used untyped.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any, Final, TypeVar

from bench.model import ASGIREF, OURS

T = TypeVar("T")

BRIDGES: Final = (ASGIREF, OURS)
LIBRARIES: Final = ("anyio", "starlette", *BRIDGES)
#: In the order of the tables.
ORDER: Final = (
    *("bare futures", "barest", "threading.local"),
    *("asyncio", "asyncio.run", "asyncio.Runner", "run_coroutine_threadsafe"),
    *LIBRARIES,
)
DISTRIBUTIONS: Final = ("typedbridge", "asgiref", "anyio", "starlette", "uvloop", "django")


def installed(module: str) -> bool:
    """Tell whether *module*, with dots or without, can be imported."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # its parent is missing
        return False
    # A folder that merely has the name has no origin.
    return spec is not None and spec.origin is not None


def present(contestants: Mapping[str, T]) -> dict[str, T]:
    """Those of *contestants* that are no library, or one that is installed."""
    return {
        name: value
        for name, value in contestants.items()
        if name not in LIBRARIES or installed(name)
    }


def load(module: str) -> ModuleType:
    return importlib.import_module(module)


def bridge(name: str) -> ModuleType:
    """The module with ``sync_to_async`` and its kin, of asgiref or typedbridge."""
    return load(f"{name}.sync")


def of_bridges(make: Callable[[str], T]) -> dict[str, Callable[[], T]]:
    """What *make* will make of each bridge's name; nothing is imported before that."""
    return {name: partial(make, name) for name in BRIDGES}


# Any: asyncio.Runner wants an event loop, and uvloop is loaded untyped.
def loop_factory(name: str) -> Callable[[], Any] | None:
    """``new_event_loop`` of uvloop, or ``None`` for asyncio's own."""
    return load("uvloop").new_event_loop if name == "uvloop" else None


def versions() -> dict[str, str]:
    """The installed versions of everything that is compared."""
    found: dict[str, str] = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if installed(name):
                found[name] = "from the source tree"
    return found


def rank(contestant: str) -> tuple[int, str]:
    """A sort key: the barest first, typedbridge last."""
    place = ORDER.index(contestant) if contestant in ORDER else len(ORDER) - 2
    return (place, contestant)
