"""The bridges that the decorators and the wrapper classes make."""

# pyright: reportUnknownMemberType=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import CallExpr, Decorator, IndexExpr
from mypy.subtypes import is_same_type
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Overloaded,
    ParamSpecType,
    TypeOfAny,
    TypeType,
    UnionType,
    get_proper_type,
    has_type_vars,
)
from mypy.typevars import fill_typevars

from typedbridge.mypy_plugin import blocking, errors, executor, misuse, names, streams, waste
from typedbridge.mypy_plugin.calls import NotUnderstoodError, decorator_in, wrapper_of
from typedbridge.mypy_plugin.exact import lambda_with_defaults, wrapped_type
from typedbridge.mypy_plugin.wrap import (
    Bridging,
    awaited,
    class_named,
    coroutine_of,
    signature_of,
)

if TYPE_CHECKING:
    from mypy.nodes import TypeInfo
    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Call, Modules, Signature


def sync_to_async(call: Call) -> Type:
    """`sync_to_async(func)`, its options form, or `in_pool(func)` with a stored options form."""
    misuse.check_to_async(call, "sync_to_async")
    waste.check_made_once(call)
    return _decorated(call, names.TO_ASYNC_WRAPPER)


def async_to_sync(call: Call) -> Type:
    """`async_to_sync(func)`, its options form, or a stored options form applied."""
    misuse.check_to_sync(call, "async_to_sync")
    return _decorated(call, names.TO_SYNC_WRAPPER)


def construct_to_async(call: Call) -> Type:
    """`SyncToAsync(func)`, or a subclass."""
    misuse.check_to_async(call, "SyncToAsync")
    waste.check_made_once(call)
    return _constructed(call, names.TO_ASYNC_WRAPPER)


def construct_to_sync(call: Call) -> Type:
    """`AsyncToSync(func)`, or a subclass."""
    misuse.check_to_sync(call, "AsyncToSync")
    return _constructed(call, names.TO_SYNC_WRAPPER)


def signature_of_wrapper(signature: Signature) -> CallableType:
    """`SyncToAsync(func)` and `AsyncToSync(func)`."""
    refusing = misuse.refuse_coroutine(signature)
    return refusing if refusing is not signature.default else signature_of_subclass(signature)


def signature_of_subclass(signature: Signature) -> CallableType:
    """`Audited(func)`: an instance cannot be generic over a ParamSpec, and the bridge is a callable.

    mypy would ask for an annotation, since no argument tells the parameters of such a function.
    """
    if signature.first is None or not _takes_function_first(signature.default):
        return signature.default
    given = signature.type_of(signature.first)
    made = get_proper_type(signature.default.ret_type)
    if not _is_generic_over_parameters(given) or not isinstance(made, Instance):
        return signature.default
    modules = signature.tools.modules
    wrapper = wrapper_of(made)
    if wrapper is None or not _calls_and_binds_as(modules, made.type, wrapper):
        return signature.default
    rest = signature.default.arg_types[1:]
    return signature.default.copy_modified(
        arg_types=[AnyType(TypeOfAny.special_form), *rest],
        ret_type=Bridging(signature, made.type).of(given),
        variables=[],
        # What makes a callable is no class to mypy.
        fallback=signature.checker.named_type("builtins.function"),
    )


def _takes_function_first(constructor: CallableType) -> bool:
    """Say whether the first parameter alone is generic, and is a callable with any parameters."""
    if not constructor.arg_types or any(map(has_type_vars, constructor.arg_types[1:])):
        return False
    first = get_proper_type(constructor.arg_types[0])
    return isinstance(first, CallableType) and first.param_spec() is not None


def _is_generic_over_parameters(given: Type) -> bool:
    proper = get_proper_type(given)
    return isinstance(proper, CallableType) and any(
        isinstance(variable, ParamSpecType) for variable in proper.variables
    )


def signature_of_to_async_wrapper(signature: Signature) -> CallableType:
    """`SyncToAsync(...)`."""
    accepting = executor.check(signature)
    return accepting if accepting is not signature.default else signature_of_wrapper(signature)


def signature_of_sync_to_async(signature: Signature) -> CallableType:
    """`sync_to_async(...)` with arguments."""
    accepting = executor.check(signature)
    if accepting is not signature.default:
        return accepting
    return misuse.refuse_coroutine(signature)


def signature_of_to_async_options(signature: Signature) -> CallableType:
    """`sync_to_async()(func)`."""
    return _of_all_overloads(signature, names.TO_ASYNC_WRAPPER)


def signature_of_to_sync_options(signature: Signature) -> CallableType:
    """`async_to_sync()(func)`."""
    return _of_all_overloads(signature, names.TO_SYNC_WRAPPER)


def call_sync(call: Call) -> Type:
    """`call_sync(func, ...)`."""
    misuse.check_to_async(call, "call_sync")
    return call.default


def signature_of_call_sync(signature: Signature) -> CallableType:
    """`call_sync(lambda row=row: ...)`, which mypy cannot type by itself."""
    func = lambda_with_defaults(signature)
    if func is None:
        return misuse.refuse_coroutine(signature)
    return signature.calling(func, coroutine_of(signature.tools.modules, func.ret_type))


def signature_of_call_async(signature: Signature) -> CallableType:
    """`call_async(lambda row=row: ...)`, as above."""
    func = lambda_with_defaults(signature)
    if func is None:
        return misuse.refuse_coroutine(signature)
    try:
        result = awaited(signature, func.ret_type)
    except NotUnderstoodError:  # nothing that can be awaited: `check_to_sync` says so
        result = AnyType(TypeOfAny.from_error)
    return signature.calling(func, result)


