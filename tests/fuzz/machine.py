"""Runs a generated program with one library, and tells all that it saw."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from parity.library import LIMIT, Library, kind, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.programs import Step, Steps

    Log = list[object]

VARIABLES: Final = [
    contextvars.ContextVar[object](f"fuzz_{number}", default="unset") for number in range(2)
]


class OwnError(Exception):
    """An error that no library knows."""


ERRORS: Final[dict[str, type[Exception]]] = {
    "ValueError": ValueError,
    "KeyError": KeyError,
    "Own": OwnError,
}


class Victim:
    """A task that is to be cancelled when it has come to a certain step."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.there = asyncio.Event()

    def arrive(self) -> None:
        """Say that the step is reached. Called from any thread."""
        self._loop.call_soon_threadsafe(self.there.set)


class Machine:
    """One run of one program."""

    def __init__(self, lib: Library) -> None:
        self.lib = lib
        self.local = lib.Local()
        self.executor = lib.executor(workers=8)

        class Overridden(lib.SyncToAsync):  # type: ignore[misc, name-defined]  # known at run time
            def thread_handler(self, *args: object, **kwargs: object) -> object:
                return super().thread_handler(*args, **kwargs)

        self.Overridden = Overridden

    # Any: a bridge of either library.
    def bridge_to_async(self, way: str, function: Callable[[], None]) -> Any:
        """How a sync function is called from async code."""
        lib = self.lib
        if way == "lane":
            return lib.sync_to_async(function)
        if way == "pool":
            return lib.sync_to_async(function, thread_sensitive=False)
        if way == "mine":
            return lib.sync_to_async(function, thread_sensitive=False, executor=self.executor)
        if way == "overridden":
            return self.Overridden(function)
        return lib.sync_to_async(function, context=contextvars.copy_context())

    # -- steps of both colours -------------------------------------------------------------------

    def common(self, log: Log, step: Step) -> bool:
        """Do a step that is the same everywhere; false if it is another one."""
        name, *parts = step
        if name == "where":
            log.append(self.lib.where())
        elif name == "get":
            log.append([variable.get() for variable in VARIABLES])
        elif name == "set":
            VARIABLES[parts[0]].set(parts[1])
        elif name == "local get":
            log.append(["local", getattr(self.local, "value", "nothing")])
        elif name == "local set":
            self.local.value = parts[0]
        elif name == "handled":
            error = sys.exception()
            log.append(["handled", None if error is None else kind(error)])
        elif name == "raise":
            raise ERRORS[parts[0]]
        else:
            return False
        return True

    # -- sync code -------------------------------------------------------------------------------

    def sync(self, log: Log, steps: Steps, victim: Victim | None) -> None:
        for step in steps:
            if not self.common(log, step):
                name, *parts = step
                getattr(self, f"sync_{name.replace(' ', '_')}")(log, victim, *parts)

    def sync_try(self, log: Log, victim: Victim | None, steps: Steps, handler: Steps) -> None:
        try:
            self.sync(log, steps, victim)
        except BaseException as error:
            log.append(f"caught {kind(error)}")
            self.sync(log, handler, victim)

    def inner(self, log: Log, name: str) -> Log:
        """A log for steps that run elsewhere."""
        made: Log = [name]
        log.append(made)
        return made

    def sync_to_loop(self, log: Log, victim: Victim | None, force: bool, steps: Steps) -> None:
        async def coroutine() -> None:
            await self.coroutine(self.inner(log, "to loop"), steps, victim)

        self.lib.async_to_sync(coroutine, force_new_loop=force)()

    def sync_run(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        coroutine = self.coroutine(self.inner(log, "run"), steps, victim)
        try:
            asyncio.run(coroutine)
        finally:
            coroutine.close()  # where a loop runs already

    def sync_single(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        with self.lib.AsyncSingleThreadContext():
            self.sync(log, steps, victim)

    def sync_thread(self, log: Log, victim: Victim | None, copied: bool, steps: Steps) -> None:
        def function() -> None:
            name = "thread with the context" if copied else "thread"
            self.sync(self.inner(log, name), steps, victim)

        context = contextvars.copy_context() if copied else contextvars.Context()
        # Without a limit: a program that waits for ever is said to hang, and not something else.
        errors: list[BaseException] = []

        def guarded() -> None:
            try:
                context.run(function)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=self.lib.in_role, args=(guarded,), daemon=True)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]

    # -- async code ------------------------------------------------------------------------------

    async def coroutine(self, log: Log, steps: Steps, victim: Victim | None) -> None:
        for step in steps:
            if not self.common(log, step):
                name, *parts = step
                await getattr(self, f"async_{name.replace(' ', '_')}")(log, victim, *parts)

    async def async_turn(self, log: Log, victim: Victim | None) -> None:
        await asyncio.sleep(0)

    async def async_try(
        self, log: Log, victim: Victim | None, steps: Steps, handler: Steps
    ) -> None:
        try:
            await self.coroutine(log, steps, victim)
        except BaseException as error:
            log.append(f"caught {kind(error)}")
            await self.coroutine(log, handler, victim)

    async def async_to_thread(
        self, log: Log, victim: Victim | None, way: str, steps: Steps
    ) -> None:
        def function() -> None:
            self.sync(self.inner(log, way), steps, victim)

        await self.bridge_to_async(way, function)()

    async def async_inline(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        self.sync(log, steps, victim)

    async def async_task(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        await asyncio.create_task(self.coroutine(self.inner(log, "task"), steps, victim))

    async def async_gather(self, log: Log, victim: Victim | None, many: list[Steps]) -> None:
        tasks = [self.coroutine(self.inner(log, "one of many"), steps, victim) for steps in many]
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        log.append([kind(one) if isinstance(one, BaseException) else None for one in ended])

    async def async_leave(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        """Leave a task behind that waits until its loop, or its call, ends."""
        inner = self.inner(log, "left over")
        begun = asyncio.Event()

        async def left_over() -> None:
            for step in steps:
                # What it does must be over when this code goes on.
                if step[0] != "raise":
                    self.common(inner, step)
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                inner.append("cancelled")
                raise

        task = asyncio.create_task(left_over())
        kept.append(task)
        await begun.wait()

    async def async_context(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        async with self.lib.ThreadSensitiveContext():
            await self.coroutine(log, steps, victim)

    async def async_executor_context(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        async with self.lib.ThreadSensitiveContext(executor=self.executor):
            await self.coroutine(log, steps, victim)

    # -- cancellation ----------------------------------------------------------------------------

    async def async_cancel_yourself(self, log: Log, victim: Victim | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    async def async_until_cancelled(self, log: Log, victim: Victim | None) -> None:
        """Where nobody will cancel it, go on."""
        if victim is not None:
            victim.arrive()
            try:
                await asyncio.Event().wait()
            finally:
                log.append(kind(sys.exception() or OwnError()))

    async def async_cancelled(self, log: Log, victim: Victim | None, steps: Steps) -> None:
        """Cancel a task where it waits for that, if it comes there."""
        new = Victim()
        task = asyncio.create_task(self.coroutine(self.inner(log, "victim"), steps, new))
        arrival = asyncio.create_task(new.there.wait())
        await asyncio.wait({task, arrival}, return_when=asyncio.FIRST_COMPLETED)
        arrival.cancel()
        task.cancel()
        await asyncio.wait({task})
        error = None if task.cancelled() else task.exception()
        log.append("cancelled" if task.cancelled() else None if error is None else kind(error))

    async def async_queued(self, log: Log, victim: Victim | None) -> None:
        """Cancel a sensitive call that waits for its turn."""
        begun, opened = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        ran: list[str] = []

        def hold() -> None:
            loop.call_soon_threadsafe(begun.set)
            opened.wait(LIMIT)

        first = asyncio.create_task(self.lib.sync_to_async(hold)())
        arrival = asyncio.create_task(begun.wait())
        await asyncio.wait({first, arrival}, return_when=asyncio.FIRST_COMPLETED)
        arrival.cancel()
        second = asyncio.create_task(self.lib.sync_to_async(ran.append)("ran"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second})
        opened.set()
        await asyncio.wait({first})
        log.append([ended(first), ended(second), ran])


kept: list[asyncio.Task[None]] = []
"""Left-over tasks: a loop has only weak references to them."""


def ended(task: asyncio.Task[Any]) -> str:
    """How a task ended."""
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return "returned" if error is None else f"raised {kind(error)}"


def outcome(steps: Steps, package: str) -> object:
    """All that a program saw, and how it ended."""
    log: Log = []

    def program(lib: Library) -> object:
        try:
            Machine(lib).sync(log, steps, None)
        finally:
            kept.clear()
        return "returned"

    return [run(program, package), log]
