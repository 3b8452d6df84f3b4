from __future__ import annotations

from typing import assert_type

from typedbridge.sync import async_to_sync, sync_to_async


# case: name and doc of a builtin behind a bridge
def use_doc() -> None:
    bridge = sync_to_async(len)
    assert_type(bridge.__doc__, str | None)
    assert_type(bridge.__module__, str)


# case: a bridge is hashable
async def later(number: int) -> int:
    return number


def use_object() -> None:
    bridge = async_to_sync(later)
    assert_type(hash(bridge), int)
    print({bridge: 1}, [bridge])
