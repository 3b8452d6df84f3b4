"""What a bridge shows of itself to tools, frameworks and curious code."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import sys
import threading
import weakref
from collections import Counter
from typing import Any

import pytest

import typedbridge
from typedbridge import (
    AsyncToSync,
    SyncToAsync,
    async_to_sync,
    iscoroutinefunction,
    markcoroutinefunction,
    sync_to_async,
)


def lookup(key: str, default: int = 0) -> int:
    """Find a number."""
    return default


async def async_lookup(key: str, default: int = 0) -> int:
    """Find a number, sometime."""
    return default


class Table:
    def __init__(self) -> None:
        self.rows = {"one": 1}

    @sync_to_async
    def get(self, key: str) -> int:
        """Read a row."""
        return self.rows[key]

    @async_to_sync
    async def get_now(self, key: str) -> int:
        """Read a row now."""
        return self.rows[key]


BRIDGES = pytest.mark.parametrize(
    ("bridge", "function"),
    [
        (sync_to_async(lookup), lookup),
        (sync_to_async(lookup, thread_sensitive=False), lookup),
        (SyncToAsync(lookup), lookup),
        (async_to_sync(async_lookup), async_lookup),
        (AsyncToSync(async_lookup, True), async_lookup),
    ],
    ids=["sync_to_async", "options", "SyncToAsync", "async_to_sync", "AsyncToSync"],
)


@BRIDGES
@pytest.mark.parametrize("attribute", ["__name__", "__qualname__", "__module__", "__doc__"])
def test_a_bridge_carries_the_attributes_of_its_function(
    bridge: Any, function: Any, attribute: str
) -> None:
    """functools.update_wrapper has been applied, in both directions."""
    assert getattr(function, attribute) == getattr(bridge, attribute)


@BRIDGES
def test_a_bridge_has_the_signature_of_its_function(bridge: Any, function: Any) -> None:
    """inspect.signature and help() show the parameters that a caller passes."""
    assert inspect.signature(function) == inspect.signature(bridge)


@BRIDGES
def test_a_bridge_has_the_annotations_of_its_function(bridge: Any, function: Any) -> None:
    """Frameworks that read annotations find them."""
    assert function.__annotations__ == bridge.__annotations__


@BRIDGES
def test_unwrapping_a_bridge_finds_its_function(bridge: Any, function: Any) -> None:
    """__wrapped__ is the function itself."""
    assert function is bridge.__wrapped__
    assert function is inspect.unwrap(bridge)


def test_the_function_of_a_bridge_to_async_is_at_func() -> None:
    """.func is what callers use to call it directly in sync code."""
    bridge: Any = sync_to_async(lookup)
    assert lookup is bridge.func
    assert 3 == bridge.func("key", 3)


def test_the_function_of_a_bridge_to_sync_is_at_awaitable() -> None:
    """.awaitable is what callers use to await it directly in async code."""
    bridge: Any = async_to_sync(async_lookup)
    assert async_lookup is bridge.awaitable


@BRIDGES
def test_attributes_of_the_function_are_on_the_bridge(bridge: Any, function: Any) -> None:
    """What a decorator below the bridge has left on the function stays readable."""

    @functools.wraps(function)
    def marked(*args: object) -> None: ...

    @functools.wraps(function)
    async def async_marked(*args: object) -> None: ...

    wrapped: Any = async_marked if isinstance(bridge, AsyncToSync) else marked
    wrapped.needs_login = True
    assert type(bridge)(wrapped).needs_login is True


def test_a_bridge_to_async_is_a_coroutine_function() -> None:
    """Frameworks that ask before calling know that they have to await it."""
    bridge = sync_to_async(lookup)
    assert iscoroutinefunction(bridge) is True
    assert iscoroutinefunction(Table().get) is True


def test_inspect_knows_a_bridge_to_async() -> None:
    """inspect.iscoroutinefunction agrees, bound and partial included."""
    bridge = sync_to_async(lookup)
    assert inspect.iscoroutinefunction(bridge)
    assert inspect.iscoroutinefunction(Table().get)
    assert inspect.iscoroutinefunction(functools.partial(bridge, "key"))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio's function is deprecated")
def test_asyncio_knows_a_bridge_to_async() -> None:
    """asyncio.iscoroutinefunction agrees where it is still in use."""
    # mypy tells of the deprecation of later versions.
    assert asyncio.iscoroutinefunction(sync_to_async(lookup))  # type: ignore[deprecated]


def test_a_bridge_to_sync_is_not_a_coroutine_function() -> None:
    """Its function is one, but the bridge is called without await."""
    bridge = async_to_sync(async_lookup)
    assert iscoroutinefunction(async_lookup) is True
    assert iscoroutinefunction(bridge) is False
    assert iscoroutinefunction(Table().get_now) is False
    assert inspect.iscoroutinefunction(bridge) is False


def test_the_marker_of_a_marked_function_does_not_reach_a_bridge_to_sync() -> None:
    """update_wrapper copies the function's attributes, but not this one."""

    @markcoroutinefunction
    def marked() -> Any:
        return async_lookup("key", 4)

    bridge: Any = async_to_sync(marked)
    assert iscoroutinefunction(marked) is True
    assert iscoroutinefunction(bridge) is False
    assert inspect.iscoroutinefunction(bridge) is False
    assert 4 == bridge()


def test_marking_returns_the_function() -> None:
    """markcoroutinefunction is a decorator."""

    def function() -> None: ...

    assert function is markcoroutinefunction(function)


def test_a_sync_function_is_not_a_coroutine_function() -> None:
    """The question is answered for any object."""
    assert iscoroutinefunction(lookup) is False
    assert iscoroutinefunction(5) is False


