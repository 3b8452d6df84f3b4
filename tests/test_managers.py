"""Context managers entered from the other side: where they run, what reaches them, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import pickle
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import anyio
import pytest
from conftest import LIMIT, Gate, happened

from typedbridge import (
    AsyncSingleThreadContext,
    ThreadSensitiveContext,
    async_to_sync,
    check_cancelled,
    sync_to_async,
)
from typedbridge.streams import async_to_sync_context, sync_to_async_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType


class BrokenError(Exception):
    """What went wrong in a block."""


class Manager:
    """A sync manager that notes where it was entered and left, and with what."""

    def __init__(self, *, suppresses: bool = False) -> None:
        self.suppresses = suppresses
        self.threads: list[threading.Thread] = []
        self.left_with: list[BaseException | None] = []
        self.tracebacks: list[TracebackType | None] = []

    def __enter__(self) -> Self:
        self.threads.append(threading.current_thread())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        assert exc_type is (None if exc is None else type(exc))
        self.threads.append(threading.current_thread())
        self.left_with.append(exc)
        self.tracebacks.append(traceback)
        return self.suppresses


class AsyncOne:
    """An async manager that notes the same of tasks."""

    def __init__(self, *, suppresses: bool = False) -> None:
        self.suppresses = suppresses
        self.tasks: list[asyncio.Task[Any] | None] = []
        self.left_with: list[BaseException | None] = []
        self.loops: list[asyncio.AbstractEventLoop] = []

    def note(self) -> None:
        self.tasks.append(asyncio.current_task())
        self.loops.append(asyncio.get_running_loop())

    async def __aenter__(self) -> Self:
        self.note()
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        assert exc_type is (None if exc is None else type(exc))
        assert traceback is (None if exc is None else exc.__traceback__)
        await asyncio.sleep(0)
        self.note()
        self.left_with.append(exc)
        return self.suppresses


@pytest.fixture
def manager() -> Manager:
    return Manager()


# Entering and leaving from async code.


OPTIONS = pytest.mark.parametrize(
    "options", [{}, {"thread_sensitive": False}], ids=["sensitive", "alone"]
)


@OPTIONS
async def test_a_manager_is_entered_and_left_in_one_thread(
    options: dict[str, Any], manager: Manager
) -> None:
    """Which is not the event loop's; what it gives arrives."""
    for _ in range(3):
        async with sync_to_async_context(manager, **options) as given:
            assert manager is given
        entered, left = manager.threads
        assert entered is left is not threading.current_thread()
        manager.threads.clear()
    assert [None] * 3 == manager.left_with


async def test_a_sensitive_manager_runs_where_sensitive_calls_run() -> None:
    """In the lane of the process, of a context, in a frame's thread."""

    async def enter() -> None:
        expected = await sync_to_async(threading.current_thread)()
        own = Manager()
        async with sync_to_async_context(own):
            assert expected is await sync_to_async(threading.current_thread)()
        assert [expected, expected] == own.threads

    await enter()
    async with ThreadSensitiveContext():
        await enter()
    await sync_to_async(async_to_sync(enter), thread_sensitive=False)()


@pytest.mark.parametrize("size", [1, 3])
async def test_a_manager_in_an_executor_has_one_thread_of_it(size: int, manager: Manager) -> None:
    """Others have theirs meanwhile, where there is more than one."""
    with ThreadPoolExecutor(size) as executor:
        options: dict[str, Any] = {"thread_sensitive": False, "executor": executor}
        async with sync_to_async_context(manager, **options):
            other = await sync_to_async(threading.current_thread, **options)()
        entered, left = manager.threads
        assert entered is left
        assert (size == 1) == (other is entered)


async def test_a_lock_is_held_between_the_two_and_the_loop_goes_on() -> None:
    """`threading.RLock` is released by the thread that took it only."""
    lock = threading.RLock()
    async with sync_to_async_context(lock, thread_sensitive=False) as taken:
        assert taken
        assert not await asyncio.to_thread(lock.acquire, blocking=False)
    assert await asyncio.to_thread(lock.acquire, blocking=False)


