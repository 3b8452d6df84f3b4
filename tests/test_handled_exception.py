"""The exception that a caller is handling, across both kinds of hop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from typedbridge import async_to_sync, sync_to_async

if TYPE_CHECKING:
    from types import TracebackType

    from conftest import Call


def handled() -> BaseException | None:
    return sys.exc_info()[1]


async def async_handled() -> BaseException | None:
    return sys.exc_info()[1]


async def test_a_function_sees_what_the_caller_is_handling(call: Call) -> None:
    """sys.exc_info() in the thread shows the caller's exception, as in a direct call."""
    error = KeyError("handled")
    try:
        raise error
    except KeyError:
        assert error is await call(handled)
        assert error is handled()


async def test_a_function_sees_nothing_when_nothing_is_handled(call: Call) -> None:
    """Nor is there anything left over in the thread from the call before."""
    try:
        raise KeyError("handled")
    except KeyError:
        await call(handled)
    assert await call(handled) is None


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_a_coroutine_sees_what_the_caller_is_handling(force_new_loop: bool) -> None:
    """sys.exc_info() on the loop shows the caller's exception."""
    error = KeyError("handled")
    bridge = async_to_sync(async_handled, force_new_loop=force_new_loop)
    try:
        raise error
    except KeyError:
        assert error is bridge()
        assert error is handled()
    assert bridge() is None


async def test_the_handled_exception_travels_through_both_hops() -> None:
    """A thread under a coroutine under a thread still sees it."""
    error = KeyError("handled")

    async def middle() -> BaseException | None:
        return await sync_to_async(handled)()

    try:
        raise error
    except KeyError:
        assert error is await sync_to_async(async_to_sync(middle))()


async def test_a_bare_raise_raises_what_the_caller_is_handling() -> None:
    """A helper that reraises works in a thread as it does in a direct call."""
    error = KeyError("handled")

    def reraise() -> None:
        raise  # noqa: PLE0704  # what the caller handles is raised again

    with pytest.raises(KeyError) as raised:  # noqa: PT012  # the handler raises
        try:
            raise error
        except KeyError:
            await sync_to_async(reraise)()
    assert error is raised.value


async def test_an_error_in_a_handler_has_the_handled_one_as_its_context() -> None:
    """The chain that tracebacks print is the one of a direct call."""
    error = KeyError("handled")

    def fail() -> None:
        raise ValueError("raised")

    try:
        raise error
    except KeyError:
        with pytest.raises(ValueError, match="raised") as raised:
            await sync_to_async(fail)()
    assert error is raised.value.__context__


def traceback_length() -> int:
    error = sys.exc_info()[1]
    assert error is not None
    return len(traceback.extract_tb(error.__traceback__))


async def async_traceback_length() -> int:
    return traceback_length()


async def test_a_traceback_does_not_grow_by_a_hop_to_a_thread(call: Call) -> None:
    """The handled exception's traceback is the same inside, and after any number of calls."""
    try:
        raise KeyError
    except KeyError:
        before = traceback_length()
        lengths = [await call(traceback_length) for _ in range(20)]
        assert [before] * 20 == lengths
        assert before == traceback_length()


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_a_traceback_does_not_grow_by_a_hop_to_a_loop(force_new_loop: bool) -> None:
    """The handled exception's traceback is the same inside, and after any number of calls."""
    bridge = async_to_sync(async_traceback_length, force_new_loop=force_new_loop)
    try:
        raise KeyError
    except KeyError:
        before = traceback_length()
        assert [before] * 20 == [bridge() for _ in range(20)]
        assert before == traceback_length()


def test_a_hop_does_not_chain_the_handled_exception_to_another() -> None:
    """A frame's thread that is handling one error does not become the context of another.

    The task starts with nothing handled; its call comes back to a thread that handles an error.
    """
    error = KeyError("of the task")

    async def task() -> None:
        try:
            raise error
        except KeyError:
            assert error is await sync_to_async(handled)()

    async def main() -> None:
        await asyncio.create_task(task())

    try:
        raise ValueError("of the thread")
    except ValueError:
        async_to_sync(main)()
    assert error.__context__ is None


async def test_the_frames_thread_keeps_its_own_handled_exception() -> None:
    """Work that came back to a thread leaves that thread handling what it was handling."""
    error = KeyError("of the thread")

    async def task() -> None:
        try:
            raise ValueError("of the task")
        except ValueError:
            await sync_to_async(handled)()

    def frame() -> BaseException | None:
        try:
            raise error
        except KeyError:
            async_to_sync(task)()
            return handled()

    assert error is await sync_to_async(frame)()


class Interrupted(BaseException):
    """What strikes in the middle, as Ctrl-C does."""


class InterruptingError(Exception):
    """An error whose traceback cannot be read the n-th time."""

    reads_left = 0

    @property
    def __traceback__(self) -> TracebackType | None:
        self.reads_left -= 1
        if not self.reads_left:
            raise Interrupted
        return None

    @__traceback__.setter
    def __traceback__(self, traceback: TracebackType | None) -> None:
        self.with_traceback(traceback)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # interrupted before that
@pytest.mark.parametrize("read", [1, 2, 3])
async def test_an_interrupted_hop_leaves_the_next_one_alone(call: Call, read: int) -> None:
    """Nothing stays locked when Ctrl-C comes while the handled exception is handed over."""
    error = InterruptingError()
    try:
        raise error
    except InterruptingError:
        error.reads_left = read
        with contextlib.suppress(Interrupted):
            await call(handled)
        error.reads_left = -1
        assert error is await call(handled)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # interrupted before that
@pytest.mark.parametrize("read", [1, 2, 3])
def test_an_interrupted_hop_to_a_loop_leaves_the_next_one_alone(read: int) -> None:
    """As above, in the other direction."""

    async def seen() -> BaseException | None:
        return handled()

    error = InterruptingError()
    try:
        raise error
    except InterruptingError:
        error.reads_left = read
        with contextlib.suppress(Interrupted):
            async_to_sync(seen)()
        error.reads_left = -1
        assert error is async_to_sync(seen)()
