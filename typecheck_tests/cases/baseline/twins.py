from __future__ import annotations

from typing import Self, TypeVar, assert_type

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: a twin through the class
class Files:
    def remove(self, path: str) -> bool:
        return bool(path)

    aremove = sync_to_async(remove)


async def use_files(files: Files) -> None:
    assert_type(await Files.aremove(files, "a"), bool)


# case: a static twin
def clean(text: str) -> str:
    return text.strip()


class Cleaner:
    aclean = staticmethod(sync_to_async(clean))


async def use_cleaner(cleaner: Cleaner) -> None:
    assert_type(await cleaner.aclean(" a"), str)
    assert_type(await Cleaner.aclean(" a"), str)
    await cleaner.aclean(1)  # E


# case: an instance attribute does not bind
def hash_of(data: bytes) -> str:
    return data.hex()


class Hasher:
    def __init__(self) -> None:
        self.ahash = sync_to_async(hash_of)


async def use_hasher(hasher: Hasher) -> None:
    assert_type(await hasher.ahash(b"a"), str)
    await hasher.ahash("a")  # E


# case: a twin at module level
def total(numbers: list[int], start: int = 0) -> int:
    return sum(numbers, start)


atotal = sync_to_async(total)


async def use_atotal() -> None:
    assert_type(await atotal([1], start=2), int)
    await atotal(["1"])  # E


# case: a static twin of an async function
async def fetch(url: str) -> bytes:
    return url.encode()


class Fetcher:
    fetch_sync = staticmethod(async_to_sync(fetch))


def use_fetcher(fetcher: Fetcher) -> None:
    assert_type(fetcher.fetch_sync("u"), bytes)
    assert_type(Fetcher.fetch_sync("u"), bytes)
    fetcher.fetch_sync(1)  # E


# case: a twin that returns Self through the class
class Selection:
    def filter(self, **lookups: int) -> Self:
        return self

    afilter = sync_to_async(filter)


async def use_selection(selection: Selection) -> None:
    assert_type(await Selection.afilter(selection, a=1), Selection)
    await Selection.afilter(selection, a="1")  # E
