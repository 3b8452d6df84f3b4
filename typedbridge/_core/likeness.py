"""`Likeness`: what a bridge is to tools that look at functions.

Frameworks ask ``inspect.isfunction`` before they take something for a function: Starlette's routes,
Celery's argument check, pydantic's fields and ``validate_call``, ``mock.create_autospec``, pytest. A
bridge answers as a function of its own colour would.
"""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
from functools import lru_cache, partial, update_wrapper
from inspect import signature, unwrap
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar

from typedbridge._core.marks import MARKS, describe_bridge

if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Parameter
    from typing import Self

__all__ = ["ASYNC", "SYNC", "Likeness", "function_like"]

#: The colours of bridges, as the source of a function.
SYNC = "def twin({}): return make()({})"
ASYNC = "async def twin({}): return await make()({})"

#: Packages that unwrap a function to learn whether it is a coroutine function, and so would learn that
#: of the function below. All others want that: for a signature, a source, a docstring.
_ASKS_FOR_COLOUR = ("fastapi", "unittest.mock")

#: Read on a function, and so on what says that it is one.
_OF_A_FUNCTION = frozenset(
    {"__builtins__", "__closure__", "__code__", "__defaults__", "__globals__", "__kwdefaults__"}
)


# Any: functions of every kind.
def _twin_of(func: Callable[..., Any], colour: str, make: Callable[[], Any]) -> FunctionType:
    """Return a plain function with a function's parameters, that makes a bridge and calls it.

    :param colour: how its source begins and what it does with the outcome: see `Likeness`.
    """
    try:
        parameters = list(signature(func).parameters.values())
        factory = _factory(colour, *_source_of(parameters))
    except (SyntaxError, TypeError, ValueError):  # builtins of the user's may show no signature
        parameters = []
        factory = _factory(colour, "*args, **kwargs", "*args, **kwargs")
    template = factory(make)
    namespace: dict[str, Any] = getattr(unwrap(func), "__globals__", {})
    twin = FunctionType(template.__code__, namespace, None, None, template.__closure__)
    defaults = [one for one in parameters if one.default is not one.empty]
    named = {one.name: one.default for one in defaults if one.kind is one.KEYWORD_ONLY}
    twin.__defaults__ = tuple(one.default for one in defaults if one.name not in named) or None
    twin.__kwdefaults__ = named or None
    return twin


def _source_of(parameters: list[Parameter]) -> tuple[str, str]:
    """Return the source of a parameter list, and of the arguments that hand it on."""
    listed: list[str] = []
    handed: list[str] = []
    kinds = [one.kind for one in parameters]
    for place, one in enumerate(parameters):
        stars = (
            "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        )
        if one.kind is one.KEYWORD_ONLY:
            if not {one.KEYWORD_ONLY, one.VAR_POSITIONAL} & set(kinds[:place]):
                listed.append("*")
            handed.append(f"{one.name}={one.name}")
        else:
            handed.append(f"{stars}{one.name}")
        listed.append(f"{stars}{one.name}" + ("" if one.default is one.empty else "=None"))
        if one.kind is one.POSITIONAL_ONLY and one.kind not in kinds[place + 1 :]:
            listed.append("/")
    return ", ".join(listed), ", ".join(handed)


@lru_cache(maxsize=256)
def _factory(colour: str, parameters: str, arguments: str) -> Callable[..., FunctionType]:
    source = f"def factory(make):\n {colour.format(parameters, arguments)}\n return twin"
    space: dict[str, Any] = {}
    exec(source, space)  # noqa: S102  # of names that were parameters already, as dataclasses do
    made: Callable[..., FunctionType] = space["factory"]
    return made


# Any: functions of every kind.
def function_like(func: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a plain function that looks like another one, and calls what is given.

    It has the parameters, the globals and the attributes of the other. There is no ``__wrapped__``: those
    who unwrap a function would take it for a generator function, or for one of another colour.
    """
    twin: Any = update_wrapper(_twin_of(func, SYNC, lambda: call), func)
    del twin.__wrapped__
    found: Callable[..., Any] = twin
    return found


class Likeness:
    """Base of the bridges: they look like plain functions.

    ``type(bridge)`` and ``isinstance`` tell the truth as well.
    """

    #: The source of a function of the bridge's colour.
    _colour: ClassVar[str]

    def _below(self) -> Callable[..., Any]:  # Any: whatever the user passed
        """Return the function that the bridge wraps."""
        raise NotImplementedError

    def _mark(self) -> None:
        """Say that this is a coroutine function, if it is."""

    def _kept(self) -> dict[str, Any]:
        """Return the attributes that make this bridge."""
        return {name: value for name, value in vars(self).items() if name not in MARKS}

    def _twin(self) -> FunctionType:
        """Return a plain function, of the bridge's colour, that does what the bridge does.

        Those that copy functions attribute by attribute, as cloudpickle does, copy this one.
        """
        make = partial(_restored, type(self), self._kept())
        return _twin_of(self._below(), self._colour, make)

    __repr__ = describe_bridge

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # Any: the stub is exact
        """Bind like a function; on a class, give the bridge itself."""
        return self if instance is None else MethodType(self, instance)  # type: ignore[arg-type]  # a bridge can be called

    # Hidden from the checkers, for which every attribute would be there.
    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            return FunctionType

        # Some attributes are found nowhere else.
        def __getattr__(self, name: str) -> object:
            if name == "__wrapped__" and not _colour_is_asked():
                return self._below()
            if name in _OF_A_FUNCTION:
                return getattr(self._twin(), name)
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
            )

        def __dir__(self) -> list[str]:
            return sorted({*object.__dir__(self), *dir(type(self)), "__wrapped__"})

    # A function is copied, and deep-copied, by being shared.

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object, /) -> Self:
        return self

    def __reduce_ex__(self, protocol: object, /) -> Any:  # Any: as in typeshed
        # As a function, by name; under another name than its function's a bridge is made again. One
        # that is found by neither is refused for its function, with that name.
        if self._is_found():
            return self.__qualname__  # type: ignore[attr-defined]  # adopted from the function
        return _restored, (type(self), self._kept())

    def _is_found(self) -> bool:
        """Tell whether the bridge is what its module has under its name."""
        name, module = getattr(self, "__qualname__", None), getattr(self, "__module__", None)
        if not isinstance(name, str) or module not in sys.modules:
            return False
        try:
            found: Any = sys.modules[module]
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            return False
        return found is self


def _restored(kind: type[Likeness], kept: dict[str, Any]) -> Any:  # Any: called in a twin
    """Make a bridge from its attributes."""
    bridge = kind.__new__(kind)
    vars(bridge).update(kept)
    bridge._mark()
    return bridge


def _colour_is_asked() -> bool:
    """Tell whether the attribute is read by `inspect.unwrap` for somebody who wants to know the colour."""
    reader = sys._getframe(2)
    if reader.f_code.co_qualname == "unwrap.<locals>._is_wrapper":
        reader = reader.f_back or reader  # up to Python 3.12 a function in it looks
    if reader.f_code is not unwrap.__code__ or reader.f_back is None:
        return False
    asker: object = reader.f_back.f_globals.get("__name__")
    return isinstance(asker, str) and any(
        asker == name or asker.startswith(f"{name}.") for name in _ASKS_FOR_COLOUR
    )
