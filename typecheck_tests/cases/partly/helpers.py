from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar, assert_type

from typedbridge.sync import sync_to_async


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def resize(path: str, *, width: int = 10) -> bytes:
    return path.encode() * width


# case: Concatenate over a method
class Handler:
    prefix = "p"

    def handle(self, text: str) -> int:
        return len(self.prefix + text)


def on_instance(func: Callable[Concatenate[T, P], R], owner: T) -> Callable[P, Awaitable[R]]:
    return sync_to_async(functools.partial(func, owner))


async def use_on_instance() -> None:
    handle = on_instance(Handler.handle, Handler())
    assert_type(await handle("a"), int)
