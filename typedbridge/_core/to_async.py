"""`SyncToAsync`: the wrapper class that makes a blocking function awaitable."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, get_running_loop
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from typedbridge._core.call import Call
from typedbridge._core.carry import carry_back, outcome_error, run_handling
from typedbridge._core.likeness import ASYNC, Likeness
from typedbridge._core.marks import (
    adopt_attributes,
    describe,
    is_async,
    is_async_generator,
    is_generator,
    markcoroutinefunction,
    refuse_descriptors,
)
from typedbridge._core.placement import process_lane
from typedbridge._core.scope import current_call, here
from typedbridge._core.seam import ASGIREF, modules, seam

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from concurrent.futures import Executor

    from typedbridge._core.cancellation import OnCancel
    from typedbridge._core.placement import SensitiveContext

__all__ = ["SyncToAsync", "refuse_executor", "refuse_options"]

_P = ParamSpec("_P")
_R_co = TypeVar("_R_co", covariant=True)


class SyncToAsync(Likeness, Generic[_P, _R_co]):
    """A blocking function made awaitable.

    The function runs in a thread that `docs/contract.md`, section 1, names: by default where all
    sensitive calls run one at a time, with ``thread_sensitive=False`` in a pool of worker threads.
    The event loop goes on meanwhile.

    :param func: a sync callable.
    :param thread_sensitive: run in the thread that sensitive calls share.
    :param executor: run there instead; needs ``thread_sensitive=False``.
    :param context: run in this context; what the function sets there is not carried back.
    :param on_cancel: what a cancelled call does about a function that runs: ``"abandon"`` it, at once,
        or ``"wait"`` for its end. One that has not begun never runs.
    :raises TypeError: if ``func`` cannot be wrapped; the message says what to do instead.
    :raises ValueError: if ``on_cancel`` is neither.
    """

    #: Read and replaced by users, so looked up on every call.
    threadlocal: threading.local = here
    single_thread_executor: Executor = process_lane
    thread_sensitive_context: ContextVar[SensitiveContext] = ContextVar("thread_sensitive_context")
    deadlock_context: ContextVar[object] = current_call
    context_to_thread_executor: WeakKeyDictionary[object, Executor] = WeakKeyDictionary()
    #: To tell whether somebody overrode or replaced `thread_handler`.
    _plain_handler: ClassVar[object]

    def __init__(
        self,
        func: Callable[_P, _R_co],
        thread_sensitive: bool = True,
        executor: Executor | None = None,
        context: Context | None = None,
        *,
        on_cancel: OnCancel = "abandon",
    ) -> None:
        _refuse(func, thread_sensitive, executor, on_cancel)
        if ASGIREF in modules:
            seam.look()
        adopt_attributes(self, func)
        self.func = func
        self._thread_sensitive = thread_sensitive
        self._executor = executor
        self.context = context
        self._on_cancel: OnCancel = on_cancel
        self._mark()
        instance = getattr(func, "__self__", None)
        if instance is not None:
            self.__self__ = instance

    _colour = ASYNC

    def _below(self) -> Callable[_P, _R_co]:
        return self.func

    def _mark(self) -> None:
        markcoroutinefunction(self)

    async def __call__(self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Run the function in its thread and return its result.

        :raises DeadlockError: if the call would wait for a lane that its own chain holds.
        """
        loop = get_running_loop()
        call = Call(self, loop, args, kwargs)
        cancelled: CancelledError | None = None
        try:
            call.hand_over()
            try:
                await call.future
            except CancelledError as error:
                if call.observed is not None:
                    call.observed.cancel()
                if call.may_be_left():
                    raise
                cancelled = await call.outlive_cancellation(error)
            if self.context is None:
                carry_back(call.before, call.context)
            if call.error is not None:
                try:
                    raise outcome_error(call.error)
                except CancelledError:
                    # The task's own, not that of the coroutine below: those who cancelled the task
                    # know theirs.
                    if cancelled is None:
                        raise
                    raise cancelled  # noqa: B904  # the coroutine's becomes its context
            if call.cancelling is not None and call.cancelling.untold and cancelled is not None:
                raise cancelled  # the function never knew
            # Taken away: the worker thread may still hold the call for a moment.
            value: _R_co = call.value
            call.value = None
            return value
        except BaseException:
            call.abandon()
            raise
        finally:
            # An exception's traceback holds this frame: keep nothing in it.
            del call, cancelled, args, kwargs

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


SyncToAsync._plain_handler = vars(SyncToAsync)["thread_handler"]


def _refuse(func: object, thread_sensitive: bool, executor: object, on_cancel: object) -> None:
    """Raise `TypeError` for what cannot be wrapped."""
    refuse_descriptors("sync_to_async", func)
    if not callable(func):
        raise TypeError(f"sync_to_async: {func!r} is not callable; pass a function")
    name = describe(func)
    if is_async_generator(func):
        raise TypeError(
            f"sync_to_async cannot wrap the async generator function {name}: use async for as it is"
        )
    if is_generator(func):
        raise TypeError(
            f"sync_to_async cannot wrap the generator function {name}: its body would run in the "
            f"event loop's thread; use sync_to_async_generator instead"
        )
    if is_async(func):
        raise TypeError(
            f"sync_to_async can only wrap sync functions, and {name} is a coroutine function: "
            f"await it as it is"
        )
    refuse_options(f"sync_to_async({name})", thread_sensitive, executor, on_cancel)


def refuse_options(
    bridge: str, thread_sensitive: bool, executor: object, on_cancel: object
) -> None:
    """Raise for options that there are not, or that do not go together.

    :raises TypeError: for an executor that is none, or that would not be used.
    :raises ValueError: for another ``on_cancel`` than there are.
    """
    if on_cancel not in ("abandon", "wait"):
        raise ValueError(f"{bridge}: on_cancel must be 'abandon' or 'wait', not {on_cancel!r}")
    if executor is None:
        return
    if thread_sensitive:
        raise TypeError(
            f"{bridge}: an executor needs thread_sensitive=False, since a sensitive "
            f"call runs where all others run"
        )
    refuse_executor(bridge, executor)


def refuse_executor(user: str, executor: object) -> None:
    """Raise `TypeError` for what nothing can be submitted to."""
    if isinstance(executor, type):
        raise TypeError(f"{user}: executor must be an instance; {executor!r} is the class, call it")
    if not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"{user}: executor must have a submit method, as a "
            f"concurrent.futures.Executor has, and {executor!r} has none"
        )
