"""`Call`: one hop of a sync function to a thread and back."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import functools
import sys
from asyncio import CancelledError, Future, wait
from contextlib import nullcontext
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from typedbridge._core import vigil
from typedbridge._core.cancellation import Cancelling, cancellation, message_of, shield_from
from typedbridge._core.carry import exc_info_of, moved_in, mover
from typedbridge._core.chains import name_of
from typedbridge._core.deadlock import is_blocked, refuse_deadlock, refuse_if_all_wait
from typedbridge._core.jobs import DirectExecutor
from typedbridge._core.mailbox import mailbox_of
from typedbridge._core.observing import begin, watchers
from typedbridge._core.placement import lane_of, row_of
from typedbridge._core.pool import pool
from typedbridge._core.processes import is_in_processes, send
from typedbridge._core.scope import Hop, Mark, current_home, here, innermost_call
from typedbridge._core.seam import ASGIREF, modules, seam
from typedbridge._core.workers import Lane, refusal

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from concurrent.futures import Future as ThreadFuture

    from typedbridge._core.bridge import Bridge
    from typedbridge._core.frames import Frame


__all__ = ["Call"]

_NO_ARGUMENTS: tuple[tuple[Any, ...], Mapping[str, Any]] = ((), {})
_NO_CONTEXT = Context()


class Call(Hop):
    """One hop to a thread: what runs there, and how the outcome comes back.

    A `Job`: `run` and `displaced` are for the thread; the rest belongs to the awaiting coroutine.
    """

    __slots__ = (
        *("args", "arrived", "before", "bridge", "cancelling", "claim"),
        *("context", "error", "future", "handled", "kwargs", "mailbox"),
        *("moves", "observed", "submitted", "value"),
    )

    # Any: whatever the wrapped function takes and returns.
    def __init__(
        self,
        bridge: Bridge,
        loop: AbstractEventLoop,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        lane: Executor | None = None,
    ) -> None:
        if ASGIREF in modules and (
            seam.theirs is None or seam.theirs.single_thread_executor is not seam.lane
        ):
            seam.look()
        self.bridge = bridge
        self.loop = loop
        self.mailbox = mailbox_of(loop)
        self.args = args
        self.kwargs = kwargs
        scope = here.scope
        self.home = scope.home or current_home()
        mark = bridge.deadlock_context.get(None)
        self.origin = innermost_call(scope, mark)
        sensitive = bridge._thread_sensitive
        # A stream stays where its first step was placed.
        self.lane = lane = lane_of(bridge, loop, self.origin) if lane is None else lane
        self.nests = self.abandoned = False
        # In a lane that is free, or held by a call that is blocked in nothing of ours, there is nothing
        # to look for.
        if self.origin is not None or (
            sensitive
            and (
                mark is not None
                or not isinstance(lane, Lane)
                or ((holder := lane.post.job) is not None and is_blocked(holder))
            )
        ):
            refuse_deadlock(bridge, self, lane)
        #: What the function runs in, and how that looked before.
        self.context: Context
        if bridge.context is None:
            self.context = copy_context()
            # Marked before the copy, so that it is no change to carry back.
            if sensitive or self.origin is not None:
                self.context.run(bridge.deadlock_context.set, Mark(self))
            self.before = self.context.copy()
        else:
            self.context = bridge.context
            self.before = copy_context()
        #: Whether the context has values that can be seen in one thread only.
        # `in` stays in C, and no function is called: it would cost a quarter more.
        self.moves = mover.kind is not None and mover.kind in map(type, self.context.values())
        self.handled = sys.exception()
        self.frame = None
        #: Cancelled while the function ran, and waited for.
        self.cancelling: Cancelling | None = None
        #: Where a cancelled caller waits: whoever takes what is in it, the thread or the caller, decides
        #: whether the function runs.
        self.claim: list[None] | None = None if bridge._on_cancel == "abandon" else [None]
        self.future: Future[None] = Future(loop=loop)
        #: The future that an executor which is not ours gave for this call.
        self.submitted: ThreadFuture[Any] | None = None
        #: The outcome came when the future was cancelled, and the caller did not look yet.
        self.arrived = False
        self.value: Any = None
        self.error: BaseException | None = None
        #: What observers are told of it.
        self.observed = (
            begin("to_async", bridge.func, row_of(bridge, lane)) if watchers.on else None
        )

    def func(self) -> Callable[..., Any]:
        """Return what is called, for error messages."""
        return self.bridge.func

    def waits(self) -> bool:
        """Tell whether the call waits for its turn."""
        return self.kwargs is not _NO_ARGUMENTS[1] and not self.abandoned

    def holds_process_lane(self) -> bool:
        """Tell whether this runs in the lane of the process, or waits for it."""
        return self.lane is self.bridge.single_thread_executor

    def run(self) -> None:
        """Run the function in this thread, unless its caller has gone."""
        # Before the look at `abandoned`, since `abandon` clears them after setting it.
        args, kwargs = self.args, self.kwargs
        context, handled = self.context, self.handled
        if self.abandoned or not self._claim():
            return
        # Taken away: when the result arrives, nothing here keeps the arguments alive any more.
        self.args, self.kwargs = _NO_ARGUMENTS
        outer = here.scope
        here.scope = self
        try:
            try:
                bridge = self.bridge
                if self.observed is not None:
                    self.observed.start()
                if self.moves:
                    self.before = context.run(moved_in)
                # Beside `_run_in_handler`: building the partial and calling through costs 0.7 us.
                if (
                    type(bridge).thread_handler is type(bridge)._plain_handler
                    and "thread_handler" not in bridge.__dict__
                    and handled is None
                    and bridge.threadlocal is here
                ):
                    # Without keywords beside with them: unpacking none costs 0.03 us.
                    if kwargs:
                        self.value = context.run(bridge.func, *args, **kwargs)
                    else:
                        self.value = context.run(bridge.func, *args)
                else:
                    self.value = self._run_in_handler(
                        handled, context, functools.partial(bridge.func, *args, **kwargs)
                    )
            except BaseException as error:
                self.error = error
            finally:
                here.scope = outer
                if self.observed is not None:
                    self.observed.end(self.error)
                self.lane = None  # held no longer: what descends from this call may wait for it
                # An error's traceback holds this frame: keep nothing in it.
                del args, kwargs, context, handled
        finally:
            try:
                self.mailbox.deliver(self, self.loop)
            except BaseException:  # Ctrl-C, in a thread that waits: the outcome must not be lost
                self.mailbox.deliver(self, self.loop)
                raise

    def interrupted(self, error: BaseException) -> None:
        """Run if the function had not begun; else fail, unless there is an outcome."""
        if self.waits() and self.claim != []:
            self.run()
        elif not self.abandoned:
            self._settle(error)

    def _settle(self, error: BaseException) -> None:
        """Fail, unless there is an outcome; say that it is there, again if that was done."""
        if self.lane is not None:
            self.error = error
            self.lane = None
        self._answer()

    def _answer(self) -> None:
        """Have the caller look at the outcome, which came without the function's thread."""
        if self.observed is not None:
            self.observed.end(self.error)
        self.mailbox.deliver(self, self.loop)

    def _run_in_handler(
        self,
        handled: BaseException | None,
        context: Context,
        child: functools.partial[Any],
    ) -> Any:
        handler = self.bridge.thread_handler
        exc_info = exc_info_of(handled)
        threadlocal = self.bridge.threadlocal
        try:
            if threadlocal is here:
                return handler(self.loop, exc_info, [], context.run, child)
            outer = getattr(threadlocal, "main_event_loop", None)
            threadlocal.main_event_loop = self.loop
            try:
                return handler(self.loop, exc_info, [], context.run, child)
            finally:
                threadlocal.main_event_loop = outer
        finally:
            del handled, exc_info, context, child

    def displaced(self) -> None:
        """Go to the next lane: what was to run this has ended."""
        if self.abandoned:
            return
        try:
            lane = self.before.run(lane_of, self.bridge, self.loop, self.origin)
            if lane is self.lane:  # the user shut it down, or the interpreter is exiting
                raise refusal(name_of(lane))
            self.lane = lane
            self.hand_over()
        except BaseException as error:
            self.error = error
            self._answer()

    def hand_over(self) -> None:
        """Queue the call on its lane."""
        lane = self.lane
        if lane is pool:
            if pool.take(self, self.mailbox):
                refuse_if_all_wait(self)
        elif isinstance(lane, DirectExecutor):
            lane.put(self)
        elif lane is not None and is_in_processes(lane):
            submitted = self.submitted = send(
                lane, self.bridge, self.bridge.func, self.args, self.kwargs
            )
            self.args, self.kwargs = _NO_ARGUMENTS
            submitted.add_done_callback(self._came_back)
        elif lane is not None:
            submitted = self.submitted = lane.submit(self.run)
            submitted.add_done_callback(self._submitted_call_done)
            if not vigil.awake:
                vigil.rouse()

    def _came_back(self, future: ThreadFuture[Any]) -> None:
        """Take over the outcome of a function that ran in another process."""
        self.submitted = self.lane = None
        if self.abandoned or not self._claim():
            return
        if future.cancelled():
            self.error = CancelledError()
        else:
            self.error = future.exception()
            if self.error is None:
                self.value = future.result()
        self._answer()

    def _submitted_call_done(self, future: ThreadFuture[None]) -> None:
        """Notice that an executor which is not ours could not run the call."""
        self.submitted = None  # it keeps this callback, and so the call
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None and not self.abandoned:
            self._settle(error)

    def fail(self, error: BaseException) -> None:
        """Raise an error where the call is awaited, if it still waits. Called on the loop's thread."""
        if self.waits() and self._claim():
            self.abandon()
            self.error = error
            self._answer()

    def forget(self) -> None:
        """Come when the future was cancelled: dropped, unless the caller waits for the function."""
        self.arrived = True
        if self.claim is None:
            self.value = self.error = None

    def abandon(self) -> None:
        """Never run the function if it is still queued; drop what it would use."""
        self.abandoned = True
        self.args, self.kwargs = _NO_ARGUMENTS
        self.context = self.before = _NO_CONTEXT
        self.handled = None
        submitted = self.submitted
        if submitted is not None:
            submitted.cancel()
        self.value = self.error = None

    def _claim(self) -> bool:
        """Take the right to say whether the function runs; tell whether it was there."""
        if self.claim is None:
            return True
        try:
            self.claim.pop()
        except IndexError:
            return False
        return True

    def may_be_left(self) -> bool:
        """Tell a cancelled caller that it need not wait for the function."""
        submitted, lane = self.submitted, self.lane
        if self.claim and submitted is not None and lane is not None and is_in_processes(lane):
            return submitted.cancel()  # another process tells nobody when it begins
        return self.frame is None and self._claim()

    def pass_on(self) -> None:
        """Cancel the coroutine that the function is blocked in, if it was not told yet.

        Called by the thread that begins to wait for a coroutine, and by the caller that was cancelled:
        each looks when it has said what the other looks for, and one of them does it.
        """
        frame, cancelling = self.frame, self.cancelling
        if frame is None or frame.over or cancelling is None:
            return
        try:
            message = cancelling.untold.popleft()
        except IndexError:
            return
        frame.cancel(message)

    def take_back(self, frame: Frame) -> None:
        """Keep a cancellation that came too late for a coroutine: the function was not told."""
        missed = None if self.cancelling is None else frame.missed_cancellation()
        if missed is not None and self.cancelling is not None:
            self.cancelling.untold.extend(missed)

    def tell_unwanted(self) -> None:
        """Tell a function that runs, or will, that nobody awaits it any more. Called from any thread."""
        if self.cancelling is None:
            self.cancelling = Cancelling()
        self.cancelling.again(None)
        self.pass_on()

    def is_cancelled(self) -> bool:
        """Tell whether the caller does not want the outcome any more."""
        return self.abandoned or self.cancelling is not None

    def check_cancelled(self) -> None:
        """Raise `CancelledError` in the function if the caller was cancelled."""
        cancelling = self.cancelling
        if cancelling is not None:
            cancelling.untold.clear()
            raise cancellation(cancelling.message)
        if self.abandoned:
            raise CancelledError

    async def outlive_cancellation(self, cancelled: CancelledError) -> CancelledError:
        """Tell the running function of a cancellation, and wait for it.

        A coroutine that it is blocked in, or that it comes to, is cancelled. The outcome decides: a
        coroutine, or the function around it, may swallow a cancellation that it was told of.

        :param cancelled: what the awaiting task got.
        :returns: what it got last.
        """
        cancelling = self.cancelling = Cancelling()
        if self.future.done() and not self.future.cancelled():
            # The outcome came in the same turn of the loop, just before.
            cancelling.again(message_of(cancelled))
            return cancelled
        future = self.future = self.loop.create_future()  # the cancelled one takes no result
        try:
            while not future.done():
                cancelling.again(message_of(cancelled))
                if self.arrived:
                    break
                self.pass_on()
                # `wait` leaves the future alone when it is cancelled; each further cancellation of
                # the task reaches the coroutine, as it would without threads in between.
                try:
                    with nullcontext() if self.frame else shield_from(cancelled):
                        await wait({future})
                except CancelledError as again:
                    cancelled = again
            return cancelled
        finally:
            del cancelled  # its traceback holds this frame