async def test_the_event_loop_goes_on_while_a_manager_is_entered(gate: Gate) -> None:
    """And while it is left."""

    @sync_to_async_context
    @contextlib.contextmanager
    def slow() -> Iterator[str]:
        gate.hold()
        yield "given"

    async def enter() -> str:
        async with slow() as given:
            return given

    task = asyncio.create_task(enter())
    await gate.has_begun()
    gate.open()
    assert "given" == await task


class TestWhatIsGiven:
    """An object, a class, a function, a method."""

    async def test_a_class_is_instantiated_in_the_thread(self) -> None:
        """With the arguments of the call."""
        made: list[threading.Thread] = []

        class Made(Manager):
            def __init__(self, *, suppresses: bool) -> None:
                super().__init__(suppresses=suppresses)
                made.append(threading.current_thread())

        async with sync_to_async_context(Made)(suppresses=True) as given:
            raise BrokenError
        assert made == given.threads[:1]
        assert isinstance(given.left_with[0], BrokenError)

    async def test_a_generator_function_of_contextlib(self) -> None:
        """Usable bare, with options and as a call."""

        @contextlib.contextmanager
        def session(name: str) -> Iterator[str]:
            yield name.upper()

        for wrap in (
            sync_to_async_context,
            sync_to_async_context(),
            sync_to_async_context(thread_sensitive=False),
        ):
            wrapped: Any = wrap
            async with wrapped(session)("a") as given:
                assert "A" == given

    async def test_an_object_that_contextlib_made(self) -> None:
        """Which can be entered once."""

        @contextlib.contextmanager
        def session() -> Iterator[int]:
            yield 1

        once = sync_to_async_context(session())
        async with once as given:
            assert 1 == given
        with pytest.raises((RuntimeError, AttributeError)):
            async with once:
                pass

    async def test_methods_of_every_kind_bind(self) -> None:
        """Also read from the class."""

        class Pool:
            size = 3

            @sync_to_async_context
            @contextlib.contextmanager
            def method(self, add: int) -> Iterator[int]:
                yield self.size + add

            @classmethod
            @sync_to_async_context
            @contextlib.contextmanager
            def of_the_class(cls) -> Iterator[int]:
                yield cls.size

            @staticmethod
            @sync_to_async_context
            @contextlib.contextmanager
            def static() -> Iterator[int]:
                yield 5

        got: list[int] = []
        pool = Pool()
        for one in (pool.method(1), Pool.method(pool, 2), Pool.of_the_class(), pool.static()):
            async with one as given:
                got.append(given)
        assert [4, 5, 3, 5] == got

    async def test_a_bound_method(self) -> None:
        """With its instance."""

        class Pool:
            @contextlib.contextmanager
            def session(self) -> Iterator[Pool]:
                yield self

        pool = Pool()
        async with sync_to_async_context(pool.session)() as given:
            assert pool is given

    async def test_a_function_that_gives_no_manager_is_named(self) -> None:
        """When it is entered: nobody can tell before."""

        def wrong() -> Any:
            return 5

        wrapped: Any = sync_to_async_context(wrong)
        with pytest.raises(TypeError, match=r"wrong gives 5, which is no context manager"):
            async with wrapped():
                pass


# Errors in the block.


async def test_an_error_reaches_the_manager_and_rises_on() -> None:
    """The same object, with its traceback."""
    manager = Manager()
    error = BrokenError()
    with pytest.raises(BrokenError) as raised:
        async with sync_to_async_context(manager):
            raise error
    assert error is raised.value
    assert [error] == manager.left_with
    assert manager.tracebacks[0] is not None


@pytest.mark.parametrize(
    "error", [BrokenError(), StopIteration(5), StopAsyncIteration(), GeneratorExit(), SystemExit()]
)
async def test_a_manager_may_suppress_an_error(error: BaseException) -> None:
    """Of every kind."""
    manager = Manager(suppresses=True)
    async with sync_to_async_context(manager):
        raise error
    assert [error] == manager.left_with


