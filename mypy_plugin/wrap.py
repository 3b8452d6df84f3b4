"""From a callable's type to the type of its bridge.

A bridge has the wrapped callable's own type, with another return type and with the wrapper class
as *fallback*: mypy looks up attributes there that a function does not have, and asks it whether
the callable is assignable to a class. So overloads, type variables and binding stay those of a
function, and `.func` and `SyncToAsync[P, R]` still work.
"""

# pyright: reportUnknownMemberType=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy.erasetype import erase_typevars
from mypy.expandtype import expand_type
from mypy.nodes import ARG_STAR, CallExpr, TypeInfo
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Overloaded,
    Parameters,
    TypeOfAny,
    TypeType,
    TypeVarId,
    UninhabitedType,
    UnionType,
    flatten_nested_unions,
    get_proper_type,
    has_type_vars,
)

from typedbridge.mypy_plugin import names
from typedbridge.mypy_plugin.calls import Call, NotUnderstoodError

if TYPE_CHECKING:
    from collections.abc import Container

    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Modules, Signature


# What a coroutine yields and takes. With an explicit Any, asyncio.gather over two bridges would
# infer Any.
_UNSENT: Final = AnyType(TypeOfAny.special_form)


def class_named(modules: Modules, fullname: str) -> TypeInfo:
    """Return the class of that name, which the stubs import.

    The checker's own lookup fails in a file that does not import the module, and
    `Plugin.lookup_fully_qualified` takes four times as long.
    """
    module, _, name = fullname.rpartition(".")
    found = modules[module].names.get(name) if module in modules else None
    if found is None or not isinstance(found.node, TypeInfo):
        raise NotUnderstoodError(fullname)
    return found.node


def coroutine_of(modules: Modules, result: Type, coroutine: str = names.COROUTINE) -> Type:
    """`R` to `Coroutine[Any, Any, R]`: what mypy itself makes of an `async def`.

    The stubs say `CoroutineType`, as the other checkers do of an `async def`. To mypy that is a
    narrower type, which an `async def` could not override or stand in for.
    """
    return Instance(class_named(modules, coroutine), [_UNSENT, _UNSENT, result])


def _expected_coroutine(call: Call | Signature) -> str:
    """Return the class of the bridge's result: `CoroutineType` where just that is asked for."""
    expected = call.checker.expr_checker.type_context[-1]
    if expected is None:
        return names.COROUTINE
    for item in flatten_nested_unions([expected]):
        proper = get_proper_type(item)
        result = get_proper_type(proper.ret_type) if isinstance(proper, CallableType) else None
        if isinstance(result, Instance) and result.type.fullname == names.COROUTINE_TYPE:
            return names.COROUTINE_TYPE
    return names.COROUTINE


def awaited(call: Call | Signature, result: Type) -> Type:
    """`Awaitable[R]` to `R`."""
    proper = get_proper_type(result)
    if isinstance(proper, (AnyType, UninhabitedType)):
        return proper
    if isinstance(proper, UnionType):
        return UnionType.make_union([awaited(call, item) for item in proper.items])
    if isinstance(proper, Instance) and proper.type.fullname == names.COROUTINE:
        # What nearly all async functions return, without the general way.
        return proper.args[2]
    if isinstance(proper, Instance) and proper.type.fallback_to_any:
        return AnyType(TypeOfAny.special_form)
    # As mypy does for `await`: it knows type variables, structural awaitables and all else.
    with call.checker.msg.filter_errors() as errors:
        found = call.checker.expr_checker.check_awaitable_expr(proper, call.context, "")
    if errors.has_new_errors():
        raise NotUnderstoodError(proper)
    return found


def partial_signature(typ: Type) -> Type | None:
    """Return what mypy's own plugin knows of a `functools.partial`."""
    proper = get_proper_type(typ)
    if isinstance(proper, Instance) and proper.type.fullname == names.PARTIAL:
        attributes = proper.extra_attrs.attrs if proper.extra_attrs is not None else {}
        return attributes.get(names.PARTIAL_SIGNATURE)
    return None


def signature_of(call: Call | Signature, wrapped: Type) -> Type:
    """Return the type of a call of `wrapped`: of a function itself, of an object its `__call__`.

    :raises NotUnderstoodError: it cannot be called, or by means that the plugin does not know.
    """
    proper = get_proper_type(wrapped)
    if isinstance(proper, (CallableType, Overloaded, UnionType)):
        return proper
    if isinstance(proper, TypeType):
        return call.checker.expr_checker.analyze_type_type_callee(proper.item, call.context)
    if not isinstance(proper, Instance) or proper.type.fallback_to_any:
        raise NotUnderstoodError(proper)
    if (exact := partial_signature(proper)) is not None:
        return exact
    if proper.type.get("__call__") is None:
        raise NotUnderstoodError(proper)
    return call.checker.expr_checker.analyze_external_member_access(
        "__call__", proper, call.context
    )


