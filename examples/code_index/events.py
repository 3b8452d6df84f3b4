"""The way from the parsers to the pipeline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from examples.code_index.model import Skipped, SourceFile
from typedbridge import async_to_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Event: TypeAlias = SourceFile | Skipped


class Events:
    """A bounded stream of events: who publishes faster than the reader reads has to wait.

    :param size: how many events may wait to be read.
    """

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(size)

    async def publish(self, event: Event) -> None:
        """Hand over an event, from async code."""
        await self._queue.put(event)

    @async_to_sync
    async def publish_from_thread(self, event: Event) -> None:
        """Hand over an event, from sync code in a thread, however deep.

        An asyncio queue may only be touched on its own loop: the coroutine runs there, while the
        calling thread waits.
        """
        await self.publish(event)

    async def close(self) -> None:
        """End the stream after the events published so far."""
        await self._queue.put(None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event
