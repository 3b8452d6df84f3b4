from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ContextDecorator,
    ExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from io import TextIOWrapper
from types import TracebackType
from typing import Generic, TypeVar, assert_type

from typing_extensions import Self

from typedbridge.streams import (
    AsyncManager,
    SyncManager,
    async_to_sync_context,
    sync_to_async_context,
)

T = TypeVar("T")


class Connection:
    def __init__(self, name: str = "a") -> None:
        self.name = name

    def close(self) -> None: ...


class Transaction:
    def __init__(self, name: str, *, read_only: bool = False) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Quiet:
    def __enter__(self) -> int:
        return 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return True


class Session:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


# case: a context manager as object
async def use_object() -> None:
    manager = sync_to_async_context(Transaction("a"))
    assert_type(manager, AsyncManager[Transaction, None])
    async with manager as transaction:
        assert_type(transaction, Transaction)
        assert_type(transaction.name, str)


# case: context managers of the standard library as objects
async def use_standard() -> None:
    async with sync_to_async_context(threading.Lock()) as locked:
        assert_type(locked, bool)
    async with sync_to_async_context(nullcontext("a")) as text:
        assert_type(text, str)
    async with sync_to_async_context(closing(Connection())) as connection:
        assert_type(connection, Connection)
    async with sync_to_async_context(open("a")) as file:
        assert_type(file, TextIOWrapper)


# case: a context manager as object, with options
async def use_object_options() -> None:
    async with sync_to_async_context(Transaction("a"), thread_sensitive=False) as transaction:
        assert_type(transaction, Transaction)
    sync_to_async_context(prefetch=1)  # E # E
    sync_to_async_context(Transaction("a"), executor="pool")  # E


# case: a class of context managers
AsyncTransaction = sync_to_async_context(Transaction)


async def use_class() -> None:
    assert_type(AsyncTransaction("a"), AsyncManager[Transaction, None])
    async with AsyncTransaction("a", read_only=True) as transaction:
        assert_type(transaction, Transaction)
    AsyncTransaction(1)  # E
    AsyncTransaction()  # E


# case: a decorated contextmanager function
@sync_to_async_context
@contextmanager
def connected(name: str, *, retries: int = 1) -> Generator[Connection, None, None]:
    yield Connection(name)


async def use_connected() -> None:
    assert_type(connected("a"), AsyncManager[Connection, bool | None])
    async with connected("a", retries=2) as connection:
        assert_type(connection, Connection)
    connected(1)  # E
    connected("a", 2)  # E


# case: a decorated contextmanager function with options
@sync_to_async_context(thread_sensitive=False)
@contextmanager
def pooled(name: str) -> Generator[Connection, None, None]:
    yield Connection(name)


@sync_to_async_context()
@contextmanager
def plain(name: str) -> Generator[Connection, None, None]:
    yield Connection(name)


async def use_pooled() -> None:
    async with pooled("a") as connection:
        assert_type(connection, Connection)
    async with plain("a") as again:
        assert_type(again, Connection)
    pooled(1)  # E


# case: a function that returns a context manager
@sync_to_async_context
def begun(name: str) -> Transaction:
    return Transaction(name)


@sync_to_async_context
def opened(name: str) -> AbstractContextManager[Connection]:
    return closing(Connection(name))


async def use_begun() -> None:
    async with begun("a") as transaction:
        assert_type(transaction, Transaction)
    async with opened("a") as connection:
        assert_type(connection, Connection)


# case: a method that is a context manager
class Database:
    @sync_to_async_context
    @contextmanager
    def transaction(self, name: str) -> Generator[Connection, None, None]:
        yield Connection(name)

    @sync_to_async_context(thread_sensitive=False)
    def begin(self, name: str) -> Transaction:
        return Transaction(name)

    @classmethod
    @sync_to_async_context
    @contextmanager
    def default(cls, name: str) -> Generator[Connection, None, None]:
        yield Connection(name)

    @staticmethod
    @sync_to_async_context
    @contextmanager
    def local(name: str) -> Generator[Connection, None, None]:
        yield Connection(name)

    @contextmanager
    def sync(self, name: str) -> Generator[Connection, None, None]:
        yield Connection(name)


