from __future__ import annotations

import sys

from typedbridge.sync import sync_to_async


POSIX = bool(sys.argv)


# case: a missing await is reported
@sync_to_async
def save(name: str) -> int:
    return len(name)


async def use_save() -> None:
    save("a")
