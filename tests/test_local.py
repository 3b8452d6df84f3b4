"""Local: attributes that follow a call across tasks and hops, or keep to a thread."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conftest import async_swap, in_thread, read, swap

from typedbridge import Local, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Run


@pytest.fixture
def without_collector() -> Iterator[None]:
    """No garbage collection: what is freed is freed by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Value:
    """Something that can be referred to weakly."""


class TestAttributes:
    """A Local is a namespace like any other."""

    def test_a_value_is_read_back(self, either: Local) -> None:
        """Any number of names, each with its own value; None is a value."""
        either.first, either.second = 1, None
        assert (1, None) == (either.first, either.second)

    def test_a_value_is_replaced(self, either: Local) -> None:
        """The last write counts."""
        either.value = 1
        either.value = 2
        assert 2 == either.value

    def test_a_missing_attribute_raises(self, either: Local) -> None:
        """AttributeError names the attribute, and getattr's default works."""
        with pytest.raises(AttributeError, match="'missing'") as caught:
            either.missing  # noqa: B018  # reading it is the test
        assert "missing" == caught.value.name
        assert either is caught.value.obj
        assert not hasattr(either, "missing")
        assert "default" == getattr(either, "missing", "default")

    def test_a_deleted_attribute_is_missing(self, either: Local) -> None:
        """Deleting leaves the other attributes alone."""
        either.first, either.second = 1, 2
        del either.first
        assert not hasattr(either, "first")
        assert 2 == either.second

    def test_deleting_a_missing_attribute_raises(self, either: Local) -> None:
        """As reading it does, before and after a value was there."""
        for _ in range(2):
            with pytest.raises(AttributeError, match="'missing'"):
                del either.missing
            either.missing = 1
            del either.missing

    def test_any_name_may_be_used(self, either: Local) -> None:
        """Names that look special are names."""
        either.__odd__ = 1
        either._private = 2
        either.data = 3
        assert (1, 2, 3) == (either.__odd__, either._private, either.data)

    def test_two_locals_do_not_share(self) -> None:
        """Each object is a namespace of its own, of either kind."""
        locals_ = [Local(), Local(), Local(thread_critical=True), Local(thread_critical=True)]
        for number, local in enumerate(locals_):
            local.value = number
        assert [0, 1, 2, 3] == [local.value for local in locals_]

    def test_the_kind_may_be_given_by_position(self) -> None:
        """Local(True) is Local(thread_critical=True)."""

        async def main() -> object:
            return await sync_to_async(read)(positional)

        positional = Local(True)
        positional.value = "caller"
        assert "nothing" == asyncio.run(main())

    def test_nothing_else_is_taken(self) -> None:
        """No initial values."""
        make: Any = Local
        with pytest.raises(TypeError):
            make(False, 1)
        with pytest.raises(TypeError):
            make(value=1)

    def test_it_cannot_be_subclassed(self) -> None:
        """The message says that, and names the class."""
        with pytest.raises(TypeError, match="Local cannot be subclassed"):
            type("Mine", (Local,), {})()

    def test_every_kind_is_a_local(self, either: Local) -> None:
        """Isinstance holds."""
        assert isinstance(either, Local)

    def test_it_is_told_apart_by_identity(self, either: Local) -> None:
        """Locals may be keys, and two empty ones differ."""
        assert either == either  # noqa: PLR0124  # the default comparison is what is tested
        assert either != Local()
        assert {either: 1}[either] == 1

    def test_it_may_be_a_class_attribute(self) -> None:
        """As users keep it: one for all instances."""

        class Holder:
            state = Local()

        Holder().state.value = 1
        assert 1 == Holder.state.value


class TestTasks:
    """A task sees what was there when it was made; what it writes stays in it."""

    async def test_a_task_sees_its_makers_values(self, either: Local) -> None:
        """Both kinds."""
        either.value = "maker"
        assert "maker" == await asyncio.create_task(async_swap(either, "task"))

    async def test_a_tasks_writes_stay_in_it(self, either: Local) -> None:
        """Also its deletions."""

        async def delete() -> None:
            del either.value

        either.value = "maker"
        await asyncio.create_task(async_swap(either, "task"))
        assert "maker" == read(either)
        await asyncio.create_task(delete())
        assert "maker" == read(either)

    async def test_a_task_does_not_see_later_writes(self, either: Local) -> None:
        """It has what was there when it was made, even before its first step."""
        either.value = "before"
        task = asyncio.create_task(async_swap(either, "task"))
        either.value = "after"
        assert "before" == await task

    async def test_tasks_at_once_do_not_meet(self, either: Local) -> None:
        """Each of many interleaved tasks reads what it wrote."""

        async def one(number: int) -> object:
            either.value = number
            for _ in range(3):
                await asyncio.sleep(0)
            return either.value

        assert list(range(20)) == await asyncio.gather(*map(one, range(20)))

    async def test_awaiting_directly_is_not_a_task(self, either: Local) -> None:
        """A coroutine that is simply awaited writes for its caller."""
        either.value = "caller"
        await async_swap(either, "callee")
        assert "callee" == read(either)

    async def test_a_task_group_is_tasks(self, either: Local) -> None:
        """Values reach the group's tasks and do not come back."""
        either.value = "maker"
        async with asyncio.TaskGroup() as group:
            task = group.create_task(async_swap(either, "task"))
        assert ("maker", "maker") == (task.result(), read(either))

    async def test_a_task_with_an_empty_context_sees_nothing(self, local: Local) -> None:
        """Values live in the context."""
        local.value = "maker"
        loop = asyncio.get_running_loop()
        empty = contextvars.Context()
        assert "nothing" == await loop.create_task(async_swap(local, "task"), context=empty)

    async def test_a_callback_of_the_loop_sees_its_makers_values(self, either: Local) -> None:
        """call_soon copies the context, so what the callback writes stays in it."""
        loop = asyncio.get_running_loop()
        seen = loop.create_future()
        either.value = "maker"
        loop.call_soon(lambda: seen.set_result(swap(either, "callback")))
        assert ("maker", "maker") == (await seen, read(either))

    async def test_an_async_generator_writes_for_its_caller(self, either: Local) -> None:
        """Its body runs in the context of who iterates."""

        async def numbers() -> Any:
            either.value = "generator"
            yield 1

        either.value = "caller"
        assert [1] == [number async for number in numbers()]
        assert "generator" == read(either)

    def test_a_new_loop_in_the_same_thread(self, local: Local, run: Run) -> None:
        """The default kind reaches the main coroutine; what that writes stays in it."""
        local.value = "thread"
        assert "thread" == run(lambda: async_swap(local, "main"))
        assert "thread" == read(local)


