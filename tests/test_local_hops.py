"""Local and hops: the default kind crosses them both ways, the thread-critical kind never does."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conftest import async_swap, in_thread, read, swap

from typedbridge import Local, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from conftest import Gate, Run


class TestHops:
    """The default kind crosses both kinds of hop, and comes back."""

    @pytest.fixture(params=["sensitive", "insensitive", "executor"])
    def options(self, request: pytest.FixtureRequest, pool: ThreadPoolExecutor) -> dict[str, Any]:
        every: dict[str, dict[str, Any]] = {
            "sensitive": {},
            "insensitive": {"thread_sensitive": False},
            "executor": {"thread_sensitive": False, "executor": pool},
        }
        return every[request.param]

    async def test_to_a_function_and_back(self, local: Local, options: dict[str, Any]) -> None:
        """The function sees the caller's value, and the caller the function's."""
        local.value = "caller"
        assert "caller" == await sync_to_async(swap, **options)(local, "function")
        assert "function" == read(local)

    async def test_a_value_first_set_in_a_function(
        self, local: Local, options: dict[str, Any]
    ) -> None:
        """It comes back too."""
        await sync_to_async(swap, **options)(local, "function")
        assert "function" == read(local)

    async def test_a_value_deleted_in_a_function(
        self, local: Local, options: dict[str, Any]
    ) -> None:
        """It is gone for the caller."""
        local.value = "caller"
        await sync_to_async(delattr, **options)(local, "value")
        assert not hasattr(local, "value")

    async def test_a_value_set_before_an_error(self, local: Local, options: dict[str, Any]) -> None:
        """An error carries as a result does."""

        def fail() -> None:
            local.value = "function"
            raise ValueError("from inside")

        with pytest.raises(ValueError, match="from inside"):
            await sync_to_async(fail, **options)()
        assert "function" == read(local)

    async def test_calls_of_tasks_do_not_meet(self, local: Local) -> None:
        """Many calls share the lane's thread, and each has its own task's values."""

        async def one(number: int) -> object:
            local.value = number
            return await sync_to_async(swap)(local, None)

        assert list(range(20)) == await asyncio.gather(*map(one, range(20)))

    async def test_a_reused_thread_shows_nothing_of_an_earlier_call(
        self, local: Local, pool: ThreadPoolExecutor
    ) -> None:
        """Neither to the next call nor to what else runs in that thread."""
        swap_there = sync_to_async(swap, thread_sensitive=False, executor=pool)
        await asyncio.create_task(swap_there(local, "earlier"))
        assert "nothing" == await asyncio.create_task(swap_there(local, "later"))
        assert "nothing" == pool.submit(read, local).result()

    def test_to_a_coroutine_and_back(self, local: Local) -> None:
        """The coroutine sees the thread's value, and the thread the coroutine's."""
        local.value = "thread"
        assert "thread" == async_to_sync(async_swap)(local, "coroutine")
        assert "coroutine" == read(local)

    def test_to_a_coroutine_on_a_forced_loop_and_back(self, local: Local) -> None:
        """Which loop runs it does not matter."""
        local.value = "thread"
        assert "thread" == async_to_sync(async_swap, force_new_loop=True)(local, "coroutine")
        assert "coroutine" == read(local)

    def test_from_a_thread_to_a_coroutine_and_back(self, local: Local) -> None:
        """A thread of the user's has its own values, and they travel with its own calls."""

        def work() -> object:
            before = swap(local, "thread")
            return before, async_to_sync(async_swap)(local, "coroutine"), read(local)

        local.value = "main"
        assert ("nothing", "thread", "coroutine") == in_thread(work)
        assert "main" == read(local)

    def test_a_coroutines_value_set_before_an_error(self, local: Local) -> None:
        """An error carries as a result does."""

        async def fail() -> None:
            local.value = "coroutine"
            raise ValueError("from inside")

        with pytest.raises(ValueError, match="from inside"):
            async_to_sync(fail)()
        assert "coroutine" == read(local)

    def test_one_call_after_another_shows_only_its_own_callers_values(self, local: Local) -> None:
        """A kept loop thread carries nothing from one thread's call to another's."""
        in_thread(async_to_sync(async_swap), local, "earlier")
        assert "nothing" == async_to_sync(async_swap)(local, "later")

    async def test_through_both_ways_and_back(self, local: Local) -> None:
        """Task, function, coroutine: each sees the one before, and its write comes back."""

        def function() -> object:
            before = swap(local, "function")
            return before, async_to_sync(async_swap)(local, "inner"), read(local)

        local.value = "task"
        assert ("task", "function", "inner") == await sync_to_async(function)()
        assert "inner" == read(local)

    def test_through_both_ways_from_sync_code(self, local: Local) -> None:
        """The same, entered from a thread."""

        async def coroutine() -> object:
            before = swap(local, "coroutine")
            return before, await sync_to_async(swap)(local, "function"), read(local)

        local.value = "thread"
        assert ("thread", "coroutine", "function") == async_to_sync(coroutine)()
        assert "function" == read(local)

    def test_fifty_hops_deep(self, local: Local) -> None:
        """Every level adds to what it found, and the first sees all of it."""

        def down(depth: int) -> None:
            local.path = [*local.path, depth]
            if depth:
                async_to_sync(through)(depth - 1)

        async def through(depth: int) -> None:
            await sync_to_async(down)(depth)

        local.path = []
        down(50)
        assert list(range(50, -1, -1)) == local.path

    async def test_with_a_given_context(self, local: Local) -> None:
        """The function has that context's values, and leaves its own there."""
        local.value = "caller"
        copied = contextvars.copy_context()
        in_copy = sync_to_async(swap, context=copied)
        in_empty = sync_to_async(swap, context=contextvars.Context())
        assert "nothing" == await in_empty(local, "in the empty one")
        assert "caller" == await in_copy(local, "in the copy")
        assert "in the copy" == await in_copy(local, "again")
        assert "caller" == read(local)

    async def test_a_task_made_by_the_coroutine_of_a_frame(self, local: Local) -> None:
        """It inherits what travelled."""

        async def coroutine() -> object:
            return await asyncio.create_task(async_swap(local, "task")), read(local)

        def function() -> object:
            local.value = "function"
            return async_to_sync(coroutine)()

        assert ("function", "function") == await sync_to_async(function)()

    async def test_the_values_are_the_very_objects(self, local: Local) -> None:
        """Nothing is copied on the way."""
        local.value = value = object()
        assert value is await sync_to_async(read)(local)

    async def test_while_a_function_runs_its_writes_are_its_own(
        self, local: Local, gate: Gate
    ) -> None:
        """Values come back when the call ends, not before."""

        def function() -> None:
            local.value = "function"
            gate.hold()

        async def one() -> object:
            local.value = "caller"
            await sync_to_async(function)()
            return read(local)

        local.value = "elsewhere"
        task = asyncio.create_task(one())
        await gate.has_begun()
        assert "elsewhere" == read(local)
        gate.open()
        assert "function" == await task


