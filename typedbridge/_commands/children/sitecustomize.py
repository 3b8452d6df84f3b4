"""Puts typedbridge in asgiref's place in a process below one that ``run`` has started.

The interpreter imports this when it starts, since ``run`` has put this folder on ``PYTHONPATH``: a
reloader's child and a server's worker serve the requests, and inherit no more than the environment. It
may be another environment's interpreter, without typedbridge; then nothing happens.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class AfterAsgiref:
    """A finder that finds nothing itself: it sees asgiref being imported, and installs behind it.

    Until then nothing is loaded, so a process that has no use for asgiref starts as fast as ever.
    """

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "asgiref":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, None, target)
            if spec is not None:
                install_behind(spec)
                return spec
        return None


def install_behind(spec: ModuleSpec) -> None:
    """Have the module's own loader install typedbridge when it has loaded the module."""
    loader = spec.loader
    if loader is None:
        return
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del vars(loader)["exec_module"]
        load(module)
        try:
            from typedbridge.asgiref import install  # noqa: PLC0415  # when there is need of it
        except ImportError:
            return
        install()

    # On this loader alone, and until it has been called.
    vars(loader)["exec_module"] = exec_module


def begin() -> None:
    """Give way to the `sitecustomize` that would have been imported, and look out for asgiref."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib would be loaded in every process
    sys.path[:] = [entry for entry in sys.path if entry != here]
    this = sys.modules.pop("sitecustomize")
    try:
        import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", this)
    if os.environ.get("TYPEDBRIDGE_ASGIREF") == "1":
        sys.meta_path.insert(0, AfterAsgiref())


if __name__ == "sitecustomize":
    begin()
