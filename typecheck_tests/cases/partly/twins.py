from __future__ import annotations

from typing import Any, Generic, Self, TypeVar, assert_type, overload

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: a twin binds like a method
class Users:
    def create(self, name: str, *, admin: bool = False) -> int:
        return len(name) + admin

    acreate = sync_to_async(create)


async def use_users(users: Users) -> None:
    assert_type(users.create("a"), int)
    assert_type(await users.acreate("a"), int)
    assert_type(await users.acreate("a", admin=True), int)
    await users.acreate(1)  # E
    await users.acreate("a", root=True)  # E: root


# case: a twin through a subclass
class Base:
    def save(self, commit: bool = True) -> str:
        return str(commit)

    asave = sync_to_async(save)


class Child(Base):
    async def save_twice(self) -> None:
        assert_type(await self.asave(), str)
        assert_type(await super().asave(commit=False), str)


async def use_child(child: Child) -> None:
    await child.save_twice()
    assert_type(await child.asave(), str)


# case: a twin with options
class Images:
    def resize(self, width: int) -> bytes:
        return bytes(width)

    aresize = sync_to_async(resize, thread_sensitive=False)


async def use_images(images: Images) -> None:
    assert_type(await images.aresize(1), bytes)
    await images.aresize("1")  # E


# case: a twin through stored options
class Sounds:
    def play(self, seconds: float) -> None:
        print(seconds)

    aplay = sync_to_async(thread_sensitive=False)(play)


async def use_sounds(sounds: Sounds) -> None:
    assert_type(await sounds.aplay(1.0), None)


# case: a sync twin of an async method
class Client:
    async def get(self, url: str, *, timeout: float = 1.0) -> bytes:
        return url.encode()

    get_sync = async_to_sync(get)


def use_client(client: Client) -> None:
    assert_type(client.get_sync("u"), bytes)
    assert_type(client.get_sync("u", timeout=2.0), bytes)
    client.get_sync(1)  # E


# case: a twin in a generic class
class Box(Generic[T]):
    def put(self, value: T) -> list[T]:
        return [value]

    aput = sync_to_async(put)


async def use_box(box: Box[int]) -> None:
    assert_type(await box.aput(1), list[int])
    await box.aput("1")  # E


# case: a twin that returns Self
class Query:
    def filter(self, **lookups: Any) -> Self:
        return self

    afilter = sync_to_async(filter)


class BookQuery(Query):
    pass


async def use_query() -> None:
    assert_type(await Query().afilter(a=1), Query)
    assert_type(await BookQuery().afilter(a=1), BookQuery)


# case: a twin of a module function as class attribute
def to_slug(holder: Holder, title: str) -> str:
    return title.lower()


class Holder:
    slug = sync_to_async(to_slug)


async def use_holder(holder: Holder) -> None:
    assert_type(await holder.slug("A"), str)


# case: a Django-like manager with twins
class Manager(Generic[T]):
    def __init__(self, model: type[T]) -> None:
        self.model = model

    def get(self, **lookups: Any) -> T:
        return self.model()

    def count(self) -> int:
        return 0

    aget = sync_to_async(get)
    acount = sync_to_async(count)


class Book:
    title = ""
    objects: Manager[Book]


Book.objects = Manager(Book)


async def use_manager() -> None:
    assert_type(await Book.objects.aget(pk=1), Book)
    assert_type(await Book.objects.acount(), int)


# case: an overloaded twin
class Settings:
    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: bytes) -> str | bytes: ...
    def get(self, key: str, default: bytes | None = None) -> str | bytes | None:
        return key or default

    aget = sync_to_async(get)


async def use_settings(settings: Settings) -> None:
    assert_type(await settings.aget("a"), str | None)
    assert_type(await settings.aget("a", b""), str | bytes)  # E[mypy]: assert-type  # E[mypy]: call-arg
    await settings.aget(1)  # E