class TestThreadCritical:
    """The other kind keeps to the thread in sync code, to the task in async code."""

    def test_it_stays_in_its_thread(self, critical: Local, pool: ThreadPoolExecutor) -> None:
        """A thread finds its value again, whoever asks there."""
        assert ["nothing", 0, 1] == [
            pool.submit(swap, critical, number).result() for number in range(3)
        ]
        assert "nothing" == read(critical)

    def test_a_context_has_no_part_in_sync_code(self, critical: Local) -> None:
        """The value is the thread's, in any context."""
        critical.value = "thread"
        assert "thread" == contextvars.Context().run(read, critical)

    async def test_a_function_does_not_see_the_tasks_value(self, critical: Local) -> None:
        """A hop is never crossed, and the task's value is still there afterwards."""
        critical.value = "task"
        assert "nothing" == await sync_to_async(swap)(critical, "function")
        assert "task" == read(critical)

    async def test_a_function_sees_its_threads_value(
        self, critical: Local, pool: ThreadPoolExecutor
    ) -> None:
        """That thread's own, from before the call, and it leaves one there."""
        pool.submit(swap, critical, "thread").result()
        swap_there = sync_to_async(swap, thread_sensitive=False, executor=pool)
        assert "thread" == await swap_there(critical, "function")
        assert "function" == pool.submit(read, critical).result()

    def test_a_coroutine_does_not_see_the_threads_value(self, critical: Local) -> None:
        """The thread's value is still there afterwards."""
        critical.value = "thread"
        assert "nothing" == async_to_sync(async_swap)(critical, "coroutine")
        assert "thread" == read(critical)

    def test_a_coroutine_on_a_reused_loop_thread_sees_nothing_of_the_last(
        self, critical: Local
    ) -> None:
        """A value ends with the task that wrote it."""
        seen = [async_to_sync(async_swap)(critical, number) for number in range(3)]
        assert ["nothing"] * 3 == seen

    def test_a_loop_in_the_same_thread_does_not_see_the_threads_value(
        self, critical: Local, run: Run
    ) -> None:
        """Async code has values of its own, and leaves the thread's alone."""
        critical.value = "thread"
        assert "nothing" == run(lambda: async_swap(critical, "main"))
        assert "thread" == read(critical)

    async def test_a_coroutine_under_a_function_does_not_see_the_outer_tasks_value(
        self, critical: Local
    ) -> None:
        """Two hops are not crossed either, though the loop is the same."""
        critical.value = "task"
        through = sync_to_async(async_to_sync(async_swap))
        assert "nothing" == await through(critical, "inner")
        assert "task" == read(critical)

    async def test_a_sensitive_call_in_a_frame_sees_the_waiting_threads_value(
        self, critical: Local, pool: ThreadPoolExecutor
    ) -> None:
        """It runs in that very thread."""

        async def coroutine() -> object:
            return await sync_to_async(swap)(critical, "function")

        def function() -> object:
            critical.value = "thread"
            return async_to_sync(coroutine)(), read(critical)

        in_pool = sync_to_async(function, thread_sensitive=False, executor=pool)
        assert ("thread", "function") == await in_pool()
