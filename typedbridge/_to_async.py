"""`SyncToAsync`: one call of a sync function from async code, start to end."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import functools
import sys
from asyncio import AbstractEventLoop, CancelledError, Future, get_running_loop, wait
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from typedbridge._carry import (
    Mark,
    carry_back,
    current_call,
    current_home,
    exc_info_of,
    here,
    innermost_call,
    outcome_error,
    run_handling,
)
from typedbridge._jobs import DirectExecutor
from typedbridge._mailbox import mailbox_of
from typedbridge._marks import (
    adopt_attributes,
    describe,
    is_async,
    is_generator,
    markcoroutinefunction,
    refuse_descriptors,
)
from typedbridge._placement import lane_of, name_of, process_lane, refuse_deadlock
from typedbridge._workers import Lane, refusal

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from concurrent.futures import Future as ThreadFuture

    from typedbridge._contexts import ThreadSensitiveContext
    from typedbridge._frames import Frame

__all__ = ["Call", "SyncToAsync"]

_P = ParamSpec("_P")
_R_co = TypeVar("_R_co", covariant=True)


_NO_ARGUMENTS: tuple[tuple[Any, ...], Mapping[str, Any]] = ((), {})
_NO_CONTEXT = Context()


class Call:
    """One hop to a thread: what runs there, and how the outcome comes back.

    A `Job`: `run` and `displaced` are for the thread; the rest belongs to the awaiting coroutine.
    """

    __slots__ = (
        "__weakref__",
        "abandoned",
        "args",
        "before",
        "bridge",
        "context",
        "error",
        "frame",
        "future",
        "handled",
        "home",
        "kwargs",
        "lane",
        "loop",
        "mailbox",
        "origin",
        "submitted",
        "value",
    )

    # Any: whatever the wrapped function takes and returns.
    def __init__(
        self,
        bridge: SyncToAsync[..., Any],
        loop: AbstractEventLoop,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.bridge = bridge
        self.loop = loop
        self.mailbox = mailbox_of(loop)
        self.args = args
        self.kwargs = kwargs
        scope = here.scope
        self.home: object | None = scope.home or current_home()
        mark = bridge.deadlock_context.get(None)
        #: The call inside which this one is made.
        self.origin: Call | None = innermost_call(scope, mark)
        sensitive = bridge._thread_sensitive
        lane = lane_of(bridge, loop)
        # Outside of all calls a lane cannot be held by one that waits for this: no need to look.
        if sensitive and (
            self.origin is not None or mark is not None or not isinstance(lane, Lane)
        ):
            refuse_deadlock(self, lane)
        #: What runs this; `None` when it has run.
        self.lane: Executor | None = lane
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
        self.handled = sys.exception()
        #: The `async_to_sync` call that the function is blocked in.
        self.frame: Frame | None = None
        self.future: Future[None] = Future(loop=loop)
        #: The future that an executor which is not ours gave for this call.
        self.submitted: ThreadFuture[None] | None = None
        self.abandoned: bool = False
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Run the function in this thread, unless its caller has gone."""
        # Before the look at `abandoned`, since `abandon` clears them after setting it.
        args, kwargs = self.args, self.kwargs
        context, handled = self.context, self.handled
        if self.abandoned:
            return
        # Taken away: when the result arrives, nothing here keeps the arguments alive any more.
        self.args, self.kwargs = _NO_ARGUMENTS
        outer = here.scope
        here.scope = self
        try:
            try:
                bridge = self.bridge
                # Beside `_run_in_handler`: building the partial and calling through costs 0.7 us.
                if (
                    type(bridge).thread_handler is _THREAD_HANDLER
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
                self.lane = None  # held no longer: what descends from this call may wait for it
                # An error's traceback holds this frame: keep nothing in it.
                del args, kwargs, context, handled
        finally:
            try:
                self.mailbox.deliver(self, self.loop)
            except BaseException:  # Ctrl-C, in a thread that waits: the outcome must not be lost
                self.mailbox.deliver(self, self.loop)
                raise

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
            lane = self.before.run(lane_of, self.bridge, self.loop)
            if lane is self.lane:  # the user shut it down, or the interpreter is exiting
                raise refusal(name_of(lane))
            self.lane = lane
            self.hand_over()
        except BaseException as error:
            self.error = error
            self.mailbox.deliver(self, self.loop)

    def hand_over(self) -> None:
        """Queue the call on its lane."""
        lane = self.lane
        if isinstance(lane, DirectExecutor):
            lane.put(self)
        elif lane is not None:
            submitted = self.submitted = lane.submit(self.run)
            submitted.add_done_callback(self._submitted_call_done)

    def _submitted_call_done(self, future: ThreadFuture[None]) -> None:
        """Notice that an executor which is not ours could not run the call."""
        self.submitted = None  # it keeps this callback, and so the call
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None and not self.abandoned:
            self.error = error
            self.mailbox.deliver(self, self.loop)

    def forget(self) -> None:
        """Drop the outcome: nobody awaits it any more."""
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
        self.forget()

    async def outlive_cancellation(self) -> None:
        """Cancel the coroutine that the running function is blocked in, and wait for the function.

        Its outcome decides: a coroutine, or the function around it, may swallow a cancellation.
        """
        self.future = self.loop.create_future()  # the cancelled one takes no result
        while not self.future.done():
            if self.frame is not None:
                self.frame.cancel()
            # `wait` leaves the future alone when it is cancelled; each further cancellation of the
            # task reaches the coroutine, as it would without threads in between.
            with suppress(CancelledError):
                await wait({self.future})


class SyncToAsync(Generic[_P, _R_co]):
    """A blocking function made awaitable.

    The function runs in a thread that `docs/contract.md`, section 1, names: by default where all
    sensitive calls run one at a time, with ``thread_sensitive=False`` in a pool of worker threads.
    The event loop goes on meanwhile.

    :param func: a sync callable.
    :param thread_sensitive: run in the thread that sensitive calls share.
    :param executor: run there instead; needs ``thread_sensitive=False``.
    :param context: run in this context; what the function sets there is not carried back.
    :raises TypeError: if ``func`` cannot be wrapped; the message says what to do instead.
    """

    #: Read and replaced by users, so looked up on every call.
    threadlocal: threading.local = here
    single_thread_executor: Executor = process_lane
    thread_sensitive_context: ContextVar[ThreadSensitiveContext] = ContextVar(
        "thread_sensitive_context"
    )
    deadlock_context: ContextVar[object] = current_call
    context_to_thread_executor: WeakKeyDictionary[object, Executor] = WeakKeyDictionary()

    def __init__(
        self,
        func: Callable[_P, _R_co],
        thread_sensitive: bool = True,
        executor: Executor | None = None,
        context: Context | None = None,
    ) -> None:
        _refuse(func, thread_sensitive, executor)
        adopt_attributes(self, func)
        self.func = func
        self._thread_sensitive = thread_sensitive
        self._executor = executor
        self.context = context
        markcoroutinefunction(self)
        instance = getattr(func, "__self__", None)
        if instance is not None:
            self.__self__ = instance

    async def __call__(self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Run the function in its thread and return its result.

        :raises DeadlockError: if the call would wait for a lane that its own chain holds.
        """
        loop = get_running_loop()
        call = Call(self, loop, args, kwargs)
        try:
            call.hand_over()
            try:
                await call.future
            except CancelledError:
                if call.frame is None:
                    raise
                await call.outlive_cancellation()
            if self.context is None:
                carry_back(call.before, call.context)
            if call.error is not None:
                raise outcome_error(call.error)
            # Taken away: the worker thread may still hold the call for a moment.
            value: _R_co = call.value
            call.value = None
            return value
        except BaseException:
            call.abandon()
            raise
        finally:
            # An exception's traceback holds this frame: keep nothing in it.
            del call, args, kwargs

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # Any: the stub is exact
        """Bind like a function; on a class, give the bridge itself."""
        return self if instance is None else MethodType(self, instance)

    def thread_handler(
        self,
        loop: AbstractEventLoop,
        exc_info: tuple[Any, Any, Any],
        task_context: list[Any] | None,
        func: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Run one call in its thread. Override to do something around it.

        :param loop: the loop that awaits the call.
        :param exc_info: what the caller was handling, as `sys.exc_info` tells it.
        :param func: runs what it is given in the call's context.
        :param args: the call itself, a `functools.partial`.
        :returns: the call's result.
        """
        if exc_info[1] is None:
            return func(*args, **kwargs)
        try:
            return run_handling(exc_info[1], func, *args, **kwargs)
        finally:
            # The function may raise what is handled, whose traceback then holds this frame.
            del exc_info, args, kwargs


_THREAD_HANDLER: Callable[..., Any] = vars(SyncToAsync)["thread_handler"]


def _refuse(func: object, thread_sensitive: bool, executor: object) -> None:
    """Raise `TypeError` for what cannot be wrapped."""
    refuse_descriptors("sync_to_async", func)
    if not callable(func):
        raise TypeError(f"sync_to_async: {func!r} is not callable; pass a function")
    name = describe(func)
    if is_generator(func):
        raise TypeError(
            f"sync_to_async cannot wrap the generator function {name}: its body would run in the "
            f"event loop's thread; wrap a function that returns a list instead"
        )
    if is_async(func):
        raise TypeError(
            f"sync_to_async can only wrap sync functions, and {name} is a coroutine function: "
            f"await it as it is"
        )
    if executor is None:
        return
    if thread_sensitive:
        raise TypeError(
            f"sync_to_async({name}): an executor needs thread_sensitive=False, since a sensitive "
            f"call runs where all others run"
        )
    if not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"sync_to_async({name}): executor must have a submit method, as a "
            f"concurrent.futures.Executor has, and {executor!r} has none"
        )
