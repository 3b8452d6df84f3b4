"""What a call leaves on a loop of the library, and who may use the loop meanwhile."""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from conftest import happened, shows_its_state

from typedbridge import AsyncSingleThreadContext, AsyncToSync, async_to_sync, sync_to_async
from typedbridge._core.frames import Frame
from typedbridge._core.leavings import ROUNDS
from typedbridge._core.loops import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

T = TypeVar("T")


async def running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def in_thread(call: Callable[..., T], *args: Any) -> Future[T]:
    """Run in a thread of the user's, with a copy of this context."""
    outcome: Future[T] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.set_result(context.run(call, *args))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work).start()
    return outcome


async def until(event: threading.Event) -> None:
    """Wait on a loop for what a thread does."""
    await asyncio.get_running_loop().run_in_executor(None, happened, event)


class TestGenerators:
    """Async generators that are still open when the coroutine is over."""

    def test_a_cleanup_that_is_cancelled(self) -> None:
        """It ends no other cleanup, and not the call."""
        closed: list[str] = []

        async def cancelled() -> AsyncIterator[int]:
            helper = asyncio.create_task(asyncio.Event().wait())
            try:
                yield 1
            finally:
                helper.cancel()
                closed.append("cancelled")
                await helper

        async def waiting() -> AsyncIterator[int]:
            try:
                yield 2
            finally:
                await asyncio.sleep(0)
                closed.append("waiting")

        kept: list[AsyncIterator[int]] = []

        async def main() -> int:
            kept.extend([cancelled(), waiting()])
            return sum([await anext(generator) for generator in kept])

        assert 3 == async_to_sync(main)()
        assert {"cancelled", "waiting"} == set(closed)

    def test_a_cleanup_that_ends_the_program(self, caplog: pytest.LogCaptureFixture) -> None:
        """SystemExit reaches the caller, and the next call works."""
        kept: list[AsyncIterator[int]] = []

        async def leaving() -> AsyncIterator[int]:
            try:
                yield 1
            finally:
                raise SystemExit(3)

        async def main() -> int:
            kept.append(leaving())
            return await anext(kept[0])

        with pytest.raises(SystemExit) as raised:
            async_to_sync(main)()
        assert 3 == raised.value.code
        assert async_to_sync(running)().is_running()
        caplog.clear()


class TestTasks:
    """Tasks that are still running when the coroutine is over."""

    def test_a_cleanup_that_is_bounded_by_a_timer(self) -> None:
        """Timers go when the tasks have ended: one may be what ends a task."""
        ended: list[str] = []

        async def left() -> None:
            try:
                async with asyncio.timeout(0.01):
                    try:
                        await asyncio.Event().wait()
                    finally:
                        await asyncio.Event().wait()
            finally:
                ended.append("left")

        async def main() -> asyncio.Task[None]:
            task = asyncio.create_task(left())
            await asyncio.sleep(0)
            return task

        assert async_to_sync(main)().done()
        assert ["left"] == ended

    def test_a_task_that_starts_itself_again_when_cancelled(self) -> None:
        """The call does not wait for ever; the loop ends, and the task with it."""
        started: list[asyncio.Task[None]] = []

        async def left() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                # One more than the library ends behind a call.
                if len(started) <= ROUNDS:
                    started.append(asyncio.create_task(left()))
                    await asyncio.sleep(0)

        async def main() -> asyncio.AbstractEventLoop:
            started.append(asyncio.create_task(left()))
            await asyncio.sleep(0)
            return asyncio.get_running_loop()

        loop = async_to_sync(main)()
        assert ROUNDS + 1 == len(started)
        assert loop is not async_to_sync(running)()

    def test_a_task_factory_without_a_context_argument(self) -> None:
        """Factories from before Python 3.11 still work on the user's loop."""

        def factory(loop: asyncio.AbstractEventLoop, coro: Any) -> asyncio.Task[Any]:
            return asyncio.Task(coro, loop=loop)

        async def main() -> int:
            asyncio.get_running_loop().set_task_factory(factory)
            return await sync_to_async(async_to_sync(five))()

        variable = contextvars.ContextVar("variable", default=0)

        async def five() -> int:
            variable.set(5)
            return await asyncio.sleep(0, 5)

        async def main_and_variable() -> tuple[int, int]:
            return await main(), variable.get()

        # uvloop gives every factory a context.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            assert (5, 5) == runner.run(main_and_variable())

    def test_a_task_factory_that_fails(self) -> None:
        """Its error is the outcome of the call."""

        def fail(loop: object, coro: Any, **kwargs: Any) -> Any:
            coro.close()
            raise LookupError("no tasks today")

        async def main() -> None:
            loop = asyncio.get_running_loop()
            call = asyncio.ensure_future(sync_to_async(async_to_sync(running))())
            loop.set_task_factory(fail)
            try:
                await call
            finally:
                loop.set_task_factory(None)

        with pytest.raises(LookupError, match="no tasks today"):
            asyncio.run(main())


