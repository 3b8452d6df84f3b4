"""A task is cancelled while its function is blocked in async_to_sync: whose error rises, and who knows it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from typedbridge import async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Below:
    """A coroutine under a bridge that waits until it is cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.seen: list[tuple[object, ...]] = []

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            waiting = loop.create_future()
            self.begun.set()
            await waiting
        except asyncio.CancelledError as error:
            self.seen.append(error.args)
            raise

    async def blocked(self) -> None:
        await sync_to_async(async_to_sync(self.wait))()

    async def blocked_twice(self) -> None:
        """With two hops each way."""
        await sync_to_async(async_to_sync(self.blocked))()

    async def replaced(self) -> None:
        """With a function that raises an error of its own in place of the coroutine's."""

        def function() -> None:
            try:
                async_to_sync(self.wait)()
            except asyncio.CancelledError:
                raise asyncio.CancelledError("the function's") from None

        await sync_to_async(function)()


@pytest.fixture(params=[Below.blocked, Below.blocked_twice, Below.replaced])
def way(request: pytest.FixtureRequest) -> Callable[[Below], Coroutine[Any, Any, None]]:
    """How a call comes to be blocked."""
    chosen: Callable[[Below], Coroutine[Any, Any, None]] = request.param
    return chosen


async def cancel_when_begun(below: Below, cancel: Callable[[], object]) -> None:
    await below.begun.wait()
    cancel()


class TestOfATask:
    """`asyncio.Task.cancel` and what asyncio builds on it."""

    async def test_its_message_reaches_the_task_and_the_coroutine(self, way: Any) -> None:
        """As it would without a thread in between."""
        below = Below()
        task = asyncio.create_task(way(below))
        await below.begun.wait()
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert ("enough",) == raised.value.args
        assert [("enough",)] == below.seen

    async def test_without_a_message(self, way: Any) -> None:
        """Then the errors have no arguments."""
        below = Below()
        task = asyncio.create_task(way(below))
        await below.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert () == raised.value.args
        assert [()] == below.seen

    async def test_the_coroutines_error_is_the_context_of_the_tasks(self) -> None:
        """So that a traceback shows where the coroutine stood."""
        below = Below()
        caught: list[asyncio.CancelledError] = []

        async def outer() -> None:
            try:
                await below.blocked()
            except asyncio.CancelledError as error:
                caught.append(error)
                raise

        task = asyncio.create_task(outer())
        await below.begun.wait()
        task.cancel("enough")
        await asyncio.wait([task])
        context = caught[0].__context__
        assert isinstance(context, asyncio.CancelledError)
        assert ("enough",) == context.args

    async def test_the_last_of_several(self) -> None:
        """Each one reaches the coroutine; the last is what the task raises."""
        seen: list[object] = []
        begun, cleaning = asyncio.Event(), asyncio.Event()

        async def inner() -> None:
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError as first:
                seen.append(first.args)
                try:
                    cleaning.set()
                    await asyncio.Event().wait()
                except asyncio.CancelledError as second:
                    seen.append(second.args)
                    raise

        task = asyncio.create_task(sync_to_async(async_to_sync(inner))())
        await begun.wait()
        task.cancel("first")
        await cleaning.wait()
        task.cancel("second")
        with pytest.raises(asyncio.CancelledError, match="second"):
            await task
        assert [("first",), ("second",)] == seen

    async def test_a_timeout_becomes_a_timeout_error(self, way: Any) -> None:
        """And the task is as if it had never been cancelled."""
        below = Below()
        with pytest.raises(TimeoutError):  # noqa: PT012  # the call has to be inside both
            async with asyncio.timeout(None) as limit:
                now = asyncio.get_running_loop().time()
                expiry = asyncio.create_task(
                    cancel_when_begun(below, lambda: limit.reschedule(now))
                )
                await way(below)
        await expiry
        task = asyncio.current_task()
        assert task is not None
        assert 0 == task.cancelling()

    async def test_a_cancellation_that_is_taken_back(self, way: Any) -> None:
        """A task that catches its error and calls uncancel goes on."""
        below = Below()
        outcome: list[object] = []

        async def outer() -> None:
            task = asyncio.current_task()
            assert task is not None
            try:
                await way(below)
            except asyncio.CancelledError as error:
                outcome.append(error.args)
                outcome.append(task.uncancel())
            await asyncio.sleep(0)
            outcome.append("goes on")

        task = asyncio.create_task(outer())
        await below.begun.wait()
        task.cancel("enough")
        await task
        assert [("enough",), 0, "goes on"] == outcome

    async def test_an_error_that_nobody_asked_to_be_cancelled(self) -> None:
        """A CancelledError that the function raises by itself is its outcome like any other."""

        def function() -> None:
            raise asyncio.CancelledError("by itself")

        with pytest.raises(asyncio.CancelledError, match="by itself"):
            await sync_to_async(function)()

    async def test_nothing_keeps_the_errors(self) -> None:
        """No cycle waits for the garbage collector."""
        below = Below()
        found: list[weakref.ref[BaseException]] = []

        async def outer() -> None:
            try:
                await below.blocked()
            except asyncio.CancelledError as error:
                found.extend([weakref.ref(error), weakref.ref(error.__context__ or error)])

        gc.collect()
        gc.disable()
        try:
            task = asyncio.create_task(outer())
            await below.begun.wait()
            task.cancel()
            await task
            del task
            # The worker may hold the call for a moment.
            await sync_to_async(int)()
            assert [None, None] == [error() for error in found]
        finally:
            gc.enable()


