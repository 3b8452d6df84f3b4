"""What `typedbridge.streams` makes of overloaded functions, and of signatures that mypy has lost.

mypy takes the first item of an overloaded function into a ParamSpec. Here each item goes through the
stubs by itself, so that they say what becomes of it.
"""

# pyright: reportUnknownMemberType=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from mypy.nodes import ARG_POS, OverloadedFuncDef, TempNode
from mypy.types import CallableType, FunctionLike, Overloaded, UninhabitedType, get_proper_type

from typedbridge.mypy_plugin import executor, names
from typedbridge.mypy_plugin.calls import NotUnderstoodError
from typedbridge.mypy_plugin.exact import wrapped_type
from typedbridge.mypy_plugin.wrap import signature_of

if TYPE_CHECKING:
    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Call, Handler, Signature


def signature_of_generator(signature: Signature) -> CallableType:
    """`sync_to_async_generator(...)` and `async_to_sync_generator(...)`.

    mypy takes an overloaded function through the overloads with one parameter, of which the first has
    generators alone: it would lose what returns another iterable.
    """
    first, declared = signature.first, signature.default
    if first is None or len(declared.arg_types) > 1:
        return executor.check(signature)
    if not isinstance(signature.type_of(first), Overloaded):
        return declared
    return declared.copy_modified(arg_types=[UninhabitedType()])


def _decorated(decorator: str, call: Call) -> Type:
    """A decorator or its options form, applied; by the name of the decorator."""
    if not isinstance(get_proper_type(call.default), FunctionLike):
        # The options form, or a context manager, which may be callable as well.
        return call.default
    if isinstance(get_proper_type(call.arg_types[0][0]), CallableType):
        return call.default
    signature = get_proper_type(signature_of(call, wrapped_type(call)))
    if not isinstance(signature, FunctionLike):
        raise NotUnderstoodError(signature)
    applied = [
        function
        for item in signature.items
        if (function := _applied(decorator, call, item)) is not None
    ]
    if not applied:
        raise NotUnderstoodError(signature)
    return applied[0] if len(applied) == 1 else Overloaded(applied)


def _applied(decorator: str, call: Call, item: CallableType) -> CallableType | None:
    """Return what the stubs make of one item; nothing if they refuse it."""
    module, _, name = decorator.rpartition(".")
    node = call.tools.modules[module].names[name].node
    declared = node.type if isinstance(node, OverloadedFuncDef) else None
    if declared is None:
        raise NotUnderstoodError(decorator)
    with call.checker.msg.filter_errors() as errors:
        result, _ = call.checker.expr_checker.check_call(
            declared, [TempNode(item)], [ARG_POS], call.context
        )
    function = get_proper_type(result)
    return function if isinstance(function, CallableType) and not errors.has_new_errors() else None


DECORATORS: Final[dict[str, Handler]] = {
    decorator: partial(_decorated, decorator)
    for decorator in (
        names.TO_ASYNC_GENERATOR,
        names.TO_SYNC_GENERATOR,
        names.TO_ASYNC_CONTEXT,
        names.TO_SYNC_CONTEXT,
    )
}