@shows_its_state
class TestLoopsThatAreNotAsNew:
    """What a call changed on its loop and what cannot be undone: the loop is thrown away."""

    def test_an_open_reader(self) -> None:
        """It would be served during other calls."""
        here, there = socket.socketpair()

        async def main() -> asyncio.AbstractEventLoop:
            loop = asyncio.get_running_loop()
            loop.add_reader(here, here.recv, 1)
            return loop

        with here, there:
            loop = async_to_sync(main)()
            assert loop is not async_to_sync(running)()

    def test_a_default_executor_of_the_users(self) -> None:
        """The next call has the loop's own."""

        async def main(executor: ThreadPoolExecutor) -> None:
            asyncio.get_running_loop().set_default_executor(executor)

        async def name() -> str:
            return (await asyncio.to_thread(threading.current_thread)).name

        with ThreadPoolExecutor(1, thread_name_prefix="users") as executor:
            async_to_sync(main)(executor)
            assert not async_to_sync(name)().startswith("users")

    def test_a_default_executor_that_was_shut_down(self) -> None:
        """The next call has one that works."""

        async def main() -> None:
            await asyncio.get_running_loop().shutdown_default_executor()

        async def length() -> int:
            return await asyncio.to_thread(len, "four")

        async_to_sync(main)()
        assert 4 == async_to_sync(length)()


class TestAFunctionThatOutlivesItsCall:
    """A worker goes on when the task that awaited it was cancelled."""

    def test_it_does_not_use_the_loop_of_another_call(self) -> None:
        """Or the end of that call would cancel its coroutine."""
        begun, go_on, inside, finish = (threading.Event() for _ in range(4))
        outcome: Future[str] = Future()

        async def late() -> str:
            inside.set()
            await until(finish)
            return "finished"

        def function() -> None:
            begun.set()
            happened(go_on)
            try:
                outcome.set_result(async_to_sync(late)())
            except BaseException as error:
                outcome.set_exception(error)

        async def cancelled() -> None:
            call = asyncio.ensure_future(sync_to_async(function, thread_sensitive=False)())
            await until(begun)
            call.cancel()

        async def other() -> None:
            go_on.set()
            await until(inside)

        async_to_sync(cancelled)()
        async_to_sync(other)()
        finish.set()
        assert "finished" == outcome.result(20)


