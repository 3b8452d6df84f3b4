"""Who waits now, for what, and who is in the way: for errors, for the log, and for users who ask."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from typedbridge._core.awaits import calls_on, links
from typedbridge._core.callers import is_ours
from typedbridge._core.chains import Search, holder_of, name_of, working
from typedbridge._core.mailbox import loops
from typedbridge._core.marks import describe
from typedbridge._core.places import (
    UNKNOWN,
    frame_site,
    loop_thread,
    running_in,
    site_of,
    stack,
    thread_name,
)
from typedbridge._core.pool import pool
from typedbridge._core.scope import Hop, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor
    from types import FrameType

    from typedbridge._core.chains import Step

__all__ = [
    "Diagnosis",
    "Running",
    "Wait",
    "diagnosis",
    "in_the_way",
    "told",
    "waiting_calls",
    "ways",
]


#: Where the standard library is; what is installed for the user may be below.
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120  # compared as text


@dataclass(frozen=True)
class Running:
    """A function that runs, or a coroutine that has not ended."""

    #: Its module and qualified name.
    function: str
    #: Where it was called: file and line.
    called_at: str
    #: The name of the thread that it runs in.
    thread: str
    #: The line that it has come to: file and line.
    stands_at: str

    def __str__(self) -> str:
        return (
            f"{self.function}, called at {self.called_at}, in thread {self.thread!r}, "
            f"is at {self.stands_at}"
        )


@dataclass(frozen=True)
class Wait:
    """A function that waits, and what for."""

    #: Its module and qualified name.
    function: str
    #: Where it was called: file and line.
    called_at: str
    #: The name of the thread that it was called in; if it runs, of the one that it runs in.
    thread: str
    #: In words, such as "the worker pool".
    waits_for: str
    #: What has to end, or to go on, first.
    held_by: tuple[Running, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.function}, called at {self.called_at}, in thread {self.thread!r}, "
            f"waits for {self.waits_for}"
        )


@dataclass(frozen=True)
class Diagnosis:
    """Who waits for whom at one moment; `str` is for people."""

    #: All that waits: calls for their turn, blocking calls for their coroutines.
    waits: tuple[Wait, ...]
    #: Waits that will never end: in each, everyone waits for the next, and the last for the first.
    cycles: tuple[tuple[Wait, ...], ...]

    def __str__(self) -> str:
        if not self.waits:
            return "Nothing waits."
        lines = [f"{len(self.waits)} waiting:"]
        for wait in self.waits:
            lines.append(f"- {wait}")
            lines += [f"    which waits for: {running}" for running in wait.held_by]
        for cycle in self.cycles:
            lines.append("For ever, since each waits for the next, and the last one for the first:")
            lines += [f"- {wait}" for wait in cycle]
        return "\n".join(lines)


def told(step: Step) -> Wait:
    """Say who waits for what, without who is in the way."""
    if isinstance(step, Waiting):
        return Wait(
            describe(step.func),
            frame_site(step),
            thread_name(step._thread),
            "its coroutine, in async_to_sync" if _begun(step) else "its event loop to begin it",
        )
    if step.waits():
        thread, what = loop_thread(step.loop), name_of(step.lane)
    else:
        thread, what = running_in(step), "what it has called"
    return Wait(describe(step.func()), site_of(step), thread_name(thread), what)


def _begun(blocked: Waiting) -> bool:
    return blocked.task() is not None


def in_the_way(step: Step) -> tuple[Running, ...]:
    """Return what has to end, or to go on, before a wait ends."""
    if isinstance(step, Waiting):
        return (_coroutine(step),)
    return tuple(_function(call) for call in _holders(step.lane))


def _holders(lane: Executor | None) -> list[Hop]:
    if lane is pool:
        calls = [working(worker.job) for worker in list(pool.workers.values())]
        return [call for call in calls if call is not None]
    holder = holder_of(lane)
    return [] if holder is None else [holder]


def _function(call: Hop) -> Running:
    thread = running_in(call)
    return Running(describe(call.func()), site_of(call), thread_name(thread), _stands_at(thread))


def _stands_at(thread: int | None) -> str:
    """Return the innermost line of a thread that is the user's, if any is."""
    place = UNKNOWN
    for frame in stack(thread):
        if is_ours(frame):
            continue
        if not _is_standard(frame):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        if place is UNKNOWN:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return place


def _is_standard(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_STANDARD) and "site-packages" not in file


def _coroutine(blocked: Waiting) -> Running:
    task, loop = blocked.task(), blocked.loop
    thread = None if loop is None else loop_thread(loop)
    place = UNKNOWN
    if task is None:
        place = _stands_at(thread)  # what the loop's thread does instead
    else:
        for link in links(task):
            # Any: generators have a frame too, under another name.
            frame = getattr(link, "cr_frame", None)
            if frame is not None and not is_ours(frame) and not _is_standard(frame):
                place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return Running(describe(blocked.func), frame_site(blocked), thread_name(thread), place)


def waiting_calls() -> list[Hop]:
    """Return the calls that wait for their turn."""
    found: list[Hop] = []
    for loop in loops():
        try:
            pairs = calls_on(loop)
        except RuntimeError:  # its tasks changed under our hands, again and again
            continue
        found += [call for _, call in pairs if call.waits()]
    return found


def ways(steps: Iterable[Step]) -> list[list[Step]]:
    """Return the circles that waits are part of, each once."""
    found: list[list[Step]] = []
    known: set[int] = set()
    for step in steps:
        if id(step) in known:
            continue
        if isinstance(step, Waiting):
            way = Search(None, step).from_frame(step)
        else:
            way = Search(None, step).from_lane(step.lane)
            way = None if way is None else [step, *way]
        if way is not None:
            known.update(map(id, way))
            found.append(way)
    return found


def diagnosis(blocked: Iterable[Waiting]) -> Diagnosis:
    """Return who waits for whom now.

    :param blocked: the blocking calls.
    """
    steps: list[Step] = [*waiting_calls(), *blocked]
    return Diagnosis(
        tuple(
            Wait(wait.function, wait.called_at, wait.thread, wait.waits_for, in_the_way(step))
            for step in steps
            for wait in [told(step)]
        ),
        tuple(tuple(map(told, way)) for way in ways(steps)),
    )
