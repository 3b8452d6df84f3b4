"""Context managers on the other side: `AsyncManager` for a sync one, `SyncManager` for an async one."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from asyncio import CancelledError, current_task, get_running_loop
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typedbridge._core.carry import carry_back, exc_info_of, outcome_error
from typedbridge._core.feed import Visit
from typedbridge._core.keeping import Kept, through
from typedbridge._core.marks import describe
from typedbridge._core.stream_to_sync import SyncStream

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from types import TracebackType

    from typedbridge._core.call import Call

__all__ = ["AsyncManager", "SyncManager", "is_async_manager", "is_manager"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


def is_manager(thing: object) -> bool:
    """Tell whether ``with`` takes something. Special methods are looked up on its class."""
    return hasattr(type(thing), "__enter__") and hasattr(type(thing), "__exit__")


def is_async_manager(thing: object) -> bool:
    """Tell whether ``async with`` takes something."""
    return hasattr(type(thing), "__aenter__") and hasattr(type(thing), "__aexit__")


# Any: it has the methods of a manager.
def _kind(manager: object) -> Any:
    """Return the class of a manager, on which ``with`` looks up its methods."""
    return type(manager)


class _Entered(Generic[_T]):
    """What is inside of a manager now: each ``with`` block has one of these.

    One object may be entered by several tasks or threads at once, and by each of them several times.
    """

    def __init__(self) -> None:
        self._blocks: list[tuple[object, _T]] = []

    def add(self, owner: object, block: _T) -> None:
        """Note a block that was entered."""
        self._blocks.append((owner, block))

    def take(self, owner: object, name: str) -> _T:
        """Return the block that is left: the innermost of the owner's, or else of anybody's."""
        blocks = list(self._blocks)  # other threads add theirs and take them out
        if not blocks:
            raise RuntimeError(f"{name} is left without having been entered")
        pair = ([pair for pair in blocks if pair[0] == owner] or blocks)[-1]
        self._blocks.remove(pair)
        return pair[1]


class _Held:
    """A sync context manager between its enter and its exit, which run in one thread."""

    def __init__(self, make: Callable[[], AbstractContextManager[Any, Any]], name: str) -> None:
        self._make = make
        self.__module__, _, self.__qualname__ = name.rpartition(".")
        self._manager: Any = None

    def __call__(self, step: Callable[..., Any], *args: object) -> Any:
        return step(*args)

    def enter(self) -> Any:
        """Make the manager and enter it."""
        manager = self._make()
        if not is_manager(manager):
            raise TypeError(f"{describe(self)} gives {manager!r}, which is no context manager")
        value = _kind(manager).__enter__(manager)
        self._manager = manager
        return value

    def exit(self, *exc_info: object) -> bool:
        """Leave it; tell whether it suppresses the error."""
        return bool(_kind(self._manager).__exit__(self._manager, *exc_info))


class AsyncManager(AbstractAsyncContextManager[_T_co, bool]):
    """A sync context manager, entered and left from async code.

    Both run in one thread, which the table of `docs/contract.md`, section 1, names when it is entered.
    """

    def __init__(
        self,
        make: Callable[[], AbstractContextManager[_T_co, Any]],
        name: str,
        thread_sensitive: bool,
        executor: Executor | None,
    ) -> None:
        self._make = make
        self._name = name
        self._options = (thread_sensitive, executor)
        self._entered: _Entered[tuple[_Held, Kept]] = _Entered()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._name}>"

    async def __aenter__(self) -> _T_co:
        """Enter in the thread. A task that is cancelled meanwhile leaves again before that rises."""
        held = _Held(self._make, self._name)
        kept = Kept(held, *self._options)
        step = kept.begin(get_running_loop(), held.enter)
        try:
            await step.future
        except CancelledError as error:
            if step.may_be_left():
                step.abandon()
                raise
            cancelled = await step.outlive_cancellation(error)
            _outcome(step)
            await _leave(held, kept, cancelled)
            raise cancelled  # noqa: B904  # the one error, or a later one like it
        value: _T_co = _outcome(step)
        self._entered.add(current_task(), (held, kept))
        return value

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool:
        """Leave in the thread, to the end: a cancellation meanwhile rises afterwards.

        :returns: whether the manager has suppressed the error.
        """
        held, kept = self._entered.take(current_task(), repr(self))
        try:
            return await _leave(held, kept, exc)
        finally:
            del exc, traceback  # a traceback holds this frame


async def _leave(held: _Held, kept: Kept, exc: BaseException | None) -> bool:
    step: Call | None = None
    cancelled: CancelledError | None = None
    try:
        step = kept.begin(get_running_loop(), held.exit, *exc_info_of(exc))
        cancelled = await through(step)
        suppressed: bool = _outcome(step)
        if cancelled is not None:
            raise cancelled
        return suppressed
    finally:
        kept.release()
        del exc, step, cancelled  # a traceback holds this frame


def _outcome(step: Call) -> Any:
    """Take over what a step has changed, and return its value."""
    carry_back(step.before, step.context)
    if step.error is not None:
        raise outcome_error(step.error)
    value, step.value = step.value, None
    return value


class _Passage(Visit):
    """An async context manager as a stream: the first step enters it, the second one leaves it."""

    def __init__(
        self, make: Callable[[], AbstractAsyncContextManager[Any, Any]], name: str
    ) -> None:
        self._make = make
        self._name = name
        self._manager: Any = None
        self.exc_info: tuple[Any, Any, Any] = (None, None, None)
        self.suppressed = False
        #: What the manager raised, if it would be taken for the end of the stream.
        self._stopped: StopAsyncIteration | None = None

    async def __anext__(self) -> Any:
        try:
            if self._manager is None:
                return await self._enter()
            await self._exit()
        except StopAsyncIteration as error:
            self._stopped = error
        raise StopAsyncIteration

    async def _enter(self) -> Any:
        manager = self._make()
        if not is_async_manager(manager):
            raise TypeError(f"{self._name} gives {manager!r}, which is no async context manager")
        value = await _kind(manager).__aenter__(manager)
        self._manager = manager
        return value

    async def _exit(self) -> None:
        manager, self._manager = self._manager, None
        exc_info, self.exc_info = self.exc_info, (None, None, None)
        try:
            self.suppressed = bool(await _kind(manager).__aexit__(manager, *exc_info))
        finally:
            del exc_info

    def raise_stopped(self) -> None:
        """Raise what only seemed to be the end."""
        error, self._stopped = self._stopped, None
        if error is not None:
            try:
                raise error
            finally:
                del error

    async def aleave(self, error: BaseException | None) -> None:
        """Leave a manager that was entered for somebody who has gone."""
        if self._manager is not None:
            if error is not None:
                self.exc_info = exc_info_of(error)
            try:
                await self.__anext__()
            except StopAsyncIteration:
                pass
            finally:
                del error


class _Passing(SyncStream[Any, None]):
    """What enters and leaves, for messages."""

    _instead = "async with"


class SyncManager(AbstractContextManager[_T_co, bool]):
    """An async context manager, entered and left from sync code.

    Both run in one task, on the loop on which `async_to_sync` would run a coroutine.
    """

    def __init__(
        self, make: Callable[[], AbstractAsyncContextManager[_T_co, Any]], name: str
    ) -> None:
        self._make = make
        self._name = name
        self._entered: _Entered[tuple[_Passage, _Passing]] = _Entered()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._name}>"

    def __enter__(self) -> _T_co:
        """Enter in the task, and return what it gives."""
        passage = _Passage(self._make, self._name)
        stream = _Passing(lambda: passage, self._name, 0)
        try:
            for value in stream:
                entered: _T_co = value
                self._entered.add(get_ident(), (passage, stream))
                return entered
        except BaseException as error:
            passage.exc_info = exc_info_of(error)
            stream.close()  # where Ctrl-C came, and the manager was entered all the same
            raise
        passage.raise_stopped()
        raise RuntimeError(f"{self!r} was entered and gave no value")

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool:
        """Leave in the task.

        :returns: whether the manager has suppressed the error.
        """
        passage, stream = self._entered.take(get_ident(), repr(self))
        passage.exc_info = exc_type, exc, traceback
        try:
            for _ in stream:
                raise RuntimeError(f"{self!r} was left and gave a value")
            passage.raise_stopped()
            return passage.suppressed
        finally:
            del exc, traceback