class Bridging:
    """Turns the types of callables into those of their bridges, for one call of a decorator."""

    def __init__(self, call: Call | Signature, wrapper: TypeInfo) -> None:
        self._call = call
        self._wrapper = wrapper
        self._to_sync = wrapper.has_base(names.TO_SYNC_WRAPPER)
        self._coroutine = _expected_coroutine(call)

    def of(self, wrapped: Type) -> Type:
        """Return the type of the bridge around a value of type `wrapped`.

        :raises NotUnderstoodError: the stub knows better.
        """
        proper = get_proper_type(wrapped)
        if isinstance(proper, CallableType):
            return self._of_callable(proper)
        proper = get_proper_type(signature_of(self._call, proper))
        if isinstance(proper, UnionType):
            return UnionType.make_union([self.of(item) for item in proper.items])
        if isinstance(proper, Overloaded):
            return Overloaded([self._of_callable(item) for item in proper.items])
        if isinstance(proper, CallableType):
            return self._of_callable(proper)
        raise NotUnderstoodError(proper)

    def _of_callable(self, wrapped: CallableType) -> CallableType:
        if isinstance(self._call.context, CallExpr):
            wrapped = self._without_self_type(wrapped)
        return wrapped.copy_modified(
            ret_type=self._crossed(wrapped.ret_type),
            fallback=self._fallback(wrapped),
            name=wrapped.name or names.UNNAMED,
            # A bridge of an unannotated function is typed by its decorator: to call it is no
            # untyped call.
            implicit=False,
            # A coroutine narrows nothing.
            type_guard=None,
            type_is=None,
            # A bridge of a class or of a `partial` is neither.
            special_sig=None,
            from_type_type=False,
        )

    def _without_self_type(self, wrapped: CallableType) -> CallableType:
        """Put a type variable of its own where a twin, `aload = sync_to_async(load)`, has `Self`.

        mypy refuses to read a variable through the class if its type has the class's `Self`.
        """
        info = self._call.checker.scope.active_class()
        own = info.self_type if info is not None else None
        if own is None or own not in wrapped.variables:
            return wrapped
        twins = own.copy_modified(
            id=TypeVarId(own.id.raw_id, namespace=f"{own.fullname} of a twin")
        )
        expanded = expand_type(wrapped, {own.id: twins})
        return expanded.copy_modified(
            variables=[twins if variable == own else variable for variable in wrapped.variables]
        )

    def _crossed(self, result: Type) -> Type:
        """Return what the bridge returns when what it wraps returns `result`."""
        modules = self._call.tools.modules
        if self._to_sync:
            return awaited(self._call, result)
        return coroutine_of(modules, result, self._coroutine)

    def _fallback(self, wrapped: CallableType) -> Instance:
        """Return `SyncToAsync[P, R]` for the callable, without type variables that would escape.

        mypy does not substitute type variables in a fallback.
        """
        plain = wrapped
        if plain.unpack_kwargs or ARG_STAR in plain.arg_kinds:
            plain = plain.with_unpacked_kwargs().with_normalized_var_args()
        if self._call.checker.scope.active_class() is not None:
            if has_type_vars(plain):
                plain = _erased(plain.copy_modified(variables=()), None)
        elif escaping := self._escaping(plain):
            plain = _erased(plain.copy_modified(variables=()), escaping)
        parameters = plain.param_spec() or Parameters(
            plain.arg_types,
            plain.arg_kinds,
            plain.arg_names,
            is_ellipsis_args=plain.is_ellipsis_args,
            imprecise_arg_kinds=plain.imprecise_arg_kinds,
        )
        result = self._crossed(plain.ret_type) if self._to_sync else plain.ret_type
        return Instance(self._wrapper, [parameters, result])

    def _escaping(self, signature: CallableType) -> set[TypeVarId]:
        """Return the type variables that mean nothing where the bridge may go to.

        Those of a class as well: in a method, it may go to an attribute.
        """
        variables = {variable.id for variable in signature.variables}
        for scope in self._call.checker.scope.stack:
            if isinstance(scope, TypeInfo):
                variables.update(variable.id for variable in scope.defn.type_vars)
                if scope.self_type is not None:
                    variables.add(scope.self_type.id)
        return variables


def _erased(signature: CallableType, variables: Container[TypeVarId] | None) -> CallableType:
    """Replace type variables by Any; all of them if `variables` is None."""
    erased = get_proper_type(erase_typevars(signature, variables))
    if not isinstance(erased, CallableType):
        raise NotUnderstoodError(signature)
    return erased
