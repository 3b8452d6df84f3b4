"""Modules of the library with a call before each statement of their functions."""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typedbridge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

CORE: Final = "typedbridge._core"

HOOK: Final = "__pause__"
"""What the modules call: a name among the builtins, so that it needs no import."""


class Inserter(ast.NodeTransformer):
    """Puts a call before each statement of each function."""

    def __init__(self, places: list[str]) -> None:
        self._places = places
        self._inside = 0

    def visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        # `__del__` may run when the interpreter has taken its builtins away.
        if node.name != "__del__":
            self._inside += 1
            self.generic_visit(node)
            self._inside -= 1
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_function  # noqa: N815  # as ast calls them

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if self._inside:
            for field in ("body", "orelse", "finalbody"):
                statements = getattr(node, field, None)
                if isinstance(statements, list):
                    setattr(node, field, self._with_pauses(statements))
        return node

    def _with_pauses(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in statements:
            is_words = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not is_words and not isinstance(statement, (ast.Global, ast.Nonlocal)):
                place = f"line {statement.lineno}"
                self._places.append(place)
                call = ast.parse(f"{HOOK}({place!r})").body[0]
                made.append(ast.copy_location(call, statement))
            made.append(statement)
        return made


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with such calls, and never from a cache."""

    def __init__(self, name: str, path: str, places: list[str]) -> None:
        super().__init__(name, path)
        self._places = places

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = Inserter(self._places).visit(ast.parse(self.get_data(path), path))
        code: CodeType = compile(ast.fix_missing_locations(tree), path, "exec")
        return code


class Finder(importlib.machinery.PathFinder):
    """Finds the module of the library that gets such calls."""

    chosen = ""
    places: Final[list[str]] = []

    @classmethod
    def find_spec(
        cls,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        spec = super().find_spec(fullname, path, target) if fullname == cls.chosen else None
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(fullname, spec.origin, cls.places)
        return spec


def install(module: str, hook: Callable[[str], None]) -> list[str]:
    """Have the library's own module call the hook; it must not have been imported yet.

    :returns: the places that call it, once the module is imported.
    """
    Finder.chosen = f"{CORE}.{module}"
    assert Finder.chosen not in sys.modules
    setattr(builtins, HOOK, hook)
    sys.meta_path.insert(0, Finder)
    return Finder.places


def pass_by(place: str) -> None:
    """Do nothing: the hook while there is no other."""


def copy(module: str) -> ModuleType:
    """Return a second copy of a module of the library, which calls the hook, beside the first."""
    path = Path(typedbridge.__file__).parent / "_core" / f"{module}.py"
    name = f"copy_of_{module}"
    loader = Loader(name, str(path), [])
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    made = importlib.util.module_from_spec(spec)
    if not hasattr(builtins, HOOK):
        setattr(builtins, HOOK, pass_by)
    loader.exec_module(made)
    return made
