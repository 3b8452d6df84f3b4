"""Context variables across both kinds of hop."""

from __future__ import annotations

import asyncio
import contextvars
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import SyncToAsync, async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Call, Gate

variable: ContextVar[object] = ContextVar("variable", default="default")
other: ContextVar[object] = ContextVar("other", default="default")


class Incomparable:
    """A value that must not be compared, as arrays and database rows at times must not."""

    def __eq__(self, _: object) -> bool:
        raise AssertionError("context variables are compared by identity")

    def __hash__(self) -> int:
        raise AssertionError("values of context variables are not hashed")


def in_own_context(function: Callable[[], Any]) -> Any:
    """Run a test's sync part so that it leaves no variable set for the next test."""
    return contextvars.copy_context().run(function)


# From async code into a thread and back.


async def test_a_function_sees_the_callers_variables(call: Call) -> None:
    """It runs in a copy of the caller's context."""
    value = object()
    variable.set(value)
    assert value is await call(variable.get)


async def test_a_variable_set_by_a_function_is_set_in_the_caller(call: Call) -> None:
    """It is carried back when the function returns."""
    value = object()
    await call(lambda: variable.set(value))
    assert value is variable.get()


async def test_a_variable_set_before_an_exception_is_set_in_the_caller(call: Call) -> None:
    """It is carried back when the function raises, too."""

    def fail() -> None:
        variable.set("set before the error")
        raise KeyError

    with pytest.raises(KeyError):
        await call(fail)
    assert "set before the error" == variable.get()


async def test_variables_are_compared_by_identity(call: Call) -> None:
    """A value whose == raises is carried like any other."""
    before, after = Incomparable(), Incomparable()
    variable.set(before)
    seen = []

    def replace() -> None:
        seen.append(variable.get())
        variable.set(after)
        other.set("changed as well")

    await call(replace)
    assert before is seen[0]
    assert after is variable.get()
    assert "changed as well" == other.get()


async def test_an_equal_value_is_carried_when_it_is_another_object(call: Call) -> None:
    """Equal is not the same: a new empty list replaces the old one."""
    before: list[int] = []
    after: list[int] = []
    variable.set(before)
    await call(lambda: variable.set(after))
    assert after is variable.get()


async def test_an_unchanged_variable_is_left_alone(call: Call) -> None:
    """What the function only read keeps its value."""
    value = Incomparable()
    variable.set(value)
    await call(variable.get)
    assert value is variable.get()


async def test_a_variable_that_was_set_and_reset_is_unchanged(call: Call) -> None:
    """The value at the end counts."""
    variable.set("before")

    def set_and_reset() -> None:
        variable.reset(variable.set("for a moment"))

    await call(set_and_reset)
    assert "before" == variable.get()


async def test_many_variables_are_carried() -> None:
    """Any number of variables, new ones and changed ones, comes back."""
    variables = [ContextVar[int](f"variable {number}") for number in range(100)]
    for each in variables[:50]:
        each.set(-1)

    def set_all() -> None:
        for number, each in enumerate(variables):
            each.set(number)

    await sync_to_async(set_all)()
    assert list(range(100)) == [each.get() for each in variables]


async def test_variables_go_on_from_call_to_call() -> None:
    """Each call sees what the one before has set."""

    def append() -> None:
        variable.set((*seen(), len(seen())))

    def seen() -> tuple[int, ...]:
        value = variable.get()
        return value if isinstance(value, tuple) else ()

    for _ in range(3):
        await sync_to_async(append)()
    assert (0, 1, 2) == variable.get()


async def test_tasks_keep_their_variables_to_themselves() -> None:
    """A variable set in one task's call is not seen by another task."""

    async def request(number: int) -> object:
        await sync_to_async(lambda: variable.set(number))()
        return await sync_to_async(variable.get)()

    assert [0, 1, 2] == await asyncio.gather(*(request(number) for number in range(3)))
    assert "default" == variable.get()


async def test_what_a_function_did_not_set_is_not_carried(gate: Gate) -> None:
    """Two tasks in one context: a call does not undo what the other task set meanwhile."""
    context = contextvars.copy_context()
    context.run(variable.set, "before")
    loop = asyncio.get_running_loop()

    async def set_meanwhile() -> None:
        variable.set("meanwhile")

    call = loop.create_task(sync_to_async(gate.hold)(), context=context)
    await gate.has_begun()
    await loop.create_task(set_meanwhile(), context=context)
    gate.open()
    await call
    assert "meanwhile" == context[variable]


