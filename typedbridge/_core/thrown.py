"""What do the arguments of `throw` mean?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["error_of"]


# Any: as in typeshed, for an error, or for its class with a value and a traceback.
def error_of(typ: Any, val: Any, tb: TracebackType | None) -> BaseException:
    """Return the error that the arguments of `throw` mean."""
    if isinstance(typ, BaseException):
        error: BaseException = typ
    elif isinstance(val, BaseException):
        error = val
    else:
        error = typ() if val is None else typ(val)
    return error if tb is None else error.with_traceback(tb)
