"""Callables that a bridge refuses when it runs, found before.

A finding must be certain. What the plugin cannot see to the end, such as a value typed
`Callable[..., Any]`, is left alone.
"""

# pyright: reportUnknownMemberType=false, reportUnnecessaryTypeIgnoreComment=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.
# One `type: ignore` is for mypy alone.

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from mypy.nodes import Decorator, FuncDef, NameExpr, RefExpr
from mypy.subtypes import is_subtype
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Overloaded,
    TypeOfAny,
    UnionType,
    flatten_nested_unions,
    get_proper_type,
)

from typedbridge.mypy_plugin import errors, names
from typedbridge.mypy_plugin.calls import NotUnderstoodError, spelled, wrapper_of
from typedbridge.mypy_plugin.wrap import class_named, signature_of

if TYPE_CHECKING:
    from mypy.errorcodes import ErrorCode
    from mypy.nodes import Expression, TypeInfo
    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Call, Signature, Tools

_DESCRIPTORS: Final = {
    "builtins.classmethod": "classmethod",
    "builtins.staticmethod": "staticmethod",
}


def check_to_async(call: Call, spelling: str) -> None:
    """Report what `sync_to_async` refuses when it runs, at most one finding."""
    wrapped = _wrapped(call)
    if wrapped is None or _is_plain(call, wrapped, is_async=False):
        return
    alternatives = _alternatives(call, wrapped)
    if _refused_by_both(call, spelling, wrapped, alternatives):
        return
    if alternatives and all(map(_is_async, alternatives)):
        _report(
            call,
            errors.ASYNC_FUNCTION,
            f'"{spelling}" wraps sync functions, but {_name_of(call, wrapped)} is async: await it directly',
        )


def check_to_sync(call: Call, spelling: str) -> None:
    """Report what `async_to_sync` refuses when it runs, at most one finding."""
    wrapped = _wrapped(call)
    if wrapped is None or _is_plain(call, wrapped, is_async=True):
        return
    alternatives = _alternatives(call, wrapped)
    if _refused_by_both(call, spelling, wrapped, alternatives):
        return
    if any(_is_sync(call.tools, functions) for functions in alternatives):
        # The stubs refuse this too; the plugin widens them (see `accept_sync_functions`), so that
        # there is one error and it says what to do.
        if any(_may_be_async(call.tools, functions) for functions in alternatives):
            wrong = "may return what cannot be awaited: wrap an async function that looks first"
        elif any(map(_makes_async_context_manager, alternatives)):
            wrong = "makes an async context manager: wrap an async function that enters it"
        else:
            wrong = "is sync: call it directly"
        _report(
            call,
            errors.SYNC_FUNCTION,
            f'"{spelling}" wraps async functions, but {_name_of(call, wrapped)} {wrong}',
        )


def _refused_by_both(
    call: Call, spelling: str, wrapped: Type, alternatives: list[list[CallableType]]
) -> bool:
    """Report what both directions refuse; tell whether it was found."""
    wanted = call.tools.findings.wanted
    if wanted(errors.DECORATOR_ORDER) and (descriptor := _descriptor_below(call)) is not None:
        message = f'"{spelling}" gets a {descriptor} object: put @{descriptor} above @{spelling}'
        _report(call, errors.DECORATOR_ORDER, message)
        return True
    if wanted(errors.GENERATOR) and alternatives and all(map(_is_generator, alternatives)):
        _report(call, errors.GENERATOR, _generator_message(call, spelling, wrapped))
        return True
    return False


def accept_sync_function(signature: Signature) -> CallableType:
    """Let `call_async` and `AsyncToSync` take any function: `check_to_sync` refuses the sync ones."""
    if not signature.tools.findings.wanted(errors.SYNC_FUNCTION):
        return signature.default
    expected = get_proper_type(signature.default.arg_types[0])
    func = signature.first
    if not isinstance(expected, CallableType) or func is None:
        return signature.default
    alternatives = _alternatives(signature, signature.type_of(func))
    if not any(_is_sync(signature.tools, functions) for functions in alternatives):
        return signature.default
    anything = AnyType(TypeOfAny.from_error)
    widened = expected.copy_modified(ret_type=anything)
    return signature.default.copy_modified(arg_types=[widened, *signature.default.arg_types[1:]])


def _report(call: Call, code: ErrorCode, message: str) -> None:
    # A decorator's finding stands on the decorator's line, where a `type: ignore` is put.
    context = call.callee if isinstance(call.context, Decorator) else None
    call.tools.findings.report(call.checker, code, message, context or call.context)


def _generator_message(call: Call, spelling: str, wrapped: Type) -> str:
    return (
        f'"{spelling}" cannot wrap {_name_of(call, wrapped)}, which is a generator: '
        "wrap a function that returns a list of the items"
    )


def _name_of(call: Call, wrapped: Type) -> str:
    """Name what is wrapped by the function that it calls, or by how it is written."""
    if isinstance(call.context, Decorator):
        return f'"{call.context.func.name}"'
    with contextlib.suppress(NotUnderstoodError):
        wrapped = signature_of(call, wrapped)
    return spelled(wrapped, call.args[0][0])


