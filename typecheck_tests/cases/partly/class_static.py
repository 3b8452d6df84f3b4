from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

from typedbridge.sync import sync_to_async
from typing_extensions import override


# case: an abstract bridge keeps the class abstract
class Source(ABC):
    @abstractmethod
    @sync_to_async
    def next_line(self) -> str: ...


def make_source() -> Source:
    return Source()  # E


# case: a final bridge may not be overridden
class Vault:
    @final
    @sync_to_async
    def lock(self, code: str) -> bool:
        return bool(code)


class OpenVault(Vault):
    @override
    @sync_to_async
    def lock(self, code: str) -> bool:  # E
        return False
