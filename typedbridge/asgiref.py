"""In asgiref's place: `asgiref.sync` and its kin are this library's modules, for the whole process.

``pytest -p typedbridge.asgiref`` does that for a test run, before any other plugin is loaded.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from threading import Lock
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from typedbridge._core.seam import part

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Status", "TooLateError", "install", "pytest_addoption", "status"]

#: The modules that are replaced, by their names below either package.
_NAMES: Final = ("current_thread_executor", "local", "sync")
#: What asgiref takes from elsewhere, or what is the same whosever it is. Who holds only these may keep them.
_MARKS: Final = ("iscoroutinefunction", "markcoroutinefunction")

_installing: Final = Lock()


class TooLateError(RuntimeError):
    """Modules that are already imported hold asgiref's functions, and would go on using them.

    :param modules: the names of those modules, in the order of their import.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules = modules
        named, rest = modules[:5], len(modules) - 5
        more = f" and {rest} more modules" if rest > 0 else ""
        super().__init__(
            f"typedbridge.asgiref.install() was called too late: {', '.join(named)}{more} already "
            f"hold{'s' if len(modules) == 1 else ''} asgiref's functions. Call it before they are "
            f"imported, in the first lines of manage.py, asgi.py or wsgi.py; or start the program with "
            f"`python -m typedbridge run` and tests with `pytest -p typedbridge.asgiref`"
        )

    def __reduce__(self) -> tuple[type[TooLateError], tuple[tuple[str, ...]]]:
        return type(self), (self.modules,)


class Status(NamedTuple):
    """How this library and asgiref stand to each other in this process."""

    #: "absent": nobody has imported `asgiref.sync`. "not met": it is there, and no bridge of ours was made
    #: yet. "beside": both are used, and have joined. "installed": this library is in asgiref's place.
    #: "apart": both are used, and each keeps to itself.
    state: Literal["absent", "not met", "beside", "installed", "apart"]
    #: asgiref's, or `None` if it is not installed.
    version: str | None
    #: Why they are apart, in one sentence.
    reason: str | None


def install() -> None:
    """Put this library in asgiref's place, for everything that is imported from now on.

    `asgiref.sync`, `asgiref.local` and `asgiref.current_thread_executor` are then the modules of the
    same names here. The rest of asgiref stays as it is, and no file is changed. A second call does
    nothing. Where asgiref is not installed, the three modules are there all the same, in a package
    ``asgiref`` that has nothing else.

    Call it first of all in ``manage.py``, ``asgi.py``, ``wsgi.py``: whoever has imported a function of
    asgiref's keeps it. Other processes that the program starts have to call it too; ``python -m
    typedbridge run`` sees to that.

    :raises TooLateError: if modules that are already imported hold asgiref's functions. Nothing is
        changed then.
    """
    with _installing:
        if _is_installed():
            return
        stale = _stale_modules()
        holders = tuple(_holders(stale))
        if holders:
            raise TooLateError(holders)
        package = _package()
        for module in stale:
            # One that uses the three, such as `asgiref.wsgi`, is made anew when it is imported again.
            name = module.__name__
            sys.modules.pop(name, None)
            vars(package).pop(name.rpartition(".")[2], None)
        for name in _NAMES:
            module = import_module(f"typedbridge.{name}")
            sys.modules[f"asgiref.{name}"] = module
            setattr(package, name, module)
        part()


def status() -> Status:
    """Tell how this library and asgiref stand to each other, without changing that.

    :returns: the state of this process; for a program that only looks, that is the state before the
        first call.
    """
    version = _version()
    if _is_installed():
        return Status("installed", version, None)
    if "asgiref.sync" not in sys.modules:
        return Status("absent", version, None)
    beside: Any = sys.modules.get("typedbridge._core.beside")
    if beside is None:
        return Status("not met", version, None)
    way, reason = beside.state()
    return Status(way, version, reason if way == "apart" else None)


def pytest_addoption() -> None:
    """Install: pytest calls this for a plugin that is named with ``-p``, before it loads others.

    ``TYPEDBRIDGE_ASGIREF=0`` in the environment leaves a run as it is, where the configuration names
    the plugin.
    """
    if os.environ.get("TYPEDBRIDGE_ASGIREF") not in ("0", "apart"):
        install()


def _is_installed() -> bool:
    ours = [sys.modules.get(f"typedbridge.{name}") for name in _NAMES]
    return None not in ours and ours == [sys.modules.get(f"asgiref.{name}") for name in _NAMES]


def _version() -> str | None:
    try:
        return metadata.version("asgiref")
    except metadata.PackageNotFoundError:
        return None


def _package() -> ModuleType:
    """Return the package: asgiref's, or an empty one where there is none."""
    if "asgiref" in sys.modules or find_spec("asgiref") is not None:
        return import_module("asgiref")
    package = module_from_spec(ModuleSpec("asgiref", None, is_package=True))
    package.__doc__ = "Stands in for asgiref, which is not installed: see typedbridge.asgiref."
    sys.modules["asgiref"] = package
    return package


def _stale_modules() -> list[ModuleType]:
    """Return asgiref's modules that are to be replaced, and those of its modules that use them."""
    names = {f"asgiref.{name}" for name in _NAMES}
    stale = [sys.modules[name] for name in sorted(names) if name in sys.modules]
    while True:
        more = [
            module
            for name, module in list(sys.modules.items())
            if name.startswith("asgiref.") and module not in stale and _holds(module, stale)
        ]
        if not more:
            return stale
        stale += more


def _holders(stale: list[ModuleType]) -> Iterable[str]:
    """Name the modules of others that hold something of the stale ones."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("asgiref", "typedbridge") and _holds(module, stale):
            yield name


def _holds(module: object, stale: list[ModuleType]) -> bool:
    """Tell whether a module, or a class in it, has a name for something of the stale modules."""
    marks = [vars(one).get(mark) for one in stale for mark in _MARKS]
    own = getattr(module, "__name__", None)
    # Modules may be any objects.
    values: list[object] = [*getattr(module, "__dict__", {}).values()]
    for value in list(values):
        inside = _inside(value)
        if inside.get("__module__") == own:
            values += inside.values()
    homes = {one.__name__ for one in stale}
    return any(
        any(value is one for one in stale) or _home_of(value) in homes
        for value in values
        if not any(value is mark for mark in marks)
    )


# Any: whatever a module has a name for. Proxies load or make what they stand for when they are asked
# anything, `isinstance` included: only their `type` is.


def _home_of(value: Any) -> object:
    """Return the name of the module that a function or a class is from, or an object's class."""
    if type(value) is FunctionType:
        return value.__module__
    return (_inside(value) or _inside(type(value))).get("__module__")


def _inside(value: Any) -> dict[str, object]:
    """Return what a class has; nothing for what is no class."""
    members: dict[str, object] = {}
    if issubclass(type(value), type):
        members.update(type.__getattribute__(value, "__dict__"))
    return members
