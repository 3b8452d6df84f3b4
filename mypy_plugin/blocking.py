"""Blocking bridges that are called in async code, where they would stop the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.inspections import find_all_by_location
from mypy.nodes import (
    LDEF,
    AssignmentStmt,
    Block,
    CallExpr,
    FuncDef,
    FuncItem,
    GeneratorExpr,
    ListComprehension,
    MemberExpr,
    NameExpr,
    RefExpr,
    SetComprehension,
    SuperExpr,
    Var,
)
from mypy.types import FunctionLike, get_proper_type

from typedbridge.mypy_plugin import errors, names
from typedbridge.mypy_plugin.calls import spelled, wrapper_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy.nodes import Expression

    from typedbridge.mypy_plugin.calls import Call


def check(call: Call, name: str) -> None:
    """Report a call of a blocking bridge whose own function is async."""
    if not isinstance(call.context, CallExpr):
        return
    # Of the stack itself: `current_function` came with mypy 1.16. A lambda is a function, too.
    function = next(
        (f for f in reversed(call.checker.scope.stack) if isinstance(f, FuncItem)), None
    )
    if (
        isinstance(function, FuncDef)
        and function.is_coroutine
        and call.tools.findings.wanted(errors.BLOCKING_CALL)
        and _runs_here(call, call.context)
    ):
        message = (
            f'{name} blocks, but is called in the async function "{function.name}": '
            "await the async function that it wraps"
        )
        call.tools.findings.report(call.checker, errors.BLOCKING_CALL, message, call.context)


def check_callee(call: Call) -> None:
    """Report a call in async code if what is called is a blocking bridge."""
    callee_type = call.callee_type
    if callee_type is None or wrapper_of(callee_type) != names.TO_SYNC_WRAPPER:
        return
    # What is declared as a wrapper class is one.
    if isinstance(get_proper_type(callee_type), FunctionLike) and not _is_certain(call):
        return
    check(call, spelled(callee_type, call.callee))


def _is_certain(call: Call) -> bool:
    """Say whether what is called and has the type of a bridge is one.

    The type of `bridge if flag else function` is that of one of them, and so is that of the items in
    `[bridge, function]`.
    """
    callee = call.callee
    if not isinstance(callee, (NameExpr, MemberExpr, SuperExpr, CallExpr)):
        return False
    if not isinstance(callee, NameExpr) or callee.kind != LDEF or not isinstance(callee.node, Var):
        return True
    functions = [scope for scope in call.checker.scope.stack if isinstance(scope, FuncItem)]
    values = [value for f in functions for value in _values_of(callee.node, f.body)]
    return bool(values) and all(isinstance(value, (CallExpr, RefExpr)) for value in values)


def _values_of(variable: Var, block: Block) -> Iterator[Expression]:
    """Find what is assigned to a local variable in a block of its function."""
    for statement in block.body:
        if isinstance(statement, AssignmentStmt):
            targets = [t for t in statement.lvalues if isinstance(t, NameExpr)]
            if any(target.node is variable for target in targets):
                yield statement.rvalue
        elif not isinstance(statement, FuncDef):
            for part in ("body", "else_body", "handlers", "finally_body", "bodies"):
                inner = getattr(statement, part, None)
                for block_inside in inner if isinstance(inner, list) else [inner]:
                    if isinstance(block_inside, Block):
                        yield from _values_of(variable, block_inside)


def _runs_here(call: Call, expression: CallExpr) -> bool:
    """Say whether the call runs in the function that it stands in, and when that does.

    Not all that mypy checks is run: for `partial(bridge, 1)` it makes up a call. In a generator
    expression, all but the first iterable runs where that is iterated over, in another thread perhaps.
    """
    around = find_all_by_location(call.checker.tree, expression.line, expression.column)
    callee = expression.callee
    starts_with_callee = (callee.line, callee.column) == (expression.line, expression.column)
    if not starts_with_callee and not any(found is expression for found in around):
        return False
    run_at_once = [
        found.generator
        for found in around
        if isinstance(found, (ListComprehension, SetComprehension))
    ]
    return not any(
        isinstance(found, GeneratorExpr)
        and found not in run_at_once
        and not any(outer is found.sequences[0] for outer in around)
        for found in around
    )
