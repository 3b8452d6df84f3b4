"""A `functools.partial` over a bridge whose function is generic over a ParamSpec.

mypy's own plugin makes each parameter optional before it knows those that the ParamSpec stands for, and
then misses their arguments. It is asked with the bridge's type for the function that is given.
"""

# pyright: reportUnknownMemberType=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mypy.checkexpr import has_uninhabited_component
from mypy.errorcodes import CALL_ARG
from mypy.nodes import ARG_POS, LambdaExpr
from mypy.plugin import FunctionContext
from mypy.plugins.functools import handle_partial_with_callee, partial_new_callback
from mypy.types import AnyType, CallableType, Overloaded, TypeOfAny, UnionType, get_proper_type

from typedbridge.mypy_plugin import names
from typedbridge.mypy_plugin.calls import NotUnderstoodError, checker_of, shielded, wrapper_of

if TYPE_CHECKING:
    from mypy.checker import TypeChecker
    from mypy.nodes import ArgKind, Context, Expression
    from mypy.plugin import MethodContext
    from mypy.types import Type


class _Argument(NamedTuple):
    expression: Expression
    type: Type
    kind: ArgKind
    name: str | None


def _of_bridge(ctx: FunctionContext) -> Type:
    """`partial(bridge, func, ...)`."""
    if ctx.arg_kinds[:1] != [[ARG_POS]]:
        raise NotUnderstoodError(ctx)
    bridge = get_proper_type(ctx.arg_types[0][0])
    if (
        not isinstance(bridge, CallableType)
        or bridge.param_spec() is None
        or not bridge.variables
        or wrapper_of(bridge) is None
    ):
        raise NotUnderstoodError(bridge)
    checker = checker_of(ctx.api)
    specialised = _specialised(checker, ctx.context, bridge, _given(ctx))
    if specialised is None:
        return checker.named_generic_type(names.PARTIAL, [AnyType(TypeOfAny.special_form)])
    return handle_partial_with_callee(ctx, specialised)


def _given(ctx: FunctionContext) -> list[_Argument]:
    """Return the arguments for the bridge, each once: mypy maps a star to several parameters."""
    rows = zip(ctx.args, ctx.arg_types, ctx.arg_kinds, ctx.arg_names, strict=True)
    arguments = [_Argument(*each) for row in rows for each in zip(*row, strict=True)]
    return list({id(argument.expression): argument for argument in arguments[1:]}.values())


def _specialised(
    checker: TypeChecker, context: Context, bridge: CallableType, given: list[_Argument]
) -> CallableType | None:
    """Return the bridge's type for these arguments; None if they do not tell its parameters.

    :raises NotUnderstoodError: mypy refuses them, in words of its own.
    """
    # The type that is expected is one of a `partial`, and says nothing of the result.
    checker.expr_checker.type_context.append(None)
    try:
        with checker.msg.filter_errors(save_filtered_errors=True) as errors:
            _, inferred = checker.expr_checker.check_call(
                bridge,
                [argument.expression for argument in given],
                [argument.kind for argument in given],
                context,
                [argument.name for argument in given],
            )
    finally:
        checker.expr_checker.type_context.pop()
    is_refused = any(error.code is not CALL_ARG for error in errors.filtered_errors())
    if is_refused and any(map(_is_open, given)):
        # What it is refused for may be to come.
        return None
    specialised = get_proper_type(inferred)
    if isinstance(specialised, CallableType) and not (
        specialised.variables or has_uninhabited_component(specialised)
    ):
        return specialised
    if is_refused:
        raise NotUnderstoodError(specialised)
    return None


def _is_open(argument: _Argument) -> bool:
    """Say whether it is a function whose parameters are told by what it is given."""
    given = get_proper_type(argument.type)
    if isinstance(given, CallableType):
        return bool(given.variables) or isinstance(argument.expression, LambdaExpr)
    return isinstance(given, (Overloaded, UnionType))


_hook = shielded(_of_bridge, partial_new_callback)


def partial(ctx: FunctionContext | MethodContext) -> Type:
    """`functools.partial(...)`, of what callable it may be."""
    return _hook(ctx) if isinstance(ctx, FunctionContext) else ctx.default_return_type
