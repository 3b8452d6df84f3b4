"""Beside asgiref: when and how the two libraries become one set of lanes, frames, loops and contexts."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, Literal

from typedbridge._core import stand_ins, their_contexts, visitors
from typedbridge._core.carry import mover
from typedbridge._core.contexts import ThreadSensitiveContext
from typedbridge._core.jobs import DirectExecutor
from typedbridge._core.places import all_frames
from typedbridge._core.scope import loop_frames
from typedbridge._core.seam import ASGIREF, modules, seam
from typedbridge._core.to_async import SyncToAsync
from typedbridge._core.to_sync import AsyncToSync

if TYPE_CHECKING:
    from contextvars import ContextVar

__all__ = ["look", "state"]

# Any, throughout: what is asgiref's is of whatever version is there.

#: The attributes that are joined, and the methods that must read them at each call.
_READ: Final = {
    ("SyncToAsync", "__call__"): (
        "context_to_thread_executor",
        "deadlock_context",
        "executors",
        "loop_thread_executors",
        "single_thread_executor",
        "thread_sensitive_context",
    ),
    ("SyncToAsync", "thread_handler"): ("threadlocal",),
    ("AsyncToSync", "__call__"): ("executors", "threadlocal"),
}


class _CannotJoinError(Exception):
    """asgiref is not as this module knows it."""


_looking: Final = threading.Lock()


class _State:
    """How asgiref and this library stand to each other."""

    way: Literal["not met", "beside", "apart", "in place"] = "not met"
    reason = ""


def state() -> tuple[str, str]:
    """Return how the two stand to each other, and why."""
    return _State.way, _State.reason


def look() -> None:
    """Join the two libraries, once, when asgiref is there."""
    module: Any = modules.get(ASGIREF)
    if not hasattr(module, "sync_to_async"):
        return  # another thread is in the middle of importing it
    with _looking:
        if _State.way != "not met":
            return
        if module is modules.get("typedbridge.sync"):
            _decide("in place", "typedbridge.asgiref.install() was called")
        elif os.environ.get("TYPEDBRIDGE_ASGIREF") == "apart":
            _decide("apart", "TYPEDBRIDGE_ASGIREF=apart is set")
        else:
            _join_if_possible(module)


def _decide(way: Literal["beside", "apart", "in place"], reason: str) -> None:
    _State.way, _State.reason = way, reason
    seam.look = stand_ins.lane.follow if way == "beside" else _nothing


def _nothing() -> None:
    pass


def _join_if_possible(module: Any) -> None:
    try:
        kept = _checked(module)
    except _CannotJoinError as error:
        _decide("apart", str(error))
        warnings.warn(
            f"typedbridge cannot join this version of asgiref: {error}. In this process each of the "
            f"two keeps lanes, loops and contexts of its own: do not mix them in what belongs together, "
            f"or call typedbridge.asgiref.install() first of all",
            RuntimeWarning,
            stacklevel=2,
        )
    else:
        _join(module, kept)
        _decide("beside", "asgiref is in the process")


def _checked(module: Any) -> tuple[ContextVar[Any], Any]:
    """Look before anything is changed.

    :returns: the context variable in which `AsyncToSync.executors` keeps its values, and such values.
    :raises _CannotJoinError: if this is no asgiref that could be joined.
    """
    for (owner, method), names in _READ.items():
        function = getattr(getattr(module, owner, None), method, None)
        if function is None:
            raise _CannotJoinError(f"asgiref.sync has no {owner}.{method}")
        code = getattr(function, "__code__", None)
        # Where a tool has put a method of its own there, asgiref's is out of sight.
        if code is not None and getattr(function, "__module__", "") == ASGIREF:
            missing = [name for name in names if name not in code.co_names]
            if missing:
                raise _CannotJoinError(f"{owner}.{method} does not use {', '.join(missing)}")
    to_async, to_sync = module.SyncToAsync, module.AsyncToSync
    for owner, names in (
        (to_async, ("context_to_thread_executor", "single_thread_executor", "threadlocal")),
        (to_sync, ("executors", "loop_thread_executors")),
    ):
        for name in names:
            if not hasattr(owner, name):
                raise _CannotJoinError(f"there is no {owner.__name__}.{name}")
    kept = _kept_by(to_sync.executors)
    if kept is None or not (isinstance(kept[1], dict) or _can_move(kept[1])):
        raise _CannotJoinError("asgiref.local.Local keeps its values in a way that is not known")
    return kept


def _kept_by(local: Any) -> tuple[ContextVar[Any], Any] | None:
    """Return the context variable in which a `Local` of asgiref's keeps its values, and those."""
    context = Context()
    context.run(setattr, local, "current", None)
    return next(iter(context.items()), None) if len(context) == 1 else None