def call_async(call: Call) -> Type:
    """`call_async(func, ...)`."""
    misuse.check_to_sync(call, "call_async")
    blocking.check(call)
    return call.default


def call_of_blocking_wrapper(call: Call) -> Type:
    """A call of an `AsyncToSync` instance."""
    blocking.check(call)
    return call.default


def call_of_blocking(call: Call) -> Type:
    """A call of something that is an `AsyncToSync`."""
    blocking.check_callee(call)
    return call.default


def call_of_awaitable(call: Call) -> Type:
    """A call of something that is a `SyncToAsync`."""
    waste.check_awaited(call)
    return call.default


def call_of_local(call: Call) -> Type:
    """A call of a name inside a function, or of what another call returned."""
    decorator = decorator_in(call.callee_type)
    if decorator == names.SYNC_TO_ASYNC:
        return sync_to_async(call)
    if decorator == names.ASYNC_TO_SYNC:
        return async_to_sync(call)
    if decorator is not None:
        return streams.DECORATORS[decorator](call)
    wrapper = wrapper_of(call.callee_type)
    if wrapper == names.TO_SYNC_WRAPPER:
        blocking.check(call)
    elif wrapper == names.TO_ASYNC_WRAPPER:
        waste.check_awaited(call)
    return call.default


def _of_all_overloads(signature: Signature, wrapper: str) -> CallableType:
    """An overloaded function is taken as it is, and its bridge is returned.

    mypy calls a generic function once for each overload. If another function is given the result, mypy
    does so again, expects all overloads of each of them, and loses all but one.
    """
    first = signature.first
    given = signature.type_of(first) if first is not None else None
    if not isinstance(given, Overloaded):
        return signature.default
    bridging = Bridging(signature, class_named(signature.tools.modules, wrapper))
    return signature.default.copy_modified(
        arg_types=[given], ret_type=bridging.of(given), variables=[]
    )


def _decorated(call: Call, wrapper: str) -> Type:
    if not call.arg_types or not call.arg_types[0]:
        # The options form: its protocol says it all.
        return call.default
    return Bridging(call, class_named(call.tools.modules, wrapper)).of(wrapped_type(call))


def _constructed(call: Call, wrapper: str) -> Type:
    """What mypy infers without help is exact for a plain function outside a class. A generic one
    loses its type variables, an overloaded one its overloads, and a method its `Self`: these
    become callables with the instance as fallback.
    """
    instance = get_proper_type(call.default)
    if not isinstance(instance, Instance) or not call.arg_types or not call.arg_types[0]:
        return call.default
    if isinstance(call.context, CallExpr) and isinstance(call.context.callee, IndexExpr):
        # SyncToAsync[[int], str](func) is what it says.
        return call.default
    if call.checker.scope.active_class() is None and _is_plain(call):
        return call.default
    if not _calls_and_binds_as(call.tools.modules, instance.type, wrapper):
        return call.default
    bridge = Bridging(call, instance.type).of(wrapped_type(call))
    decorated = call.context
    if isinstance(decorated, Decorator) and _is_generic_over_parameters(call.arg_types[0][0]):
        # A call gets another signature (`signature_of_subclass`); mypy has checked a decorator by now.
        message = f'Argument 1 to "{instance.type.name}" '
        errors.take_back(call.checker, call.callee or decorated, (message,))
    return bridge


def _is_plain(call: Call) -> bool:
    """Say whether what mypy infers is exact: not for a `type[C]`, and not for a union that is awaited."""
    given = get_proper_type(call.arg_types[0][0])
    signature = get_proper_type(signature_of(call, given))
    return (
        isinstance(signature, CallableType)
        and not signature.variables
        and not isinstance(given, TypeType)
        and not isinstance(get_proper_type(signature.ret_type), UnionType)
    )


def _calls_and_binds_as(modules: Modules, info: TypeInfo, wrapper: str) -> bool:
    """Say whether instances of the class, a subclass of `wrapper`, are called as the wrapper's are.

    Its type parameters must be those of the wrapper, in the same order, so that the plugin can
    name an instance.
    """
    if not _is_defined_by(info, "__get__", wrapper):
        return False
    base = next(base for base in info.mro if base.fullname == wrapper)
    own = fill_typevars(info)
    if not isinstance(own, Instance) or len(own.args) != len(base.type_vars):
        return False
    if map_instance_to_supertype(own, base).args != own.args:
        return False
    return _is_defined_by(info, "__call__", wrapper) or _passes_through(modules, info, wrapper)


def _is_defined_by(info: TypeInfo, method: str, wrapper: str) -> bool:
    definer = info.get_containing_type_info(method)
    return definer is not None and definer.fullname == wrapper


def _passes_through(modules: Modules, info: TypeInfo, wrapper: str) -> bool:
    """Say whether the class's own `__call__` has the parameters and the result of the wrapper's."""
    method = info.names.get("__call__")
    own = fill_typevars(info)
    signature = get_proper_type(method.type) if method is not None else None
    if not isinstance(signature, CallableType) or not isinstance(own, Instance):
        return False
    parameters = signature.param_spec()
    expected = (
        own.args[1] if wrapper == names.TO_SYNC_WRAPPER else coroutine_of(modules, own.args[1])
    )
    return (
        parameters is not None
        and len(signature.arg_types) == len(["self", "args", "kwargs"])
        and isinstance(own.args[0], ParamSpecType)
        and parameters.id == own.args[0].id
        and is_same_type(signature.ret_type, expected)
    )