async def test_a_call_in_a_given_context_runs_in_that_context() -> None:
    """With context=ctx the function reads and sets variables there."""
    variable.set("of the caller")
    context = contextvars.Context()
    context.run(variable.set, "of the context")

    def swap() -> object:
        seen = variable.get()
        variable.set("set in the context")
        return seen

    assert "of the context" == await sync_to_async(swap, context=context)()
    assert "set in the context" == context[variable]


@pytest.mark.parametrize("thread_sensitive", [True, False])
async def test_a_call_in_a_given_context_carries_nothing_back(thread_sensitive: bool) -> None:
    """With context=ctx the caller's variables stay as they were, by return and by exception."""
    variable.set("of the caller")
    context = contextvars.copy_context()

    def set_it() -> None:
        variable.set("of the call")

    def fail() -> None:
        variable.set("of the failed call")
        raise KeyError

    await SyncToAsync(set_it, thread_sensitive, None, context)()
    assert "of the caller" == variable.get()
    with pytest.raises(KeyError):
        await SyncToAsync(fail, thread_sensitive, None, context)()
    assert "of the caller" == variable.get()


async def test_a_given_context_is_used_call_after_call() -> None:
    """The context keeps what earlier calls have set in it."""
    context = contextvars.Context()
    set_it = sync_to_async(variable.set, context=context)
    get_it = sync_to_async(variable.get, context=context)
    await set_it("kept")
    assert "kept" == await get_it()
    assert "default" == variable.get()


# From sync code into a coroutine and back.


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_a_coroutine_sees_the_callers_variables(force_new_loop: bool) -> None:
    """It runs in a copy of the caller's context."""
    value = Incomparable()

    async def get() -> object:
        return variable.get()

    def call() -> object:
        variable.set(value)
        return async_to_sync(get, force_new_loop=force_new_loop)()

    assert value is in_own_context(call)


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_a_variable_set_by_a_coroutine_is_set_in_the_caller(force_new_loop: bool) -> None:
    """It is carried back when the coroutine returns."""
    before, after = Incomparable(), Incomparable()

    async def replace() -> None:
        variable.set(after)

    def call() -> object:
        variable.set(before)
        async_to_sync(replace, force_new_loop=force_new_loop)()
        return variable.get()

    assert after is in_own_context(call)


def test_a_variable_set_before_a_coroutine_raised_is_set_in_the_caller() -> None:
    """It is carried back when the coroutine raises, too."""

    async def fail() -> None:
        variable.set("set before the error")
        raise KeyError

    def call() -> object:
        with pytest.raises(KeyError):
            async_to_sync(fail)()
        return variable.get()

    assert "set before the error" == in_own_context(call)


def test_a_reused_loop_remembers_no_variables() -> None:
    """The next call starts from its own caller's context."""

    async def set_it() -> None:
        variable.set("of the first call")

    async def get_it() -> object:
        return variable.get()

    in_own_context(async_to_sync(set_it))
    assert "default" == in_own_context(async_to_sync(get_it))


async def test_a_reused_worker_remembers_no_variables() -> None:
    """The next call in the same thread starts from its own caller's context."""
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()

    async def set_it() -> None:
        await sync_to_async(lambda: variable.set("of the first call"))()

    await loop.create_task(set_it(), context=context)
    assert "of the first call" == context[variable]
    assert "default" == await sync_to_async(variable.get)()


async def test_variables_travel_through_both_hops_and_back() -> None:
    """async, thread, async, thread: the innermost sees the outermost's value, and vice versa."""
    inner, outer = Incomparable(), Incomparable()
    variable.set(outer)
    seen: list[object] = []

    def deepest() -> None:
        seen.append(variable.get())
        variable.set(inner)

    async def middle() -> None:
        await sync_to_async(deepest)()
        seen.append(variable.get())

    def call() -> None:
        async_to_sync(middle)()
        seen.append(variable.get())

    await sync_to_async(call)()
    seen.append(variable.get())
    expected = [outer, inner, inner, inner]
    assert len(expected) == len(seen)
    assert all(one is another for one, another in zip(expected, seen, strict=True))


def test_a_users_task_sees_variables_but_sends_none_back() -> None:
    """Tasks have contexts of their own, as everywhere in asyncio."""

    async def main() -> list[object]:
        async def task() -> object:
            before = await sync_to_async(variable.get)()
            await sync_to_async(lambda: variable.set("of the task"))()
            return before

        return [await asyncio.create_task(task()), variable.get()]

    def call() -> list[object]:
        variable.set("of the caller")
        return [*async_to_sync(main)(), variable.get()]

    assert ["of the caller"] * 3 == in_own_context(call)
