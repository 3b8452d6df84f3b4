from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Self, TypeVar, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: sync, async, sync
def area(width: float, *, height: float = 1.0) -> float:
    return width * height


area_again = async_to_sync(sync_to_async(area))


def use_area() -> None:
    assert_type(area_again(1.0, height=2.0), float)
    area_again("1")  # E
    area_again(1.0, depth=1.0)  # E: depth


# case: async, sync, async
async def fetch(url: str, *, timeout: float = 1.0) -> bytes:
    return url.encode()


fetch_again = sync_to_async(async_to_sync(fetch))


async def use_fetch() -> None:
    assert_type(await fetch_again("u", timeout=2.0), bytes)
    await fetch_again(1)  # E


# case: stacked decorators
@async_to_sync
@sync_to_async
def stacked(name: str, times: int = 1) -> str:
    return name * times


@sync_to_async
@async_to_sync
async def stacked_async(name: str, times: int = 1) -> str:
    return name * times


def use_stacked() -> None:
    assert_type(stacked("a", times=2), str)
    stacked(1)  # E


async def use_stacked_async() -> None:
    assert_type(await stacked_async("a", times=2), str)
    await stacked_async(1)  # E


# case: four times
def deep(name: str) -> int:
    return len(name)


def use_deep() -> None:
    assert_type(async_to_sync(sync_to_async(async_to_sync(sync_to_async(deep))))("a"), int)


# case: the original type
def original(name: str, /) -> int:
    return len(name)


def use_original() -> None:
    same: Callable[[str], int] = async_to_sync(sync_to_async(original))
    assert_type(same("a"), int)
    other: Callable[[int], int] = area_again  # E
    print(other)


# case: methods
class Users:
    @async_to_sync
    @sync_to_async
    def find(self, name: str) -> int:
        return len(name)

    @async_to_sync
    @sync_to_async
    def make(self) -> Self:
        return self


class Admins(Users):
    pass


def use_users(users: Users) -> None:
    assert_type(users.find("a"), int)
    assert_type(Users.find(users, "a"), int)
    assert_type(users.make(), Users)
    assert_type(Admins().make(), Admins)
    users.find(1)  # E


# case: a bound twin and back
class Files:
    def size(self, path: str) -> int:
        return len(path)

    @sync_to_async
    def asize(self, path: str) -> int:
        return len(path)


def use_files(files: Files) -> None:
    assert_type(async_to_sync(files.asize)("a"), int)
    assert_type(async_to_sync(sync_to_async(files.size))(path="a"), int)
    async_to_sync(files.asize)(1)  # E


# case: a builtin
def use_len() -> None:
    assert_type(async_to_sync(sync_to_async(len))("a"), int)


# case: with options on both sides
def crunch(data: bytes) -> str:
    return data.hex()


def use_crunch() -> None:
    bridge = sync_to_async(crunch, thread_sensitive=False)
    assert_type(async_to_sync(bridge, force_new_loop=True)(b"a"), str)


# case: through a helper
def both(func: Callable[[str], T]) -> tuple[Callable[[str], Awaitable[T]], Callable[[str], T]]:
    there = sync_to_async(func)
    return there, async_to_sync(there)


async def use_there() -> None:
    there, _ = both(len)
    assert_type(await there("a"), int)


def use_back() -> None:
    _, back = both(len)
    assert_type(back("a"), int)