def _can_move(stored: Any) -> bool:
    """Tell whether values that are of one thread can be made values of another."""
    try:
        made = type(stored)(0, {"current": None})
        return bool(made.data == stored.data and stored.thread_id == threading.get_ident())
    except (AttributeError, TypeError):
        return False


def _join(module: Any, kept: tuple[ContextVar[Any], Any]) -> None:
    to_async, to_sync = module.SyncToAsync, module.AsyncToSync
    stand_ins.Asgiref.sync = module
    stand_ins.Asgiref.executors = to_sync.executors
    stand_ins.Asgiref.threadlocal = to_async.threadlocal
    stand_ins.Asgiref.variable, stored = kept
    mover.kind = None if isinstance(stored, dict) else type(stored)
    # A lane that has a thread stays: what is bound to the thread, such as a connection, is used again.
    theirs = to_async.single_thread_executor
    if type(theirs) is ThreadPoolExecutor and not getattr(theirs, "_threads", True):
        to_async.single_thread_executor = stand_ins.lane
    # asgiref's variables, since it sets one back with the token that it got from it.
    if ThreadSensitiveContext.used:
        their_contexts.Before.variable = SyncToAsync.thread_sensitive_context
        seam.entered_before = True
    SyncToAsync.thread_sensitive_context = to_async.thread_sensitive_context
    to_async.context_to_thread_executor = SyncToAsync.context_to_thread_executor = (
        their_contexts.Kept(
            to_async.thread_sensitive_context,
            their_contexts.lane_for,
            {**to_async.context_to_thread_executor, **SyncToAsync.context_to_thread_executor},
        )
    )
    if hasattr(to_sync, "async_single_thread_context"):  # from 3.10 on
        AsyncToSync.async_single_thread_context = to_sync.async_single_thread_context
        to_sync.context_to_thread_executor = AsyncToSync.context_to_thread_executor = (
            their_contexts.Kept(
                to_sync.async_single_thread_context,
                their_contexts.loop_for,
                {**to_sync.context_to_thread_executor, **AsyncToSync.context_to_thread_executor},
            )
        )
    loop_frames.update(to_sync.loop_thread_executors)
    to_sync.loop_thread_executors = stand_ins.LoopExecutors()
    to_sync.executors = stand_ins.Executors()
    to_async.threadlocal = stand_ins.ThreadLocal()
    to_async.deadlock_context = stand_ins.DeadlockContext()
    seam.theirs, seam.lane = to_async, to_async.single_thread_executor
    if _has_begun():
        seam.earlier_frames, seam.earlier_frame = (
            stand_ins.Asgiref.variable,
            stand_ins.earlier_frame,
        )
        seam.earlier_local, seam.earlier_loop = (
            stand_ins.Asgiref.threadlocal,
            stand_ins.earlier_loop,
        )
    DirectExecutor.job_of = staticmethod(stand_ins.job_of)
    seam.as_ours = their_contexts.as_ours
    seam.on_parting = _part
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=visitors.forget)


def _has_begun() -> bool:
    """Tell whether a thread is in the middle of a call of asgiref's.

    Only then there is anything to find of what was before. Asked when all is in place: a call that begins
    later begins there.
    """
    return any(frame.f_globals.get("__name__") == ASGIREF for _, frame in all_frames())


def _part() -> None:
    mover.kind = None
    DirectExecutor.job_of = None
