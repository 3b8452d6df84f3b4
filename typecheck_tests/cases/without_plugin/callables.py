from __future__ import annotations

from functools import cache, lru_cache, partial
from typing import Any, Self, TypeVar, assert_type

from typedbridge.sync import sync_to_async


T = TypeVar("T")


# case: partial refuses wrong arguments
def crop(path: str, width: int, *, quality: int = 80) -> bytes:
    return f"{path}{width}{quality}".encode()


async def use_partial_wrongly() -> None:
    await sync_to_async(partial(crop, "a"))("b")
    await sync_to_async(partial(crop, "a"))()
    await sync_to_async(partial(crop, "a", 1))(sharp=True)


# case: nested partial refuses wrong arguments
def volume(width: float, height: float, depth: float) -> float:
    return width * height * depth


async def use_nested_partial_wrongly() -> None:
    await sync_to_async(partial(partial(volume, 1.0), 2.0))("3")


# case: a builtin class with overloaded constructors
async def use_overloaded_class() -> None:
    assert_type(await sync_to_async(str)(1), str)
    assert_type(await sync_to_async(str)(b"1", "utf-8"), str)  # E: call-arg
    assert_type(await sync_to_async(int)("1", base=2), int)  # E: call-arg


# case: a lambda with a default bound to a loop variable
async def use_lambda_in_loop() -> None:
    for number in range(3):
        assert_type(await sync_to_async(lambda number=number: number + 1)(), Any)


# case: a type[T] variable
class Widget:
    def __init__(self, name: str, *, size: int = 1) -> None:
        self.name = name * size


async def build(kind: type[Widget]) -> None:
    assert_type(await sync_to_async(kind)("a", size=2), Widget)
    await sync_to_async(kind)(1)


# case: lru_cache keeps its parameters
@sync_to_async
@lru_cache(maxsize=10)
def primes(limit: int) -> tuple[int, ...]:
    return tuple(range(limit))


@cache
def square(number: int) -> int:
    return number * number


async def use_cached() -> None:
    assert_type(await primes(10), tuple[int, ...])
    await primes("10")
    assert_type(await sync_to_async(square)(number=3), int)
    await sync_to_async(square)("3")


# case: lru_cache on methods keeps their parameters
class Catalogue:
    @sync_to_async
    @cache
    def find(self, name: str, *, limit: int = 1) -> list[str]:
        return [name] * limit

    @cache
    def same(self, name: str) -> Self:
        return self

    asame = sync_to_async(same)


async def use_catalogue(catalogue: Catalogue) -> None:
    assert_type(await catalogue.find("a", limit=2), list[str])
    await catalogue.find(1)
    assert_type(await catalogue.asame("a"), Catalogue)
    assert_type(await sync_to_async(catalogue.same)("a"), Catalogue)
    await sync_to_async(catalogue.same)(1)


# case: dict and its keywords
async def use_dict() -> None:
    assert_type(await sync_to_async(dict[str, int])(a=1), dict[str, int])  # E: call-arg
