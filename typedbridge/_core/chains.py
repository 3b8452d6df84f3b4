"""Who waits for whom: the way from one wait to the next, as far as it is certain."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import concurrent.futures
import inspect
import threading
from asyncio import Task
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from typedbridge._core.awaits import enclosed, first_of, needs
from typedbridge._core.crews import Either
from typedbridge._core.current_thread import CurrentThreadExecutor
from typedbridge._core.marks import describe
from typedbridge._core.places import all_frames, hop_in, loop_thread, running_in, stack, variables
from typedbridge._core.pool import pool
from typedbridge._core.scope import Hop, Waiting, hop_of
from typedbridge._core.worker_pool import WorkerPool
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Executor
    from types import FrameType


__all__ = [
    "Search",
    "Step",
    "holder_of",
    "is_one_thread",
    "name_of",
    "running",
    "working",
]

#: A call that waits for its thread, a call that runs and is blocked, a blocking call.
Step: TypeAlias = "Hop | Waiting"

#: Functions in which a thread is blocked until a task, a thread or a future is done.
_BLOCKING: Final = frozenset({"exception", "join", "result", "run", "run_until_complete", "wait"})


def name_of(lane: Executor | None) -> str:
    """Return what an error message calls a lane."""
    if lane is pool:
        return "the worker pool"
    if isinstance(lane, Lane):
        return f"the lane {lane.name!r}"
    if isinstance(lane, WorkerPool):
        return f"the pool {lane.name!r}"
    if isinstance(lane, Waiting):
        return f"the thread that waits in async_to_sync({describe(lane.func)})"
    return f"the lane {lane!r}"


def holder_of(lane: Executor | None) -> Hop | None:
    """Return the call that has a lane's thread: none, if it is free or the lane is not ours."""
    job: object = None
    if isinstance(lane, Lane):
        job = lane.post.job
    elif isinstance(lane, CurrentThreadExecutor):
        job = lane.job
    elif is_one_thread(lane):
        return next((call for call in running() if call.lane is lane), None)
    return hop_of(job)


def is_one_thread(lane: Executor | None) -> bool:
    """Tell whether an executor of the user's runs one call at a time."""
    return isinstance(lane, concurrent.futures.ThreadPoolExecutor) and lane._max_workers == 1


def running() -> list[Hop]:
    """Return the calls that run in any thread."""
    return [call for _, frame in all_frames() if (call := hop_in(frame)) is not None]


def working(job: object) -> Hop | None:
    """Return the call that a worker runs."""
    if isinstance(job, Either):
        job = job.job
    return hop_of(job)


