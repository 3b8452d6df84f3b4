from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
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


# case: a subclass as decorator
class Audited(SyncToAsync[P, R]):
    audited = True


@Audited
def transfer(amount: float, *, to: str) -> bool:
    return bool(amount and to)


class Bank:
    @Audited
    def close(self, reason: str) -> int:
        return len(reason)


async def use_audited(bank: Bank) -> None:
    assert_type(await transfer(1.0, to="a"), bool)
    assert_type(transfer.audited, bool)
    assert_type(await bank.close("a"), int)
    await transfer("1", to="a")  # E
    await bank.close(1)  # E


# case: a subclass that overrides thread_handler
class Timed(SyncToAsync[P, R]):
    @override
    def thread_handler(
        self,
        loop: AbstractEventLoop,
        exc_info: Any,
        task_context: list[Any] | None,
        func: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        return super().thread_handler(loop, exc_info, task_context, func, *args, **kwargs)


async def use_timed() -> None:
    assert_type(await Timed(area)(1.0), float)


# case: a subclass that overrides call
class Counting(SyncToAsync[P, R]):
    calls = 0

    @override
    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        self.calls += 1
        return await super().__call__(*args, **kwargs)


async def use_counting() -> None:
    assert_type(await Counting(area)(1.0), float)


# case: a subclass of AsyncToSync
class Retried(AsyncToSync[P, R]):
    retries = 3


@Retried
async def publish(topic: str) -> int:
    return len(topic)


def use_publish() -> None:
    assert_type(publish("a"), int)
    assert_type(publish.retries, int)
    publish(1)  # E


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


# case: a subclass as Django Channels writes it
class DatabaseSyncToAsync(SyncToAsync[P, R]):
    @override
    def thread_handler(self, loop: AbstractEventLoop, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().thread_handler(loop, *args, **kwargs)
        finally:
            print("close old connections")


database_sync_to_async = DatabaseSyncToAsync


@database_sync_to_async
def load_user(pk: int) -> str:
    return str(pk)


class Consumer:
    @database_sync_to_async
    def load(self, pk: int, *, fresh: bool = False) -> str:
        return str(pk) * fresh


async def use_database(consumer: Consumer) -> None:
    assert_type(await load_user(1), str)
    assert_type(await consumer.load(1, fresh=True), str)
    assert_type(await database_sync_to_async(len)("a"), int)


# case: main_wrap may be overridden
class Traced(AsyncToSync[P, R]):
    @override
    async def main_wrap(self, *args: Any, **kwargs: Any) -> None:
        await super().main_wrap(*args, **kwargs)


@Traced
async def traced(name: str) -> int:
    return len(name)


def use_traced() -> None:
    assert_type(traced("a"), int)


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


# case: a subclass with its type variables in another order
class Swapped(SyncToAsync[P, R], Generic[R, P]):
    pass


@Swapped
def swapped(name: str) -> int:
    return len(name)


class SwappedShop:
    @Swapped
    def sell(self, name: str) -> int:
        return len(name)


async def use_swapped(shop: SwappedShop) -> None:
    assert_type(await swapped("a"), int)
    assert_type(await shop.sell("a"), int)
    assert_type(SwappedShop.sell.func(shop, "a"), int)
    await swapped(1)  # E
    await shop.sell(1)  # E


# case: a subclass with fewer type variables
class ToInt(SyncToAsync[P, int]):
    pass


@ToInt
def to_int(text: str) -> int:
    return int(text)


class Parser:
    @ToInt
    def parse(self, text: str) -> int:
        return int(text)


async def use_to_int(parser: Parser) -> None:
    assert_type(await to_int("1"), int)
    assert_type(await parser.parse("1"), int)
    await to_int(1)  # E
