"""What a hook is told about a call, in the plugin's own words.

mypy is compiled and the plugin is not. Hooks run for every call in a program, so what stands on
their way is counted in microseconds: `python -m bench --rows 'plugin*'` measures it.
"""

# pyright: reportUnknownMemberType=false
# `copy_modified` is typed by an alias of mypy's own that only mypy resolves.

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from mypy.checker import TypeChecker
from mypy.nodes import ARG_OPT, ARG_POS, CallExpr, Decorator, MemberExpr, NameExpr, TempNode
from mypy.types import (
    CallableType,
    FunctionLike,
    Instance,
    Overloaded,
    get_proper_type,
)
from mypy.version import __version__

from typedbridge.mypy_plugin import names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy.nodes import Context, Expression, MypyFile
    from mypy.plugin import (
        CheckerPluginInterface,
        FunctionContext,
        FunctionSigContext,
        MethodContext,
        MethodSigContext,
    )
    from mypy.types import ProperType, Type

    from typedbridge.mypy_plugin.errors import Findings
    from typedbridge.mypy_plugin.source import Sources

    # All modules of the program by name, in mypy's own dictionary.
    Modules = Mapping[str, MypyFile]


# Whether mypy puts the argument that it makes up for a decorator where the decorator stands.
_TELLS_DECORATORS: Final = tuple(map(int, __version__.split(".")[:2])) >= (1, 15)


class NotUnderstoodError(Exception):
    """The plugin cannot say more than the stubs do; their answer stands."""


@dataclass(slots=True)
class Tools:
    """What every hook needs."""

    modules: Modules
    findings: Findings
    sources: Sources


@dataclass(slots=True)
class Call:
    """One call, or one decorator line, that mypy checks."""

    tools: Tools
    checker: TypeChecker
    context: Context
    arg_types: list[list[Type]]
    args: list[list[Expression]]
    default: Type

    @property
    def callee(self) -> Expression | None:
        """The expression that is called, or the decorator that is applied; None if mypy does not say."""
        if isinstance(self.context, CallExpr):
            return self.context.callee
        if isinstance(self.context, Decorator):
            return self._applied(self.context)
        return None

    def _applied(self, decorated: Decorator) -> Expression | None:
        """Return the decorator that mypy applies.

        mypy puts the argument that it makes up where the decorator stands, but not for an item of an
        overloaded function, and before 1.15 never. Then there must be no other decorator.
        """
        # Without those that mypy does not apply, such as `classmethod`.
        if len(decorated.decorators) == 1:
            return decorated.decorators[0]
        argument = self.args[0][0] if self.args and self.args[0] else None
        if not _TELLS_DECORATORS or not isinstance(argument, TempNode):
            return None
        where = (argument.line, argument.column)
        return next((d for d in decorated.decorators if (d.line, d.column) == where), None)

    @property
    def callee_type(self) -> Type | None:
        """The type of `callee`, where mypy has worked it out."""
        callee = self.callee
        if callee is None or not self.checker.has_type(callee):
            return None
        return self.checker.lookup_type(callee)


def checker_of(api: CheckerPluginInterface) -> TypeChecker:
    """Return mypy's checker, which the plugin interface shows a part of only."""
    if not isinstance(api, TypeChecker):
        raise NotUnderstoodError(api)
    return api


def call_of(ctx: FunctionContext | MethodContext, tools: Tools) -> Call:
    """Put the context of a function or method hook into one shape."""
    return Call(
        tools, checker_of(ctx.api), ctx.context, ctx.arg_types, ctx.args, ctx.default_return_type
    )


@dataclass(slots=True)
class Signature:
    """A call that mypy is about to check against a signature."""

    tools: Tools
    checker: TypeChecker
    context: Context
    args: list[list[Expression]]
    default: CallableType

    @property
    def first(self) -> Expression | None:
        """The argument for the first parameter."""
        return self.args[0][0] if self.args and self.args[0] else None

    @property
    def callee(self) -> Expression | None:
        """The expression that is called; None for a decorator."""
        return self.context.callee if isinstance(self.context, CallExpr) else None

    def given(self, parameter: str) -> Expression | None:
        """The argument that is given for a parameter, by keyword or by position.

        mypy's own mapping is of no use here: in an overload without `func`, it takes the function
        for the first keyword-only parameter.
        """
        call = self.context
        if not isinstance(call, CallExpr):
            return None
        if parameter in call.arg_names:
            return call.args[call.arg_names.index(parameter)]
        if parameter not in self.default.arg_names:
            return None  # an overload without it
        position = self.default.arg_names.index(parameter)
        kinds = [*self.default.arg_kinds[: position + 1], *call.arg_kinds[: position + 1]]
        if position < len(call.args) and all(kind in {ARG_POS, ARG_OPT} for kind in kinds):
            return call.args[position]
        return None

    def type_of(self, argument: Expression) -> ProperType:
        """The type of an argument; mypy works it out once more, and reports its errors then."""
        with self.checker.msg.filter_errors():
            return get_proper_type(self.checker.expr_checker.accept(argument))

    def accepting(self, types: Mapping[str, Type]) -> CallableType:
        """The signature with other types for the named parameters."""
        names_and_types = zip(self.default.arg_names, self.default.arg_types, strict=True)
        return self.default.copy_modified(
            arg_types=[types.get(name or "", arg_type) for name, arg_type in names_and_types]
        )

    def calling(self, func: CallableType, result: Type) -> CallableType:
        """The signature of a call that takes `func` first, and then its arguments."""
        return self.default.copy_modified(
            arg_types=[func, *func.arg_types],
            arg_kinds=[ARG_POS, *func.arg_kinds],
            arg_names=[None, *func.arg_names],
            ret_type=result,
            variables=[],
        )


