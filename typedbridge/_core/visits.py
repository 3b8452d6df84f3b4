"""A call of asgiref's on its way to a thread of ours, and from there to the next one."""

from __future__ import annotations

from asyncio import CancelledError
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from typedbridge._core.chains import name_of
from typedbridge._core.jobs import DirectExecutor, WorkItem
from typedbridge._core.placement import lane_of
from typedbridge._core.scope import here
from typedbridge._core.to_async import SyncToAsync
from typedbridge._core.workers import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from concurrent.futures import Executor, Future
    from contextvars import ContextVar

    from typedbridge._core.placement import SensitiveContext
    from typedbridge._core.visitors import Visitor

__all__ = ["Visit"]


class _Like:
    """What the table asks of a bridge, for those of asgiref's: a sensitive one of ours."""

    _thread_sensitive = True
    _executor: Executor | None = None

    @property
    def thread_sensitive_context(self) -> ContextVar[SensitiveContext]:
        return SyncToAsync.thread_sensitive_context

    @property
    def context_to_thread_executor(self) -> MutableMapping[object, Executor]:
        return SyncToAsync.context_to_thread_executor

    @property
    def single_thread_executor(self) -> Executor:
        return SyncToAsync.single_thread_executor


_like: Final = _Like()


class Visit(WorkItem):
    """A sensitive call of asgiref's that has come to an executor of ours."""

    __slots__ = ("_before", "hop")

    goes_on = True

    # Any: an executor takes every callable.
    def __init__(
        self,
        visitor: Visitor,
        func: Callable[..., Any],
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> None:
        super().__init__(func, args, kwargs)
        self.hop = visitor
        #: Says what the next lane is.
        self._before = copy_context()

    def run(self) -> None:
        """Run the function with the call as what this thread is in the middle of."""
        outer = here.scope
        here.scope = self.hop
        self.hop.begun = True
        try:
            super().run()
        finally:
            here.scope = outer
            self.hop.lane = None

    def displaced(self) -> None:
        """Go to the next lane, as a call of ours does: what was to run this has ended."""
        hop = self.hop
        try:
            lane = self._before.run(lane_of, _like, hop.loop, hop.origin)
            if lane is hop.lane:  # the user shut it down, or the interpreter is exiting
                raise refusal(name_of(lane))
            hop.lane = lane
            if isinstance(lane, DirectExecutor):
                lane.put(self)
            else:
                lane.submit(self.run).add_done_callback(self._submitted_call_done)
        except BaseException as error:
            self._fail(error)

    def _submitted_call_done(self, future: Future[None]) -> None:
        """Notice that an executor which is not ours could not run the call."""
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)
