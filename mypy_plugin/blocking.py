"""Blocking bridges that are called in async code, where they would stop the event loop."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from mypy.nodes import CallExpr, FuncDef, FuncItem, MemberExpr, TypeInfo
from mypy.types import AnyType, Instance, TypeOfAny, get_proper_type

from typedbridge.mypy_plugin import errors, names
from typedbridge.mypy_plugin.calls import NotUnderstoodError, spelled, wrapper_of
from typedbridge.mypy_plugin.sites import site_of
from typedbridge.mypy_plugin.source import bindings
from typedbridge.mypy_plugin.values import Bridge, Named, Object

if TYPE_CHECKING:
    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Call
    from typedbridge.mypy_plugin.sites import Site
    from typedbridge.mypy_plugin.values import Value

_NO_TYPE: Final = AnyType(TypeOfAny.special_form)


def check(call: Call) -> None:
    """Report a call in async code of what has the type of a blocking bridge, or of `call_async`.

    `bridge-blocking-call` is certain if

    1. the call stands in the source, in the body of an async function, and runs when that does: not in
       a nested function, a lambda, or a generator expression but for its first iterable;
    2. what is called is known (`known.py` says when), and all that it may be is a bridge made by
       `async_to_sync`, by `AsyncToSync`, or by a subclass that does not change how it is made or called;
    3. nothing around it waits for the error.

    `bridge-may-block` is a note and no error. It says so of a method whose object may be of a subclass, if
    in the class itself 2 is true, and no class that mypy has read until then replaces the method.
    """
    function = _async_function(call)
    wanted = call.tools.findings.wanted
    if function is None or not (wanted(errors.BLOCKING_CALL) or wanted(errors.MAY_BLOCK)):
        return
    try:
        site = site_of(call, to_sync=True)
    except NotUnderstoodError:
        return
    if not isinstance(site.runs_in(), ast.AsyncFunctionDef) or site.may_be_caught():
        return
    name = spelled(_bridge_type(call), call.callee)
    where = f'in the async function "{function}": await the async function that it wraps'
    if _is_certain(site):
        message = f"{name} blocks, but is called {where}"
        call.tools.findings.report(call.checker, errors.BLOCKING_CALL, message, call.context)
    elif _is_likely(site):
        message = f"{name} blocks if no subclass replaces it, but is called {where}"
        call.tools.findings.note(call.checker, errors.MAY_BLOCK, message, call.context)


def check_callee(call: Call) -> None:
    """Report a call in async code if what is called has the type of a blocking bridge."""
    if wrapper_of(call.callee_type) == names.TO_SYNC_WRAPPER:
        check(call)


def _async_function(call: Call) -> str | None:
    """Return the name of the async function that the call stands in.

    Of the stack itself: `current_function` came with mypy 1.16. A lambda is a function, too.
    """
    if not isinstance(call.context, CallExpr):
        return None
    function = next(
        (f for f in reversed(call.checker.scope.stack) if isinstance(f, FuncItem)), None
    )
    return function.name if isinstance(function, FuncDef) and function.is_coroutine else None


def _bridge_type(call: Call) -> Type:
    typ = call.callee_type
    # For an instance of the class, mypy has put the type of `__call__` there; `call_async` has a name.
    return typ if typ is not None and wrapper_of(typ) is not None else _NO_TYPE


def _is_certain(site: Site) -> bool:
    try:
        return all(map(_blocks, site.called()))
    except NotUnderstoodError:
        return False


def _is_likely(site: Site) -> bool:
    """Say whether a method blocks in the class that its object is declared to be of, or made of."""
    member = site.call.callee
    if not isinstance(member, MemberExpr) or not site.call.checker.has_type(member.expr):
        return False
    receiver = get_proper_type(site.call.checker.lookup_type(member.expr))
    if not isinstance(receiver, Instance) or _may_be_replaced(site, receiver.type, member.name):
        return False
    try:
        return all(map(_blocks, site.knowledge.attribute(Object(receiver.type), member.name)))
    except NotUnderstoodError:
        return False


def _may_be_replaced(site: Site, info: TypeInfo, name: str) -> bool:
    """Say whether a subclass that mypy has read defines the name, or any class in this module."""
    classes = {base.name for base in info.mro}
    return any(
        isinstance(node, ast.ClassDef)
        and node.name not in classes
        and bindings(site.source, node, name)
        for node in ast.walk(site.source.tree)
    ) or any(
        isinstance(symbol.node, TypeInfo)
        and symbol.node is not info
        and name in symbol.node.names
        and symbol.node.has_base(info.fullname)
        for file in site.call.tools.modules.values()
        for symbol in file.names.values()
    )


def _blocks(value: Value) -> bool:
    if isinstance(value, Named):
        return value.fullname == names.CALL_ASYNC
    return isinstance(value, Bridge) and value.to_sync