# Answers for one call with the type of its result.
Handler: TypeAlias = "Callable[[Call], Type]"
# A handler, in the form in which mypy calls it.
Hook: TypeAlias = "Callable[[FunctionContext | MethodContext], Type]"
SignatureHandler: TypeAlias = "Callable[[Signature], CallableType]"
SignatureHook: TypeAlias = "Callable[[FunctionSigContext | MethodSigContext], FunctionLike]"


_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


def shielded(
    answer: Callable[[_Asked], _Answer], otherwise: Callable[[_Asked], _Answer]
) -> Callable[[_Asked], _Answer]:
    """Make a function that never fails: what `answer` does not understand, `otherwise` answers.

    With ``TYPEDBRIDGE_PLUGIN_STRICT`` in the environment, as the tests have it, a failure is shown.
    """

    def shield(asked: _Asked) -> _Answer:
        try:
            return answer(asked)
        except NotUnderstoodError:
            return otherwise(asked)
        except Exception:  # A user's check must not end in our traceback.
            if os.environ.get("TYPEDBRIDGE_PLUGIN_STRICT"):
                raise
            return otherwise(asked)

    return shield


def guarded(handler: Handler, tools: Tools) -> Hook:
    """Make a hook that never fails: what `handler` does not understand, the stubs answer."""

    def answer(ctx: FunctionContext | MethodContext) -> Type:
        return handler(call_of(ctx, tools))

    return shielded(answer, lambda ctx: ctx.default_return_type)


def guarded_signature(handler: SignatureHandler, tools: Tools) -> SignatureHook:
    """Make a signature hook that never fails, as `guarded` does."""

    def answer(ctx: FunctionSigContext | MethodSigContext) -> FunctionLike:
        checker = checker_of(ctx.api)
        return handler(Signature(tools, checker, ctx.context, ctx.args, ctx.default_signature))

    return shielded(answer, lambda ctx: ctx.default_signature)


# The wrapper class that a fallback is an instance of, for the classes that nearly all are.
_WRAPPERS: Final[dict[str, str | None]] = {
    "builtins.function": None,
    "builtins.type": None,
    names.TO_ASYNC_WRAPPER: names.TO_ASYNC_WRAPPER,
    names.TO_SYNC_WRAPPER: names.TO_SYNC_WRAPPER,
}


def wrapper_of(typ: Type | None) -> str | None:
    """Return the full name of the wrapper class that a bridge of type `typ` is an instance of."""
    proper = get_proper_type(typ)
    if isinstance(proper, FunctionLike):
        proper = proper.fallback
    if not isinstance(proper, Instance):
        return None
    info = proper.type
    if info.fullname in _WRAPPERS:
        return _WRAPPERS[info.fullname]
    wrappers = (names.TO_ASYNC_WRAPPER, names.TO_SYNC_WRAPPER)
    return next((wrapper for wrapper in wrappers if info.has_base(wrapper)), None)


def decorator_in(typ: Type | None) -> str | None:
    """Return the full name of the decorator that a value of type `typ` is, for `s2a = sync_to_async`.

    mypy gives such a name the type of the function and forgets which function it was. The options
    form in the overloads tells.
    """
    proper = get_proper_type(typ)
    if isinstance(proper, Overloaded):
        result = get_proper_type(proper.items[-1].ret_type)
        if isinstance(result, Instance):
            return names.DECORATORS.get(result.type.fullname)
    return None


def spelled(typ: Type, expression: Expression | None = None) -> str:
    """Name a callable for a message."""
    proper = get_proper_type(typ)
    if isinstance(proper, Overloaded):
        proper = proper.items[0]
    if isinstance(proper, CallableType) and proper.name not in {None, "<lambda>", names.UNNAMED}:
        return f'"{proper.name}"'
    if isinstance(expression, (NameExpr, MemberExpr)):
        return f'"{expression.name}"'
    return "this callable"
