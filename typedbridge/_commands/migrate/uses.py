"""What is done with an imported module or class, and may that be done with typedbridge's?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import libcst as cst

from typedbridge._commands.migrate.model import Reason
from typedbridge._commands.migrate.names import MODULES, lack
from typedbridge._commands.migrate.tree import literal, root

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from libcst.metadata import Access

    from typedbridge._commands.migrate.model import Finding
    from typedbridge._commands.migrate.tree import Tree

BY_NAME: Final = frozenset({"delattr", "getattr", "hasattr", "object", "setattr"})
"""Functions, and methods of `mock.patch` and `monkeypatch`, that take an object and an attribute's name."""


class Use(NamedTuple):
    """One place where a name is used: the name's offset, and the attributes that are taken of it."""

    node: cst.CSTNode
    start: int
    names: Sequence[str]
    value: bool
    """Whether more may be done with it than its attributes show."""


def uses(tree: Tree, accesses: Sequence[Access], bound: str) -> Iterator[Use]:
    """Find what is done with a name.

    :param bound: the name, which annotations in quotes are searched for.
    """
    for access in accesses:
        if isinstance(access.node, cst.SimpleString):
            yield from _in_string(tree, access.node, bound)
            continue
        name = root(access.node)
        outer, names = tree.chain(name)
        named = _attribute_by_name(tree, outer)
        if named is not None:
            names = [*names, named]
        value = not names and not _compared_with_none(tree, outer)
        yield Use(name, tree.start(name), names, value)


def _in_string(tree: Tree, string: cst.SimpleString, bound: str) -> Iterator[Use]:
    raw = string.raw_value
    if "\\" in raw:
        yield Use(string, tree.start(string), [], value=True)
        return
    begin = tree.start(string) + len(string.prefix) + len(string.quote)
    for match in re.finditer(rf"(?<![\w.]){re.escape(bound)}\b((?:\.\w+)*)", raw):
        names = match[1].split(".")[1:]
        start = begin + len(raw[: match.start()].encode())
        yield Use(string, start, names, value=not names)


def _attribute_by_name(tree: Tree, node: cst.CSTNode) -> str | None:
    """The attribute that ``getattr(node, "name")`` and its like are about."""
    argument = tree.parent(node)
    call = tree.parent(argument) if argument is not None else None
    if not isinstance(call, cst.Call) or len(call.args) < 2 or call.args[0] is not argument:
        return None
    called = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    if not isinstance(called, cst.Name) or called.value not in BY_NAME:
        return None
    return literal(call.args[1].value)


def _compared_with_none(tree: Tree, node: cst.CSTNode) -> bool:
    parent = tree.parent(node)
    match parent:
        case cst.Comparison(
            comparisons=[
                cst.ComparisonTarget(
                    operator=cst.Is() | cst.IsNot(), comparator=cst.Name(value="None")
                )
            ]
        ):
            return True
        case _:
            return False


def module_problems(tree: Tree, module: str, found: Sequence[Use]) -> Iterator[Finding]:
    """What is done with one of the modules that cannot be done with typedbridge's, or is not known."""
    for use in found:
        if use.value:
            text = f"the module asgiref.{module} is used as a value: change the import by hand"
            yield tree.finding(use.node, Reason.DYNAMIC, text)
        elif use.names and (lacking := lack([module, *use.names])):
            yield tree.finding(use.node, *lacking)


def object_problems(tree: Tree, path: Sequence[str], found: Sequence[Use]) -> Iterator[Finding]:
    """Attributes of something imported that typedbridge's lacks."""
    for use in found:
        if use.names and (lacking := lack([*path, *use.names])):
            yield tree.finding(use.node, *lacking)


def package_problems(tree: Tree, found: Sequence[Use]) -> Iterator[Finding]:
    """What is done through ``asgiref.sync...`` that cannot be done through ``typedbridge.sync...``."""
    for use in found:
        module, *names = use.names or [""]
        if use.value:
            text = "the package asgiref is used as a value: change the import by hand"
            yield tree.finding(use.node, Reason.DYNAMIC, text)
        elif module not in MODULES:
            continue
        elif not names:
            text = f"the module asgiref.{module} is used as a value: change the import by hand"
            yield tree.finding(use.node, Reason.DYNAMIC, text)
        elif lacking := lack([module, *names]):
            yield tree.finding(use.node, *lacking)
