"""A parsed file, and what is asked of its nodes: where they are, what they mean, what is around them."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import libcst as cst
from libcst import metadata

from typedbridge._commands.migrate.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from libcst.metadata import Access, CodeSpan, Scope

    from typedbridge._commands.migrate.model import Reason


STACK: Final = 512 * 1024 * 1024
"""Bytes of address space for the parser's stack; memory is taken as it is used."""


class NotFaithfulError(Exception):
    """The parser would not give a text back as it was."""


class Tree:
    """A file's syntax tree with libcst's knowledge about it.

    :raises libcst.ParserSyntaxError: the text is not Python.
    :raises NotFaithfulError: the tree is not the text.
    :raises RecursionError: the text nests deeper than libcst can follow.
    """

    def __init__(self, text: str) -> None:
        module = _parse(text)
        if module.code != text:
            raise NotFaithfulError
        self.utf8 = text.encode()
        # The parser has just made the nodes: none of them occurs twice, so no copy is needed.
        wrapper = metadata.MetadataWrapper(module, unsafe_skip_copy=True)
        self.module = wrapper.module
        self._parents: Mapping[cst.CSTNode, cst.CSTNode] = wrapper.resolve(
            metadata.ParentNodeProvider
        )
        self._spans: Mapping[cst.CSTNode, CodeSpan] = wrapper.resolve(
            metadata.ByteSpanPositionProvider
        )
        self._scopes: Mapping[cst.CSTNode, Scope | None] = wrapper.resolve(metadata.ScopeProvider)

    def nodes(self) -> Iterator[cst.CSTNode]:
        """All nodes that stand in some scope, in no order."""
        return iter(self._spans)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What a node is part of; nothing for the module."""
        return self._parents.get(node)

    def start(self, node: cst.CSTNode) -> int:
        """A node's offset in the text (bytes in UTF-8)."""
        return self._spans[node].start

    def source(self, node: cst.CSTNode) -> str:
        """A node's own text."""
        span = self._spans[node]
        return self.utf8[span.start : span.start + span.length].decode()

    def scope(self, node: cst.CSTNode) -> Scope | None:
        """Where a node's names are looked up."""
        at: cst.CSTNode | None = node
        while at is not None:
            scope = self._scopes.get(at)
            if scope is not None:
                return scope
            at = self.parent(at)
        return None

    def qualified(self, node: cst.CSTNode) -> set[str]:
        """The full names that an expression may have; for what was not bound here, the name itself."""
        scope = self.scope(node)
        names = scope.get_qualified_names_for(node) if scope is not None else ()
        return {name.name for name in names}

    def is_expression(self, name: cst.Name) -> bool:
        """Tell whether a name is looked up: it is no attribute's, argument's or parameter's, or imported."""
        match self.parent(name):
            case cst.Attribute(value=value):
                return value is name and not self._is_imported(name)
            case cst.Arg(value=value):
                return value is name
            case cst.Param(name=own) | cst.FunctionDef(name=own) | cst.ClassDef(name=own):
                return own is not name
            case cst.NameItem():
                return False
            case _:
                return not self._is_imported(name)

    def _is_imported(self, name: cst.CSTNode) -> bool:
        node: cst.CSTNode | None = name
        while isinstance(node, cst.Name | cst.Attribute | cst.AsName):
            node = self.parent(node)
        return isinstance(node, cst.ImportAlias | cst.ImportFrom)

    def chain(self, node: cst.CSTNode) -> tuple[cst.CSTNode, list[str]]:
        """Follow the attributes that are taken of an expression.

        :returns: the outermost attribute, and the attributes' names in their order.
        """
        names: list[str] = []
        parent = self.parent(node)
        while isinstance(parent, cst.Attribute) and parent.value is node:
            names.append(parent.attr.value)
            node, parent = parent, self.parent(parent)
        return node, names

    def finding(self, node: cst.CSTNode, reason: Reason, text: str) -> Finding:
        """A finding at the place of a node."""
        before = re.split("\r\n|\r|\n", self.utf8[: self.start(node)].decode())
        return Finding(len(before), len(before[-1]) + 1, reason, text)


def _parse(text: str) -> cst.Module:
    """Parse on a stack that is large enough.

    libcst 1.9 ends the process where a long sum or chain of attributes overflows the usual 8 MiB: at a few
    thousand terms, which Python itself takes.
    """
    before = threading.stack_size(STACK)
    try:
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(cst.parse_module, text).result()
    finally:
        threading.stack_size(before)


def root(node: cst.CSTNode) -> cst.CSTNode:
    """The leftmost name of a dotted one."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return node


def dotted(node: cst.CSTNode | None) -> list[str]:
    """The parts of a dotted name; nothing for any other expression."""
    names: list[str] = []
    while isinstance(node, cst.Attribute):
        names.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return []
    return [node.value, *reversed(names)]


def literal(node: cst.CSTNode | None) -> str | None:
    """The value of a plain string literal."""
    if not isinstance(node, cst.SimpleString):
        return None
    value = node.evaluated_value
    return value if isinstance(value, str) else None


def accesses(scope: Scope, name: str, statement: cst.CSTNode | None = None) -> list[Access]:
    """The uses of what a scope, or one import statement in it, binds to a name; each once.

    ``import a.b`` is known to libcst as a binding of ``a`` and one of ``a.b``.
    """
    found: dict[int, Access] = {}
    for assignment in scope.assignments:
        if assignment.name != name and not assignment.name.startswith(f"{name}."):
            continue
        if statement is None or getattr(assignment, "node", None) is statement:
            found |= {id(access.node): access for access in assignment.references}
    return list(found.values())
