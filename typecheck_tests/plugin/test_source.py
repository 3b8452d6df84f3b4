"""What the plugin reads in a module's text is read once, however many ask."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from mypy.nodes import MypyFile

from typedbridge.mypy_plugin import source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def _source(text: str) -> source.Source:
    return source.Source(MypyFile([], []), ast.parse(text))


def test_a_scope_is_searched_once_for_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for many findings must not grow with the square of the module's length."""
    searched: list[source.ScopeNode] = []
    search = source.evaluated_in

    def counting(scope: source.ScopeNode) -> Iterator[ast.AST]:
        searched.append(scope)
        return search(scope)

    monkeypatch.setattr(source, "evaluated_in", counting)
    names = [f"name_{number}" for number in range(100)]
    module = _source("\n".join(f"{name} = 1" for name in names))

    found = [source.bindings(module, module.tree, name) for name in names]

    assert [len(bindings) for bindings in found] == [1] * len(names)
    assert not source.has_star_import(module)
    assert searched == [module.tree]


def test_all_that_binds_a_name_is_found() -> None:
    """A binding that leaves the value open is None."""
    module = _source(
        "import os.path as here, sys\n"
        "from os import *\n"
        "def sys() -> None:\n"
        "    global count\n"
        "count = 1\n"
        "for each, (count) in []: pass\n"
        "with open('a') as file: pass\n"
        "try: pass\n"
        "except OSError as error: pass\n"
        "declared: int\n"
    )

    def kinds(name: str) -> list[type]:
        return [type(binding) for binding in source.bindings(module, module.tree, name)]

    assert kinds("here") == [ast.alias]
    assert sorted(kind.__name__ for kind in kinds("sys")) == ["FunctionDef", "alias"]
    assert ast.Constant in kinds("count")
    assert kinds("count").count(type(None)) == len(["the loop", "the function's global"])
    assert kinds("each") == kinds("file") == kinds("error") == [type(None)]
    assert kinds("declared") == kinds("path") == []
    assert source.has_star_import(module)


def test_a_parameter_is_bound_to_anything() -> None:
    """What a caller gives is not known, and neither is a name that an inner function assigns."""
    module = _source(
        "def outer(given, *rest, key=1):\n"
        "    call = given\n"
        "    def inner():\n"
        "        nonlocal call\n"
    )
    outer = module.tree.body[0]
    assert isinstance(outer, ast.FunctionDef)

    for parameter in ("given", "rest", "key"):
        assert source.bindings(module, outer, parameter) == [None]
    assert None in source.bindings(module, outer, "call")
