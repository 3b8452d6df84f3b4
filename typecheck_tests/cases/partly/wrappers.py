from __future__ import annotations

from collections.abc import Awaitable, Callable
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


# case: a subclass around a higher-order function
class Retried(AsyncToSync[P, R]):
    attempts = 3


async def run(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


run_now = Retried(run)  # E[mypy]: var-annotated  # E[mypy]: arg-type
runners = {"run": Retried(run)}  # E[mypy]: var-annotated  # E[mypy]: arg-type


def use_retried() -> None:
    assert_type(run_now(area, 2.0, height=3.0), float)  # E[mypy]: assert-type
    assert_type(runners["run"](area, 2.0), float)  # E[mypy]: assert-type
    run_now(area, "2")  # E[all but mypy]


# case: a higher-order function decorated with the class
class Again(AsyncToSync[P, R]):
    attempts = 3


@AsyncToSync  # E[mypy]: arg-type
async def run_blocking(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


@Again  # E[mypy]: arg-type
async def run_again(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


@SyncToAsync  # E[mypy]: arg-type
def arun(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


def use_run_blocking() -> None:
    assert_type(run_blocking(area, 2.0, height=3.0), float)  # E[mypy]: assert-type  # E[mypy]: arg-type
    assert_type(run_again(area, 2.0), float)  # E[mypy]: assert-type  # E[mypy]: arg-type
    run_blocking(area, "2")  # E


async def use_arun() -> None:
    assert_type(await arun(area, 2.0), float)  # E[mypy]: assert-type  # E[mypy]: arg-type
    await arun(area, depth=2.0)  # E


# case: the class around what another decorator made of a higher-order function
def log(func: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    return func


async def run_here(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return func(*args, **kwargs)


run_logged = AsyncToSync(log(run_here))  # E[mypy]: var-annotated  # E[mypy]: arg-type


def use_run_logged() -> None:
    assert_type(run_logged(area, 2.0), float)  # E[mypy]: assert-type
