from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import assert_type

from typedbridge.sync import async_to_sync, sync_to_async


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


# case: gather of a list
async def use_gather_list(names: list[str]) -> None:
    assert_type(await asyncio.gather(*[number_of(name) for name in names]), list[int])


# case: create_task
async def use_create_task(service: Service) -> None:
    task = asyncio.create_task(number_of("a"))
    assert_type(task, asyncio.Task[int])
    assert_type(await task, int)
    assert_type(await asyncio.create_task(service.load("a"), name="load"), bytes)


# case: create_task on the loop and ensure_future
async def use_loop() -> None:
    loop = asyncio.get_running_loop()
    assert_type(await loop.create_task(text_of(1)), str)
    assert_type(await asyncio.ensure_future(number_of("a")), int)


# case: TaskGroup
async def use_task_group() -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(number_of("a"))
        second = group.create_task(text_of(1))
    assert_type(first.result(), int)
    assert_type(second.result(), str)


# case: wait_for and timeout
async def use_wait_for() -> None:
    assert_type(await asyncio.wait_for(number_of("a"), timeout=1), int)
    assert_type(await asyncio.wait_for(sync_to_async(len)("a"), 1.0), int)
    async with asyncio.timeout(1):
        assert_type(await text_of(1), str)


# case: shield
async def use_shield() -> None:
    assert_type(await asyncio.shield(number_of("a")), int)


# case: as_completed
async def use_as_completed() -> None:
    for done in asyncio.as_completed([number_of("a"), number_of("b")]):
        assert_type(await done, int)


# case: wait
async def use_wait() -> None:
    done, pending = await asyncio.wait([asyncio.create_task(number_of("a"))])
    assert_type(done, set[asyncio.Task[int]])
    assert_type(pending, set[asyncio.Task[int]])


# case: asyncio.run and Runner
def use_run() -> None:
    assert_type(asyncio.run(number_of("a")), int)
    with asyncio.Runner() as runner:
        assert_type(runner.run(text_of(1)), str)


# case: run_coroutine_threadsafe
def wait_for_it(loop: asyncio.AbstractEventLoop) -> None:
    assert_type(asyncio.run_coroutine_threadsafe(number_of("a"), loop).result(), int)


async def use_threadsafe() -> None:
    await asyncio.to_thread(wait_for_it, asyncio.get_running_loop())


# case: a semaphore around bridges
async def use_semaphore(names: list[str]) -> None:
    limit = asyncio.Semaphore(2)

    async def limited(name: str) -> int:
        async with limit:
            return await number_of(name)

    assert_type(await asyncio.gather(*map(limited, names)), list[int])


# case: an exit stack
async def use_exit_stack() -> None:
    async with AsyncExitStack() as stack:
        stack.push_async_callback(number_of, "a")
    async with AsyncExitStack() as wrong:
        wrong.push_async_callback(number_of, 1)  # E
        wrong.pop_all()


# case: a list of awaitables
async def use_list() -> None:
    jobs: list[Awaitable[int]] = [number_of("a"), number_of("b")]
    assert_type([await job for job in jobs], list[int])


# case: gather inside async_to_sync
def use_gather_blocking(names: list[str]) -> None:
    @async_to_sync
    async def load() -> list[int]:
        return await asyncio.gather(*(number_of(name) for name in names))

    assert_type(load(), list[int])


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
