from __future__ import annotations

from typing import Any, Generic, ParamSpec, Self, TypeVar, assert_type

from typedbridge.sync import AsyncToSync, SyncToAsync
from typing_extensions import override


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def area(width: float, *, height: float = 1.0) -> float:
    return width * height


# case: a decorated method that returns Self
class Query:
    @SyncToAsync
    def filter(self, **lookups: Any) -> Self:
        return self


class BookQuery(Query):
    pass


async def use_query() -> None:
    assert_type(await Query().filter(a=1), Query)  # E[mypy]: assert-type  # E[mypy]: call-arg
    assert_type(await BookQuery().filter(a=1), BookQuery)  # E[mypy]: assert-type  # E[mypy]: call-arg


# case: under property
class Page:
    @property
    @SyncToAsync
    def title(self) -> str:
        return "title"


async def use_page(page: Page) -> None:
    assert_type(await page.title, str)


# case: an override of a method decorated with the class
class Parent:
    @SyncToAsync
    def run(self, name: str) -> int:
        return len(name)


class Offspring(Parent):
    @override
    @SyncToAsync
    def run(self, name: str) -> int:
        return 1


async def use_offspring(offspring: Offspring) -> None:
    assert_type(await offspring.run("a"), int)


# case: a decorated generic function
@SyncToAsync
def first(items: list[T]) -> T:
    return items[0]


async def use_first() -> None:
    assert_type(await first([1]), int)


# case: SyncToAsync around a class
class Cell(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


async def use_class() -> None:
    assert_type((await SyncToAsync(Cell[int])(1)).value, int)


# case: a subclass that overrides call decorates a method
class Counted(SyncToAsync[P, R]):
    @override
    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return await super().__call__(*args, **kwargs)


class Shop:
    @Counted
    def buy(self, name: str) -> Self:
        return self


class BookShop(Shop):
    pass


async def use_shop(shop: BookShop) -> None:
    assert_type(await shop.buy("a"), BookShop)  # E[mypy]: assert-type  # E[mypy]: type-var  # E[mypy]: call-arg
    await shop.buy(1)  # E  # E[mypy]: call-arg


# case: a subclass of AsyncToSync that overrides call decorates a method
class Repeated(AsyncToSync[P, R]):
    @override
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return super().__call__(*args, **kwargs)


class Peer:
    @Repeated
    async def greet(self, name: str) -> Self:
        return self


class NearPeer(Peer):
    pass


def use_peer(peer: NearPeer) -> None:
    assert_type(peer.greet("a"), NearPeer)  # E[mypy]: assert-type  # E[mypy]: type-var  # E[mypy]: call-arg
    peer.greet(1)  # E  # E[mypy]: call-arg


# case: a subclass whose call takes and gives anything
class Loose(SyncToAsync[P, R]):
    @override
    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return await super().__call__(*args, **kwargs)


@Loose
def loose(name: str, *rest: object, **options: object) -> int:
    return len(rest)


class LooseShop:
    @Loose
    def sell(self, name: str, *rest: object, **options: object) -> int:
        return len(rest)


async def use_loose(shop: LooseShop) -> None:
    assert_type(await loose(1, 2, key=3), Any)
    assert_type(await shop.sell(1, 2, key=3), Any)
