from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, Self, TypeVar, TypeVarTuple, Unpack, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")
V = TypeVar("V")
K = TypeVar("K")
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")


# case: a method of a generic class
class Box(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value

    @sync_to_async
    def get(self) -> T:
        return self.value

    @sync_to_async
    def put(self, value: T, *, twice: bool = False) -> None:
        self.value = value


async def use_box(box: Box[int] = Box(1)) -> None:
    assert_type(await box.get(), int)
    assert_type(await Box("a").get(), str)
    assert_type(await box.put(1, twice=True), None)
    await box.put("1")  # E


# case: a subclass that fixes the type variable
class Shelf(Generic[T]):
    @sync_to_async
    def items(self) -> list[T]:
        return []

    @sync_to_async
    def add(self, item: T) -> int:
        return 1


class BookShelf(Shelf[str]):
    pass


async def use_book_shelf(shelf: BookShelf) -> None:
    assert_type(await shelf.items(), list[str])
    assert_type(await shelf.add("a"), int)
    await shelf.add(1)  # E


# case: a specialised generic class through the class itself
class Shell(Generic[T]):
    @sync_to_async
    def value(self, default: T) -> T:
        return default


async def use_shell(shell: Shell[int]) -> None:
    assert_type(await Shell[int].value(shell, 1), int)


# case: a method with a type variable of its own
class Converter:
    @sync_to_async
    def convert(self, value: str, func: Callable[[str], V]) -> V:
        return func(value)


async def use_converter(converter: Converter) -> None:
    assert_type(await converter.convert("1", int), int)
    assert_type(await converter.convert("1", str.encode), bytes)


# case: variables of class and method together
class Pool(Generic[T]):
    @sync_to_async
    def map(self, func: Callable[[T], V], items: Iterable[T]) -> list[V]:
        return [func(item) for item in items]


async def use_pool(pool: Pool[str]) -> None:
    assert_type(await pool.map(len, ["a"]), list[int])
    await pool.map(len, [1])  # E


# case: Self as result
class Query:
    @sync_to_async
    def filter(self, **lookups: Any) -> Self:
        return self

    @sync_to_async
    def first(self) -> Self | None:
        return self


class BookQuery(Query):
    pass


async def use_query() -> None:
    assert_type(await Query().filter(a=1), Query)
    assert_type(await BookQuery().filter(a=1), BookQuery)
    assert_type(await BookQuery().first(), BookQuery | None)


# case: Self as parameter
class Vector:
    @sync_to_async
    def add(self, other: Self) -> Self:
        return other


class Vector3(Vector):
    pass


async def use_vector(vector: Vector3) -> None:
    assert_type(await vector.add(Vector3()), Vector3)
    await vector.add(Vector())  # E


# case: inside the generic class
class Tree(Generic[K]):
    def __init__(self, root: K) -> None:
        self.root = root

    @sync_to_async
    def top(self) -> K:
        return self.root

    async def both(self, other: Tree[K]) -> tuple[K, K]:
        return (await self.top(), await other.top())


async def use_tree() -> None:
    assert_type(await Tree(1).both(Tree(2)), tuple[int, int])


# case: async_to_sync in a generic class
class Feed(Generic[T]):
    @async_to_sync
    async def latest(self, count: int) -> list[T]:
        return []

    @async_to_sync
    async def send(self, item: T) -> Self:
        return self


def use_feed(feed: Feed[bytes]) -> None:
    assert_type(feed.latest(1), list[bytes])
    assert_type(feed.send(b"a"), Feed[bytes])
    feed.send("a")  # E


# case: a generic repository and its subclass
class Entity:
    key: int


E_ = TypeVar("E_", bound=Entity)


class Repository(Generic[E_]):
    @sync_to_async
    def get(self, key: int) -> E_ | None:
        return None

    @sync_to_async
    def save(self, *entities: E_, flush: bool = True) -> list[E_]:
        return list(entities)


class User(Entity):
    name: str


class Users(Repository[User]):
    async def rename(self, key: int, name: str) -> User | None:
        user = await self.get(key)
        assert_type(user, User | None)
        if user is not None:
            user.name = name
            await self.save(user, flush=False)
        return user


async def use_users(users: Users) -> None:
    await users.rename(1, "a")


async def use_repository(users: Users) -> None:
    assert_type(await users.save(User()), list[User])
    await users.save(Entity())  # E


# case: a class method of a generic class
class Stack(Generic[T]):
    @classmethod
    @sync_to_async
    def of(cls, *items: T) -> Stack[T]:
        return cls()


async def use_stack() -> None:
    assert_type(await Stack[int].of(1), Stack[int])


# case: a method of a class generic over a parameter specification
class Task(Generic[P, V]):
    def __init__(self, func: Callable[P, V]) -> None:
        self.func = func

    @sync_to_async
    def run(self, *args: P.args, **kwargs: P.kwargs) -> V:
        return self.func(*args, **kwargs)

    @async_to_sync
    async def wait(self, *args: P.args, **kwargs: P.kwargs) -> V:
        return await self.run(*args, **kwargs)


@Task
def scale(width: float, *, factor: int = 1) -> float:
    return width * factor


async def use_task() -> None:
    assert_type(await scale.run(1.0, factor=2), float)
    await scale.run("1")  # E
    await scale.run(1.0, depth=1)  # E: depth


def use_task_blocking() -> None:
    assert_type(scale.wait(1.0, factor=2), float)
    scale.wait("1")  # E


# case: a method of a class generic over a type variable tuple
class Row(Generic[Unpack[Ts]]):
    def __init__(self, *values: Unpack[Ts]) -> None:
        self.values = values

    @sync_to_async
    def as_tuple(self) -> tuple[Unpack[Ts]]:
        return self.values

    @sync_to_async
    def same(self, other: Row[Unpack[Ts]]) -> bool:
        return self.values == other.values


async def use_row(row: Row[int, str] = Row(1, "a"), other: Row[bytes] = Row(b"")) -> None:
    assert_type(await row.as_tuple(), tuple[int, str])
    assert_type(await row.same(row), bool)
    await row.same(other)  # E
