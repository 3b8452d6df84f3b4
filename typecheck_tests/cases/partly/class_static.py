from __future__ import annotations

from abc import ABC, abstractmethod

from typedbridge.sync import sync_to_async


# case: an abstract bridge keeps the class abstract
class Source(ABC):
    @abstractmethod
    @sync_to_async
    def next_line(self) -> str: ...


def make_source() -> Source:
    return Source()  # E
