"""Signatures that mypy loses, found again in the source.

mypy types a function under `functools.lru_cache` as callable with anything hashable, a `partial` of
a `partial` as callable with anything, and a lambda's parameter as Any, also in
`lambda row=row: save(row)`.
"""

# pyright: reportUnknownMemberType=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype
from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    CallExpr,
    Decorator,
    LambdaExpr,
    MemberExpr,
    NameExpr,
    RefExpr,
)
from mypy.plugin import FunctionContext
from mypy.plugins.functools import handle_partial_with_callee
from mypy.typeops import bind_self
from mypy.types import CallableType, Instance, get_proper_type

from typedbridge.mypy_plugin import names
from typedbridge.mypy_plugin.known import Knowledge
from typedbridge.mypy_plugin.sites import line_of, site_of
from typedbridge.mypy_plugin.wrap import partial_signature

if TYPE_CHECKING:
    from mypy.nodes import Argument, Expression
    from mypy.types import Type

    from typedbridge.mypy_plugin.calls import Call, Signature


def wrapped_type(call: Call) -> Type:
    """Return the type of the callable that is given to a bridge."""
    given = call.arg_types[0][0]
    expression = call.args[0][0]
    if isinstance(expression, LambdaExpr):
        return _with_bound_names(call, expression, given) or given
    proper = get_proper_type(given)
    if isinstance(proper, Instance) and proper.type.fullname == names.LRU_CACHE_WRAPPER:
        return _cached(call, expression) or given
    if isinstance(proper, Instance) and proper.type.fullname == names.PARTIAL:
        return _partial(call, expression) or given
    return given


def lambda_with_defaults(signature: Signature) -> CallableType | None:
    """Return the type of a lambda that has defaults, if the first argument is one.

    mypy cannot tell its type where a ParamSpec is to be inferred from it and from other arguments.
    """
    expression = signature.first
    if not isinstance(expression, LambdaExpr):
        return None
    if all(argument.initializer is None for argument in expression.arguments):
        return None
    inferred = signature.type_of(expression)
    exact = get_proper_type(_with_bound_names(signature, expression, inferred) or inferred)
    return exact if isinstance(exact, CallableType) else None


def _partial(call: Call, expression: Expression) -> Type | None:
    """Return the signature of a `partial` around a `partial`, where both are in the expression.

    mypy sees the inner one as callable with anything. Its own plugin is asked again, with what it
    said of the inner one.
    """
    inner = _inner_partial(expression)
    if inner is None or not call.checker.has_type(inner):
        return None
    signature = _partial(call, inner) or partial_signature(call.checker.lookup_type(inner))
    if signature is None or not isinstance(expression, CallExpr):
        return None
    function, *arguments = zip(
        expression.args, expression.arg_kinds, expression.arg_names, strict=True
    )
    # The parameters of `partial(func, /, *args, **kwargs)`.
    formals = [
        [function],
        [argument for argument in arguments if argument[1] is ARG_POS],
        [argument for argument in arguments if argument[1] is ARG_NAMED],
    ]
    context = FunctionContext(
        arg_types=[[call.checker.lookup_type(a[0]) for a in formal] for formal in formals],
        arg_kinds=[[a[1] for a in formal] for formal in formals],
        callee_arg_names=[None, None, None],
        arg_names=[[a[2] for a in formal] for formal in formals],
        default_return_type=call.checker.lookup_type(expression),
        args=[[a[0] for a in formal] for formal in formals],
        context=expression,
        api=call.checker,
    )
    with call.checker.msg.filter_errors():
        return partial_signature(handle_partial_with_callee(context, signature))


def _inner_partial(expression: Expression) -> Expression | None:
    """Return what a call of `partial` wraps, if the call is one whose arguments are all in sight."""
    if (
        isinstance(expression, CallExpr)
        and isinstance(expression.callee, RefExpr)
        and expression.callee.fullname == names.PARTIAL
        and all(kind in {ARG_POS, ARG_NAMED} for kind in expression.arg_kinds)
        and expression.arg_kinds[:1] == [ARG_POS]
    ):
        return expression.args[0]
    return None


def _cached(call: Call, expression: Expression) -> CallableType | None:
    """Return the signature of the function that a cache is around."""
    if isinstance(call.context, Decorator):
        applied = call.callee or line_of(call.context, site_of(call, to_sync=False))
        order = call.context.decorators
        below = next((i + 1 for i, decorator in enumerate(order) if decorator is applied), None)
        return None if below is None else _function_type(call.context, order[below:])
    if isinstance(expression, RefExpr) and isinstance(expression.node, Decorator):
        return _function_elsewhere(call, expression.node)
    if isinstance(expression, MemberExpr) and call.checker.has_type(expression.expr):
        receiver = get_proper_type(call.checker.lookup_type(expression.expr))
        if isinstance(receiver, Instance):
            return _cached_method(call, receiver, expression.name)
    return None


def _cached_method(call: Call, receiver: Instance, name: str) -> CallableType | None:
    found = receiver.type.get(name)
    if found is None or not isinstance(found.node, Decorator):
        return None
    function = found.node.func
    signature = _function_elsewhere(call, found.node)
    if signature is None or function.is_static or function.is_class:
        return None
    definer = map_instance_to_supertype(receiver, function.info)
    return bind_self(expand_type_by_instance(signature, definer), receiver)


def _function_elsewhere(call: Call, decorated: Decorator) -> CallableType | None:
    """The same for a function that may stand in another module, of which mypy's cache has no decorators."""
    function = decorated.func
    tools = call.tools
    source = tools.sources.of(call.checker.tree)
    module, _, name = function.fullname.rpartition(".")
    if not module or source is None:
        return _function_type(decorated, decorated.decorators)
    # A function without a class has one that is false.
    info = function.info or None
    if not Knowledge(tools.modules, tools.sources, source).is_only_cached(module, info, name):
        return None
    return _function_type(decorated, [])


def _function_type(decorated: Decorator, decorators: list[Expression]) -> CallableType | None:
    """Return the function's own type if there is nothing but caches between it and the name."""
    signature = decorated.func.type
    if isinstance(signature, CallableType) and all(map(_is_cache, decorators)):
        return signature
    return None


def _is_cache(decorator: Expression) -> bool:
    if isinstance(decorator, CallExpr):
        decorator = decorator.callee
    return isinstance(decorator, RefExpr) and decorator.fullname in names.LRU_CACHES


def _with_bound_names(call: Call | Signature, function: LambdaExpr, given: Type) -> Type | None:
    """Type a lambda by the variables that its defaults bind, as in `lambda row=row: ...`."""
    inferred = get_proper_type(given)
    bound = [_binds_its_name(argument) for argument in function.arguments]
    if not isinstance(inferred, CallableType) or not any(bound):
        return None
    expr_checker = call.checker.expr_checker
    expected = inferred.copy_modified(
        arg_types=[
            expr_checker.accept(argument.initializer)
            if is_bound and argument.initializer is not None
            else arg_type
            for argument, is_bound, arg_type in zip(
                function.arguments, bound, inferred.arg_types, strict=True
            )
        ],
        # Not Any: that would be the context of the body.
        ret_type=call.checker.named_type("builtins.object"),
    )
    with call.checker.msg.filter_errors():
        # mypy has reported what is wrong with the body already.
        return expr_checker.accept(function, expected)


def _binds_its_name(argument: Argument) -> bool:
    default = argument.initializer
    return isinstance(default, NameExpr) and default.name == argument.variable.name
