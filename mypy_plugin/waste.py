"""Coroutines that nobody awaits, and bridges that are made again and again."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from mypy.nodes import CallExpr

from typedbridge.mypy_plugin import errors, names
from typedbridge.mypy_plugin.calls import NotUnderstoodError, spelled, wrapper_of
from typedbridge.mypy_plugin.sites import site_of
from typedbridge.mypy_plugin.source import COMPREHENSIONS, FUNCTIONS, bindings, body_of
from typedbridge.mypy_plugin.values import Bridge, Maker

if TYPE_CHECKING:
    from typedbridge.mypy_plugin.calls import Call
    from typedbridge.mypy_plugin.sites import Site
    from typedbridge.mypy_plugin.source import Source

_LOOPS = (ast.For, ast.AsyncFor, ast.While, *COMPREHENSIONS)


def check_awaited(call: Call) -> None:
    """Report a call of a bridge made by `sync_to_async`, if its coroutine is surely lost.

    `bridge-not-awaited` is certain if

    1. what is called is known (`known.py` says when), and all that it may be is such a bridge;
    2. the coroutine is compared with None, or an `if`, `while`, `assert` or `not` asks for its truth; or it is assigned to a local name that does not begin with an underscore, and that the
       function does not read or delete, nor a function inside.

    3. nothing around it waits for Python's own warning.

    mypy itself reports a call that is a statement, as `unused-coroutine`.
    """
    if (
        not isinstance(call.context, CallExpr)
        or wrapper_of(call.callee_type) != names.TO_ASYNC_WRAPPER
    ):
        return
    # Something is expected of what is awaited, passed on or returned: most calls end here.
    if call.checker.expr_checker.type_context[-1] is not None:
        return
    if not call.tools.findings.wanted(errors.NOT_AWAITED):
        return
    if not _may_be_lost(*call.tools.sources.around(call.checker.tree, call.context)):
        return
    try:
        site = site_of(call, to_sync=False)
        is_lost = (
            _is_lost(site.source, site.node)
            and not site.may_be_caught()
            and all(isinstance(value, Bridge) and not value.to_sync for value in site.called())
        )
    except NotUnderstoodError:
        return
    if is_lost and call.callee_type is not None:
        name = spelled(call.callee_type, call.callee)
        is_async = isinstance(site.runs_in(), ast.AsyncFunctionDef)
        what_to_do = (
            "await it"
            if is_async
            else "await it in an async function, or call the function that it wraps"
        )
        call.tools.findings.report(
            call.checker,
            errors.NOT_AWAITED,
            f"the coroutine that {name} returns is never awaited: {what_to_do}",
            call.context,
        )


def check_made_once(call: Call) -> None:
    """Note that `sync_to_async` is called in a function or loop, each time for the same function.

    `bridge-made-anew` is a note for who asks for it. What is given, and each option, is a constant or a
    name, with attributes, that the module or Python defines.
    """
    if not isinstance(call.context, CallExpr) or not call.tools.findings.wanted(errors.MADE_ANEW):
        return
    try:
        site = site_of(call, to_sync=False)
        if not all(isinstance(value, Maker) for value in site.called()):
            return
    except NotUnderstoodError:
        return
    if not isinstance(site.node, ast.Call) or not _is_always_the_same(site, site.node):
        return
    around = _repeats(site.source, site.node)
    if around is not None:
        name = spelled(call.arg_types[0][0], call.args[0][0])
        call.tools.findings.note(
            call.checker,
            errors.MADE_ANEW,
            f"{around} makes a new bridge of {name} each time: make it once, outside",
            call.context,
        )


def _may_be_lost(before: bytes, after: bytes) -> bool:
    """Say whether it is worth while to parse the module: an `await` before the call, and it is not."""
    return _LOSES.search(before) is not None or _COMPARES.match(after) is not None


# Python itself may stand between: a bracket, a line.
_LOSES: Final = re.compile(rb"(\b(if|elif|while|assert|not)\b|=)[\s(]*$|^\s*$")
_COMPARES: Final = re.compile(rb"[\s)]*(is\b|==|!=|else\b|if\b)")


def _is_lost(source: Source, node: ast.expr) -> bool:
    parent = source.parents[node]
    if isinstance(parent, (ast.If, ast.While, ast.Assert, ast.IfExp)):
        return parent.test is node
    if isinstance(parent, ast.UnaryOp):
        return isinstance(parent.op, ast.Not)
    if isinstance(parent, ast.Assign):
        return _is_never_read(source, parent)
    # Any other comparison mypy refuses itself.
    return isinstance(parent, ast.Compare) and any(
        isinstance(other, ast.Constant) and other.value is None for other in parent.comparators
    )


def _is_never_read(source: Source, statement: ast.Assign) -> bool:
    scope = source.scope_of(statement)
    target = statement.targets[0]
    if len(statement.targets) > 1 or not isinstance(target, ast.Name):
        return False
    if target.id.startswith("_") or not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    # `locals()` and the like read all names.
    reads = {target.id, "locals", "vars", "eval", "exec", "dir"}
    return not any(
        (isinstance(node, ast.Name) and node.id in reads and not isinstance(node.ctx, ast.Store))
        or (isinstance(node, (ast.Global, ast.Nonlocal)) and target.id in node.names)
        for node in ast.walk(scope)
    )


def _is_always_the_same(site: Site, call: ast.Call) -> bool:
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(_is_global(site.source, argument) for argument in arguments)


def _is_global(source: Source, expression: ast.expr) -> bool:
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    if isinstance(expression, ast.Constant):
        return True
    if not isinstance(expression, ast.Name):
        return False
    for scope in source.scopes_for_names(source.scope_of(expression)):
        if bindings(source, scope, expression.id):
            return isinstance(scope, ast.Module)
    return True


def _repeats(source: Source, node: ast.expr) -> str | None:
    """Name what makes an expression run again and again."""
    for child, parent in source.upwards(node):
        if isinstance(parent, _LOOPS):
            return "the loop"
        if isinstance(parent, FUNCTIONS) and child in body_of(parent):
            return f'"{parent.name}"' if not isinstance(parent, ast.Lambda) else "the lambda"
    return None
