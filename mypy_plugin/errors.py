"""The plugin's error codes, and how a finding is reported.

mypy knows a code from the moment it is made, so `# type: ignore[code]` and `disable_error_code`
work as soon as the plugin is imported. `docs/plugin.md` has an entry for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy.errorcodes import ARG_TYPE, RETURN_VALUE, ErrorCode
from mypy.nodes import LambdaExpr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy.checker import TypeChecker
    from mypy.nodes import Context

_CATEGORY: Final = "typedbridge"

ASYNC_FUNCTION: Final = ErrorCode(
    "bridge-async-function", "An async function is given to sync_to_async", _CATEGORY
)
SYNC_FUNCTION: Final = ErrorCode(
    "bridge-sync-function", "A sync function is given to async_to_sync", _CATEGORY
)
GENERATOR: Final = ErrorCode(
    "bridge-generator", "A generator function is given to a bridge", _CATEGORY
)
DECORATOR_ORDER: Final = ErrorCode(
    "bridge-decorator-order", "A bridge is put around a classmethod or staticmethod", _CATEGORY
)
EXECUTOR: Final = ErrorCode(
    "bridge-executor", "An executor is given without thread_sensitive=False", _CATEGORY
)
EXECUTOR_TYPE: Final = ErrorCode(
    "bridge-executor-type", "What is given as executor is not an Executor", _CATEGORY
)
BLOCKING_CALL: Final = ErrorCode(
    "bridge-blocking-call", "A blocking bridge is called in an async function", _CATEGORY
)

COROUTINE_OBJECT: Final = ErrorCode(
    "bridge-coroutine-object", "A bridge is given a call's result and not the function", _CATEGORY
)
NOT_AWAITED: Final = ErrorCode(
    "bridge-not-awaited", "The coroutine that a bridge returns is never awaited", _CATEGORY
)
MAY_BLOCK: Final = ErrorCode(
    "bridge-may-block",
    "A blocking method is called in an async function, if no subclass replaces it",
    _CATEGORY,
)
MADE_ANEW: Final = ErrorCode(
    "bridge-made-anew", "A bridge of the same function is made again and again", _CATEGORY
)

ALL: Final = (
    ASYNC_FUNCTION,
    SYNC_FUNCTION,
    COROUTINE_OBJECT,
    GENERATOR,
    DECORATOR_ORDER,
    EXECUTOR,
    EXECUTOR_TYPE,
    BLOCKING_CALL,
    NOT_AWAITED,
    MAY_BLOCK,
    MADE_ANEW,
)

# What may be right, and so does not make mypy's run fail.
NOTES: Final = frozenset({MAY_BLOCK.code, MADE_ANEW.code})

# What is no mistake is reported to who asks for it.
ON_REQUEST: Final = frozenset({MADE_ANEW.code})


class Findings:
    """Reports the findings that the user wants.

    :param switched: what the configuration file says of a code, if it says anything.
    """

    def __init__(self, switched: Mapping[str, bool]) -> None:
        self._wanted = {code.code: code.code not in ON_REQUEST for code in ALL} | dict(switched)

    def wanted(self, code: ErrorCode) -> bool:
        """Say whether findings of this code are reported."""
        return self._wanted[code.code]

    def report(self, checker: TypeChecker, code: ErrorCode, message: str, context: Context) -> None:
        """Report one finding at `context`."""
        if self.wanted(code):
            checker.fail(message, context, code=code)

    def note(self, checker: TypeChecker, code: ErrorCode, message: str, context: Context) -> None:
        """Report what does not make mypy's run fail. Of a note mypy does not print the code."""
        if self.wanted(code):
            checker.note(f"{message}  [{code.code}]", context, code=code)

    def replace(
        self,
        checker: TypeChecker,
        code: ErrorCode,
        message: str,
        context: Context,
        argument: Context,
    ) -> None:
        """Report a finding in the place of the error that mypy has just reported of an argument.

        A decorator cannot be given another signature, as a call can; so what the stubs refuse there,
        mypy has refused when the plugin is asked. If it has not, or the error is ignored in its line,
        there is nothing to replace.
        """
        if self.wanted(code) and take_back(checker, argument, _FIRST_ARGUMENT):
            checker.fail(message, context, code=code)


def take_back(checker: TypeChecker, argument: Context, beginnings: tuple[str, ...]) -> bool:
    """Remove mypy's last error that says that a first argument has a wrong type, and its notes.

    Of a lambda mypy says so of its body as well.

    :param argument: the argument, or the decorator: an error before its line is left alone.
    :param beginnings: of the message.
    """
    reported = checker.errors.error_info_map.get(checker.errors.file, [])
    is_found = False
    end = len(reported)
    for index in range(end - 1, -1, -1):
        info = reported[index]
        if info.line < argument.line:
            break
        if info.severity == "error":
            is_argument = info.code is ARG_TYPE and info.message.startswith(beginnings)
            is_body = info.code is RETURN_VALUE and isinstance(argument, LambdaExpr)
            if is_argument or is_body:
                del reported[index:end]
                is_found = True
            if is_found and not isinstance(argument, LambdaExpr):
                break
            end = index
    return is_found


_FIRST_ARGUMENT: Final = ("Argument 1 ", 'Argument "awaitable" ')