class TestOneLoopForSeveralThreads:
    """An AsyncSingleThreadContext with calls from two threads at once."""

    def test_a_call_that_comes_while_another_one_is_cleaned_up_behind(self) -> None:
        """It begins when that is over, and nothing of it is taken for a leaving."""
        cleaning, clean = threading.Event(), threading.Event()

        async def left() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaning.set()
                await until(clean)

        async def first() -> str:
            task = asyncio.create_task(left())
            await asyncio.sleep(0)
            return task.get_name()

        async def second() -> str:
            return await asyncio.create_task(asyncio.sleep(0, "second"))

        with AsyncSingleThreadContext():
            one = in_thread(async_to_sync(first))
            happened(cleaning)
            two = in_thread(async_to_sync(second))
            clean.set()
            one.result(20)
            assert "second" == two.result(20)

    def test_a_call_in_another_thread_is_waited_for_at_the_exit(self) -> None:
        """It ends as it would without the exit."""
        begun, go_on = threading.Event(), threading.Event()

        async def main() -> str:
            begun.set()
            await until(go_on)
            return "finished"

        with AsyncSingleThreadContext():
            call = in_thread(async_to_sync(main))
            happened(begun)
            in_thread(go_on.set)
        assert "finished" == call.result(20)

    def test_sensitive_calls_without_a_context_find_a_thread_that_still_waits(self) -> None:
        """When the frame that began last is over, the earlier one takes them."""
        begun, go_on = threading.Event(), threading.Event()

        async def first() -> tuple[threading.Thread, threading.Thread]:
            begun.set()
            await until(go_on)
            loop = asyncio.get_running_loop()
            bare = contextvars.Context()
            task = loop.create_task(sync_to_async(threading.current_thread)(), context=bare)
            return await sync_to_async(threading.current_thread)(), await task

        with AsyncSingleThreadContext():
            call = in_thread(async_to_sync(first))
            happened(begun)
            async_to_sync(running)()
            go_on.set()
            waits, found = call.result(20)
        assert waits is found

    def test_a_call_that_is_cancelled_before_it_begins(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It never begins, and the loop does not go on working for it."""
        busy, free = threading.Event(), threading.Event()
        begun: list[str] = []
        start, cancel = LoopThread.start, Frame.cancel

        def start_and_interrupt(self: LoopThread, *args: Any) -> None:
            start(self, *args)
            raise KeyboardInterrupt

        def cancel_and_free(self: Frame) -> None:
            cancel(self)
            free.set()

        async def block() -> None:
            busy.set()
            happened(free)

        async def never() -> None:
            begun.append("never")

        async def leaver() -> asyncio.Task[bool]:
            task = asyncio.create_task(asyncio.Event().wait())
            await asyncio.sleep(0)
            return task

        with AsyncSingleThreadContext():
            blocked = in_thread(async_to_sync(block))
            happened(busy)
            with monkeypatch.context() as patch:
                patch.setattr(LoopThread, "start", start_and_interrupt)
                patch.setattr(Frame, "cancel", cancel_and_free)
                with pytest.raises(KeyboardInterrupt):
                    async_to_sync(never)()
            blocked.result(20)
            assert async_to_sync(leaver)().cancelled()
        assert [] == begun


class TestCtrlCAtTheStart:
    """KeyboardInterrupt in the moments around the start of the coroutine."""

    def test_before_the_loop_was_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The coroutine never begins; the loop thread is used again."""

        def interrupt(self: LoopThread, *args: Any) -> None:
            raise KeyboardInterrupt

        before = async_to_sync(running)()
        with monkeypatch.context() as patch:
            patch.setattr(LoopThread, "start", interrupt)
            with pytest.raises(KeyboardInterrupt):
                async_to_sync(running)()
        assert before is async_to_sync(running)()

    def test_after_the_loop_was_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The coroutine is cancelled, its cleanup awaited."""
        start = LoopThread.start
        cleaned: list[str] = []

        def start_and_interrupt(self: LoopThread, *args: Any) -> None:
            start(self, *args)
            happened(begun)
            raise KeyboardInterrupt

        begun = threading.Event()

        async def main() -> None:
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.append("main")

        with monkeypatch.context() as patch:
            patch.setattr(LoopThread, "start", start_and_interrupt)
            with pytest.raises(KeyboardInterrupt):
                async_to_sync(main)()
        assert ["main"] == cleaned

    def test_a_second_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The coroutine is left alone; when it ends after all, its loop thread is used again."""
        loops: list[asyncio.AbstractEventLoop] = []
        begun, ended, settled = (threading.Event() for _ in range(3))
        release = asyncio.Event()

        async def stubborn() -> None:
            loops.append(asyncio.get_running_loop())
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await release.wait()
                ended.set()

        def interrupt(self: Frame, *args: Any) -> None:
            happened(begun)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Frame, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                async_to_sync(stubborn)()
        assert loops[0] is not async_to_sync(running)()
        loops[0].call_soon_threadsafe(release.set)
        happened(ended)
        loops[0].call_soon_threadsafe(settled.set)
        happened(settled)
        assert loops[0] is async_to_sync(running)()


async def test_work_that_a_function_sends_to_the_waiting_frame() -> None:
    """A call inside it does not hide the coroutine that the function around is blocked in."""
    order: list[str] = []
    nested = asyncio.Event()

    async def waits() -> None:
        executor = AsyncToSync.executors.current
        assert executor is not None
        await asyncio.wrap_future(executor.submit(async_to_sync(running)))
        try:
            nested.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            order.append("coroutine")

    task = asyncio.ensure_future(sync_to_async(async_to_sync(waits))())
    await nested.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    order.append("task")
    assert ["coroutine", "task"] == order


@pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "win32", reason="there is no fork here"
)
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_inside_a_single_thread_context() -> None:
    """The child gets a loop of its own."""
    with AsyncSingleThreadContext():
        loop = async_to_sync(running)()
        child = os.fork()
        if child == 0:
            os._exit(5 if async_to_sync(running)() is not loop else 6)
        _, status = os.waitpid(child, 0)
        assert 5 == os.waitstatus_to_exitcode(status)
        assert loop is async_to_sync(running)()