def _wrapped(call: Call) -> Type | None:
    return call.arg_types[0][0] if call.arg_types and call.arg_types[0] else None


def _is_plain(call: Call, wrapped: Type, *, is_async: bool) -> bool:
    """Say whether a function is given that is surely right: most are, and 20 us each are saved."""
    if not isinstance(wrapped, CallableType) or not isinstance(wrapped.definition, FuncDef):  # type: ignore[misc]
        return False
    definition = wrapped.definition
    return (
        definition.is_coroutine is is_async
        and not definition.is_generator
        and not definition.is_async_generator
        and wrapped.fallback.type.fullname == "builtins.function"
        and _descriptor_below(call) is None
    )


def _has_descriptor(decorated: Decorator) -> bool:
    return decorated.func.is_class or decorated.func.is_static


def _alternatives(call: Call | Signature, wrapped: Type) -> list[list[CallableType]]:
    """Return the functions that `wrapped` may be, each as its overloads.

    Nothing if there is one among them that the plugin does not know.
    """
    try:
        signature = get_proper_type(signature_of(call, wrapped))
    except NotUnderstoodError:
        return []
    if isinstance(signature, UnionType):
        items = [_alternatives(call, item) for item in signature.items]
        return [functions for item in items for functions in item] if all(items) else []
    if isinstance(signature, Overloaded):
        return [signature.items]
    return [[signature]] if isinstance(signature, CallableType) else []


def _definition(function: CallableType) -> FuncDef | None:
    """Return the function in the source whose type this is, also under decorators that keep it.

    What is under other decorators may be another kind of function, with another result.
    """
    definition = function.definition
    if isinstance(definition, Decorator):
        definition = definition.func
    if wrapper_of(function) is not None or not isinstance(definition, FuncDef):
        return None
    own = definition.type
    if isinstance(own, CallableType) and _class_of(own.ret_type) is not _class_of(
        function.ret_type
    ):
        return None
    return definition


def _class_of(typ: Type) -> TypeInfo | None:
    proper = get_proper_type(typ)
    return proper.type if isinstance(proper, Instance) else None


def _is_generator(functions: list[CallableType]) -> bool:
    definitions = [_definition(function) for function in functions]
    return all(d is not None and (d.is_generator or d.is_async_generator) for d in definitions)


def _is_async(functions: list[CallableType]) -> bool:
    return all(
        wrapper_of(function) == names.TO_ASYNC_WRAPPER
        or ((definition := _definition(function)) is not None and definition.is_coroutine)
        for function in functions
    )


def _is_sync(tools: Tools, functions: list[CallableType]) -> bool:
    """Say whether there is no overload whose result can surely be awaited."""
    return not any(_is_awaitable(tools, function.ret_type) for function in functions)


def _may_be_async(tools: Tools, functions: list[CallableType]) -> bool:
    """Say whether an overload returns `R | Awaitable[R]`, or the like."""
    results = [get_proper_type(function.ret_type) for function in functions]
    items = [item for result in results for item in flatten_nested_unions([result])]
    return any(_is_awaitable(tools, item) for item in items)


def _makes_async_context_manager(functions: list[CallableType]) -> bool:
    classes = [_class_of(function.ret_type) for function in functions]
    return any(info is not None and info.get("__aenter__") is not None for info in classes)


def _is_awaitable(tools: Tools, result: Type) -> bool:
    awaitable = Instance(
        class_named(tools.modules, names.AWAITABLE), [AnyType(TypeOfAny.special_form)]
    )
    return is_subtype(result, awaitable)


def _descriptor_below(call: Call) -> str | None:
    """Return `classmethod` or `staticmethod` if the bridge is put around such an object."""
    decorated = call.context
    if not isinstance(decorated, Decorator):
        return _descriptor_given(call)
    if not _has_descriptor(decorated):
        return None
    # mypy takes these two out of `decorators`; the order is in the original list.
    order = decorated.original_decorators
    if not any(map(_descriptor, order[1:])):
        # It is at the top, where it belongs.
        return None
    applied = call.callee
    if applied is None:
        return None
    below = map(_descriptor, order[order.index(applied) + 1 :])
    return next((descriptor for descriptor in below if descriptor is not None), None)


def _descriptor_given(call: Call) -> str | None:
    """Return `classmethod` or `staticmethod` if such an object is the argument of a call."""
    given = _class_of(call.arg_types[0][0])
    if given is not None and given.fullname in _DESCRIPTORS:
        return _DESCRIPTORS[given.fullname]
    argument = call.args[0][0]
    node = argument.node if isinstance(argument, NameExpr) else None
    if isinstance(node, Decorator) and node.func.info is call.checker.scope.active_class():
        # In the class's own body the name stands for the object, which has not been bound yet.
        return next(filter(None, map(_descriptor, node.original_decorators)), None)
    return None


def _descriptor(decorator: Expression) -> str | None:
    return _DESCRIPTORS.get(decorator.fullname) if isinstance(decorator, RefExpr) else None
