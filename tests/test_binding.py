"""Bridges as methods: on instances, classes, under and over other decorators."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from typedbridge import AsyncToSync, SyncToAsync, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")


class Counter:
    """Both directions of every kind of method."""

    start = 10

    def __init__(self, value: int) -> None:
        self.value = value
        self.computed = 0

    @sync_to_async
    def add(self, number: int) -> int:
        return self.value + number

    @sync_to_async(thread_sensitive=False)
    def add_in_pool(self, number: int) -> int:
        return self.value + number

    @async_to_sync
    async def add_now(self, number: int) -> int:
        await asyncio.sleep(0)
        return self.value + number

    def subtract(self, number: int) -> int:
        return self.value - number

    asubtract = sync_to_async(subtract)

    async def multiply(self, number: int) -> int:
        return self.value * number

    multiply_now = async_to_sync(multiply)

    @classmethod
    @sync_to_async
    def from_start(cls, number: int) -> int:
        return cls.start + number

    @classmethod
    @async_to_sync
    async def from_start_now(cls, number: int) -> int:
        return cls.start + number

    @staticmethod
    @sync_to_async
    def negate(number: int) -> int:
        return -number

    @staticmethod
    @async_to_sync
    async def negate_now(number: int) -> int:
        return -number

    @property
    @sync_to_async
    def current(self) -> int:
        return self.value

    @property
    @async_to_sync
    async def current_now(self) -> int:
        return self.value

    @functools.cached_property
    @async_to_sync
    async def slow(self) -> int:
        self.computed += 1
        return self.value

    @functools.cached_property
    @sync_to_async
    def slow_once(self) -> int:
        self.computed += 1
        return self.value

    class Nested:
        @sync_to_async
        def name(self) -> str:
            return type(self).__qualname__

        @async_to_sync
        async def name_now(self) -> str:
            return type(self).__qualname__


class Child(Counter):
    start = 20


async def test_a_method_is_called_on_its_instance() -> None:
    """The instance arrives as self."""
    assert 8 == await Counter(3).add(5)
    assert 8 == await Counter(3).add_in_pool(5)


def test_a_method_to_sync_is_called_on_its_instance() -> None:
    """The instance arrives as self in this direction too."""
    assert 8 == Counter(3).add_now(5)


def test_a_method_read_from_the_class_is_the_bridge_itself() -> None:
    """Unlike in asgiref, where it is bound to None."""
    members = vars(Counter)
    assert members["add"] is Counter.add
    assert members["add_now"] is Counter.add_now
    assert isinstance(Counter.add, SyncToAsync)
    assert isinstance(Counter.add_now, AsyncToSync)


async def test_a_method_read_from_the_class_takes_the_instance() -> None:
    """C.m(c, 5) works as it does for a plain method."""
    assert 8 == await Counter.add(Counter(3), 5)


def test_a_method_to_sync_read_from_the_class_takes_the_instance() -> None:
    """C.m(c, 5) works in this direction too."""
    assert 8 == Counter.add_now(Counter(3), 5)


async def test_a_method_is_inherited() -> None:
    """A subclass's instance is self; a subclass hands out the same bridge."""
    assert 8 == await Child(3).add(5)
    assert Child.add is Counter.add


async def test_a_method_is_reached_through_super() -> None:
    """An override can await what it overrides."""

    class Doubling(Counter):
        @sync_to_async
        def helper(self) -> int:
            return 2

        async def add(self, number: int) -> int:
            return await super().add(number) * await self.helper()

    assert 16 == await Doubling(3).add(5)


async def test_an_override_may_itself_be_a_bridge() -> None:
    """The nearest class wins, as always."""

    class Doubling(Counter):
        @sync_to_async
        def add(self, number: int) -> int:
            return 2 * (self.value + number)

    assert 16 == await Doubling(3).add(5)


async def test_a_bound_method_may_be_kept_and_called_later() -> None:
    """It keeps its instance alive and can be called any number of times."""
    add = Counter(3).add
    assert [4, 5] == [await add(1), await add(2)]


async def test_a_twin_of_a_sync_method() -> None:
    """twin = sync_to_async(method): the sync method stays usable as it is."""
    counter = Counter(3)
    assert 1 == counter.subtract(2)
    assert 1 == await counter.asubtract(2)
    assert 1 == await Counter.asubtract(counter, 2)


def test_a_twin_of_an_async_method() -> None:
    """twin = async_to_sync(method): the async method stays usable as it is."""
    counter = Counter(3)
    assert 6 == counter.multiply_now(2)
    assert 6 == asyncio.run(counter.multiply(2))


async def test_a_bound_method_can_be_bridged() -> None:
    """sync_to_async(obj.method) needs no self."""
    assert 1 == await sync_to_async(Counter(3).subtract)(2)


