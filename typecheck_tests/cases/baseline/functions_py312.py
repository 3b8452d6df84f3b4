from __future__ import annotations

from typing import assert_type

from typedbridge.sync import async_to_sync, sync_to_async


# case: a type alias statement in the signature
type Pairs[K] = list[tuple[K, int]]


@sync_to_async
def pairs(names: list[str]) -> Pairs[str]:
    return [(name, len(name)) for name in names]


async def use_pairs() -> None:
    assert_type(await pairs(["a"]), list[tuple[str, int]])
    await pairs([1])  # E


# case: async_to_sync of a function with an alias in its result
type Named = dict[str, bytes]


@async_to_sync
async def named(name: str) -> Named:
    return {name: b""}


def use_named() -> None:
    assert_type(named("a"), dict[str, bytes])
