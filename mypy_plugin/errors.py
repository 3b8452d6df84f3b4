"""The plugin's error codes, and how a finding is reported.

mypy knows a code from the moment it is made, so `# type: ignore[code]` and `disable_error_code`
work as soon as the plugin is imported. `docs/plugin.md` has an entry for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy.errorcodes import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

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

ALL: Final = (
    ASYNC_FUNCTION,
    SYNC_FUNCTION,
    GENERATOR,
    DECORATOR_ORDER,
    EXECUTOR,
    EXECUTOR_TYPE,
    BLOCKING_CALL,
)


class Findings:
    """Reports the findings that the user has not switched off."""

    def __init__(self, switched_off: AbstractSet[str]) -> None:
        self._switched_off = switched_off

    def wanted(self, code: ErrorCode) -> bool:
        """Say whether findings of this code are reported."""
        return code.code not in self._switched_off

    def report(self, checker: TypeChecker, code: ErrorCode, message: str, context: Context) -> None:
        """Report one finding at `context`."""
        if self.wanted(code):
            checker.fail(message, context, code=code)
