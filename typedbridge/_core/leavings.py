"""What user code leaves on an event loop of ours, and how it is ended before the next call."""

from __future__ import annotations

import asyncio
import sys

# Not when it is needed: its module cannot be imported while the interpreter exits, and threads may make calls.
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncGenerator, Coroutine, Sequence, Sized

__all__ = ["ROUNDS", "Leavings"]

#: Python 3.13.0 sets the name of what a task factory made to ``str(None)`` where it was given none, and
#: does so behind the factory. Later versions of 3.13 do not, or pass the name to the factory.
_NAMES_ARE_LOST = sys.version_info[:2] == (3, 13)


class _NamedTask(asyncio.Task[Any]):
    """A task that keeps the name it was made with."""

    def set_name(self, value: object, /) -> None:
        """Set the name, unless there is none to set."""
        if value is not None:
            super().set_name(value)


# What tasks are called in logs and debuggers.
_NamedTask.__name__ = _NamedTask.__qualname__ = "Task"

#: How often the tasks that a call left are cancelled, with those that their cleanup makes.
ROUNDS = 10


class Leavings:
    """Tasks, async generators, timers and settings on a loop that is used again."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._generators: WeakSet[AsyncGenerator[Any, Any]] = WeakSet()
        factory: Any = self._make_task  # Any: typeshed's protocol asks for a generic callable
        self._factory = factory
        loop.set_task_factory(factory)
        # Ours, so that one that user code sets can be told from it.
        self._executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
        loop.set_default_executor(self._executor)
        self._debug = loop.get_debug()
        self._slow = loop.slow_callback_duration
        # Callbacks that wait for their turn; the one that reads the loop's own wake-up is nobody's. There
        # is no public name for either: of loops that do not show them nothing is known.
        self._ready: Sequence[object] = getattr(loop, "_ready", ())
        self._wake_up = _reader_of_wake_ups(loop)

    # -- what there is -----------------------------------------------------------------------

    def watch_generators(self) -> None:
        """Know the async generators of this thread, since `shutdown_asyncgens` ends a loop's life."""
        firstiter, _ = sys.get_asyncgen_hooks()

        def watch(generator: AsyncGenerator[Any, Any]) -> None:
            self._generators.add(generator)
            if firstiter is not None:
                firstiter(generator)

        sys.set_asyncgen_hooks(firstiter=watch)

    def note(self, task: asyncio.Task[Any]) -> None:
        """Know a task that the loop's factory has not made."""
        self._tasks.add(task)

    def _make_task(
        self, loop: AbstractEventLoop, coro: Coroutine[Any, Any, Any], **kwargs: Any
    ) -> asyncio.Task[Any]:
        """Make a task of the user's (the loop's task factory)."""
        # `asyncio.all_tasks` would do without, but walks the tasks of every loop of the process.
        task: asyncio.Task[Any]
        if "name" in kwargs or not _NAMES_ARE_LOST:
            task = asyncio.Task(coro, loop=loop, **kwargs)
        else:
            task = _NamedTask(coro, loop=loop, **kwargs)
        self._tasks.add(task)
        return task

    def factory_is_ours(self) -> bool:
        """Whether user code has left the loop's task factory alone."""
        return self._loop.get_task_factory() is self._factory

    def tasks(self) -> set[asyncio.Task[Any]] | None:
        """Return the tasks to end: `None` where there is nothing to end, or to set back."""
        loop = self._loop
        if (
            loop.get_exception_handler() is None
            and self.factory_is_ours()
            and loop.get_debug() == self._debug
            and loop.slow_callback_duration == self._slow
        ):
            tasks: set[asyncio.Task[Any]] = set()
            if self._tasks:
                tasks = self._unfinished()
            if tasks or self._generators or self._has_callbacks():
                return tasks
            self._cancel_timers()
            return None
        tasks = asyncio.all_tasks(loop)
        tasks.discard(asyncio.current_task(loop))
        return tasks

    def _unfinished(self) -> set[asyncio.Task[Any]]:
        """Return the tasks that still run, and forget the others.

        How a finished task ended is told to whoever asks it; asyncio reports what nobody asked for
        when the task is collected. The user may hold it for long, over many other calls.
        """
        tasks = set(self._tasks)
        finished = {task for task in tasks if task.done()}
        self._tasks -= finished
        return tasks - finished

    def _has_callbacks(self) -> bool:
        ready = self._ready
        return bool(ready) and (len(ready) > 1 or ready[0] is not self._wake_up)

    def traceless(self) -> bool:
        """Whether nothing is left that cannot be ended or set back.

        What asyncio's loops do not tell publicly is looked up; uvloop does not show it at all.
        """
        loop = self._loop
        selector: Any = getattr(loop, "_selector", None)  # Any: there is no public name for it
        open_files: Sized = selector.get_map() or () if hasattr(selector, "get_map") else ()
        return (
            getattr(loop, "_default_executor", self._executor) is self._executor
            and not getattr(loop, "_executor_shutdown_called", False)
            # The loop's own wake-up, and nothing that user code left open.
            and len(open_files) <= 1
        )

    # -- the end of it -----------------------------------------------------------------------

    async def end(self, tasks: set[asyncio.Task[Any]]) -> bool:
        """End what a call left, and set back what it changed; tell whether all has ended."""
        try:
            # A cleanup may make tasks as well. One that goes on making them is left to its fate.
            for _ in range(ROUNDS):
                await self._end_tasks(tasks)
                tasks = self._unfinished()
                if not tasks:
                    break
            await self._end_generators()
            return await self._run_callbacks() and not tasks
        finally:
            self._cancel_timers()
            self._loop.set_debug(self._debug)
            self._loop.slow_callback_duration = self._slow
            self._loop.set_exception_handler(None)
            self._loop.set_task_factory(self._factory)

    async def _run_callbacks(self) -> bool:
        """Have the callbacks run that a call left, as `asyncio.run` does; tell whether all have.

        One that asks for another turn each time goes on in no other call: the loop is thrown away.
        """
        for _ in range(ROUNDS):
            if not self._has_callbacks():
                return True
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        return not self._has_callbacks()

    async def end_all(self) -> None:
        """End all that is on the loop, which is closed next."""
        own = asyncio.current_task()
        await self._end_tasks({task for task in asyncio.all_tasks() if task is not own})
        await self._end_generators()
        with suppress(RuntimeError):  # at exit no thread can be started, as this needs
            await self._loop.shutdown_default_executor()

    def _cancel_timers(self) -> None:
        # They cannot be listed publicly; uvloop's are not found, and fire when their time comes.
        for timer in getattr(self._loop, "_scheduled", ()):
            timer.cancel()

    async def _end_tasks(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Cancel tasks and await them; tell the loop's exception handler of errors nobody handled."""
        for task in tasks:
            task.cancel()
        await _all_done(tasks)
        for task in tasks:
            # asyncio's own mark: whether anybody has asked for the error. A task class without it is
            # taken for one whose error nobody has seen.
            handled = not getattr(task, "_log_traceback", True)
            if not task.cancelled() and not handled and (error := task.exception()) is not None:
                self._loop.call_exception_handler(
                    {
                        "message": "unhandled exception in a task left over by async_to_sync",
                        "exception": error,
                        "task": task,
                    }
                )

    async def _end_generators(self) -> None:
        generators = list(self._generators)
        self._generators.clear()
        # Each in a task of its own, as in `loop.shutdown_asyncgens`: one whose cleanup is cancelled
        # does not keep the others from theirs.
        closing = [asyncio.ensure_future(generator.aclose()) for generator in generators]
        await _all_done(set(closing))
        for generator, closed in zip(generators, closing, strict=True):
            if not closed.cancelled() and (error := closed.exception()) is not None:
                self._loop.call_exception_handler(
                    {
                        "message": f"an error occurred while closing {generator!r}",
                        "exception": error,
                        "asyncgen": generator,
                    }
                )


async def _all_done(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait for tasks, also when cancelled meanwhile: a clean-up goes on."""
    while pending := {task for task in tasks if not task.done()}:
        with suppress(asyncio.CancelledError):
            await asyncio.wait(pending)


def _reader_of_wake_ups(loop: AbstractEventLoop) -> object:
    """Return the callback of a loop that takes up what other threads told it."""
    selector: Any = getattr(loop, "_selector", None)  # Any: as in `traceless`
    socket: Any = getattr(loop, "_ssock", None)
    return None if selector is None or socket is None else selector.get_key(socket).data[0]
