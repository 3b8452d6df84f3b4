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


# case: the decorators passed as values
def apply(decorate: Callable[[Callable[P, R]], Callable[P, T]], func: Callable[P, R]) -> Callable[P, T]:
    return decorate(func)


def crunch_all(numbers: list[int]) -> int:
    return sum(numbers)


async def use_sync_to_async_as_value() -> None:
    bridge: Callable[[list[int]], Awaitable[int]] = apply(sync_to_async, crunch_all)
    assert_type(await bridge([1]), int)
    for mapped in map(sync_to_async, [crunch_all]):
        assert_type(await mapped([1]), int)
