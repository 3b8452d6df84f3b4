"""What would fail when it runs, found before: wrong callables, blocking calls in async code.

A finding must be certain. What the plugin cannot see to the end, such as a value typed
`Callable[..., Any]`, is left alone.
"""

# pyright: reportUnknownMemberType=false, reportUnnecessaryTypeIgnoreComment=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.
# One `type: ignore` is for mypy alone.

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from mypy.nodes import CallExpr, Decorator, FuncDef, FuncItem, RefExpr
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
    from mypy.nodes import Expression
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
        wrong = (
            "may return what cannot be awaited: wrap an async function that looks first"
            if any(_may_be_async(call.tools, functions) for functions in alternatives)
            else "is sync: call it directly"
        )
        _report(
            call,
            errors.SYNC_FUNCTION,
            f'"{spelling}" wraps async functions, but {_name_of(call, wrapped)} {wrong}',
        )


def _refused_by_both(
    call: Call, spelling: str, wrapped: Type, alternatives: list[list[CallableType]]
) -> bool:
    """Report what both directions refuse; tell whether it was found."""
    if (descriptor := _descriptor_below(call)) is not None:
        message = f'"{spelling}" gets a {descriptor} object: put @{descriptor} above @{spelling}'
        _report(call, errors.DECORATOR_ORDER, message)
        return True
    if alternatives and all(map(_is_generator, alternatives)):
        _report(call, errors.GENERATOR, _generator_message(call, spelling, wrapped))
        return True
    return False


def accept_sync_function(signature: Signature) -> CallableType:
    """Let `call_async` and `AsyncToSync` take any function: `check_to_sync` refuses the sync ones."""
    expected = get_proper_type(signature.default.arg_types[0])
    given = [signature.type_of(argument) for argument in signature.args[0]]
    if not signature.tools.findings.wanted(errors.SYNC_FUNCTION):
        return signature.default
    if not isinstance(expected, CallableType) or not given:
        return signature.default
    if not isinstance(given[0], CallableType) or not _is_sync(signature.tools, [given[0]]):
        return signature.default
    anything = AnyType(TypeOfAny.from_error)
    widened = expected.copy_modified(ret_type=anything)
    return signature.default.copy_modified(arg_types=[widened, *signature.default.arg_types[1:]])


def check_blocking(call: Call, name: str) -> None:
    """Report a call of a blocking bridge whose own function is async."""
    if not isinstance(call.context, CallExpr):
        return
    # Of the stack itself: `current_function` came with mypy 1.16. A lambda is a function, too.
    function = next(
        (f for f in reversed(call.checker.scope.stack) if isinstance(f, FuncItem)), None
    )
    if isinstance(function, FuncDef) and function.is_coroutine:
        _report(
            call,
            errors.BLOCKING_CALL,
            f'{name} blocks, but is called in the async function "{function.name}": '
            "await the async function that it wraps",
        )


def check_blocking_callee(call: Call) -> None:
    """Report a call in async code if what is called is a blocking bridge."""
    callee_type = call.callee_type
    if callee_type is not None and wrapper_of(callee_type) == names.TO_SYNC_WRAPPER:
        check_blocking(call, spelled(callee_type, call.callee))


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


def _alternatives(call: Call, wrapped: Type) -> list[list[CallableType]]:
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
    """Return the undecorated function, if that is what the type belongs to."""
    if wrapper_of(function) is None and isinstance(function.definition, FuncDef):
        return function.definition
    return None


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


def _is_awaitable(tools: Tools, result: Type) -> bool:
    awaitable = Instance(
        class_named(tools.modules, names.AWAITABLE), [AnyType(TypeOfAny.special_form)]
    )
    return is_subtype(result, awaitable)


def _descriptor_below(call: Call) -> str | None:
    """Return `classmethod` or `staticmethod` if the bridge is put around such an object."""
    decorated = call.context
    if not isinstance(decorated, Decorator):
        return None
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


def _descriptor(decorator: Expression) -> str | None:
    return _DESCRIPTORS.get(decorator.fullname) if isinstance(decorator, RefExpr) else None
