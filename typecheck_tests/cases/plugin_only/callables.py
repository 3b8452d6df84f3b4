from __future__ import annotations

from functools import cache, lru_cache
from typing import Self, assert_type

from typedbridge.sync import sync_to_async


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
    await primes("10")  # E[mypy-plugin]
    assert_type(await sync_to_async(square)(number=3), int)
    await sync_to_async(square)("3")  # E[mypy-plugin]


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
    await catalogue.find(1)  # E[mypy-plugin]
    assert_type(await catalogue.asame("a"), Catalogue)
    assert_type(await sync_to_async(catalogue.same)("a"), Catalogue)
    await sync_to_async(catalogue.same)(1)  # E[mypy-plugin]
