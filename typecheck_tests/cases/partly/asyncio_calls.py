from __future__ import annotations

import asyncio
from typing import assert_type

from typedbridge.sync import sync_to_async


@sync_to_async
def number_of(name: str) -> int:
    return len(name)


@sync_to_async
def text_of(number: int) -> str:
    return str(number)


class Service:
    @sync_to_async
    def load(self, key: str) -> bytes:
        return key.encode()


# case: gather of two bridges
async def use_gather() -> None:
    assert_type(await asyncio.gather(number_of("a"), text_of(1)), tuple[int, str])
    number, text = await asyncio.gather(number_of("a"), text_of(1))
    assert_type(number, int)
    assert_type(text, str)


# case: gather of a method, a call and a coroutine
async def native() -> float:
    return 1.0


async def use_gather_mixed(service: Service) -> None:
    assert_type(
        await asyncio.gather(service.load("a"), sync_to_async(len)("a"), native()),
        tuple[bytes, int, float],
    )


# case: gather that returns exceptions
async def use_gather_exceptions() -> None:
    assert_type(
        await asyncio.gather(number_of("a"), text_of(1), return_exceptions=True),
        tuple[int | BaseException, str | BaseException],
    )


# case: a wrong result type is refused
async def use_wrong_result() -> None:
    number: str = (await asyncio.gather(number_of("a"), text_of(1)))[0]  # E
    task: asyncio.Task[str] = asyncio.create_task(number_of("a"))  # E
    print(number, task)
