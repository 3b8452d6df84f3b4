"""Callables that a bridge refuses when it runs, found before.

Types say what to suspect; a finding is reported if the source proves it (`known.py`). What the stubs
refuse needs no proof: the plugin says it in better words.
"""

# pyright: reportUnknownMemberType=false, reportUnnecessaryTypeIgnoreComment=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.
# One `type: ignore` is for mypy alone.

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeAlias

from mypy.nodes import CallExpr, Decorator, FuncDef, NameExpr, RefExpr
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
from typedbridge.mypy_plugin.sites import line_of, site_of
from typedbridge.mypy_plugin.values import Bridge, Descriptor, Function
from typedbridge.mypy_plugin.wrap import class_named, signature_of

if TYPE_CHECKING:
    from mypy.errorcodes import ErrorCode
    from mypy.nodes import Expression, TypeInfo
    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Call, Signature, Tools
    from typedbridge.mypy_plugin.values import Value

# The code of a finding, and its message.
_Finding: TypeAlias = "tuple[ErrorCode, str]"


def check_to_async(call: Call, spelling: str) -> None:
    """Report what `sync_to_async` refuses when it runs, at most one finding.

    Certain are `bridge-async-function`, `bridge-generator` and `bridge-decorator-order`, if

    1. what is called or applied is known to be `sync_to_async`, an options form, `call_sync`, or a
       wrapper class that makes and calls bridges as the library's does;
    2. what is given is known (`known.py` says when), and all that it may be is async, or a generator,
       or a `classmethod` or `staticmethod` object;
    3. nothing around it waits for the error.
    """
    wrapped = _wrapped(call)
    if wrapped is None or _is_plain(call, wrapped, is_async=False):
        return
    alternatives = _alternatives(call, wrapped)
    if (
        _may_be_descriptor(call)
        or any(map(_may_be_generator, alternatives))
        or any(map(_may_be_async_function, alternatives))
    ):
        _report_proved(call, spelling, wrapped, to_sync=False)


def check_to_sync(call: Call, spelling: str) -> None:
    """Report what `async_to_sync` refuses when it runs, at most one finding.

    `bridge-generator` and `bridge-decorator-order` are certain as in `check_to_async`. Of
    `bridge-sync-function` the stubs are certain: no overload of what is given returns an awaitable.
    """
    wrapped = _wrapped(call)
    if wrapped is None or _is_plain(call, wrapped, is_async=True):
        return
    alternatives = _alternatives(call, wrapped)
    may_be_proved = _may_be_descriptor(call) or any(map(_may_be_generator, alternatives))
    if may_be_proved and _report_proved(call, spelling, wrapped, to_sync=True):
        return
    if _is_coroutine(wrapped):
        message = _coroutine_message(f'"{spelling}"', call.args[0][0])
        _report_refused(call, errors.COROUTINE_OBJECT, message)
    if any(_is_sync(call.tools, functions) for functions in alternatives):
        if any(_may_be_async(call.tools, functions) for functions in alternatives):
            wrong = "may return what cannot be awaited: wrap an async function that looks first"
        elif any(map(_makes_async_context_manager, alternatives)):
            wrong = "makes an async context manager: wrap an async function that enters it"
        else:
            wrong = "is sync: call it directly"
        _report_refused(
            call,
            errors.SYNC_FUNCTION,
            f'"{spelling}" wraps async functions, but {_name_of(call, wrapped)} {wrong}',
        )


def refuse_coroutine(signature: Signature) -> CallableType:
    """Report a coroutine that is given in the place of its function, and take it out of mypy's sight.

    `bridge-coroutine-object` is certain: the stubs refuse what cannot be called.
    """
    given = signature.first
    if given is None or not signature.tools.findings.wanted(errors.COROUTINE_OBJECT):
        return signature.default
    if not _is_coroutine(signature.type_of(given)):
        return signature.default
    name = spelled(AnyType(TypeOfAny.special_form), signature.callee)
    signature.tools.findings.report(
        signature.checker,
        errors.COROUTINE_OBJECT,
        _coroutine_message(name, given),
        signature.context,
    )
    anything = AnyType(TypeOfAny.from_error)
    first = signature.default.arg_names[0] or ""
    return signature.accepting({first: anything})


def _is_coroutine(given: Type) -> bool:
    """Say whether what is given can be awaited and not be called."""
    proper = get_proper_type(given)
    return (
        isinstance(proper, Instance)
        and proper.type.has_base(names.AWAITABLE)
        and proper.type.get("__call__") is None
        and not proper.type.fallback_to_any
    )


