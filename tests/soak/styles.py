"""The ways to call: from an event loop, and from a thread without one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from soak.ledger import SEEN, Fate, Ledger
from typedbridge import (
    AsyncSingleThreadContext,
    Local,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    call_async,
    call_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Style = Callable[["Ways", int], Awaitable[int]]
    SyncStyle = Callable[["Ways", int], int]


class Overridden(SyncToAsync[..., int]):
    """Takes the path on which an override is honoured."""

    def thread_handler(self, *args: object, **kwargs: object) -> object:
        result: object = super().thread_handler(*args, **kwargs)  # type: ignore[arg-type]  # handed on
        return result


async def turns(number: int) -> None:
    """Let the loop go round."""
    for _ in range(number):
        await asyncio.sleep(0)


class Ways:
    """The bridges over one ledger's functions, and what they share."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.executor = ThreadPoolExecutor(2)
        self.local = Local()
        self.sensitive = sync_to_async(ledger.work)
        self.pooled = sync_to_async(ledger.work, thread_sensitive=False)
        self.in_executor = sync_to_async(
            ledger.work, thread_sensitive=False, executor=self.executor
        )
        self.overridden = Overridden(ledger.work)
        self.blocking = async_to_sync(ledger.work_async)
        self.blocking_anew = async_to_sync(ledger.work_async, force_new_loop=True)
        self.back = async_to_sync(self.sensitive)
        self.back_from_pool = sync_to_async(self.back, thread_sensitive=False)
        self.inside = sync_to_async(self.blocking)
        self.inside_pool = sync_to_async(self.blocking, thread_sensitive=False)
        self.three_levels = sync_to_async(async_to_sync(self.back_from_pool))

    # -- from an event loop ----------------------------------------------------------------------

    async def plain(self, ticket: int) -> int:
        return await self.sensitive(ticket)

    async def pool(self, ticket: int) -> int:
        return await self.pooled(ticket)

    async def own_executor(self, ticket: int) -> int:
        return await self.in_executor(ticket)

    async def override(self, ticket: int) -> int:
        return await self.overridden(ticket)

    async def call_form(self, ticket: int) -> int:
        return await call_sync(self.ledger.work, ticket)

    async def context(self, ticket: int) -> int:
        async with ThreadSensitiveContext():
            return await self.sensitive(ticket)

    async def context_with_executor(self, ticket: int) -> int:
        async with ThreadSensitiveContext(executor=self.executor):
            return await self.sensitive(ticket)

    async def nested(self, ticket: int) -> int:
        return await self.inside(ticket)

    async def nested_in_pool(self, ticket: int) -> int:
        return await self.inside_pool(ticket)

    async def back_in_frame(self, ticket: int) -> int:
        return await self.back_from_pool(ticket)

    async def deep(self, ticket: int) -> int:
        return await self.three_levels(ticket)

    async def carried(self, ticket: int) -> int:
        """Context variables and `Local` values come back with the call."""
        self.local.ticket = ticket
        value = await self.pooled(ticket)
        if (SEEN.get(), self.local.ticket) != (ticket, ticket):
            raise LookupError(SEEN.get(), self.local.ticket)
        return value

    async def outliving_a_frame(self, ticket: int) -> int:
        """The call is made while its frame ends: it runs there, or finds the next lane."""
        tasks: list[asyncio.Task[int]] = []

        async def main() -> None:
            tasks.append(asyncio.create_task(self.sensitive(ticket)))
            await turns(ticket % 3)

        await sync_to_async(async_to_sync(main), thread_sensitive=False)()
        return await tasks[0]

    async def outliving_a_context(self, ticket: int) -> int:
        """As with a frame; here a lane ends."""
        async with ThreadSensitiveContext():
            task = asyncio.create_task(self.sensitive(ticket))
            await turns(ticket % 3)
        return await task

    # -- from a thread ---------------------------------------------------------------------------

    def no_loop(self, ticket: int) -> int:
        return self.blocking(ticket)

    def new_loop(self, ticket: int) -> int:
        return self.blocking_anew(ticket)

    def single_thread(self, ticket: int) -> int:
        with AsyncSingleThreadContext():
            return self.blocking(ticket)

    def sync_call_form(self, ticket: int) -> int:
        return call_async(self.ledger.work_async, ticket)

    def back_in_caller(self, ticket: int) -> int:
        async def main() -> int:
            if self.ledger.fate(ticket) is Fate.CANCEL:
                return await self.ledger.work_async(ticket)
            return await self.sensitive(ticket)

        return async_to_sync(main)()

    def leaving_a_task(self, ticket: int) -> int:
        async def main() -> int:
            left_over = asyncio.create_task(asyncio.sleep(60))
            assert not left_over.done()
            return await self.ledger.work_async(ticket)

        return async_to_sync(main)()


FROM_LOOPS: Final[tuple[Style, ...]] = (
    *(Ways.plain, Ways.pool, Ways.own_executor, Ways.override, Ways.call_form, Ways.carried),
    *(Ways.context, Ways.context_with_executor, Ways.outliving_a_frame, Ways.outliving_a_context),
    *(Ways.nested, Ways.nested_in_pool, Ways.back_in_frame, Ways.deep),
)
FROM_THREADS: Final[tuple[SyncStyle, ...]] = (
    *(Ways.no_loop, Ways.no_loop, Ways.sync_call_form, Ways.back_in_caller, Ways.back_in_caller),
    *(Ways.single_thread, Ways.leaving_a_task, Ways.new_loop),
)
