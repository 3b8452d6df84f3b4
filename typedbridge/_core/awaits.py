"""What does a task wait for? Found from outside, so that no call pays for what only errors tell."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
from asyncio import Future, Task
from contextlib import suppress
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from typedbridge._core.scope import Hop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable, Iterator

__all__ = ["Needs", "call_of", "calls_on", "enclosed", "first_of", "links", "needs"]

#: What a task needs to go on: a call, what a thread of an executor does, or other tasks, all of them.
Needs: TypeAlias = "Hop | concurrent.futures.Future[Any] | list[Task[Any]]"

_KINDS: Final = (CoroutineType, GeneratorType, AsyncGeneratorType)

#: The coroutines in which a call is awaited.
_WAITERS: Final = frozenset({"__call__", "outlive_cancellation", "_arrive", "through"})

#: Classes of context managers that end a wait when its time has come.
_TIMERS: Final = frozenset({"Timeout", "CancelScope"})


# Any, here and below: coroutines, generators and what wraps them have different attributes.
def links(task: Task[Any]) -> Iterator[Any]:
    """Yield the coroutines of a task, from the outermost to the one that is suspended."""
    link: Any = task.get_coro()
    while link is not None:
        yield link
        link = _next(link)


def _next(link: Any) -> Any:
    for name in ("cr_await", "gi_yieldfrom", "ag_await"):
        inner = getattr(link, name, None)
        if inner is not None:
            return inner
    if isinstance(link, _KINDS):
        return None
    # A step of an async generator, or `coroutine.__await__()`: only the collector sees into it.
    return first_of(gc.get_referents(link), *_KINDS)


def first_of(things: Iterable[Any], *kinds: type[Any]) -> Any:
    """Return the first of some things that is of a kind."""
    for thing in things:
        found = thing  # a name of its own, which a check of its class does not narrow
        if isinstance(thing, kinds):
            return found
    return None


def call_of(link: Any) -> Hop | None:
    """Return the call that one of a task's coroutines awaits."""
    # Not `f_locals`: where that is a copy, it would keep the arguments until the coroutine ends.
    if getattr(link, "__name__", None) not in _WAITERS:
        return None
    return next((held for held in gc.get_referents(link) if isinstance(held, Hop)), None)


def needs(task: Task[Any]) -> Needs | None:
    """Return what a task cannot go on without: nothing, if it goes on, or may do so in time.

    Nothing also for what cannot be told: a future that somebody will set, or that somebody may cancel.
    """
    waits_on: Future[Any] | None = getattr(task, "_fut_waiter", None)
    if waits_on is None or waits_on.done() or task.cancelling():
        return None
    found: Needs | None = None
    for link in links(task):
        held = gc.get_referents(link)
        if any(_ends_in_time(thing) for thing in held):
            return None
        found = call_of(link) or _members(link, held, waits_on) or found
    # It may have gone on while its coroutines were looked at.
    if waits_on.done() or getattr(task, "_fut_waiter", waits_on) is not waits_on:
        return None
    return found or _children(waits_on) or _source(waits_on)


def _ends_in_time(thing: Any) -> bool:
    # Of a block that is entered, the stack has the bound method that leaves it.
    timer = getattr(thing, "__self__", thing)
    if type(timer).__name__ not in _TIMERS:
        return False
    when = getattr(timer, "when", None)
    deadline = when() if callable(when) else getattr(timer, "deadline", None)
    return deadline is not None and deadline != float("inf")


def _children(waits_on: Future[Any]) -> list[Task[Any]] | None:
    """Return the tasks behind a future that a task awaits: itself, or those of a `gather`."""
    if isinstance(waits_on, Task):
        return [waits_on]
    return _unfinished(getattr(waits_on, "_children", ()))


def _source(waits_on: Future[Any]) -> concurrent.futures.Future[Any] | None:
    """Return the executor's future that sets one of asyncio's, as in `run_in_executor`."""
    for callback, *_ in getattr(waits_on, "_callbacks", None) or ():
        found: concurrent.futures.Future[Any] | None = first_of(
            enclosed(callback), concurrent.futures.Future
        )
        if found is not None:
            return found
    return None


def enclosed(callback: Any) -> list[Any]:
    """Return what a function has from the code around it."""
    cells: list[Any] = []
    for cell in getattr(callback, "__closure__", None) or ():
        with suppress(ValueError):  # it is empty
            cells.append(cell.cell_contents)
    return cells


def _members(link: Any, held: list[Any], waits_on: Future[Any]) -> list[Task[Any]] | None:
    """Return the tasks that a task group, or `asyncio.wait`, waits for."""
    for thing in held:
        if getattr(thing, "_on_completed_fut", None) is waits_on:
            return _unfinished(getattr(thing, "_tasks", ()))
    if getattr(link, "__name__", None) == "_wait" and not any(
        isinstance(thing, int | float)
        for thing in held  # its timeout
    ):
        return _unfinished(first_of(held, set) or ())
    return None


def _unfinished(futures: Any) -> list[Task[Any]] | None:
    """Return the tasks that go on: none at all if one of the futures is no task."""
    waiting = [future for future in list(futures) if not future.done()]
    return waiting if waiting and all(isinstance(future, Task) for future in waiting) else None


def calls_on(loop: AbstractEventLoop) -> list[tuple[Task[Any], Hop]]:
    """Return the calls that the tasks of a loop await, each with its task."""
    found: list[tuple[Task[Any], Hop]] = []
    for task in asyncio.all_tasks(loop):
        call = next(filter(None, map(call_of, links(task))), None)
        if call is not None:
            found.append((task, call))
    return found
