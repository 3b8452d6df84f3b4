"""unittest.mock makes of a bridge what it makes of a plain function or method of that colour."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from typedbridge import async_to_sync, iscoroutinefunction, sync_to_async


class Bridged:
    @sync_to_async
    def read(self, key: str, *, default: int = 0) -> int:
        return default

    @async_to_sync
    async def read_now(self, key: str, *, default: int = 0) -> int:
        return default


class Plain:
    async def read(self, key: str, *, default: int = 0) -> int:
        return default

    def read_now(self, key: str, *, default: int = 0) -> int:
        return default


@sync_to_async
def bridged(key: str, *, default: int = 0) -> int:
    return default


@async_to_sync
async def bridged_now(key: str, *, default: int = 0) -> int:
    return default


async def plain(key: str, *, default: int = 0) -> int:
    return default


def plain_now(key: str, *, default: int = 0) -> int:
    return default


def outcome(value: Any) -> object:
    """What a call gave, and whether it had to be awaited."""
    if inspect.iscoroutine(value):
        return "awaited", asyncio.run(value)
    return "direct", value


def refusal(call: Callable[..., Any], *args: object) -> str:
    """Say why arguments are refused: by an async stand-in when awaited, on some versions of Python."""
    with pytest.raises(TypeError) as raised:
        outcome(call(*args))
    return str(raised.value)


def seen_on_an_instance(kind: type, name: str) -> object:
    target = kind()
    with mock.patch.object(target, name, autospec=True, return_value=7) as double:
        result = outcome(getattr(target, name)("key", default=1))
        double.assert_called_once_with("key", default=1)
        shown = (str(inspect.signature(double)), iscoroutinefunction(double), type(double).__name__)
    back = getattr(target, name)("key", default=2)
    return result, shown, outcome(back), name in vars(target)


def seen_on_a_class(kind: type, name: str) -> object:
    target = kind()
    with mock.patch.object(kind, name, autospec=True, return_value=7) as double:
        result = outcome(getattr(target, name)("key", default=1))
        double.assert_called_once_with(target, "key", default=1)
        shown = (str(inspect.signature(double)), iscoroutinefunction(double), type(double).__name__)
    back = getattr(target, name)("key", default=2)
    return result, shown, outcome(back)


def seen_in_a_spec_of_the_class(kind: type, name: str) -> object:
    double = mock.create_autospec(kind)()
    getattr(double, name).return_value = 7
    result = outcome(getattr(double, name)("key"))
    getattr(double, name).assert_called_once_with("key")
    return result


def seen_in_a_mock_with_a_spec(kind: type, name: str) -> object:
    double = mock.Mock(spec=kind)
    getattr(double, name).return_value = 7
    return outcome(getattr(double, name)("key")), type(getattr(double, name)).__name__


def seen_in_a_mock_with_an_instance_as_spec(kind: type, name: str) -> object:
    double = mock.MagicMock(spec=kind())
    getattr(double, name).return_value = 7
    return outcome(getattr(double, name)("key")), type(getattr(double, name)).__name__


def seen_when_patched(kind: type, name: str) -> object:
    with mock.patch.object(kind, name) as double:
        return type(double).__name__


METHODS = pytest.mark.parametrize("name", ["read", "read_now"])


@METHODS
@pytest.mark.parametrize(
    "seen",
    [
        seen_on_an_instance,
        seen_on_a_class,
        seen_in_a_spec_of_the_class,
        seen_in_a_mock_with_a_spec,
        seen_in_a_mock_with_an_instance_as_spec,
        seen_when_patched,
    ],
)
def test_a_stand_in_for_a_method(name: str, seen: Callable[..., Any]) -> None:
    """It has the method's colour, binds as the method does, and is taken away again."""
    assert seen(Plain, name) == seen(Bridged, name)


@METHODS
def test_a_stand_in_refuses_what_the_method_would_refuse(name: str) -> None:
    """An autospec knows the parameters, whichever way it was made."""
    for kind in (Plain, Bridged):
        target = kind()
        with mock.patch.object(target, name, autospec=True):
            call = getattr(target, name)
            assert "too many positional arguments" in refusal(call, 1, 2, 3)
        with mock.patch.object(kind, name, autospec=True):
            call = getattr(target, name)
            assert "too many positional arguments" in refusal(call, 1, 2, 3)


@pytest.mark.parametrize(("bridge", "function"), [(bridged, plain), (bridged_now, plain_now)])
def test_a_stand_in_for_a_function(bridge: Any, function: Any) -> None:
    """`create_autospec` gives a function of the same colour and signature."""
    seen = []
    for spec in (function, bridge):
        double = mock.create_autospec(spec, return_value=7)
        seen.append(
            (
                outcome(double("key", default=1)),
                str(inspect.signature(double)),
                iscoroutinefunction(double),
                type(double),
            )
        )
        double.assert_called_once_with("key", default=1)
        assert "too many positional arguments" in refusal(double, 1, 2, 3)
    assert seen[0] == seen[1]


def test_a_bound_bridge_is_a_spec_too() -> None:
    """The instance is no parameter of it."""
    double = mock.create_autospec(Bridged().read, return_value=7)
    assert ("awaited", 7) == outcome(double("key"))
    double.assert_awaited_once_with("key")
    assert 7 == mock.create_autospec(Bridged().read_now, return_value=7)("key")


def test_a_bridge_of_a_builtin_function() -> None:
    """It has no parameters to check; the stand-in has its colour."""

    class Counted:
        pass

    Counted.length = sync_to_async(len)  # type: ignore[attr-defined]  # no method, to a checker
    double = mock.create_autospec(sync_to_async(len), return_value=7)
    assert ("awaited", 7) == outcome(double("four"))
    double = mock.create_autospec(Counted().length, return_value=7)  # type: ignore[attr-defined]  # as above
    assert ("awaited", 7) == outcome(double())
