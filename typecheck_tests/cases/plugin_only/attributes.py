from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack, assert_type

from typedbridge.sync import AsyncToSync, SyncToAsync, async_to_sync, sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


# case: func of a decorated function
@sync_to_async
def area(width: float, /) -> float:
    return width


def use_area() -> None:
    assert_type(area.func(1.0), float)  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: awaitable of a decorated function
@async_to_sync
async def fetch(url: str) -> bytes:
    return url.encode()


async def use_fetch() -> None:
    assert_type(await fetch.awaitable("u"), bytes)  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: wrapped of both
@sync_to_async
def count(name: str) -> int:
    return len(name)


@async_to_sync
async def acount(name: str) -> int:
    return len(name)


async def use_wrapped() -> None:
    assert_type(count.__wrapped__("a"), int)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    assert_type(await acount.__wrapped__("a"), int)  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: func checks its arguments
@sync_to_async
def checked(number: int) -> str:
    return str(number)


def use_checked() -> None:
    assert_type(checked.func(1), str)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    checked.func("1")  # E[mypy-plugin, mypy]


# case: an unknown attribute is refused
@sync_to_async
def plain(number: int) -> str:
    return str(number)


def use_plain() -> None:
    assert_type(plain.func(1), str)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    print(plain.fnuc)  # E[mypy-plugin, mypy]


# case: a bridge is a SyncToAsync
def to_text(number: int, /) -> str:
    return str(number)


def take(bridge: SyncToAsync[[int], str]) -> None:
    print(bridge.func(1))


def use_take() -> None:
    take(sync_to_async(to_text))  # E[mypy]: arg-type
    bridge: SyncToAsync[[int], str] = sync_to_async(to_text)  # E[mypy]: assignment
    print(bridge)


# case: a bridge is not a SyncToAsync of another type
def to_number(text: str, /) -> int:
    return len(text)


def take_number(bridge: SyncToAsync[[str], int]) -> None:
    print(bridge.func("1"))


def use_take_number() -> None:
    take_number(sync_to_async(to_number))  # E[mypy]: arg-type
    take_number(sync_to_async(to_text))  # E[mypy-plugin, mypy]  # E[mypy-plugin, mypy]


# case: a bridge is an AsyncToSync
async def size_of(name: str, /) -> int:
    return len(name)


def take_sync(bridge: AsyncToSync[[str], int]) -> None:
    print(bridge.awaitable)


def use_take_sync() -> None:
    take_sync(async_to_sync(size_of))  # E[mypy]: arg-type


# case: a helper over SyncToAsync
def unwrap(bridge: SyncToAsync[P, R]) -> Callable[P, R]:
    return bridge.func


def use_unwrap() -> None:
    assert_type(unwrap(sync_to_async(to_text))(1), str)  # E[mypy]: assert-type  # E[mypy]: arg-type


# case: a helper over AsyncToSync
def unwrap_async(bridge: AsyncToSync[P, R]) -> Callable[P, Awaitable[R]]:
    return bridge.awaitable


async def use_unwrap_async() -> None:
    assert_type(await unwrap_async(async_to_sync(size_of))("a"), int)  # E[mypy]: assert-type  # E[mypy]: arg-type


# case: func of a method through the class
class Users:
    @sync_to_async
    def find(self, name: str) -> int:
        return len(name)


def use_users(users: Users) -> None:
    assert_type(Users.find.func(users, "a"), int)  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: func of a generic function
@sync_to_async
def first(items: list[T]) -> T:
    return items[0]


def use_first() -> None:
    assert_type(first.func([1]), Any)  # E[mypy]: attr-defined
    print(first.fnuc)  # E[mypy-plugin, mypy]


# case: func with options and stored options
in_pool = sync_to_async(thread_sensitive=False)


@sync_to_async(thread_sensitive=False)
def shout(text: str) -> str:
    return text.upper()


@in_pool
def whisper(text: str) -> str:
    return text.lower()


def use_shout() -> None:
    assert_type(shout.func("a"), str)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    assert_type(whisper.func("a"), str)  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: a class attribute of the wrapper through a bridge
def use_class_attribute() -> None:
    print(area.single_thread_executor.submit(len, "a"))  # E[mypy]: attr-defined


# case: a field for bridges
class Registry(Generic[T]):
    def __init__(self) -> None:
        self.bridges: list[SyncToAsync[[int], str]] = []

    def add(self, bridge: SyncToAsync[[int], str]) -> None:
        self.bridges.append(bridge)


def use_registry(registry: Registry[int]) -> None:
    registry.add(sync_to_async(to_text))  # E[mypy]: arg-type


# case: awaitable of a method
class Client:
    @async_to_sync
    async def get(self, url: str) -> bytes:
        return url.encode()


async def use_client(client: Client) -> None:
    assert_type(await Client.get.awaitable(client, "u"), bytes)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    await Client.get.awaitable(client, 1)  # E[mypy-plugin, mypy]


# case: the options of a bridge
def use_options() -> None:
    assert_type(area.context, Context | None)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    assert_type(fetch.force_new_loop, bool)  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: func of a method of a generic class
class Box(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value
        self.stored = sync_to_async(self.put)

    @sync_to_async
    def get(self, times: int) -> list[T]:
        return [self.value] * times

    def put(self, value: T) -> list[T]:
        return [value]


def use_box(box: Box[int] = Box(1)) -> None:
    assert_type(Box.get.func(box, 1), list[Any])  # E[mypy]: assert-type  # E[mypy]: attr-defined
    assert_type(box.stored.func("a"), list[Any])  # E[mypy]: assert-type  # E[mypy]: attr-defined


# case: func keeps star parameters and unpacked keywords
class Limits(TypedDict, total=False):
    low: int


@sync_to_async
def total(*numbers: int, start: int = 0) -> int:
    return sum(numbers, start)


@sync_to_async
def within(name: str, **limits: Unpack[Limits]) -> bool:
    return len(name) > limits.get("low", 0)


def take_star(bridge: SyncToAsync[P, R]) -> Callable[P, R]:
    return bridge.func


def use_star() -> None:
    assert_type(total.func(1, 2, start=3), int)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    total.func("1")  # E[mypy-plugin, mypy]
    assert_type(take_star(total)(1, 2), int)  # E[mypy]: assert-type  # E[mypy]: arg-type
    take_star(total)("1")  # E[mypy-plugin, mypy]  # E[mypy]: arg-type
    assert_type(within.func("a", low=1), bool)  # E[mypy]: assert-type  # E[mypy]: attr-defined
    within.func("a", low="1")  # E[mypy-plugin, mypy]
    within.func("a", high=1)  # E[mypy-plugin]: high  # E[mypy]: attr-defined
    take_star(within)("a", low="1")  # E[mypy-plugin, mypy]  # E[mypy]: arg-type
