from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, AnyStr, Protocol, TypeVar, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


# case: a decorated generic function
@sync_to_async
def first(items: Sequence[T]) -> T:
    return items[0]


async def use_first() -> None:
    assert_type(await first([1, 2]), int)
    assert_type(await first(["a"]), str)
    await first(1)  # E


# case: a generic function wrapped in a call
def last(items: Sequence[T]) -> T:
    return items[-1]


async def use_last() -> None:
    assert_type(await sync_to_async(last)([1, 2]), int)
    assert_type(await sync_to_async(last)(["a"]), str)


# case: a named wrapper of a generic function keeps its variable
def middle(items: Sequence[T]) -> T:
    return items[len(items) // 2]


amiddle = sync_to_async(middle)


async def use_middle() -> None:
    assert_type(await amiddle([1, 2]), int)
    assert_type(await amiddle(["a"]), str)


# case: several type variables
@sync_to_async
def invert(mapping: Mapping[K, V]) -> dict[V, K]:
    return {value: key for key, value in mapping.items()}


async def use_invert() -> None:
    assert_type(await invert({"a": 1}), dict[int, str])


# case: a bound type variable
class Shape:
    def area(self) -> float:
        return 1.0


class Square(Shape):
    side = 1.0


S = TypeVar("S", bound=Shape)


@sync_to_async
def largest(shapes: Iterable[S]) -> S:
    return max(shapes, key=lambda shape: shape.area())


async def use_largest() -> None:
    assert_type(await largest([Square()]), Square)
    assert_type(await largest([Shape()]), Shape)
    await largest(["square"])  # E


# case: a constrained type variable
@sync_to_async
def join(first_part: AnyStr, second_part: AnyStr) -> AnyStr:
    return first_part + second_part


async def use_join() -> None:
    assert_type(await join("a", "b"), str)
    assert_type(await join(b"a", b"b"), bytes)
    await join("a", b"b")  # E


# case: a type as an argument
class Node:
    pass


class Leaf(Node):
    pass


N = TypeVar("N", bound=Node)


@sync_to_async
def make(kind: type[N], *, count: int = 1) -> list[N]:
    return [kind() for _ in range(count)]


async def use_make() -> None:
    assert_type(await make(Leaf), list[Leaf])
    assert_type(await make(Node, count=2), list[Node])
    await make(int)  # E


# case: a callable argument with type variables
@sync_to_async
def apply(func: Callable[[T], V], value: T) -> V:
    return func(value)


async def use_apply() -> None:
    assert_type(await apply(str, 1), str)
    assert_type(await apply(len, "abc"), int)


# case: a protocol bound
class Comparable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


C = TypeVar("C", bound=Comparable)


@sync_to_async
def smallest(items: Iterable[C], default: C | None = None) -> C | None:
    return min(items, default=default)


async def use_smallest() -> None:
    assert_type(await smallest([1, 2]), int | None)
    assert_type(await smallest(["a"], default="b"), str | None)
    await smallest([object()])  # E


# case: async_to_sync of a generic function
@async_to_sync
async def collect(items: Iterable[T], limit: int = 1) -> list[T]:
    return list(items)[:limit]


def use_collect() -> None:
    assert_type(collect(["a"]), list[str])
    assert_type(collect([1], limit=2), list[int])
    collect(1)  # E


# case: a named async_to_sync wrapper of a generic function
async def choose(items: Sequence[T], index: int) -> T:
    return items[index]


choose_now = async_to_sync(choose)


def use_choose_now() -> None:
    assert_type(choose_now([1], 0), int)
    assert_type(choose_now(["a"], index=0), str)


# case: inside a generic function
async def load_all(keys: Sequence[K], load: Callable[[K], V]) -> dict[K, V]:
    aload = sync_to_async(load)
    found: dict[K, V] = {}
    for key in keys:
        found[key] = await aload(key)
    return found


async def use_load_all() -> None:
    assert_type(await load_all(["a"], len), dict[str, int])


# case: a container of the result type
@sync_to_async
def group(items: Iterable[V], key: Callable[[V], K]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


async def use_group() -> None:
    assert_type(await group(["a", "bb"], len), dict[int, list[str]])
    assert_type(await group(["a", "bb"], key=lambda word: word[0]), dict[str, list[str]])


# case: an optional of the type variable
@sync_to_async
def maybe(value: T | None, default: T) -> T:
    return default if value is None else value


async def use_maybe(number: int | None) -> None:
    assert_type(await maybe(number, 0), int)