class TestOfAScope:
    """anyio's scopes know their error by its message, and cancel until it has come out."""

    async def test_a_scope_that_moves_on(self, way: Any) -> None:
        """The error ends at the scope."""
        below = Below()
        with anyio.CancelScope() as scope:
            cancelling = asyncio.create_task(cancel_when_begun(below, scope.cancel))
            await way(below)
        await cancelling
        assert scope.cancelled_caught

    async def test_a_deadline_that_fails(self, way: Any) -> None:
        """`fail_after` raises TimeoutError."""
        below = Below()
        with pytest.raises(TimeoutError), anyio.fail_after(60) as scope:  # noqa: PT012  # as above
            cancelling = asyncio.create_task(
                cancel_when_begun(below, lambda: setattr(scope, "deadline", anyio.current_time()))
            )
            await way(below)
        await cancelling

    async def test_a_task_group(self, way: Any) -> None:
        """Its tasks may be blocked in bridges."""
        below = Below()
        async with anyio.create_task_group() as group:
            group.start_soon(way, below)
            await below.begun.wait()
            group.cancel_scope.cancel()
        assert below.seen

    async def test_a_shielded_cleanup_is_not_disturbed(self) -> None:
        """The scope goes on cancelling meanwhile; the coroutine's shield holds."""
        log: list[str] = []
        begun = asyncio.Event()

        async def inner() -> None:
            try:
                begun.set()
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True), anyio.CancelScope():
                    for _ in range(10):  # turns of the loop, in each of which the scope cancels
                        await asyncio.sleep(0)
                    log.append("has cleaned up")

        with anyio.CancelScope() as scope:
            cancelling = asyncio.create_task(cancel_begun(begun, scope.cancel))
            await sync_to_async(async_to_sync(inner))()
        await cancelling
        assert scope.cancelled_caught
        assert ["has cleaned up"] == log

    async def test_a_coroutine_that_goes_on_is_cancelled_again(self) -> None:
        """As a coroutine inside the scope would be."""
        seen: list[str] = []
        begun = asyncio.Event()

        async def inner() -> None:
            begun.set()
            try:
                await anyio.sleep_forever()
            except asyncio.CancelledError:
                seen.append("swallowed")
            await anyio.sleep_forever()

        with anyio.CancelScope() as scope:
            cancelling = asyncio.create_task(cancel_begun(begun, scope.cancel))
            await sync_to_async(async_to_sync(inner))()
        await cancelling
        assert scope.cancelled_caught
        assert ["swallowed"] == seen

    async def test_a_scope_inside_the_coroutine(self) -> None:
        """It ends what is blocked inside it, and leaves the outer one alone."""
        below = Below()

        async def inner() -> bool:
            with anyio.CancelScope() as scope:
                cancelling = asyncio.create_task(cancel_when_begun(below, scope.cancel))
                await below.blocked()
            await cancelling
            return scope.cancelled_caught

        with anyio.CancelScope() as outer:
            assert await sync_to_async(async_to_sync(inner))()
        assert not outer.cancelled_caught

    async def test_plain_cancellation_goes_through_a_shield(self) -> None:
        """anyio's shield holds against anyio's scopes alone."""
        begun = asyncio.Event()

        async def inner() -> None:
            with anyio.CancelScope(shield=True):
                begun.set()
                await anyio.sleep_forever()

        task = asyncio.create_task(sync_to_async(async_to_sync(inner))())
        await begun.wait()
        task.cancel("plain")
        with pytest.raises(asyncio.CancelledError, match="plain"):
            await task


async def cancel_begun(begun: asyncio.Event, cancel: Callable[[], object]) -> None:
    await begun.wait()
    cancel()


def test_a_coroutine_that_cancels_itself() -> None:
    """The sync caller sees the message."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel, "from inside")
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError, match="from inside"):
        async_to_sync(main)()


def test_a_coroutine_that_is_cancelled_before_it_begins() -> None:
    """Its caller gets the message too, though the coroutine never runs."""
    begun: list[str] = []

    async def never() -> None:
        begun.append("never")

    def cancelled_at_once(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        task = asyncio.Task(coro, loop=loop, **options)
        task.cancel("before it begins")
        return task

    async def main() -> None:
        call = asyncio.ensure_future(sync_to_async(async_to_sync(never))())
        asyncio.get_running_loop().set_task_factory(cancelled_at_once)
        await call

    with pytest.raises(asyncio.CancelledError, match="before it begins"):
        asyncio.run(main())
    assert [] == begun
