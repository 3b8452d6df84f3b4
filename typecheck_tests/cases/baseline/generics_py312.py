from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import assert_type

from typedbridge.sync import async_to_sync, sync_to_async


# case: a decorated function with PEP 695 syntax
@sync_to_async
def first[T](items: Sequence[T]) -> T:
    return items[0]


async def use_first() -> None:
    assert_type(await first([1]), int)
    assert_type(await first(["a"]), str)
    await first(1)  # E


# case: a bound and constraints in PEP 695 syntax
class Model:
    pass


class Book(Model):
    pass


@sync_to_async
def create[M: Model](kind: type[M], *, copies: int = 1) -> list[M]:
    return [kind() for _ in range(copies)]


@sync_to_async
def join[S: (str, bytes)](left: S, right: S) -> S:
    return left + right


async def use_create_and_join() -> None:
    assert_type(await create(Book), list[Book])
    assert_type(await join("a", "b"), str)
    assert_type(await join(b"a", b"b"), bytes)
    await create(int)  # E
    await join("a", b"b")  # E


# case: a named wrapper in PEP 695 syntax
def last[T](items: Sequence[T]) -> T:
    return items[-1]


alast = sync_to_async(last)


async def use_alast() -> None:
    assert_type(await alast([1]), int)
    assert_type(await alast(["a"]), str)


# case: async_to_sync with PEP 695 syntax
@async_to_sync
async def pair[A, B](left: A, right: B) -> tuple[A, B]:
    return (left, right)


def use_pair(number: int, text: str) -> None:
    assert_type(pair(number, text), tuple[int, str])


# case: a helper generic over a parameter specification in PEP 695 syntax
def retried[**P, R](func: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    return func


@retried
@sync_to_async
def read(path: str, *, strict: bool = False) -> bytes:
    return path.encode()


async def use_read() -> None:
    assert_type(await read("a", strict=True), bytes)
    await read(1)  # E
    await read("a", loose=True)  # E: loose


# case: a method with its own variable in a PEP 695 class
class Box[T]:
    def __init__(self, value: T) -> None:
        self.value = value

    @sync_to_async
    def get(self) -> T:
        return self.value

    @sync_to_async
    def convert[V](self, func: Callable[[T], V]) -> V:
        return func(self.value)


async def use_box() -> None:
    assert_type(await Box(1).get(), int)
    assert_type(await Box(1).convert(str), str)
