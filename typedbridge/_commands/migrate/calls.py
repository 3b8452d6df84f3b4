"""Calls and decorators that typedbridge refuses when it wraps, or that need another argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import libcst as cst
from libcst.metadata import Assignment, ClassScope

from typedbridge._commands.migrate.model import Finding, Reason
from typedbridge._commands.migrate.names import BRIDGES, GONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typedbridge._commands.migrate.tree import Tree

POSITIONS: Final = {"SyncToAsync": ("func", "thread_sensitive", "executor", "context")}
"""The parameters that may be given by position, where there are more than the function."""

DECORATORS: Final = {"SyncToAsync": "sync_to_async", "AsyncToSync": "async_to_sync"}
"""What the wrapper classes are as decorators."""


def find_in_calls(tree: Tree) -> Iterator[Finding]:
    """Look at every use of a bridge in a file, asgiref's or typedbridge's."""
    for node in tree.nodes():
        if isinstance(node, cst.FunctionDef):
            yield from _decorators(tree, node)
        elif isinstance(node, cst.Call):
            bridge = _bridge(tree, node.func)
            if bridge is not None:
                yield from _wrapped(tree, node, bridge)
                yield from _executor(tree, node, bridge)
        elif isinstance(node, cst.ClassDef):
            yield from _subclass(tree, node)


def _bridge(tree: Tree, node: cst.CSTNode) -> str | None:
    if not isinstance(node, (cst.Name, cst.Attribute)):
        return None
    bridges = {BRIDGES.get(name) for name in tree.qualified(node)}
    return bridges.pop() if len(bridges) == 1 else None


def _decorators(tree: Tree, node: cst.FunctionDef) -> Iterator[Finding]:
    below: cst.BaseExpression | None = None
    for decorator in reversed(node.decorators):
        used = decorator.decorator
        if isinstance(used, cst.Call) and not any(a.keyword is None for a in used.args):
            used = used.func
        bridge = _bridge(tree, used)
        if bridge is not None and below is None and _is_generator(node):
            yield _generator(tree, decorator, bridge, node)
        elif bridge is not None and below is not None:
            for name in tree.qualified(below) & {"builtins.staticmethod", "builtins.classmethod"}:
                kind = name.removeprefix("builtins.")
                text = f"@{bridge} stands above @{kind}, which typedbridge refuses: swap the two"
                yield tree.finding(decorator, Reason.DESCRIPTOR, text)
        below = decorator.decorator


def _generator(tree: Tree, node: cst.CSTNode, bridge: str, function: cst.FunctionDef) -> Finding:
    is_async = function.asynchronous is not None
    advice = {
        ("sync_to_async", False): "use typedbridge.sync_to_async_generator",
        ("sync_to_async", True): "use async for as it is",
        ("async_to_sync", False): "use for as it is",
        ("async_to_sync", True): "use typedbridge.async_to_sync_generator",
    }[DECORATORS.get(bridge, bridge), is_async]
    name = function.name.value
    text = f"{bridge} wraps the generator function {name}, which typedbridge refuses: {advice}"
    return tree.finding(node, Reason.GENERATOR, text)


class _Yields(cst.CSTVisitor):
    """Looks for ``yield`` in a function, and not in what is defined inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def visit_Yield(self, node: cst.Yield) -> bool:  # noqa: N802  # libcst's
        self.found = True
        return False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:  # noqa: N802
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:  # noqa: N802
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:  # noqa: N802
        return False


def _is_generator(node: cst.FunctionDef) -> bool:
    visitor = _Yields()
    node.body.visit(visitor)
    return visitor.found


def _wrapped(tree: Tree, call: cst.Call, bridge: str) -> Iterator[Finding]:
    """``sync_to_async(rows)``, where ``rows`` is a generator function of this file."""
    if not call.args or call.args[0].keyword is not None or call.args[0].star:
        return
    given = call.args[0].value
    match given:
        case cst.Name(value=name):
            scope = tree.scope(given)
            assignments = scope[name] if scope is not None else ()
            nodes = [item.node if isinstance(item, Assignment) else None for item in assignments]
        case cst.Attribute(value=cst.Name(value="self" | "cls"), attr=cst.Name(value=name)):
            nodes = _methods(tree, given, name)
        case _:
            return
    functions = [node for node in nodes if isinstance(node, cst.FunctionDef)]
    if not functions or len(functions) < len(nodes):
        return
    if all(not function.decorators and _is_generator(function) for function in functions):
        yield _generator(tree, call, bridge, functions[0])


def _methods(tree: Tree, node: cst.CSTNode, name: str) -> list[cst.CSTNode | None]:
    """What the class around a node has under a name."""
    scope = tree.scope(node)
    while scope is not None and not isinstance(scope, ClassScope):
        if scope.parent is scope:
            return []
        scope = scope.parent
    if scope is None:
        return []
    return [
        item.node if isinstance(item, Assignment) else None
        for item in scope.assignments
        if item.name == name
    ]


def _executor(tree: Tree, call: cst.Call, bridge: str) -> Iterator[Finding]:
    """``executor=`` in a sensitive bridge, which is refused."""
    if bridge in {"async_to_sync", "AsyncToSync"} or any(argument.star for argument in call.args):
        return
    names = POSITIONS.get(bridge, ("func",))
    given = dict(zip(names, [a.value for a in call.args if a.keyword is None], strict=False))
    given |= {a.keyword.value: a.value for a in call.args if a.keyword is not None}
    if "executor" not in given or _word(given["executor"]) == "None":
        return
    # Any other value may well be false when it comes to it.
    if "thread_sensitive" not in given or _word(given["thread_sensitive"]) == "True":
        text = f"{bridge} is given an executor: add thread_sensitive=False"
        yield tree.finding(call, Reason.EXECUTOR, text)


def _word(node: cst.CSTNode | None) -> str | None:
    return node.value if isinstance(node, cst.Name) else None


def _subclass(tree: Tree, node: cst.ClassDef) -> Iterator[Finding]:
    """Attributes of older wrapper classes, read by a subclass."""
    if not any(
        _bridge(tree, base.value.value if isinstance(base.value, cst.Subscript) else base.value)
        for base in node.bases
    ):
        return
    finder = _OldAttributes()
    node.body.visit(finder)
    for attribute in finder.found:
        name = attribute.attr.value
        reason = Reason.PRIVATE if name.startswith("_") else Reason.MISSING
        yield tree.finding(attribute, reason, f"typedbridge's classes have no attribute {name}")


class _OldAttributes(cst.CSTVisitor):
    """Collects ``self.launch_map`` and its like, where the class does not define it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Attribute] = []

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802  # libcst's
        match node:
            case cst.Attribute(value=cst.Name(value="self" | "cls"), attr=cst.Name(value=name)):
                if name in GONE:
                    self.found.append(node)
            case _:
                pass
