"""A plain value, or a few, of a type: what a case's functions are called with."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, Final
from unittest.mock import MagicMock

__all__ = ["NoSampleError", "samples"]

_PLAIN: Final[dict[Any, list[object]]] = {
    type(None): [None],
    bool: [False, True],
    int: [1],
    float: [1.5],
    str: ["a"],
    bytes: [b"a"],
    object: [object()],
}


class NoSampleError(Exception):
    """The case has to say with a default what its function is called with."""


def samples(expected: Any, what: str) -> list[object]:  # Any: a type expression
    """Return values of a type; of a union, of `bool`, all that differ.

    :param expected: the type.
    :param what: for the error's text, what the value is for.
    :raises NoSampleError: if it is none of the plain ones, nor a class that takes no arguments.
    """
    if expected is Any:
        return [MagicMock()]
    if expected in _PLAIN:
        return _PLAIN[expected]
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin in {types.UnionType, typing.Union}:
        return [value for one in arguments for value in samples(one, what)]
    if origin is type:
        return [arguments[0]]
    if origin in {list, dict}:
        items = [samples(one, what)[0] for one in arguments]
        return [{items[0]: items[1]} if origin is dict else items]
    made = origin or expected
    if inspect.isclass(made) and not inspect.isabstract(made):
        try:
            return [made()]
        except TypeError:
            pass
    raise NoSampleError(f"{what} needs a default: there is no plain value of {expected}")
