"""`executor=`: it needs `thread_sensitive=False`, and must be an Executor.

The stubs refuse the second mistake. The plugin looks first, says what to do, and takes the argument out
of mypy's sight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy.messages import format_type
from mypy.nodes import ARG_POS, CallExpr, RefExpr, Var
from mypy.subtypes import is_subtype
from mypy.types import (
    AnyType,
    Instance,
    NoneType,
    TypeOfAny,
    UnionType,
)

from typedbridge.mypy_plugin import errors, names
from typedbridge.mypy_plugin.calls import spelled
from typedbridge.mypy_plugin.sites import may_be_caught
from typedbridge.mypy_plugin.wrap import class_named

if TYPE_CHECKING:
    from mypy.errorcodes import ErrorCode
    from mypy.types import CallableType, Type

    from typedbridge.mypy_plugin.calls import Signature

_EXECUTOR: Final = "executor"
_SENSITIVE: Final = "thread_sensitive"


def check(signature: Signature) -> CallableType:
    """Report a wrong `executor`, and return a signature that takes it.

    `bridge-executor` is certain if `thread_sensitive` is left out, `True` itself or a final name for it;
    `executor` cannot be None; and nothing around the call waits for the error. Of `bridge-executor-type` the
    stubs are certain.
    """
    finding = _finding(signature)
    if finding is None or not signature.tools.findings.wanted(finding[0]):
        return signature.default
    code, message = finding
    signature.tools.findings.report(signature.checker, code, message, signature.context)
    anything = AnyType(TypeOfAny.from_error)
    return signature.accepting({_EXECUTOR: anything, _SENSITIVE: anything})


def _finding(signature: Signature) -> tuple[ErrorCode, str] | None:
    expression = signature.given(_EXECUTOR)
    if expression is None:
        return None
    executor = signature.type_of(expression)
    if isinstance(executor, (AnyType, NoneType)):
        return None
    subject = f"executor{_of(signature)}"
    if not _is_executor(signature, executor):
        given = format_type(executor, signature.checker.options)
        wrong = f"{subject} must be a concurrent.futures.Executor, not {given}"
        return errors.EXECUTOR_TYPE, wrong
    if is_subtype(NoneType(), executor) or _may_be_caught(signature):
        return None
    if _is_left_out(signature) or _is_true(signature):
        wrong = f"{subject} needs thread_sensitive=False: a thread-sensitive call never runs in it"
        return errors.EXECUTOR, wrong
    return None


def _of(signature: Signature) -> str:
    """Name the callable, if the call has one: the overloads of the options form have not."""
    call = signature.context
    if not isinstance(call, CallExpr) or not call.args:
        return ""
    if call.arg_kinds[0] is not ARG_POS and call.arg_names[0] != "func":
        return ""
    name = spelled(signature.type_of(call.args[0]), call.args[0])
    # What is no callable, as a context manager, may have none.
    return f" of {name}" if name.startswith('"') else ""


def _is_executor(signature: Signature, executor: Type) -> bool:
    allowed = Instance(class_named(signature.tools.modules, names.EXECUTOR), [])
    return is_subtype(executor, UnionType([allowed, NoneType()]))


def _is_left_out(signature: Signature) -> bool:
    call = signature.context
    return (
        signature.given(_SENSITIVE) is None
        and isinstance(call, CallExpr)
        and not any(kind.is_star() for kind in call.arg_kinds)
    )


def _is_true(signature: Signature) -> bool:
    expression = signature.given(_SENSITIVE)
    node = expression.node if isinstance(expression, RefExpr) else None
    return isinstance(expression, RefExpr) and (
        expression.fullname == "builtins.True"
        or (isinstance(node, Var) and node.is_final and node.final_value is True)
    )


def _may_be_caught(signature: Signature) -> bool:
    source = signature.tools.sources.of(signature.checker.tree)
    node = source.call_at(signature.context) if source is not None else None
    return source is None or node is None or may_be_caught(source, node)