async def use_database(database: Database) -> None:
    async with database.transaction("a") as connection:
        assert_type(connection, Connection)
    async with database.begin("a") as transaction:
        assert_type(transaction, Transaction)
    async with Database.default("a") as connection:
        assert_type(connection, Connection)
    async with database.local("a") as connection:
        assert_type(connection, Connection)
    database.transaction(1)  # E
    Database.default(1)  # E
    Database.local(1)  # E


# case: a bound method that is a context manager
async def use_bound(database: Database) -> None:
    transaction = sync_to_async_context(database.sync)
    async with transaction("a") as connection:
        assert_type(connection, Connection)
    transaction(1)  # E


# case: a method that enters Self
class Lease:
    @sync_to_async_context
    @contextmanager
    def held(self) -> Generator[Self, None, None]:
        yield self

    @classmethod
    @sync_to_async_context
    @contextmanager
    def made(cls) -> Generator[Self, None, None]:
        yield cls()


class LongLease(Lease):
    pass


async def use_lease(lease: LongLease) -> None:
    async with lease.held() as held:
        assert_type(held, LongLease)
    async with LongLease.made() as made:
        assert_type(made, LongLease)


# case: a generic context manager function
@sync_to_async_context
@contextmanager
def holding(item: T) -> Generator[list[T], None, None]:
    yield [item]


async def use_holding() -> None:
    async with holding("a") as texts:
        assert_type(texts, list[str])
    async with holding(1) as numbers:
        assert_type(numbers, list[int])


