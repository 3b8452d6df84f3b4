"""`AsyncToSync`: one blocking call of an async function from sync code, start to end."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import inspect
import sys
import warnings
from asyncio import AbstractEventLoop, _get_running_loop
from concurrent.futures import Executor, Future
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from typedbridge._core.call import Call
from typedbridge._core.callers import caller_level
from typedbridge._core.carry import (
    carry_back,
    exc_info_of,
    handling,
    mover,
    noted,
    outcome_error,
)
from typedbridge._core.frame_local import FrameLocal
from typedbridge._core.frames import Frame
from typedbridge._core.guests import ask_factory, start_task
from typedbridge._core.likeness import SYNC, Likeness
from typedbridge._core.loops import LoopThread, thread_of
from typedbridge._core.mailbox import tell
from typedbridge._core.marks import (
    adopt_attributes,
    describe,
    is_async,
    is_async_generator,
    is_generator,
    refuse_descriptors,
)
from typedbridge._core.observing import begin, watchers
from typedbridge._core.scope import Outside, current_frame, here, innermost_frame, loop_frames
from typedbridge._core.seam import ASGIREF, modules, seam
from typedbridge._core.spares import Lease, NewLoop, Shared
from typedbridge._core.threadless import NO_THREADS, run_here
from typedbridge._core.to_async import SyncToAsync

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Protocol

    from typedbridge._core.current_thread import CurrentThreadExecutor
    from typedbridge._core.local import Local

    class LoopOwner(Protocol):
        """What a call asks of an `AsyncSingleThreadContext`."""

        def _loop_thread(self, threads: MutableMapping[object, Executor]) -> LoopThread | None: ...


__all__ = ["AsyncToSync", "enter", "outer_frame"]

_P = ParamSpec("_P")
_R_co = TypeVar("_R_co", covariant=True)


class AsyncToSync(Likeness, Generic[_P, _R_co]):
    """A coroutine function made callable from sync code.

    The coroutine runs in the event loop of the enclosing `sync_to_async` call, or else in a loop
    thread of the library; the calling thread waits, and meanwhile runs the sensitive work that the
    coroutine sends back to it.

    :param awaitable: a callable that returns an awaitable.
    :param force_new_loop: run in a new event loop that is closed afterwards.
    :raises TypeError: if ``awaitable`` cannot be wrapped; the message says what to do instead.
    """

    #: Read by users; `executors.current` is set by them as well.
    executors: Local = FrameLocal()
    loop_thread_executors: dict[AbstractEventLoop, CurrentThreadExecutor] = loop_frames
    async_single_thread_context: ContextVar[LoopOwner] = ContextVar("async_single_thread_context")
    context_to_thread_executor: WeakKeyDictionary[object, Executor] = WeakKeyDictionary()

    def __init__(
        self, awaitable: Callable[_P, Awaitable[_R_co]], force_new_loop: bool = False
    ) -> None:
        _refuse(awaitable)
        if ASGIREF in modules:
            seam.look()
        adopt_attributes(self, awaitable)
        self.awaitable = awaitable
        self.force_new_loop = force_new_loop
        instance = getattr(awaitable, "__self__", None)
        if instance is not None:
            self.__self__ = instance

    _colour = SYNC

    def _below(self) -> Callable[_P, Awaitable[_R_co]]:
        return self.awaitable

    def __call__(self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Run the coroutine and return its result. Blocks the calling thread.

        :raises RuntimeError: in a thread whose event loop is running: await the coroutine there; or
            if the loop that runs the coroutine is stopped.
        :raises TypeError: if what the function returned cannot be awaited.
        """
        if _get_running_loop() is not None:
            raise RuntimeError(
                f"async_to_sync({describe(self.awaitable)}) was called in a thread whose event "
                f"loop is running, which it would block: await {describe(self.awaitable)} instead"
            )
        if ASGIREF in modules and seam.theirs is None:  # its lane is looked at by calls for a lane
            seam.look()
        awaitable = self.awaitable(*args, **kwargs)
        del args, kwargs
        if not inspect.isawaitable(awaitable):
            raise TypeError(
                f"async_to_sync: {describe(self.awaitable)} returned {awaitable!r}, "
                f"which cannot be awaited: call it directly"
            )
        outer = current_frame.get()
        frame = Frame(self.awaitable, innermost_frame())
        token = current_frame.set(frame)
        try:
            if watchers.on:
                frame.observed = begin("to_sync", self.awaitable)
            frame.handled = sys.exception()
            before = copy_context()
            self._run(outer, frame, awaitable, before.copy())
            if frame.context is not None:
                carry_back(before if frame.moved is None else frame.moved, frame.context)
            if frame.error is not None:
                raise outcome_error(frame.error)
            if frame.observed is not None:
                frame.observed.end(None)
            value: _R_co = frame.value
            return value
        except BaseException as error:
            if frame.observed is not None:
                frame.observed.end(error)
            raise
        finally:
            current_frame.reset(token)
            frame.close()
            # Contexts that outlive the call hold the frame; tracebacks hold this one.
            frame.value = frame.error = frame.refused = frame.handled = None
            frame.context = frame.moved = None
            del outer, frame, awaitable

    def _run(
        self,
        outer: CurrentThreadExecutor | None,
        frame: Frame,
        awaitable: Awaitable[_R_co],
        context: Context,
    ) -> None:
        """Have a loop run the awaitable, and wait.

        :param outer: the frame that the calling code was started in; it may have ended.
        """
        scope = here.scope
        call = scope if isinstance(scope, Call) else None
        wrapped: Awaitable[object] = awaitable
        layers: list[Awaitable[Any]] = []
        blocked_in = None if call is None else call.frame
        try:
            if call is not None:
                outer = outer_frame(call, outer)
                enter(call, frame)
            # Asked of the class, since a tool's wrapper around a method shows the `__func__` in it. With the
            # frame alone in the context, looking through it would be half of what asgiref's presence costs.
            if (
                type(self).main_wrap is not _MAIN_WRAP
                or "main_wrap" in self.__dict__
                or scope.tasks is not None
                or (
                    mover.kind is not None
                    and len(context) > 1
                    and mover.kind in map(type, context.values())
                )
            ):
                context = self._wrap(frame, awaitable, context, layers)
                wrapped = layers[-1]
            enclosing = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
            if enclosing is None and call is not None:
                enclosing = call.loop
            if not self._run_in_enclosing_loop(enclosing, outer, frame, wrapped, context):
                self._run_in_library_loop(frame, wrapped, context)
        finally:
            if call is not None:
                call.frame = blocked_in
                call.take_back(frame)
            if frame.stage != "answered" or frame.error is not None:
                _close_if_not_begun([awaitable, *layers])

    def _run_in_enclosing_loop(
        self,
        loop: AbstractEventLoop | None,
        outer: CurrentThreadExecutor | None,
        frame: Frame,
        awaitable: Awaitable[object],
        context: Context,
    ) -> bool:
        """Run in the loop of the enclosing call; tell whether it could take the coroutine."""
        if loop is None or self.force_new_loop or not loop.is_running():
            return False
        thread = thread_of(loop)
        if thread is not None:
            # The loop serves another frame when the outer one has ended.
            begin = partial(thread.begin_inside, outer, frame)
        else:
            # A task factory that the user set sees this task too.
            begin = partial(
                frame.begin, start_task if loop.get_task_factory() is None else ask_factory
            )
        frame.loop = loop
        frame.ask(loop, partial(tell, loop, begin, awaitable, context), loop)
        if frame.stage != "gone":
            return True
        frame.again()
        return False

    def _run_in_library_loop(
        self, frame: Frame, awaitable: Awaitable[object], context: Context
    ) -> None:
        """Run in a loop thread; in another one if that ends before it has begun."""
        if NO_THREADS:
            run_here(frame, awaitable, context)
            return
        while True:
            lease = self._lease()
            try:
                thread = lease.take()
                frame.loop = thread.loop
                start = partial(thread.start, frame, awaitable, context)
                frame.ask(thread.loop, start, None)
            finally:
                if frame.over:
                    lease.end()
                elif lease.thread is not None:
                    if not frame.rests:  # a second Ctrl-C: the loop is still busy
                        lease.thread.abandon(frame)
                    frame.at_last(lease.end)
            if frame.stage != "gone":
                return
            frame.again()

    def _lease(self) -> Lease:
        """Return what gives a loop thread to one call."""
        if self.force_new_loop:
            return NewLoop()
        single = self.async_single_thread_context.get(None)
        if single is not None and seam.as_ours is not None:
            single = seam.as_ours(single)
        kept = None if single is None else single._loop_thread(self.context_to_thread_executor)
        return Lease() if kept is None else Shared(kept)

    def _wrap(
        self,
        frame: Frame,
        awaitable: Awaitable[_R_co],
        context: Context,
        layers: list[Awaitable[Any]],
    ) -> Context:
        """Add what is to be awaited around the awaitable, and return the context to run it in.

        :param layers: gets it, from the inside out.
        """
        layers.append(awaitable)
        contexts = [context]
        if type(self).main_wrap is not _MAIN_WRAP or "main_wrap" in self.__dict__:
            layers.append(self._in_main_wrap(frame, awaitable, contexts))
        tasks = here.scope.tasks
        if tasks is not None:  # of a call of asgiref's
            layers.append(noted(layers[-1], tasks))
        if mover.kind is not None and mover.kind in map(type, contexts[0].values()):
            layers.append(frame.arriving(layers[-1]))
        return contexts[0]

    def _in_main_wrap(
        self, frame: Frame, awaitable: Awaitable[_R_co], contexts: list[Context]
    ) -> Awaitable[_R_co]:
        """Call a `main_wrap` that is not ours, in the calling thread, and return what to await.

        :param contexts: has the context that the call is to run in; an override may put another there.
        """
        call_result: Future[_R_co] = Future()
        exc_info = exc_info_of(frame.handled)
        frame.handled = None
        task_context: list[Any] | None = None if isinstance(here.scope, Outside) else []
        try:
            wrapping = self.main_wrap(call_result, exc_info, task_context, contexts, awaitable)
        finally:
            del exc_info
        if not inspect.isawaitable(wrapping):
            raise TypeError(
                f"{type(self).__qualname__}.main_wrap returned {wrapping!r}, which cannot be "
                f"awaited: return what super().main_wrap(...) does"
            )
        return self._result_of(wrapping, call_result)

    async def _result_of(self, wrapping: Awaitable[object], call_result: Future[_R_co]) -> _R_co:
        """Await an overridden `main_wrap` and return what it put into the future."""
        try:
            await wrapping
            if not call_result.done():
                raise RuntimeError(
                    f"{type(self).__qualname__}.main_wrap gave no result for "
                    f"{describe(self.awaitable)}: await super().main_wrap(...) in it"
                )
            return call_result.result()
        finally:
            # An exception's traceback holds this frame, and an override's, which has the future.
            call_result._exception = None
            del call_result, wrapping

    async def main_wrap(
        self,
        call_result: Future[_R_co],
        exc_info: tuple[Any, Any, Any],
        task_context: list[Any] | None,
        context: list[Context],
        awaitable: Awaitable[_R_co],
    ) -> None:
        """Await one call in the loop. Override to do something around it.

        :param call_result: takes the result or the error.
        :param exc_info: what the caller was handling, as `sys.exc_info` tells it.
        :param context: a list with the context that the call runs in.
        :param awaitable: the call itself.
        """
        handled: BaseException | None = exc_info[1]
        try:
            result = await (awaitable if handled is None else handling(handled, awaitable))
        except BaseException as error:
            call_result.set_exception(error)
        else:
            call_result.set_result(result)
        finally:
            # The task ran in this context: what an override reads of it afterwards.
            context[0] = copy_context()
            del call_result, handled, exc_info  # an exception's traceback holds this frame


