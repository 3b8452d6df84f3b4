"""The text of a module, parsed again: what binds a name, and what stands around an expression.

A type does not tell what a value is, and mypy's cache keeps no body of a function and no decorator. So
before a finding is reported it is proved in the source; that is rare, and the same in a cold and a
warm run.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy.nodes import Context, MypyFile
    from mypy.options import Options

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
ScopeNode: TypeAlias = ast.Module | ast.ClassDef | FunctionNode | ast.Lambda
# What gives a name its value: a definition, an import, an expression; None for all else.
Binding: TypeAlias = FunctionNode | ast.ClassDef | ast.alias | ast.expr | None

SCOPES: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

_Position: TypeAlias = tuple[int, int, int | None, int | None]


class Source:
    """One module."""

    def __init__(self, file: MypyFile, tree: ast.Module) -> None:
        self.file = file
        self.tree = tree
        self.parents: dict[ast.AST, ast.AST] = {}
        self._calls: dict[_Position, ast.Call] = {}
        self._decorators: dict[tuple[int, int], ast.expr] = {}
        self._set: set[str] = set()
        self._set_elsewhere: set[str] = set()
        self._bound: dict[ScopeNode, dict[str, list[Binding]]] = {}
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            if isinstance(node, ast.Call):
                self._calls[_position(node)] = node
            elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                self._set.add(node.attr)
                if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}):
                    self._set_elsewhere.add(node.attr)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for decorator in node.decorator_list:
                    self._decorators[decorator.lineno, decorator.col_offset] = decorator

    def call_at(self, context: Context) -> ast.Call | None:
        """Return the call that stands where mypy says; None for one that mypy made up."""
        where = (context.line, context.column, context.end_line, context.end_column)
        return self._calls.get(where)

    def decorator_at(self, context: Context) -> ast.expr | None:
        """Return the decorator that begins where mypy says."""
        return self._decorators.get((context.line, context.column))

    def sets_attribute(self, name: str) -> bool:
        """Say whether an attribute of that name is assigned or deleted, of any object."""
        return name in self._set

    def sets_in_module(self, name: str) -> bool:
        """Say whether an attribute of that name, of what may be a module, is assigned or deleted."""
        return name in self._set_elsewhere

    def bound_in(self, scope: ScopeNode) -> dict[str, list[Binding]]:
        """Return what gives each name of a scope its value; looked for once, since many ask."""
        if scope not in self._bound:
            self._bound[scope] = _bindings_in(self, scope)
        return self._bound[scope]

    def upwards(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Yield each node with its parent, from the inside out."""
        while (parent := self.parents.get(node)) is not None:
            yield node, parent
            node = parent

    def scope_of(self, node: ast.AST) -> ScopeNode:
        """Return the scope in which a node is evaluated: a decorator's is outside of its function."""
        for child, parent in self.upwards(node):
            if isinstance(parent, SCOPES) and (
                isinstance(parent, ast.Module) or child in body_of(parent)
            ):
                return parent
        return self.tree

    def scopes_for_names(self, scope: ScopeNode) -> Iterator[ScopeNode]:
        """Yield the scopes in which a name is looked up, innermost first."""
        yield scope
        while not isinstance(scope, ast.Module):
            scope = self.scope_of(scope)
            if not isinstance(scope, ast.ClassDef):
                yield scope


