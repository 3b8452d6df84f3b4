"""Calls from atexit, registered before and after the import, and from __del__ at the very end."""

# The test reads what is printed.
# ruff: noqa: T201
from __future__ import annotations

import asyncio
import atexit


def call_everything(where: str) -> None:
    for way in (to_thread, to_pool, to_loop, both):
        try:
            print(where, way.__name__, "worked", way(), flush=True)
        except RuntimeError as error:
            print(where, way.__name__, "RuntimeError", error, flush=True)


# atexit runs the last registered first: this one runs after what the library does at exit.
atexit.register(call_everything, "early")

from typedbridge import async_to_sync, sync_to_async  # noqa: E402  # see above


async def coroutine() -> int:
    await asyncio.sleep(0)
    return 4


def to_thread() -> int:
    return asyncio.run(sync_to_async(len)("four"))


def to_pool() -> int:
    return asyncio.run(sync_to_async(len, thread_sensitive=False)("four"))


def to_loop() -> int:
    return async_to_sync(coroutine)()


def both() -> int:
    return asyncio.run(sync_to_async(async_to_sync(coroutine))())


class Last:
    def __del__(self) -> None:
        for number, way in enumerate(self.ways):
            try:
                way()
                self.say("del", number, "worked")
            except RuntimeError as error:
                self.say("del", number, "RuntimeError", error)

    # Bound here: module names may be gone by then.
    ways = (to_thread, to_pool, to_loop, both)
    say = staticmethod(print)


last = Last()
print("main", to_thread(), to_pool(), to_loop(), both(), flush=True)
atexit.register(call_everything, "late")