@pytest.mark.parametrize(
    "error", [BrokenError(), StopAsyncIteration(), KeyError("key"), SystemExit()]
)
async def test_a_generator_of_contextlib_gives_the_error_back(error: BaseException) -> None:
    """One that does not handle it changes nothing."""

    @contextlib.contextmanager
    def passes() -> Iterator[None]:
        yield

    with pytest.raises(type(error)) as raised:
        async with sync_to_async_context(passes)():
            raise error
    assert error is raised.value


async def test_a_manager_may_replace_an_error() -> None:
    """The first is the second's context."""

    @sync_to_async_context
    @contextlib.contextmanager
    def replaces() -> Iterator[None]:
        try:
            yield
        except BrokenError:
            raise KeyError from None

    with pytest.raises(KeyError) as raised:
        async with replaces():
            raise BrokenError
    assert isinstance(raised.value.__context__, BrokenError)


async def test_an_error_while_entering_rises_and_nothing_is_left() -> None:
    """As in sync code: what was not entered is not left."""
    manager = Manager()

    class Failing(Manager):
        def __enter__(self) -> Self:
            raise BrokenError

    failing = Failing()
    with pytest.raises(BrokenError):
        async with sync_to_async_context(manager), sync_to_async_context(failing):
            pytest.fail("entered")
    assert [] == failing.left_with
    assert isinstance(manager.left_with[0], BrokenError)


async def test_stop_iteration_while_entering_is_a_runtime_error() -> None:
    """A coroutine cannot raise it."""

    class Failing(Manager):
        def __enter__(self) -> Self:
            raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await sync_to_async_context(Failing()).__aenter__()


# Several.


async def test_an_exit_stack_leaves_in_reverse() -> None:
    """As it does with any async manager."""
    order: list[str] = []

    @sync_to_async_context
    @contextlib.contextmanager
    def named(name: str) -> Iterator[str]:
        yield name
        order.append(name)

    async with contextlib.AsyncExitStack() as stack:
        for name in "abc":
            assert name == await stack.enter_async_context(named(name))
    assert ["c", "b", "a"] == order


async def test_one_object_is_entered_again_inside_itself() -> None:
    """Each block leaves what it has entered."""
    lock = threading.RLock()
    held = sync_to_async_context(lock)
    async with held:
        async with held:
            pass
        assert not await asyncio.to_thread(lock.acquire, blocking=False)
    assert await asyncio.to_thread(lock.acquire, blocking=False)


async def test_one_object_is_used_by_many_tasks() -> None:
    """Each leaves its own, in the thread in which it was entered."""
    order: list[tuple[str, threading.Thread]] = []

    class Noting:
        def __enter__(self) -> threading.Thread:
            return threading.current_thread()

        def __exit__(self, *_: object) -> None:
            order.append(("left", threading.current_thread()))

    shared = sync_to_async_context(Noting(), thread_sensitive=False)
    meeting = asyncio.Barrier(5)

    async def use() -> None:
        async with shared as thread:
            await meeting.wait()
        assert ("left", thread) in order

    await asyncio.gather(*(use() for _ in range(5)))
    assert 5 == len(set(order))


async def test_a_block_may_be_left_by_another_task() -> None:
    """As fixtures of test runners are: entered in one task, left in the next."""
    manager = Manager()
    stack = contextlib.AsyncExitStack()
    await asyncio.create_task(stack.enter_async_context(sync_to_async_context(manager)))
    await asyncio.create_task(stack.aclose())
    assert 1 == len(set(manager.threads))
    assert [None] == manager.left_with


async def test_leaving_what_was_not_entered_is_an_error() -> None:
    """It names the manager."""
    with pytest.raises(RuntimeError, match=r"AsyncManager of .*Manager> is left without"):
        await sync_to_async_context(Manager()).__aexit__(None, None, None)


# Cancellation, in async code.


async def use(manager: Any) -> None:
    """Enter, and leave by cancellation only."""
    async with manager:
        await asyncio.get_running_loop().create_future()


