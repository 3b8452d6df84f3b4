from __future__ import annotations

from typing import TypeVar, assert_type, overload

from typedbridge.sync import sync_to_async


T = TypeVar("T")


# case: an overloaded twin
class Settings:
    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: bytes) -> str | bytes: ...
    def get(self, key: str, default: bytes | None = None) -> str | bytes | None:
        return key or default

    aget = sync_to_async(get)


async def use_settings(settings: Settings) -> None:
    assert_type(await settings.aget("a"), str | None)
    assert_type(await settings.aget("a", b""), str | bytes)  # E: assert-type  # E: call-arg
    await settings.aget(1)  # E: arg-type
