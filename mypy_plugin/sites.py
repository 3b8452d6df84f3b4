"""Where in the source a call stands: what is called and given there, and what runs it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mypy.nodes import CallExpr, Decorator

from typedbridge.mypy_plugin import names
from typedbridge.mypy_plugin.calls import NotUnderstoodError
from typedbridge.mypy_plugin.known import Knowledge, values_of
from typedbridge.mypy_plugin.source import COMPREHENSIONS, FUNCTIONS, body_of
from typedbridge.mypy_plugin.values import Bridge, Class, Maker, Named, made

if TYPE_CHECKING:
    from mypy.nodes import Context

    from typedbridge.mypy_plugin.calls import Call
    from typedbridge.mypy_plugin.source import FunctionNode, Source
    from typedbridge.mypy_plugin.values import Value

# Exceptions that an `except` for RuntimeError or TypeError is not for. A name that is not here may
# stand for one of them.
_OTHER_ERRORS: Final = frozenset(
    {
        *("ArithmeticError", "AssertionError", "AttributeError", "BufferError", "EOFError"),
        *("FileExistsError", "FileNotFoundError", "FloatingPointError", "GeneratorExit"),
        *("ImportError", "IndexError", "InterruptedError", "IsADirectoryError", "KeyError"),
        *("KeyboardInterrupt", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError"),
        *("NotADirectoryError", "OSError", "OverflowError", "PermissionError", "StopIteration"),
        *("SyntaxError", "SystemExit", "TimeoutError", "UnicodeError", "ValueError"),
        *("ZeroDivisionError", "ConnectionError", "StopAsyncIteration", "BlockingIOError"),
    }
)


@dataclass(frozen=True, slots=True)
class Site:
    """A call or a decorator line.

    :param node: the call, or the decorator.
    """

    call: Call
    source: Source
    node: ast.expr
    knowledge: Knowledge

    def called(self) -> list[Value]:
        """Return all that may be called here.

        :raises NotUnderstoodError: it may be anything.
        """
        callee = self.call.callee
        if isinstance(self.node, ast.Call) and callee is not None and self.is_call:
            return values_of(self.call, self.knowledge, callee, self.node.func, self.source)
        return self.knowledge.values(self.node, self.source)

    @property
    def is_call(self) -> bool:
        """Whether this is a call and no decorator."""
        return isinstance(self.call.context, CallExpr)

    def given(self) -> list[Value]:
        """Return all that may be given here to a bridge, or to the call form, as what it wraps.

        :raises NotUnderstoodError: it may be anything, or there may be no bridge.
        """
        for maker in self.called():
            is_maker = isinstance(maker, Maker) or (
                isinstance(maker, Named) and maker.fullname in {names.CALL_SYNC, names.CALL_ASYNC}
            )
            if not is_maker and not _makes_bridges(maker):
                raise NotUnderstoodError(maker)
        if not self.is_call:
            return self.knowledge.under(self.node, self.source)
        if not isinstance(self.node, ast.Call):
            raise NotUnderstoodError(self.node)
        named = [k.value for k in self.node.keywords if k.arg in names.GIVEN_AS]
        first = [*self.node.args, *named][0]
        return values_of(self.call, self.knowledge, self.call.args[0][0], first, self.source)

    def runs_in(self) -> FunctionNode | None:
        """Return the function whose body runs this when it is run itself.

        In a lambda and in a generator expression, but for its first iterable, it runs elsewhere.
        """
        for child, parent in self.source.upwards(self.node):
            if isinstance(parent, ast.GeneratorExp):
                if child is not parent.generators[0] or not self._is_in(parent.generators[0].iter):
                    return None
            elif isinstance(parent, ast.Lambda) and child is parent.body:
                return None
            elif isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if child in parent.body:
                    return parent
                if child not in parent.decorator_list and child is not parent.args:
                    return None  # an annotation
        return None

    def may_be_caught(self) -> bool:
        """Say whether something around this waits for its error."""
        return may_be_caught(self.source, self.node)

    def _is_in(self, around: ast.AST) -> bool:
        return any(node is self.node for node in ast.walk(around))

    def is_repeated(self) -> bool:
        """Say whether this runs again and again: in a loop of its function, or in a function."""
        return any(
            isinstance(parent, (ast.For, ast.AsyncFor, ast.While, *FUNCTIONS, *COMPREHENSIONS))
            for _, parent in self.source.upwards(self.node)
        )


def site_of(call: Call, *, to_sync: bool) -> Site:
    """Find a call or decorator line in the source.

    :raises NotUnderstoodError: it does not stand there, or cannot be told from others.
    """
    tools = call.tools
    source = tools.sources.of(call.checker.tree)
    if source is None:
        raise NotUnderstoodError(call.checker.tree)
    knowledge = Knowledge(tools.modules, tools.sources, source)
    node: ast.expr | None
    if isinstance(call.context, Decorator):
        node = _decorator(call, call.context, source, knowledge, to_sync=to_sync)
    else:
        node = source.call_at(call.context)
    if node is None:
        raise NotUnderstoodError(call.context)
    return Site(call, source, node, knowledge)


def _decorator(
    call: Call, decorated: Decorator, source: Source, knowledge: Knowledge, *, to_sync: bool
) -> ast.expr | None:
    applied = call.callee
    if applied is not None:
        return source.decorator_at(applied)
    # Where mypy does not say: if only one of them makes such bridges.
    makers = [
        node
        for decorator in decorated.decorators
        if (node := source.decorator_at(decorator)) is not None
        and _certainly_makes(knowledge, node, source, to_sync=to_sync)
    ]
    return makers[0] if len(makers) == 1 else None


def _certainly_makes(
    knowledge: Knowledge, node: ast.expr, source: Source, *, to_sync: bool
) -> bool:
    try:
        found = knowledge.values(node, source)
    except NotUnderstoodError:
        return False
    return all(isinstance(value, Maker) and value.to_sync is to_sync for value in found)


def _makes_bridges(maker: Value) -> bool:
    return isinstance(maker, Class) and isinstance(made(maker.info), Bridge)


def may_be_caught(source: Source, node: ast.expr) -> bool:
    """Say whether the function that runs an expression waits for its error, as a test does."""
    for child, parent in source.upwards(node):
        if isinstance(parent, FUNCTIONS) and child in body_of(parent):
            return False
        body = getattr(parent, "body", None)
        if not isinstance(body, list) or child not in body:
            continue
        if any(map(_may_catch, getattr(parent, "handlers", ()))):
            return True
        if any(map(_may_suppress, getattr(parent, "items", ()))):
            return True
    return False


def _may_catch(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return not all(isinstance(kind, ast.Name) and kind.id in _OTHER_ERRORS for kind in kinds)


def _may_suppress(item: ast.withitem) -> bool:
    """Say whether a `with` names exceptions, as `suppress(TypeError)` and `raises(...)` do."""
    return isinstance(item.context_expr, ast.Call) and any(
        isinstance(argument, (ast.Name, ast.Attribute, ast.Tuple, ast.Starred))
        and _names_error(argument)
        for argument in item.context_expr.args
    )


def _names_error(argument: ast.expr) -> bool:
    last = [
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(argument)
        if isinstance(node, (ast.Name, ast.Attribute))
    ]
    return any(name[:1].isupper() and name not in _OTHER_ERRORS for name in last)


def line_of(decorated: Context, site: Site) -> Context:
    """Return where a finding is reported: on the decorator's line, where a `type: ignore` is put."""
    if isinstance(decorated, Decorator):
        for decorator in decorated.original_decorators:
            if (decorator.line, decorator.column) == (site.node.lineno, site.node.col_offset):
                return decorator
    return decorated