async def test_a_manager_that_is_cancelled_while_queued_is_never_entered(
    gate: Gate, manager: Manager
) -> None:
    """Nor left."""
    holder = asyncio.create_task(sync_to_async(gate.hold)())
    await gate.has_begun()
    task = asyncio.create_task(use(sync_to_async_context(manager)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    gate.open()
    await holder
    await sync_to_async(lambda: None)()
    assert [] == manager.threads


class SlowToEnter(Manager):
    """Blocks in its enter."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate

    def __enter__(self) -> Self:
        self.gate.hold()
        return super().__enter__()


@OPTIONS
async def test_one_that_is_cancelled_while_it_is_entered_is_left(
    options: dict[str, Any], gate: Gate
) -> None:
    """With the cancellation as its error, in its thread, before that rises."""
    manager = SlowToEnter(gate)
    task = asyncio.create_task(use(sync_to_async_context(manager, **options)))
    await gate.has_begun()
    task.cancel("why")
    await asyncio.sleep(0)
    assert not task.done()
    gate.open()
    await asyncio.wait([task])
    assert task.cancelled()
    [error] = manager.left_with
    assert isinstance(error, asyncio.CancelledError)
    assert ("why",) == error.args
    assert 1 == len(set(manager.threads))


async def test_a_cancelled_enter_that_fails_says_so(gate: Gate) -> None:
    """The outcome decides, as with calls."""

    @sync_to_async_context
    @contextlib.contextmanager
    def failing() -> Iterator[None]:
        gate.hold()
        if gate.left.is_set():
            raise BrokenError
        yield

    task = asyncio.create_task(use(failing()))
    await gate.has_begun()
    task.cancel()
    await asyncio.sleep(0)
    gate.open()
    await asyncio.wait([task])
    assert isinstance(task.exception(), BrokenError)


async def test_an_enter_may_ask_whether_it_was_cancelled(gate: Gate) -> None:
    """And stop early."""
    ended = threading.Event()

    @sync_to_async_context
    @contextlib.contextmanager
    def patient() -> Iterator[None]:
        gate.begun.set()
        try:
            while not gate.opened.wait(0.001):
                check_cancelled()
        finally:
            ended.set()
        yield

    task = asyncio.create_task(use(patient()))
    await gate.has_begun()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert ended.is_set()


async def test_a_cancelled_block_leaves_with_the_cancellation(manager: Manager) -> None:
    """In the thread."""
    entered = asyncio.Event()

    async def enter() -> None:
        async with sync_to_async_context(manager):
            entered.set()
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(enter())
    await entered.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert isinstance(manager.left_with[0], asyncio.CancelledError)


async def test_an_exit_runs_to_its_end_when_it_is_cancelled(gate: Gate) -> None:
    """However often; then the cancellation rises."""
    ended = threading.Event()

    class SlowToLeave(Manager):
        def __exit__(self, *exc_info: object) -> bool:
            gate.hold()
            ended.set()
            return True

    async def enter_and_leave() -> None:
        async with sync_to_async_context(SlowToLeave()):
            pass

    task = asyncio.create_task(enter_and_leave())
    await gate.has_begun()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    gate.open()
    await asyncio.wait([task])
    assert task.cancelled()
    assert ended.is_set()


async def test_a_cancel_scope_of_anyio_waits_for_the_exit(gate: Gate) -> None:
    """And is the one that has ended the block."""
    manager = SlowToEnter(gate)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(use, sync_to_async_context(manager))
            await gate.has_begun()
            scope.cancel()
            gate.open()
    assert scope.cancelled_caught
    assert isinstance(manager.left_with[0], asyncio.CancelledError)


# What travels.

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


async def test_context_variables_travel_both_ways_with_both_steps() -> None:
    """What enter sets is there in the block, and what the block sets is there in exit."""
    seen: list[str] = []

    @sync_to_async_context
    @contextlib.contextmanager
    def setting() -> Iterator[None]:
        seen.append(variable.get())
        variable.set("enter")
        yield
        seen.append(variable.get())
        variable.set("exit")

    variable.set("before")
    async with setting():
        assert "enter" == variable.get()
        variable.set("block")
    assert "exit" == variable.get()
    assert ["before", "block"] == seen


async def test_the_handled_exception_is_that_of_the_block() -> None:
    """In exit, as in sync code."""
    seen: list[BaseException | None] = []

    class Looking(Manager):
        def __exit__(self, *exc_info: object) -> bool:
            seen.append(sys.exception())
            return True

    error = BrokenError()
    async with sync_to_async_context(Looking()):
        raise error
    assert [error] == seen


# Entering and leaving from sync code.


def in_no_loop(use: Callable[[], Any]) -> Any:
    return use()


def in_single_thread_context(use: Callable[[], Any]) -> Any:
    with AsyncSingleThreadContext():
        return use()


def in_call(use: Callable[[], Any]) -> Any:
    return asyncio.run(sync_to_async(use)())


PLACES = pytest.mark.parametrize("place", [in_no_loop, in_single_thread_context, in_call])


class TestFromSyncCode:
    """The same for an async manager."""

    @PLACES
    def test_it_is_entered_and_left_in_one_task(self, place: Any) -> None:
        """What it gives arrives."""
        manager = AsyncOne()

        def enter() -> None:
            with async_to_sync_context(manager) as given:
                assert manager is given

        place(enter)
        entered, left = manager.tasks
        assert entered is left is not None
        assert [None] == manager.left_with

    async def test_the_loop_is_that_of_the_enclosing_call(self) -> None:
        """As with calls."""
        manager = AsyncOne()

        def enter() -> None:
            with async_to_sync_context(manager):
                pass

        await sync_to_async(enter)()
        assert [asyncio.get_running_loop()] * 2 == manager.loops

    def test_a_class_a_function_and_methods(self) -> None:
        """Each is called in the task."""

        class Pool:
            size = 3

            @async_to_sync_context
            @contextlib.asynccontextmanager
            async def method(self, add: int) -> AsyncIterator[int]:
                yield self.size + add

            @classmethod
            @async_to_sync_context
            @contextlib.asynccontextmanager
            async def of_the_class(cls) -> AsyncIterator[int]:
                yield cls.size

            @staticmethod
            @async_to_sync_context
            @contextlib.asynccontextmanager
            async def static() -> AsyncIterator[int]:
                yield 5

        got: list[int] = []
        pool = Pool()
        for one in (pool.method(1), Pool.method(pool, 2), Pool.of_the_class(), pool.static()):
            with one as given:
                got.append(given)
        assert [4, 5, 3, 5] == got
        with async_to_sync_context(AsyncOne)(suppresses=True) as made:
            raise BrokenError
        assert isinstance(made.left_with[0], BrokenError)

    def test_a_function_that_gives_no_manager_is_named(self) -> None:
        """When it is entered."""

        @async_to_sync_context
        def wrong() -> Any:
            return 5

        with (
            pytest.raises(TypeError, match=r"wrong gives 5, which is no async context manager"),
            wrong(),
        ):
            pass

    def test_an_error_reaches_the_manager_and_rises_on(self) -> None:
        """The same object."""
        manager = AsyncOne()
        error = BrokenError()
        with pytest.raises(BrokenError) as raised, async_to_sync_context(manager):
            raise error
        assert error is raised.value
        assert [error] == manager.left_with

    @pytest.mark.parametrize(
        "error",
        [BrokenError(), StopIteration(5), StopAsyncIteration(), GeneratorExit(), SystemExit()],
    )
    def test_a_manager_may_suppress_an_error(self, error: BaseException) -> None:
        """Of every kind."""
        manager = AsyncOne(suppresses=True)
        with async_to_sync_context(manager):
            raise error
        assert [error] == manager.left_with

    @pytest.mark.parametrize(
        "error", [BrokenError(), StopIteration(5), StopAsyncIteration(), SystemExit(), KeyError()]
    )
    def test_a_generator_of_contextlib_gives_the_error_back(self, error: BaseException) -> None:
        """One that does not handle it changes nothing."""

        @async_to_sync_context
        @contextlib.asynccontextmanager
        async def passes() -> AsyncIterator[None]:
            yield

        with pytest.raises(type(error)) as raised, passes():
            raise error
        assert error is raised.value

    @pytest.mark.parametrize("kind", [BrokenError, StopAsyncIteration, asyncio.CancelledError])
    def test_an_error_of_enter_rises(self, kind: type[BaseException]) -> None:
        """Also one that means the end of an iterator."""
        error = kind()

        class Failing(AsyncOne):
            async def __aenter__(self) -> Self:
                raise error

        failing = Failing()
        with pytest.raises(kind) as raised, async_to_sync_context(failing):
            pytest.fail("entered")
        assert error is raised.value
        assert [] == failing.left_with

    @pytest.mark.parametrize("kind", [BrokenError, StopAsyncIteration, asyncio.CancelledError])
    def test_an_error_of_exit_rises(self, kind: type[BaseException]) -> None:
        """The same."""
        error = kind()

        class Failing(AsyncOne):
            async def __aexit__(self, *exc_info: object) -> bool:
                raise error

        with pytest.raises(kind) as raised, async_to_sync_context(Failing()):
            pass
        assert error is raised.value

    def test_an_exit_stack_leaves_in_reverse(self) -> None:
        """As it does with any manager."""
        order: list[str] = []

        @async_to_sync_context
        @contextlib.asynccontextmanager
        async def named(name: str) -> AsyncIterator[str]:
            yield name
            order.append(name)

        with contextlib.ExitStack() as stack:
            for name in "abc":
                assert name == stack.enter_context(named(name))
        assert ["c", "b", "a"] == order

    def test_one_object_is_entered_again_and_by_several_threads(self) -> None:
        """Each block leaves its own."""
        manager = AsyncOne()
        shared = async_to_sync_context(manager)
        meeting = threading.Barrier(3, timeout=LIMIT)

        def enter() -> None:
            with shared, shared:
                meeting.wait()

        threads = [threading.Thread(target=enter) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        assert 12 == len(manager.tasks)
        assert 6 == len(set(manager.tasks))
        assert [None] * 6 == manager.left_with

    def test_leaving_what_was_not_entered_is_an_error(self) -> None:
        """It names the manager."""
        with pytest.raises(RuntimeError, match=r"SyncManager of .*AsyncOne> is left without"):
            async_to_sync_context(AsyncOne()).__exit__(None, None, None)

    def test_a_cancel_scope_and_a_task_group_stand_across_the_block(self) -> None:
        """Both belong to one task; what the group runs goes on while sync code runs."""
        going = threading.Event()

        @async_to_sync_context
        @contextlib.asynccontextmanager
        async def group() -> AsyncIterator[anyio.abc.TaskGroup]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(asyncio.to_thread, going.set)
                yield tasks
                tasks.cancel_scope.cancel()

        with group():
            happened(going)

    def test_sensitive_work_comes_back_to_the_thread(self) -> None:
        """In enter and in exit."""
        threads: list[threading.Thread] = []

        @async_to_sync_context
        @contextlib.asynccontextmanager
        async def sensitive() -> AsyncIterator[None]:
            threads.append(await sync_to_async(threading.current_thread)())
            yield
            threads.append(await sync_to_async(threading.current_thread)())

        with sensitive():
            pass
        assert [threading.current_thread()] * 2 == threads

    def test_context_variables_travel_both_ways(self) -> None:
        """With both steps."""
        seen: list[str] = []

        @async_to_sync_context
        @contextlib.asynccontextmanager
        async def setting() -> AsyncIterator[None]:
            seen.append(variable.get())
            variable.set("enter")
            yield
            seen.append(variable.get())
            variable.set("exit")

        def enter() -> None:
            variable.set("before")
            with setting():
                assert "enter" == variable.get()
                variable.set("block")
            assert "exit" == variable.get()

        contextvars.copy_context().run(enter)
        assert ["before", "block"] == seen

    async def test_it_is_refused_in_the_loops_thread(self) -> None:
        """It would block; the message says what to use."""
        with (
            pytest.raises(RuntimeError, match=r"AsyncOne.*event loop is running.*use async with"),
            async_to_sync_context(AsyncOne()),
        ):
            pass

    @pytest.mark.parametrize("shields", [False, True])
    def test_ctrl_c_while_entering_leaves_nothing_entered(self, shields: bool) -> None:
        """Enter is cancelled; one that does not heed that is left again."""
        main = threading.get_ident()
        manager = AsyncOne()

        class Slow(AsyncOne):
            async def __aenter__(self) -> Self:
                try:
                    await asyncio.to_thread(signal.pthread_kill, main, signal.SIGINT)
                    await asyncio.get_running_loop().create_future()
                except asyncio.CancelledError:
                    if not shields:
                        raise
                return self

        slow = Slow()
        with (
            pytest.raises(KeyboardInterrupt),
            async_to_sync_context(manager),
            async_to_sync_context(slow),
        ):
            pytest.fail("entered")
        assert shields == bool(slow.left_with)
        assert isinstance(manager.left_with[0], KeyboardInterrupt)

    def test_a_manager_that_is_dropped_is_left(self) -> None:
        """Its task does not stay for ever."""
        left = threading.Event()

        @async_to_sync_context
        @contextlib.asynccontextmanager
        async def session() -> AsyncIterator[int]:
            yield 1
            left.set()

        manager = session()
        assert 1 == manager.__enter__()
        del manager
        happened(left)


# Decorated functions, and what is refused.


@sync_to_async_context
@contextlib.contextmanager
def to_async(name: str) -> Iterator[str]:
    """A session."""
    yield name


@async_to_sync_context
@contextlib.asynccontextmanager
async def to_sync(name: str) -> AsyncIterator[str]:
    """A session."""
    yield name


@pytest.mark.parametrize("function", [to_async, to_sync])
def test_a_decorated_function_looks_like_the_function(function: Any) -> None:
    """Name, documentation, signature; pickled by name; a mock can be specified by it."""
    assert function.__name__ in ("to_async", "to_sync")
    assert "A session." == function.__doc__
    assert ["name"] == list(inspect.signature(function).parameters)
    assert pickle.loads(pickle.dumps(function)) is function
    double = mock.create_autospec(function)
    double("a")
    with pytest.raises(TypeError):
        double()
    assert f"Manager of {__name__}.{function.__name__}>" in repr(function("a"))


async def a_coroutine_function() -> None:
    pass


@contextlib.contextmanager
def a_generator_function() -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("wrap", "wrong", "message"),
    [
        (sync_to_async_context, AsyncOne(), r"AsyncOne is async already: use async with"),
        (sync_to_async_context, AsyncOne, r"AsyncOne is async already: use async with"),
        (sync_to_async_context, a_coroutine_function, r"a_coroutine_function is async already"),
        (sync_to_async_context, 5, r"5 is no context manager, and gives none"),
        (sync_to_async_context, staticmethod(Manager), "staticmethod"),
        (async_to_sync_context, Manager(), r"Manager is sync already: use with"),
        (async_to_sync_context, Manager, r"Manager is sync already: use with"),
        (async_to_sync_context, a_generator_function, r"a_generator_function is sync already"),
        (async_to_sync_context, 5, r"5 is no async context manager, and gives none"),
        (async_to_sync_context, classmethod(lambda cls: AsyncOne()), "classmethod"),
    ],
)
def test_what_gives_no_manager_is_refused(
    wrap: Callable[[Any], Any], wrong: Any, message: str
) -> None:
    """The message names it and says what to do."""
    with pytest.raises(TypeError, match=f"^{wrap.__name__}.*{message}"):
        wrap(wrong)


async def test_options_are_checked() -> None:
    """As with calls."""
    with ThreadPoolExecutor(1) as threads, ProcessPoolExecutor(1) as processes:
        with pytest.raises(TypeError, match="thread_sensitive=False"):
            sync_to_async_context(Manager(), executor=threads)
        wrap = partial(sync_to_async_context, thread_sensitive=False)
        with pytest.raises(TypeError, match="ProcessPoolExecutor"):
            wrap(Manager(), executor=processes)
        wrong: Any = object()
        with pytest.raises(TypeError, match="submit"):
            wrap(Manager(), executor=wrong)