async def test_class_methods() -> None:
    """Under @classmethod the bridge gets the class, through class, subclass and instance."""
    assert 15 == await Counter.from_start(5)
    assert 25 == await Child.from_start(5)
    assert 25 == await Child(3).from_start(5)


def test_class_methods_to_sync() -> None:
    """Under @classmethod in this direction."""
    assert 15 == Counter.from_start_now(5)
    assert 25 == Child.from_start_now(5)
    assert 25 == Child(3).from_start_now(5)


async def test_static_methods() -> None:
    """Under @staticmethod the bridge gets no self."""
    assert -5 == await Counter.negate(5)
    assert -5 == await Counter(3).negate(5)


def test_static_methods_to_sync() -> None:
    """Under @staticmethod in this direction."""
    assert -5 == Counter.negate_now(5)
    assert -5 == Counter(3).negate_now(5)


async def test_properties() -> None:
    """A property gives a coroutine to await."""
    assert 3 == await Counter(3).current


def test_properties_to_sync() -> None:
    """A property over an async getter gives the value."""
    assert 3 == Counter(3).current_now


def test_cached_properties_to_sync_run_once() -> None:
    """cached_property over async_to_sync keeps the value."""
    counter = Counter(3)
    assert [3, 3] == [counter.slow, counter.slow]
    assert 1 == counter.computed


async def test_cached_properties_to_async_cache_the_coroutine() -> None:
    """cached_property over sync_to_async keeps a coroutine, which can be awaited only once."""
    counter = Counter(3)
    assert 3 == await counter.slow_once
    with pytest.raises(RuntimeError, match="already awaited"):
        await counter.slow_once
    assert 1 == counter.computed


@pytest.mark.parametrize("decorator", [property, functools.cached_property])
def test_properties_below_a_bridge_are_refused(decorator: Callable[[Any], Any]) -> None:
    """A property object is not callable."""
    wrap: Any = sync_to_async
    with pytest.raises(TypeError, match="call"):
        wrap(decorator(Counter.subtract))


async def test_methods_of_nested_classes() -> None:
    """Where the class stands does not matter."""
    assert "Counter.Nested" == await Counter.Nested().name()
    assert "Counter.Nested.name" == Counter.Nested.name.__qualname__


def test_methods_of_nested_classes_to_sync() -> None:
    """Where the class stands does not matter in this direction."""
    assert "Counter.Nested" == Counter.Nested().name_now()


class Abstract(abc.ABC):
    @abc.abstractmethod
    @sync_to_async
    def outside(self) -> int: ...

    @sync_to_async
    @abc.abstractmethod
    def inside(self) -> int: ...

    @abc.abstractmethod
    @async_to_sync
    async def outside_now(self) -> int: ...

    @async_to_sync
    @abc.abstractmethod
    async def inside_now(self) -> int: ...


def test_abstract_methods_on_either_side_stay_abstract() -> None:
    """@abstractmethod over or under the bridge: the class cannot be instantiated."""
    expected = {"outside", "inside", "outside_now", "inside_now"}
    assert expected == Abstract.__abstractmethods__


async def test_abstract_methods_can_be_implemented() -> None:
    """An implementation that is a bridge makes the class concrete."""

    class Concrete(Abstract):
        @sync_to_async
        def outside(self) -> int:
            return 1

        @sync_to_async
        def inside(self) -> int:
            return 2

        @async_to_sync
        async def outside_now(self) -> int:
            return 3

        @async_to_sync
        async def inside_now(self) -> int:
            return 4

    concrete = Concrete()
    assert [1, 2] == [await concrete.outside(), await concrete.inside()]
    now = [concrete.outside_now, concrete.inside_now]
    assert [3, 4] == [await sync_to_async(method)() for method in now]


class Connection:
    """Dunder methods, which Python looks up on the class."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.rows = [1, 2]

    @sync_to_async
    def __aenter__(self) -> Connection:
        self.log.append("open")
        return self

    @sync_to_async
    def __aexit__(self, *exc_info: object) -> bool:
        self.log.append("close")
        return exc_info[0] is KeyError

    @sync_to_async
    def __call__(self, number: int) -> int:
        return number + 1

    def __aiter__(self) -> Connection:
        return self

    @sync_to_async
    def __anext__(self) -> int:
        if not self.rows:
            raise StopAsyncIteration
        return self.rows.pop(0)

    @async_to_sync
    async def __getitem__(self, index: int) -> int:
        return self.rows[index]

    @async_to_sync
    async def __len__(self) -> int:
        return len(self.rows)

    @async_to_sync
    async def __enter__(self) -> Connection:
        self.log.append("open now")
        return self

    @async_to_sync
    async def __exit__(self, *exc_info: object) -> None:
        self.log.append("close now")


async def test_dunder_methods_that_are_awaited() -> None:
    """async with, async for and await obj() find bridges on the class."""
    async with Connection() as connection:
        assert 2 == await connection(1)
        assert [1, 2] == [row async for row in connection]
        raise KeyError("__aexit__ swallows it")
    assert ["open", "close"] == connection.log


def test_dunder_methods_that_block() -> None:
    """with, len() and indexing find bridges on the class."""
    with Connection() as connection:
        assert 2 == len(connection)
        assert 2 == connection[1]
    assert ["open now", "close now"] == connection.log


def shout(function: Callable[..., T]) -> Callable[..., T]:
    """A decorator of somebody else, for sync functions or whatever returns at once."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        return function(*args, **{**kwargs, "loud": True})

    return wrapper