# case: a generic class of context managers
class Held(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    def __enter__(self) -> T:
        return self.item

    def __exit__(self, *error: object) -> None: ...

    @sync_to_async_context
    @contextmanager
    def twice(self) -> Generator[tuple[T, T], None, None]:
        yield self.item, self.item


async def use_held() -> None:
    async with sync_to_async_context(Held("a")) as text:
        assert_type(text, str)
    async with Held(1).twice() as numbers:
        assert_type(numbers, tuple[int, int])


# case: a generic class of context managers as function
async def use_held_class(name: str, age: int) -> None:
    held = sync_to_async_context(Held)
    async with held(name) as text:
        assert_type(text, str)
    async with held(age) as number:
        assert_type(number, int)


# case: code after a manager that suppresses nothing is not reached
async def value_inside(database: Database) -> int:
    async with database.transaction("a"):
        return 1


async def value_of_object() -> int:
    async with sync_to_async_context(Transaction("a")):
        return 1


async def use_value(database: Database) -> None:
    assert_type(await value_inside(database), int)
    assert_type(await value_of_object(), int)


# case: what is after a manager that suppresses errors is checked
async def use_after() -> None:
    async with sync_to_async_context(Quiet()) as number:
        assert_type(number, int)
        raise LookupError
    len(1)  # E


# case: an async context manager as object
def use_async_object() -> None:
    manager = async_to_sync_context(Session())
    assert_type(manager, SyncManager[Session, None])
    with manager as session:
        assert_type(session, Session)


# case: a class of async context managers
def use_async_class() -> None:
    session_of = async_to_sync_context(Session)
    assert_type(session_of(), SyncManager[Session, None])
    with session_of() as session:
        assert_type(session, Session)
    session_of(1)  # E


# case: a decorated asynccontextmanager function
@async_to_sync_context
@asynccontextmanager
async def aconnected(name: str, *, retries: int = 1) -> AsyncGenerator[Connection, None]:
    yield Connection(name)


def use_aconnected() -> None:
    assert_type(aconnected("a"), SyncManager[Connection, bool | None])
    with aconnected("a", retries=2) as connection:
        assert_type(connection, Connection)
    aconnected(1)  # E


# case: a method that is an async context manager
class AsyncDatabase:
    @async_to_sync_context
    @asynccontextmanager
    async def transaction(self, name: str) -> AsyncGenerator[Connection, None]:
        yield Connection(name)

    @classmethod
    @async_to_sync_context
    @asynccontextmanager
    async def default(cls, name: str) -> AsyncGenerator[Self, None]:
        yield cls()

    @staticmethod
    @async_to_sync_context
    @asynccontextmanager
    async def local(name: str) -> AsyncGenerator[Connection, None]:
        yield Connection(name)


def use_async_database(database: AsyncDatabase) -> None:
    with database.transaction("a") as connection:
        assert_type(connection, Connection)
    with AsyncDatabase.default("a") as default:
        assert_type(default, AsyncDatabase)
    with AsyncDatabase.local("a") as local:
        assert_type(local, Connection)
    database.transaction(1)  # E
    AsyncDatabase.default(1)  # E
    AsyncDatabase.local(1)  # E


# case: code after an async manager that suppresses nothing is not reached
def async_value(database: AsyncDatabase) -> int:
    with database.transaction("a"):
        return 1


def async_value_of_object() -> int:
    with async_to_sync_context(Session()):
        return 1


def use_async_value(database: AsyncDatabase) -> None:
    assert_type(async_value(database), int)
    assert_type(async_value_of_object(), int)


# case: a context manager that can be called is entered
class Decorating(ContextDecorator):
    def __enter__(self) -> int:
        return 1

    def __exit__(self, *error: object) -> None: ...


async def use_decorating() -> None:
    async with sync_to_async_context(Decorating()) as number:
        assert_type(number, int)


# case: a generic async context manager function
@async_to_sync_context
@asynccontextmanager
async def aholding(item: T) -> AsyncGenerator[list[T], None]:
    yield [item]


def use_aholding() -> None:
    with aholding("a") as texts:
        assert_type(texts, list[str])
    with aholding(1) as numbers:
        assert_type(numbers, list[int])


# case: managers in exit stacks
async def use_stack() -> None:
    async with AsyncExitStack() as stack:
        transaction = await stack.enter_async_context(begun("a"))
        assert_type(transaction, Transaction)
        connection = await stack.enter_async_context(connected("a"))
        assert_type(connection, Connection)


def use_sync_stack() -> None:
    with ExitStack() as stack:
        session = stack.enter_context(async_to_sync_context(Session()))
        assert_type(session, Session)
        connection = stack.enter_context(aconnected("a"))
        assert_type(connection, Connection)


# case: several managers in one statement
async def use_several() -> None:
    async with begun("a") as transaction, connected("a") as connection:
        assert_type(transaction, Transaction)
        assert_type(connection, Connection)


# case: a manager as an abstract one
async def use_abstract() -> None:
    manager: AbstractAsyncContextManager[Connection] = connected("a")
    async with manager as connection:
        assert_type(connection, Connection)
    wrong: AbstractAsyncContextManager[int] = connected("a")  # E
    print(wrong)


# case: with over an AsyncManager and async with over a SyncManager
async def use_with(
    manager: SyncManager[Connection, bool | None] = aconnected("a"),
) -> None:
    with connected("a"):  # E # E
        pass
    async with manager:  # E # E
        pass


# case: sync_to_async_context refuses what is no context manager
def number() -> int:
    return 1


def use_no_manager() -> None:
    sync_to_async_context(1)  # E
    sync_to_async_context(number)  # E
    sync_to_async_context(thread_sensitive=False)(number)  # E
    sync_to_async_context(Connection)  # E


# case: sync_to_async_context refuses async context managers
def use_async_manager() -> None:
    sync_to_async_context(Session())  # E
    sync_to_async_context(Session)  # E


# case: async_to_sync_context refuses sync context managers
def use_sync_manager() -> None:
    async_to_sync_context(Transaction("a"))  # E
    async_to_sync_context(Transaction)  # E
    async_to_sync_context(number)  # E


# case: a manager that is sync and async
class Both(Transaction, Session):
    def __init__(self) -> None:
        super().__init__("a")


async def use_both() -> None:
    async with sync_to_async_context(Both()) as both:
        assert_type(both, Both)


def use_both_sync() -> None:
    with async_to_sync_context(Both()) as both:
        assert_type(both, Both)


# case: a Callable field that holds a bridge of a context manager
class Job:
    def __init__(self, scope: Callable[[str], AbstractAsyncContextManager[Connection]]) -> None:
        self.scope = scope


async def use_job() -> None:
    async with Job(connected).scope("a") as connection:
        assert_type(connection, Connection)
    Job(begun)  # E