def _coroutine_message(spelling: str, given: Expression) -> str:
    function = given.callee if isinstance(given, CallExpr) else None
    name = f" {spelled(AnyType(TypeOfAny.special_form), function)}" if function else ""
    name = name.replace(" this callable", "")
    return f"{spelling} gets a coroutine: pass the function{name}, and not its call"


def _report_proved(call: Call, spelling: str, wrapped: Type, *, to_sync: bool) -> bool:
    """Report what the source proves of what is given; tell whether there was anything."""
    try:
        site = site_of(call, to_sync=to_sync)
        given = [found for value in site.given() for found in site.knowledge.functions(value)]
    except NotUnderstoodError:
        return False
    finding = _proved(call, spelling, wrapped, given, to_sync=to_sync)
    wanted = call.tools.findings.wanted
    if finding is None or not wanted(finding[0]) or site.may_be_caught():
        return False
    code, message = finding
    if to_sync and code is errors.GENERATOR:
        _report_refused(call, code, message)
    else:
        call.tools.findings.report(call.checker, code, message, line_of(call.context, site))
    return True


def _proved(
    call: Call, spelling: str, wrapped: Type, given: list[Value], *, to_sync: bool
) -> _Finding | None:
    objects = {value.kind for value in given if isinstance(value, Descriptor)}
    if len(objects) == 1 and all(isinstance(value, Descriptor) for value in given):
        kind = objects.pop()
        message = f'"{spelling}" gets a {kind} object: put @{kind} above @{spelling}'
        return errors.DECORATOR_ORDER, message
    if all(_is_generator_function(value) for value in given):
        advice = _generator_advice(given, to_sync=to_sync)
        name = _name_of(call, wrapped)
        return errors.GENERATOR, f'"{spelling}" cannot wrap {name}, which is {advice}'
    if not to_sync and all(map(_is_async_function, given)):
        name = _name_of(call, wrapped)
        message = f'"{spelling}" wraps sync functions, but {name} is async: await it directly'
        return errors.ASYNC_FUNCTION, message
    return None


def _is_generator_function(value: Value) -> bool:
    return isinstance(value, Function) and value.is_generator


def _is_async_function(value: Value) -> bool:
    if isinstance(value, Bridge):
        return not value.to_sync
    return isinstance(value, Function) and value.is_async


def _report_refused(call: Call, code: ErrorCode, message: str) -> None:
    """Report what the stubs refuse as well: in the place of mypy's own error."""
    context = call.callee if isinstance(call.context, Decorator) else None
    call.tools.findings.replace(
        call.checker, code, message, context or call.context, call.args[0][0]
    )


def _generator_advice(given: list[Value], *, to_sync: bool) -> str:
    """Say what the generator functions are, and what to do with them."""
    are_async = {isinstance(value, Function) and value.is_async_generator for value in given}
    kind = "an async generator" if are_async == {True} else "a generator"
    if are_async == {not to_sync}:
        return f"{kind}: use {'for' if to_sync else 'async for'} as it is"
    return f'{kind}: use "{"async_to_sync" if to_sync else "sync_to_async"}_generator"'


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
        and not _may_be_descriptor(call)
    )


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
    """Return the function in the source whose type this may be."""
    definition = function.definition
    if isinstance(definition, Decorator):
        definition = definition.func
    return definition if isinstance(definition, FuncDef) else None


def _class_of(typ: Type) -> TypeInfo | None:
    proper = get_proper_type(typ)
    return proper.type if isinstance(proper, Instance) else None


def _may_be_generator(functions: list[CallableType]) -> bool:
    definitions = map(_definition, functions)
    return any(d is not None and (d.is_generator or d.is_async_generator) for d in definitions)


def _may_be_async_function(functions: list[CallableType]) -> bool:
    return any(
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


def _may_be_descriptor(call: Call) -> bool:
    """Say whether a `classmethod` or `staticmethod` object may be given."""
    decorated = call.context
    if isinstance(decorated, Decorator):
        # At the top it belongs there.
        is_descriptor = decorated.func.is_class or decorated.func.is_static
        return is_descriptor and any(map(_descriptor, decorated.original_decorators[1:]))
    given = _class_of(call.arg_types[0][0])
    if given is not None and given.fullname in names.DESCRIPTORS:
        return True
    argument = call.args[0][0]
    node = argument.node if isinstance(argument, NameExpr) else None
    # In the class's own body the name stands for the object, which has not been bound yet.
    return isinstance(node, Decorator) and node.func.info is call.checker.scope.active_class()


def _descriptor(decorator: Expression) -> bool:
    return isinstance(decorator, RefExpr) and decorator.fullname in names.DESCRIPTORS
