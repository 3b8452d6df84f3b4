"""The kinds of values that the plugin knows, and what becomes of them when they are called or applied."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from typedbridge.mypy_plugin import names
from typedbridge.mypy_plugin.calls import NotUnderstoodError
from typedbridge.mypy_plugin.source import FunctionNode, is_generator

if TYPE_CHECKING:
    from mypy.nodes import MypyFile, TypeInfo


@dataclass(frozen=True, slots=True)
class Maker:
    """A decorator or wrapper class of typedbridge, or an options form of one."""

    to_sync: bool
    takes_options: bool


@dataclass(frozen=True, slots=True)
class Bridge:
    """What a maker returns."""

    to_sync: bool


@dataclass(frozen=True, slots=True)
class Function:
    """A function, also a method, that nothing but harmless decorators is around."""

    node: FunctionNode

    @property
    def is_async(self) -> bool:
        """Calling it gives a coroutine."""
        return isinstance(self.node, ast.AsyncFunctionDef) and not self.is_generator

    @property
    def is_generator(self) -> bool:
        """Calling it gives a generator or an async generator."""
        return is_generator(self.node)

    @property
    def is_async_generator(self) -> bool:
        """Calling it gives an async generator."""
        return isinstance(self.node, ast.AsyncFunctionDef) and self.is_generator


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A `classmethod` or `staticmethod` object."""

    kind: str
    of: Value


@dataclass(frozen=True, slots=True)
class Partial:
    """A `functools.partial`."""

    of: Value


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the program."""

    info: TypeInfo


@dataclass(frozen=True, slots=True)
class Object:
    """An instance of just this class."""

    info: TypeInfo


@dataclass(frozen=True, slots=True)
class Module:
    """A module."""

    file: MypyFile


@dataclass(frozen=True, slots=True)
class Named:
    """Something of a library, by its full name."""

    fullname: str


Value: TypeAlias = (
    Maker | Bridge | Function | Descriptor | Partial | Class | Object | Module | Named
)

_TYPING: Final = ("typing", "typing_extensions")

# Decorators that return the function or the class that they get, or another one that does the same.
_UNCALLED: Final = frozenset(
    {
        "abc.abstractmethod",
        "dataclasses.dataclass",
        "functools.total_ordering",
        *(f"{module}.final" for module in _TYPING),
        *(f"{module}.override" for module in _TYPING),
        *(f"{module}.overload" for module in _TYPING),
        *(f"{module}.no_type_check" for module in _TYPING),
        *(f"{module}.runtime_checkable" for module in _TYPING),
    }
)

# Decorators that a call makes, and whether the call has positional arguments.
FACTORIES: Final = {
    "dataclasses.dataclass": False,
    "functools.wraps": True,
    **dict.fromkeys(names.LRU_CACHES, False),
}

# Those as well that a call makes.
HARMLESS: Final = _UNCALLED | {"dataclasses.dataclass(...)", "functools.wraps(...)"}
CACHES: Final = names.LRU_CACHES | {f"{name}(...)" for name in names.LRU_CACHES}

OVERLOAD: Final = frozenset(f"{module}.overload" for module in _TYPING)

KNOWN: Final[dict[str, Value]] = {
    names.SYNC_TO_ASYNC: Maker(to_sync=False, takes_options=True),
    names.ASYNC_TO_SYNC: Maker(to_sync=True, takes_options=True),
    names.TO_ASYNC_WRAPPER: Maker(to_sync=False, takes_options=False),
    names.TO_SYNC_WRAPPER: Maker(to_sync=True, takes_options=False),
    **{
        name: Named(name)
        for name in (
            *_UNCALLED,
            *names.DESCRIPTORS,
            *names.LRU_CACHES,
            "functools.wraps",
            names.CALL_SYNC,
            names.CALL_ASYNC,
            names.PARTIAL,
        )
    },
}

UNKNOWN: Final = Named("")

# What a subclass of a wrapper class must not define, to be made and called as the wrapper is.
_MAKES_AND_CALLS: Final = ("__init__", "__new__", "__call__")


def applied(decorator: Value, value: Value) -> Value:
    """Return what a decorator makes of a value."""
    if isinstance(decorator, Maker):
        return Bridge(decorator.to_sync)
    if isinstance(decorator, Named) and decorator.fullname in HARMLESS:
        return value
    if isinstance(decorator, Named) and decorator.fullname in names.DESCRIPTORS:
        return Descriptor(names.DESCRIPTORS[decorator.fullname], value)
    if isinstance(decorator, Class) and isinstance(bridge := made(decorator.info), Bridge):
        return bridge
    raise NotUnderstoodError(decorator)


def made_by(maker: Maker, call: ast.Call) -> Value:
    """Return what a call of a maker makes."""
    keywords = {keyword.arg for keyword in call.keywords}
    if call.args or keywords & names.GIVEN_AS:
        return Bridge(maker.to_sync)
    if maker.takes_options and None not in keywords:
        return Maker(maker.to_sync, takes_options=False)
    raise NotUnderstoodError(maker)


def made(info: TypeInfo) -> Bridge | Object:
    """Return what a call of a class makes."""
    for wrapper in (names.TO_SYNC_WRAPPER, names.TO_ASYNC_WRAPPER):
        if info.has_base(wrapper):
            if any(definer_of(info, name) not in _OWN[wrapper] for name in _MAKES_AND_CALLS):
                raise NotUnderstoodError(info)
            return Bridge(wrapper == names.TO_SYNC_WRAPPER)
    metaclass = info.metaclass_type
    if info.fallback_to_any or (
        metaclass is not None and metaclass.type.fullname not in _PLAIN_METACLASSES
    ):
        raise NotUnderstoodError(info)
    if definer_of(info, "__new__") not in {None, "builtins.object"}:
        raise NotUnderstoodError(info)
    return Object(info)


_PLAIN_METACLASSES: Final = frozenset({"builtins.type", "abc.ABCMeta"})

_OWN: Final = {
    wrapper: frozenset({wrapper, "builtins.object", "typing.Generic"})
    for wrapper in (names.TO_SYNC_WRAPPER, names.TO_ASYNC_WRAPPER)
}


def definer_of(info: TypeInfo, name: str) -> str | None:
    """Return the full name of the class that defines what instances have under a name."""
    definer = info.get_containing_type_info(name)
    return definer.fullname if definer is not None else None
