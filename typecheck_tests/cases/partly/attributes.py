from __future__ import annotations

from typing import assert_type

from typedbridge.sync import SyncToAsync, sync_to_async


# case: name of a bridge
@sync_to_async
def named(name: str) -> int:
    return len(name)


def use_named() -> None:
    assert_type(named.__name__, str)
    assert_type(named.__qualname__, str)
    assert_type(sync_to_async(len).__name__, str)


# case: isinstance keeps the callable
def to_line(number: int, /) -> str:
    return str(number)


def use_isinstance() -> None:
    bridge = sync_to_async(to_line)
    if isinstance(bridge, SyncToAsync):
        print(bridge.func)