_MAIN_WRAP: Callable[..., Any] = vars(AsyncToSync)["main_wrap"]


def enter(call: Call, frame: Frame) -> None:
    """Have a call know the frame that its function blocks in."""
    call.frame = frame
    if call.cancelling is not None:
        call.pass_on()


def outer_frame(call: Call, frame: CurrentThreadExecutor | None) -> CurrentThreadExecutor | None:
    """Return the frame that a call was made in, whatever context its function runs in.

    :param frame: of that context.
    """
    return frame if call.bridge.context is None else call.before.get(current_frame)


def _close_if_not_begun(layers: list[Awaitable[Any]]) -> None:
    """Keep coroutines that no loop has entered from warning that nobody awaited them."""
    for one in reversed(layers):
        if inspect.iscoroutine(one) and inspect.getcoroutinestate(one) == inspect.CORO_CREATED:
            one.close()


def _refuse(awaitable: object) -> None:
    """Raise `TypeError` for what cannot be wrapped, and warn of what may be a mistake."""
    refuse_descriptors("async_to_sync", awaitable)
    if not callable(awaitable):
        hint = ": pass the function, not its call" if inspect.isawaitable(awaitable) else ""
        raise TypeError(f"async_to_sync: {awaitable!r} is not callable{hint}")
    if is_async_generator(awaitable):
        raise TypeError(
            f"async_to_sync cannot wrap the async generator function {describe(awaitable)}: "
            f"use async_to_sync_generator instead"
        )
    if is_generator(awaitable):
        raise TypeError(
            f"async_to_sync cannot wrap the generator function {describe(awaitable)}: "
            f"use for as it is"
        )
    if not is_async(awaitable):
        warnings.warn(
            f"async_to_sync was given {describe(awaitable)}, which is not marked as a coroutine "
            f"function; use markcoroutinefunction if it returns an awaitable",
            UserWarning,
            stacklevel=caller_level(),
        )