class Sources:
    """The modules that had to be read."""

    def __init__(self, options: Options) -> None:
        self._shadows = dict(options.shadow_file or ())
        self._read: dict[str, Source | None] = {}
        self._lines: dict[str, list[bytes]] = {}

    def forget(self) -> None:
        """Read all again: mypy has found a file that has changed."""
        self._read.clear()
        self._lines.clear()

    def around(self, file: MypyFile, context: Context) -> tuple[bytes, bytes]:
        """Return what stands before and after an expression in its lines, without parsing the module."""
        if file.path not in self._lines:
            self._lines[file.path] = self._text(file).splitlines()
        lines = self._lines[file.path]
        try:
            last = lines[(context.end_line or context.line) - 1]
            return lines[context.line - 1][: context.column], last[context.end_column or 0 :]
        except IndexError:
            return b"", b""

    def of(self, file: MypyFile) -> Source | None:
        """Return the source of a module; None if it cannot be read, or is newer than this Python."""
        if file.path not in self._read:
            self._read[file.path] = self._parse(file)
        return self._read[file.path]

    def _parse(self, file: MypyFile) -> Source | None:
        try:
            return Source(file, ast.parse(self._text(file)))
        except (SyntaxError, ValueError):
            return None

    def _text(self, file: MypyFile) -> bytes:
        try:
            return Path(self._shadows.get(file.path, file.path)).read_bytes()
        except OSError:
            return b""


def _position(node: ast.expr) -> _Position:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def body_of(scope: ScopeNode) -> list[ast.stmt] | list[ast.expr]:
    """Return what stands in a scope."""
    return [scope.body] if isinstance(scope, ast.Lambda) else scope.body


def evaluated_in(scope: ScopeNode) -> Iterator[ast.AST]:
    """Yield what is evaluated in a scope itself: of a function in it, its decorators and defaults."""
    todo: list[ast.AST] = [*body_of(scope)]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo += [
                *node.decorator_list,
                *node.args.defaults,
                *filter(None, node.args.kw_defaults),
            ]
        elif isinstance(node, ast.Lambda):
            todo += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.ClassDef):
            todo += [*node.decorator_list, *node.bases, *node.keywords]
        else:
            todo += ast.iter_child_nodes(node)


def bindings(source: Source, scope: ScopeNode, name: str) -> list[Binding]:
    """Return all that gives a name its value in a scope, in whatever branch or function."""
    return source.bound_in(scope).get(name, [])


def _bindings_in(source: Source, scope: ScopeNode) -> dict[str, list[Binding]]:
    found: dict[str, list[Binding]] = {}
    for node in evaluated_in(scope):
        for name, binding in _bound_by(source, node):
            found.setdefault(name, []).append(binding)
    if isinstance(scope, FUNCTIONS):
        for name in _parameters(scope):
            found.setdefault(name, []).append(None)
    for node in ast.walk(scope):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in found.keys() & node.names:
                # It may be assigned elsewhere.
                found[name].append(None)
    return found


def _bound_by(source: Source, node: ast.AST) -> Iterator[tuple[str, Binding]]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name, node
    elif isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            for binding in _assigned(source.parents[node], node):
                yield node.id, binding
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], alias
    elif not isinstance(node, ast.alias):
        for name in _other_names(node):
            yield name, None


def _other_names(node: ast.AST) -> set[str]:
    """Return what is bound by `global` and `nonlocal`, an `except`, a pattern, or `type`."""
    alone = {getattr(node, "name", None), getattr(node, "rest", None)}
    return {*getattr(node, "names", ()), *(name for name in alone if isinstance(name, str))}


def _assigned(statement: ast.AST, target: ast.Name) -> Iterator[Binding]:
    if (isinstance(statement, ast.Assign) and target in statement.targets) or (
        isinstance(statement, ast.AnnAssign) and statement.value is not None
    ):
        yield statement.value
    elif not isinstance(statement, ast.AnnAssign):
        yield None


def _parameters(function: FunctionNode | ast.Lambda) -> set[str]:
    arguments = function.args
    stars = filter(None, (arguments.vararg, arguments.kwarg))
    plain = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars)
    return {argument.arg for argument in plain}


def has_star_import(source: Source) -> bool:
    """Say whether names may come into the module that it does not name."""
    return bool(bindings(source, source.tree, "*"))


def is_generator(function: FunctionNode) -> bool:
    """Say whether the body of a function yields."""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in evaluated_in(function))
