from __future__ import annotations

from typing import Generic, TypeVar, assert_type

from typedbridge.sync import sync_to_async


T = TypeVar("T")
V = TypeVar("V")
K = TypeVar("K")


# case: a generic class through the class itself
class Slot(Generic[T]):
    @sync_to_async
    def value(self, default: T) -> T:
        return default


async def use_slot(slot: Slot[int]) -> None:
    assert_type(await Slot.value(slot, 1), int)


# case: self annotated with a type variable
Q = TypeVar("Q", bound="Chain")


class Chain:
    @sync_to_async
    def link(self: Q, times: int = 1) -> Q:
        return self


class GoldChain(Chain):
    pass


async def use_chain() -> None:
    assert_type(await Chain().link(), Chain)
    assert_type(await GoldChain().link(times=2), GoldChain)


# case: self annotated with one specialisation
class Only(Generic[T]):
    @sync_to_async
    def total(self: Only[int], start: int = 0) -> int:
        return start


async def use_only(right: Only[int], wrong: Only[str]) -> None:
    assert_type(await right.total(), int)
    await wrong.total()  # E


# case: a class method of an unspecialised generic class
class Deque(Generic[T]):
    @classmethod
    @sync_to_async
    def of(cls, *items: T) -> Deque[T]:
        return cls()


async def use_deque() -> None:
    assert_type(await Deque.of("a"), Deque[str])
