from __future__ import annotations

from typing import Protocol, TypeVar

from typedbridge.sync import sync_to_async
from typing_extensions import override


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# case: async def overrides a wrapped method
class Reader:
    @sync_to_async
    def read(self, size: int = -1) -> bytes:
        return bytes(size)


class AsyncReader(Reader):  # E: override
    @override
    async def read(self, size: int = -1) -> bytes:
        return bytes(size)


# case: a protocol with a wrapped member is met by async def
class Clock(Protocol):
    @sync_to_async
    def now(self) -> float: ...


class AsyncClock:
    async def now(self) -> float:
        return 1.0


def pass_clock() -> Clock:
    return AsyncClock()  # E: return-value


# case: override of a class method by async def
class Registry:
    @classmethod
    @sync_to_async
    def register(cls, name: str) -> int:
        return len(name)


class AsyncRegistry(Registry):  # E: override
    @override
    @classmethod
    async def register(cls, name: str) -> int:
        return len(name)


# case: a wrapped function in one branch, an async def in the other
async def count(names: list[str], blocking: bool) -> int:
    if blocking:

        @sync_to_async
        def size() -> int:
            return len(names)

    else:

        async def size() -> int:  # E: Incompatible redefinition
            return len(names)

    return await size()