def ashout(function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Any]:
    """A decorator of somebody else, for coroutine functions."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> T:
        return await function(*args, **{**kwargs, "loud": True})

    return wrapper


class Speaker:
    @sync_to_async
    @shout
    def under(self, *, loud: bool = False) -> bool:
        return loud

    @shout
    @sync_to_async
    def over(self, *, loud: bool = False) -> bool:
        return loud

    @ashout
    @sync_to_async
    def over_async(self, *, loud: bool = False) -> bool:
        return loud

    @async_to_sync
    @ashout
    async def under_now(self, *, loud: bool = False) -> bool:
        return loud

    @shout
    @async_to_sync
    async def over_now(self, *, loud: bool = False) -> bool:
        return loud


async def test_decorators_of_others_to_async() -> None:
    """Below the bridge they see a sync function, above it a coroutine function."""
    speaker = Speaker()
    calls = [speaker.under(), speaker.over(), speaker.over_async()]
    assert [True, True, True] == [await call for call in calls]


def test_decorators_of_others_to_sync() -> None:
    """Below the bridge they see a coroutine function, above it a sync function."""
    speaker = Speaker()
    assert [True, True] == [speaker.under_now(), speaker.over_now()]


async def test_a_context_manager_function_below_a_bridge() -> None:
    """What contextlib.contextmanager makes is a plain function, not a generator function."""

    @contextlib.contextmanager
    def opened() -> Iterator[int]:
        yield 1

    with await sync_to_async(opened)() as number:
        assert 1 == number


async def test_a_cache_over_a_sync_function() -> None:
    """lru_cache below the bridge caches results."""
    calls: list[int] = []

    @sync_to_async
    @functools.cache
    def square(number: int) -> int:
        calls.append(number)
        return number * number

    assert [9, 9] == [await square(3), await square(3)]
    assert [3] == calls


async def test_a_bridge_set_on_an_instance_is_not_bound() -> None:
    """As for any function in an instance's dictionary."""

    class Holder:
        pass

    holder: Any = Holder()
    holder.name = sync_to_async(str)
    assert "5" == await holder.name(5)


async def test_a_bridge_set_on_a_class_later_is_bound() -> None:
    """Monkeypatching a class works as with functions."""

    class Holder(list[int]):
        pass

    patched: Any = Holder
    patched.length = sync_to_async(len)
    assert 0 == await patched().length()


async def test_a_method_runs_where_a_function_would() -> None:
    """Binding changes nothing about the thread."""

    class Where:
        @sync_to_async
        def here(self) -> threading.Thread:
            return threading.current_thread()

    expected = await sync_to_async(threading.current_thread)()
    assert expected is await Where().here()
    assert expected is not threading.current_thread()


async def test_a_bridge_of_the_other_direction_of_a_bound_method() -> None:
    """sync_to_async(obj.method_to_sync) and back keep self."""
    counter = Counter(3)
    assert 8 == await sync_to_async(counter.add_now)(5)
    assert 8 == await sync_to_async(async_to_sync(counter.add))(5)


@pytest.mark.parametrize("name", ["add", "add_now"])
def test_getting_a_bridge_by_hand(name: str) -> None:
    """__get__ answers with and without the owner, as a function's does."""
    counter = Counter(3)
    bridge = vars(Counter)[name]
    assert counter is bridge.__get__(counter, Counter).__self__
    assert counter is bridge.__get__(counter).__self__
    assert bridge is bridge.__get__(None, Counter)


async def test_slots_and_bridges_go_together() -> None:
    """A class with __slots__ has no place for a cache, and needs none."""

    class Slotted:
        __slots__ = ("value",)

        def __init__(self) -> None:
            self.value = 6

        @sync_to_async
        def get(self) -> int:
            return self.value

    assert 6 == await Slotted().get()


async def test_a_falsy_instance_is_bound() -> None:
    """An empty container is an instance all the same."""

    class Empty(list[int]):
        @sync_to_async
        def size(self) -> int:
            return len(self)

    assert 0 == await Empty().size()
