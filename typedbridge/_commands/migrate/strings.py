"""Names of asgiref in strings: ``mock.patch("asgiref.sync.sync_to_async")`` and its like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import libcst as cst

from typedbridge._commands.migrate.model import Edit, Finding, Reason
from typedbridge._commands.migrate.names import MODULES, lack
from typedbridge._commands.migrate.tree import dotted, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typedbridge._commands.migrate.tree import Tree

PATH: Final = re.compile(rf"asgiref\.({'|'.join(MODULES)})((?:[.:]\w+)*)")

TAKE_OBJECTS: Final = re.compile(
    r"""(unittest\.)?mock\.patch | (\w*_)?mocker\.patch
    | (\w*_)?monkeypatch\.(setattr|delattr)
    | (pytest\.)?MonkeyPatch(\.context)?(\(\))?\.(setattr|delattr)
    | django\.utils\.module_loading\.import_string | pkgutil\.resolve_name""",
    re.VERBOSE,
)
"""Functions whose first argument names an object, by the names that they are known by."""

TAKE_MODULES: Final = re.compile(r"importlib\.import_module | pytest\.importorskip", re.VERBOSE)
"""Functions whose first argument names a module that they return."""


def rewrite_strings(tree: Tree, known: frozenset[int], *, sure: bool) -> Iterator[Edit | Finding]:
    """Go through the strings that are a name in asgiref from end to end, docstrings left out.

    :param known: the offsets of edits that were found already: types in quotes.
    :param sure: whether all imports of the file go to typedbridge. If not, what a string patches may be
        what one of the others finds.
    """
    for node in tree.nodes():
        if isinstance(node, cst.SimpleString):
            if not isinstance(tree.parent(node), (cst.Expr, cst.ConcatenatedString)):
                yield from _literal(tree, node, known, sure=sure)
        elif isinstance(node, cst.FormattedString):
            match list(node.parts):
                case [cst.FormattedStringText(value=text), *_] if PATH.match(text):
                    yield _unsure(tree, node, text)
                case _:
                    pass
        elif isinstance(node, cst.ConcatenatedString):
            value = node.evaluated_value
            parent = tree.parent(node)
            outermost = not isinstance(parent, (cst.Expr, cst.ConcatenatedString))
            if isinstance(value, str) and PATH.fullmatch(value) and outermost:
                yield _unsure(tree, node, value)


def _unsure(tree: Tree, node: cst.CSTNode, value: str) -> Finding:
    text = f'"{value}" names asgiref: change it if something is imported or patched by it'
    return tree.finding(node, Reason.DYNAMIC, text)


def _literal(
    tree: Tree, node: cst.SimpleString, known: frozenset[int], *, sure: bool
) -> Iterator[Edit | Finding]:
    path = PATH.fullmatch(node.raw_value)
    start = tree.start(node) + len(node.prefix) + len(node.quote)
    if start in known:
        return
    if path is None:
        value = literal(node)
        if value is not None and PATH.fullmatch(value):  # written with escapes
            yield _unsure(tree, node, value)
        return
    names = [path[1], *re.split("[.:]", path[2])[1:]]
    call = _call_of(tree, node)
    attributes = _taken_by(tree, call, names) if call is not None else None
    if attributes is None:
        yield _unsure(tree, node, node.raw_value)
        return
    lacking = [
        problem for attribute in attributes if (problem := lack([*names, *attribute])) is not None
    ]
    for problem in lacking:
        yield tree.finding(node, *problem)
    if not lacking:
        yield Edit(start) if sure else _unsure(tree, node, node.raw_value)


def _call_of(tree: Tree, node: cst.CSTNode) -> cst.Call | None:
    """The call that has this as its first argument, or as the one named ``target`` or ``name``."""
    argument = tree.parent(node)
    call = tree.parent(argument) if argument is not None else None
    if not isinstance(argument, cst.Arg) or not isinstance(call, cst.Call):
        return None
    if argument.keyword is not None:
        return call if argument.keyword.value in {"target", "name"} else None
    return call if call.args[0] is argument and not argument.star else None


def _taken_by(tree: Tree, call: cst.Call, names: Sequence[str]) -> list[list[str]] | None:
    """What a call takes of the object that the string names.

    :returns: a list of attribute paths, empty ones for the object itself; nothing if that is not sure.
    """
    # As it is imported, or, for fixtures and what is not imported here, as it is written.
    called = {*tree.qualified(call.func), ".".join(dotted(call.func))}
    if any(TAKE_OBJECTS.fullmatch(name) for name in called):
        return [[]] if len(names) > 1 else None
    if any(re.fullmatch(r"(.*\.)?(mock|mocker)\.patch\.multiple", name) for name in called):
        given = [argument.keyword.value for argument in call.args[1:] if argument.keyword]
        options = {"spec", "create", "spec_set", "autospec", "new_callable"}
        return [[name] for name in given if name not in options] or None
    if any(TAKE_MODULES.fullmatch(name) for name in called):
        attributes = tree.chain(call)[1]
        return [attributes] if attributes and len(names) == 1 else None
    return None
