"""Process life: what a fork and the interpreter's exit do to threads, loops and frames."""

from __future__ import annotations

import atexit
import os
import time
from concurrent.futures import wait

from typedbridge._core import (
    carry,
    frames,
    loops,
    mailbox,
    places,
    scope,
    signals,
    spares,
    watch,
    worker_pool,
    workers,
)
from typedbridge._core.green import are_green
from typedbridge._core.observing import watchers
from typedbridge._core.pool import pool
from typedbridge._core.seam import ASGIREF, modules, seam

__all__: list[str] = []


def _forget() -> None:
    """Start a forked child without the parent's threads: they do not run there."""
    carry.forget()
    frames.forget()
    loops.forget()
    mailbox.forget()
    places.forget()
    scope.forget()
    spares.forget()
    workers.forget()
    pool.forget()
    worker_pool.forget()
    watch.forget()
    signals.reporter.forget()
    watchers.forget()


def _finish() -> None:
    """Let what is running and what is queued finish, then end the threads.

    That may make calls of its own. So nothing ends before all of it is over; waiting for what it
    leaves behind as well might take for ever, if a thread of the user's goes on calling. Workers end
    first: what they run may need a loop.
    """
    lanes = workers.lanes()
    pools = [pool, *(of_a_user.pool for of_a_user in worker_pool.worker_pools())]
    marks = [mark for each in pools for mark in each.mark()]
    for lane in lanes:
        marks += lane.mark()
    if are_green():
        while not all(mark.done() for mark in marks):
            time.sleep(
                0.001
            )  # to wait for other threads, with no greenlet left, is an error in gevent
    else:
        wait(marks)
    for each in pools:
        each.outlast()
    workers.stop()
    threads = [thread for each in pools for thread in each.finish()]
    for lane in workers.lanes():
        threads += lane.finish()
    for thread in threads:
        thread.join()
    watch.finish()
    spares.finish()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)
atexit.register(_finish)


def _look() -> None:
    """Join what asgiref in the process does, when it is there. What does that is not loaded before."""
    from typedbridge._core import beside  # noqa: PLC0415

    beside.look()


seam.look = _look
if ASGIREF in modules:
    _look()
