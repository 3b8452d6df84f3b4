from __future__ import annotations

import subprocess
from typing import TypeVar, assert_type, overload

from typedbridge.sync import async_to_sync, sync_to_async


T = TypeVar("T")


# case: an overloaded function refuses what fits no overload
@overload
def scan(text: str) -> int: ...
@overload
def scan(text: bytes, *, strict: bool = False) -> float: ...
def scan(text: str | bytes, *, strict: bool = False) -> int | float:
    return len(text) + strict


async def use_scan() -> None:
    await sync_to_async(scan)(1)  # E
    await sync_to_async(scan)("1", strict=True)  # E


# case: decorators on each overload of a method
class Reader:
    @overload
    @sync_to_async
    def read(self, size: int) -> bytes: ...
    @overload
    @sync_to_async
    def read(self, size: None = None) -> str: ...
    @sync_to_async
    def read(self, size: int | None = None) -> bytes | str:
        return b"" if size else ""


async def use_reader(reader: Reader) -> None:
    assert_type(await reader.read(1), bytes)
    assert_type(await reader.read(), str)
    await reader.read("1")  # E


# case: open accepts what it accepts
async def use_open_plainly() -> None:
    await sync_to_async(open)("a")
    await sync_to_async(open)("a", "r")
    await sync_to_async(open)("a", mode="r", encoding="utf-8")


# case: subprocess.run is accepted in any of its forms
async def use_run_plainly() -> None:
    done = await sync_to_async(subprocess.run)(["ls"], text=True)
    print(done.returncode)


# case: async_to_sync on each overload of a method
class Gateway:
    @overload
    @async_to_sync
    async def send(self, body: str) -> str: ...
    @overload
    @async_to_sync
    async def send(self, body: bytes) -> bytes: ...
    @async_to_sync
    async def send(self, body: str | bytes) -> str | bytes:
        return body


def use_gateway(gateway: Gateway) -> None:
    assert_type(gateway.send("a"), str)
    assert_type(gateway.send(b"a"), bytes)
