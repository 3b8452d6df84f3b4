from __future__ import annotations

from typing import Any, ParamSpec, Self, TypeVar, assert_type

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
    assert_type(await Query().filter(a=1), Query)  # E: assert-type # E: call-arg
    assert_type(await BookQuery().filter(a=1), BookQuery)  # E: assert-type # E: call-arg


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
    assert_type(await shop.buy("a"), BookShop)  # E: assert-type  # E: call-arg  # E: type-var
    await shop.buy(1)  # E: call-arg  # E: type-var


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
    assert_type(peer.greet("a"), NearPeer)  # E: assert-type  # E: call-arg  # E: type-var
    peer.greet(1)  # E: call-arg  # E: type-var