def test_a_bridge_of_a_callable_without_a_name_works() -> None:
    """A callable object has no __name__; the bridge is made all the same."""

    class Callable:
        def __call__(self) -> int:
            return 5

    assert 5 == asyncio.run(sync_to_async(Callable())())


@BRIDGES
def test_a_bridge_can_be_weakly_referenced(bridge: Any, function: Any) -> None:
    """Registries such as signals hold bridges weakly."""
    made = type(bridge)(function)
    reference = weakref.ref(made)
    assert made is reference()
    registry = weakref.WeakKeyDictionary({made: "registered"})
    assert "registered" == registry[made]


def test_a_dropped_bridge_is_gone_at_once() -> None:
    """No reference cycle keeps a bridge, even after use, until the garbage collector comes."""
    gc.disable()
    try:
        to_sync: Any = AsyncToSync(async_lookup)
        to_async: Any = SyncToAsync(lookup)
        assert 0 == to_sync("key")
        assert 0 == asyncio.run(to_async("key"))
        gone = [threading.Event(), threading.Event()]
        weakref.finalize(to_sync, gone[0].set)
        weakref.finalize(to_async, gone[1].set)
        del to_sync, to_async
        # The thread that ran the call may need a moment to let go of it.
        assert [True, True] == [event.wait(5) for event in gone]
    finally:
        gc.enable()


@BRIDGES
def test_attributes_can_be_set_on_a_bridge(bridge: Any, function: Any) -> None:
    """Frameworks mark views and handlers; the function itself stays unmarked."""
    made = type(bridge)(function)
    made.csrf_exempt = True
    made.__doc__ = "Changed."
    assert made.csrf_exempt is True
    assert "Changed." == made.__doc__
    assert not hasattr(function, "csrf_exempt")
    assert "Changed." != function.__doc__


def test_attributes_of_a_bridge_are_readable_on_a_bound_method() -> None:
    """A mark on the method is found through the instance."""
    bridge: Any = Table.__dict__["get"]
    bridge.needs_login = True
    try:
        assert getattr(Table().get, "needs_login") is True  # noqa: B009  # unknown to checkers
    finally:
        del bridge.needs_login


@pytest.mark.parametrize("name", ["get", "get_now"])
def test_a_bound_method_looks_like_a_method(name: str) -> None:
    """It has __self__, __func__, the name, the documentation, and no self in its signature."""
    table = Table()
    bridge = Table.__dict__[name]
    bound = getattr(table, name)
    assert table is bound.__self__
    assert bridge is bound.__func__
    assert name == bound.__name__
    assert f"Table.{name}" == bound.__qualname__
    assert bound.__doc__.startswith("Read a row")
    assert ["key"] == list(inspect.signature(bound).parameters)


@pytest.mark.parametrize("name", ["get", "get_now"])
def test_bound_methods_compare_as_methods_do(name: str) -> None:
    """Two accesses on one instance are equal and hash alike; on two instances they differ."""
    table = Table()
    assert getattr(table, name) == getattr(table, name)
    assert hash(getattr(table, name)) == hash(getattr(table, name))
    assert getattr(table, name) != getattr(Table(), name)


def test_the_classes_can_be_subscripted() -> None:
    """SyncToAsync[[int], str] is legal in annotations and as a base, at run time too."""
    to_async: Any = SyncToAsync
    to_sync: Any = AsyncToSync
    assert "3" == asyncio.run(to_async[[int], str](str)(3))
    assert 1 == to_sync[[str, int], int](async_lookup)("key", 1)

    class Named(to_async[[int], str]):  # type: ignore[misc]  # the base is Any to subscript it
        pass

    assert issubclass(Named, SyncToAsync)
    assert "3" == asyncio.run(Named(str)(3))


@pytest.mark.parametrize("name", ["sync_to_async", "async_to_sync", "call_sync", "call_async"])
def test_the_public_functions_explain_themselves(name: str) -> None:
    """help() has a text for each of them."""
    assert inspect.getdoc(getattr(typedbridge, name))


@pytest.mark.parametrize(
    ("bridge", "name"),
    [
        (sync_to_async(lookup), "SyncToAsync of {}.lookup"),
        (async_to_sync(async_lookup), "AsyncToSync of {}.async_lookup"),
        (sync_to_async(functools.partial(lookup, "key")), "SyncToAsync of {}.lookup"),
        (
            sync_to_async(Counter("keys").most_common),
            "SyncToAsync of collections.Counter.most_common",
        ),
        (Table.get, "SyncToAsync of {}.Table.get"),
        (Table.get_now, "AsyncToSync of {}.Table.get_now"),
        (type("Traced", (SyncToAsync,), {})(lookup), "Traced of {}.lookup"),
    ],
)
def test_the_repr_of_a_bridge_names_the_function(bridge: object, name: str) -> None:
    """So a log line, or a list of callbacks, tells what it is."""
    assert f"<{name.format(__name__)}>" == repr(bridge)


@pytest.mark.parametrize("name", ["get", "get_now"])
def test_the_repr_of_a_bound_bridge_names_the_method_and_its_object(name: str) -> None:
    """It is that of any bound method."""
    table = Table()
    assert f"<bound method Table.{name} of {table!r}>" == repr(getattr(table, name))


def test_a_bridge_that_is_not_made_yet_has_a_repr() -> None:
    """A subclass may print itself, or raise, before the library's own __init__ has run."""
    assert "<SyncToAsync of None>" == repr(SyncToAsync.__new__(SyncToAsync))