class TestThreads:
    """A thread that was merely started inherits nothing."""

    def test_a_new_thread_sees_nothing(self, either: Local) -> None:
        """And what it writes is its own."""
        either.value = "main"
        assert "nothing" == in_thread(swap, either, "thread")
        assert "main" == read(either)

    async def test_a_new_thread_from_async_code_sees_nothing(self, either: Local) -> None:
        """asyncio.to_thread copies the context, and still nothing is inherited."""
        either.value = "task"
        assert "nothing" == await asyncio.to_thread(swap, either, "thread")
        assert "task" == read(either)

    def test_a_copied_context_run_in_another_thread_shows_nothing(self, local: Local) -> None:
        """Where the context came from does not matter."""
        local.value = "main"
        context = contextvars.copy_context()
        assert "nothing" == in_thread(context.run, read, local)
        assert "main" == context.run(read, local)

    async def test_a_new_thread_in_a_function_sees_nothing(self, either: Local) -> None:
        """A hop carries to the function, not to threads that this one starts."""
        either.value = "caller"
        assert "nothing" == await sync_to_async(in_thread)(read, either)

    def test_many_threads_at_once_do_not_meet(self, either: Local) -> None:
        """Each reads what it wrote while the others write."""
        rounds = 200
        together = threading.Barrier(4)

        def work(number: int) -> bool:
            together.wait()
            for step in range(rounds):
                either.value = number, step
                if either.value != (number, step):
                    return False
            return True

        with ThreadPoolExecutor(4) as executor:
            assert [True] * 4 == list(executor.map(work, range(4)))

    def test_the_values_of_a_context_do_not_change_under_a_reader(self, local: Local) -> None:
        """A context copied earlier keeps the values of then."""
        local.value = "before"
        context = contextvars.copy_context()
        local.value = "after"
        assert "before" == context.run(swap, local, "context")
        assert ("context", "after") == (context.run(read, local), read(local))

    def test_deleting_does_not_change_a_copied_context(self, local: Local) -> None:
        """Neither way."""
        local.value = "kept"
        context = contextvars.copy_context()
        del local.value
        assert "kept" == context.run(read, local)
        local.value = "here"
        context.run(delattr, local, "value")
        assert "here" == read(local)


@pytest.mark.usefixtures("without_collector")
class TestMemory:
    """What nobody refers to is freed at once: no reference cycles."""

    def test_a_local_is_freed(self) -> None:
        """With values in it, in a context that goes away, of either kind."""
        for kind in (False, True):
            local = Local(thread_critical=kind)
            contextvars.copy_context().run(setattr, local, "value", Value())
            gone = weakref.ref(local)
            del local
            assert gone() is None

    def test_a_replaced_value_is_freed(self, either: Local) -> None:
        """No history is kept."""
        either.value = Value()
        gone = weakref.ref(either.value)
        either.value = None
        assert gone() is None

    def test_a_deleted_value_is_freed(self, either: Local) -> None:
        """Deleting drops the last reference."""
        either.value = Value()
        gone = weakref.ref(either.value)
        del either.value
        assert gone() is None

    def test_a_value_is_freed_with_its_thread(self, critical: Local) -> None:
        """A thread-critical value lives as long as its thread."""
        refs: list[weakref.ref[Value]] = []

        def work() -> None:
            critical.value = Value()
            refs.append(weakref.ref(critical.value))

        in_thread(work)
        assert refs[0]() is None

    def test_a_value_is_freed_with_its_task(self, either: Local) -> None:
        """Values live in the task's context."""

        async def task() -> weakref.ref[Value]:
            either.value = Value()
            return weakref.ref(either.value)

        async def main() -> weakref.ref[Value]:
            return await asyncio.create_task(task())

        assert asyncio.run(main())() is None

    def test_a_missing_attribute_makes_no_cycle(self) -> None:
        """The error that was raised does not keep the Local alive."""
        gone = weakref.ref(local := Local())
        with contextlib.suppress(AttributeError):
            local.missing  # noqa: B018  # reading it is the test
        del local
        assert gone() is None

    async def test_a_value_that_crossed_is_freed_with_its_task(self, local: Local) -> None:
        """Neither the worker thread nor the hop keeps it."""

        async def task() -> weakref.ref[Value]:
            local.value = Value()
            await sync_to_async(read)(local)
            await sync_to_async(swap, thread_sensitive=False)(local, local.value)
            return weakref.ref(local.value)

        gone = await asyncio.create_task(task())
        # The worker drops its last reference just after it handed over the result; another call
        # in the same thread begins only when it has.
        await sync_to_async(int)()
        assert gone() is None