class Search:
    """Looks for a way from a wait back to a task.

    A wait counts only if nothing but what it waits for can end it. So a way that is found is certain:
    unless somebody cancels one of them from outside, none of those on it will ever go on.

    :param goal: the task that is about to await the first of them; else that is suspended.
    :param waiting: the first of them.
    """

    def __init__(self, goal: Task[Any] | None, waiting: Step) -> None:
        self._goal = goal
        self._waiting = waiting
        #: The calls inside which the first one was made. They count as waiting for a thread of theirs
        #: also where they do so with a timeout: it is the way to the call.
        self._around: set[int] = set()
        outer = waiting.origin if isinstance(waiting, Hop) else None
        while outer is not None:
            self._around.add(id(outer))
            outer = outer.origin
        self._seen: set[int] = set()
        self._loops: set[int] = set()
        self._joined: set[int | None] = set()

    def from_lane(self, lane: Executor | None) -> list[Step] | None:
        """Return who waits for whom, from the one who holds a lane to the goal."""
        if lane is pool:
            return self._from_pool()
        holder = holder_of(lane)
        return None if holder is None else self.from_running(holder)

    def _from_pool(self) -> list[Step] | None:
        """All workers must wait: the first that does not takes the call."""
        if len(pool.workers) < pool.most:
            return None
        ways: list[list[Step]] = []
        for worker in list(pool.workers.values()):
            call = working(worker.job)
            way = None if call is None else self._again().from_running(call)
            if way is None:
                return None
            ways.append(way)
        return max(ways, key=len, default=None)

    def _again(self) -> Search:
        return _InPool(self._goal, self._waiting)

    def from_running(self, call: Hop) -> list[Step] | None:
        """Return who waits for whom, from a call that runs to the goal."""
        if id(call) in self._seen:
            return None
        self._seen.add(id(call))
        frame = call.frame
        if frame is not None:
            way = self.from_frame(frame)
        else:
            way = self._from_thread(running_in(call), call)
        return None if way is None else [call, *way]

    def from_frame(self, frame: Waiting) -> list[Step] | None:
        """Return who waits for whom, from a blocking call to the goal."""
        if id(frame) in self._seen:
            return [] if frame is self._waiting else None
        self._seen.add(id(frame))
        inside = holder_of(frame)
        way = None if inside is None else self.from_running(inside)
        if way is None:
            task = frame.task()
            if task is not None:
                way = self._from_task(task)
            elif frame.asks():
                way = self._from_loop(frame.loop)
        return None if way is None else [frame, *way]

    def _from_loop(self, loop: AbstractEventLoop | None) -> list[Step] | None:
        """Go on from a loop that does not turn, since its thread waits for another one."""
        thread = None if loop is None else loop_thread(loop)
        if thread is None or thread in self._loops:
            return None
        self._loops.add(thread)
        for frame in stack(thread):
            if frame.f_code.co_name in _BLOCKING and not frame.f_code.co_name.startswith("run"):
                way = self._from_block(
                    frame.f_code.co_name, variables(frame), innermost=True, timed=False
                )
                if way is not None:
                    return way
            if not _waits_below(frame):
                return None
        return None

    def _from_task(self, task: Task[Any]) -> list[Step] | None:
        if task is self._goal:
            return []
        if id(task) in self._seen or task.done():
            return None
        self._seen.add(id(task))
        match needs(task):
            case None:
                return self._from_loop(task.get_loop())
            case Hop() as call:
                return self._from_call(call)
            case concurrent.futures.Future() as future:
                return self._from_future(future)
            case tasks:
                return self._from_all(tasks)

    def _from_all(self, tasks: Iterable[Task[Any]]) -> list[Step] | None:
        """One that goes on may fail, and so end the wait for all."""
        way: list[Step] | None = None
        for task in tasks:
            way = self._from_task(task)
            if way is None:
                return None
        return way

    def _from_call(self, call: Hop) -> list[Step] | None:
        if call is self._waiting:
            return []
        if not call.waits():
            return self.from_running(call)
        if self.pool_will_do(call):
            return [call]
        way = self.from_lane(call.lane)
        return None if way is None else [call, *way]

    def pool_will_do(self, call: Hop) -> bool:
        """Tell whether a wait for the pool ends the way."""
        del call
        return False

    def _from_future(self, future: concurrent.futures.Future[Any]) -> list[Step] | None:
        """Go on to the thread, or the task, that sets a future."""
        for callback in list(getattr(future, "_done_callbacks", ())):
            task = first_of(enclosed(callback), Task)
            if task is not None:  # `asyncio.run_coroutine_threadsafe`
                return self._from_task(task)
        for thread, frame in all_frames():
            item = variables(frame).get("self") if frame.f_code.co_name == "run" else None
            if getattr(item, "future", None) is future:
                return self._from_thread(thread)
        return None

    def _from_thread(self, thread: int | None, call: Hop | None = None) -> list[Step] | None:
        """Go on from what a thread is blocked in: a loop, a blocking call, another thread.

        :param call: look only inside of this one; if it runs no more, there is no way.
        """
        way: list[Step] | None = None
        innermost = True
        for frame in stack(thread):
            name = frame.f_code.co_name
            if name in _BLOCKING:
                if call is not None and hop_in(frame) is call:
                    return way
                if way is None:
                    held = variables(frame)
                    timed = call is not None and id(call) in self._around
                    way = self._from_block(name, held, innermost=innermost, timed=timed)
            innermost = innermost and _waits_below(frame)
        return way if call is None else None

    # Any: what the code of the standard library has in its variables.
    def _from_block(
        self, name: str, held: Mapping[str, Any], *, innermost: bool, timed: bool
    ) -> list[Step] | None:
        owner = held.get("self")
        if name == "wait":
            return self.from_frame(owner) if isinstance(owner, Waiting) else None
        if name in ("run_until_complete", "run"):
            task = first_of(held.values(), Task)
            return None if task is None else self._from_task(task)
        if innermost and (timed or held.get("timeout") is None):
            if isinstance(owner, threading.Thread) and owner.ident not in self._joined:
                self._joined.add(owner.ident)
                return self._from_thread(owner.ident)
            future = first_of([owner], concurrent.futures.Future)
            if future is not None:
                return self._from_future(future)
        return None


def _waits_below(frame: FrameType) -> bool:
    return (inspect.getmodulename(frame.f_code.co_filename) or "") in ("threading", "_base")


class _InPool(Search):
    """A search in which a wait for the pool ends the way: it waits for the same."""

    def pool_will_do(self, call: Hop) -> bool:
        return call.lane is pool
