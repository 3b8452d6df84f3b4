"""What happens to a result when the loop cannot be woken for it, or Ctrl-C comes in between."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import async_to_sync, sync_to_async

if TYPE_CHECKING:
    from collections.abc import Callable

five = sync_to_async(lambda: 5)


class Breakdown:
    """Fails to wake a loop for some time: a stand-in for what strikes there by chance."""

    def __init__(self, error: type[BaseException], times: int) -> None:
        self._error = error
        self._times = times

    def befalls(self, loop: Any) -> None:
        """Have the next wake-ups of the loop fail that this thread calls for."""
        wake = loop.call_soon_threadsafe
        thread = threading.current_thread()

        def fail_at_first(callback: Callable[..., object], *args: object, **kwargs: Any) -> object:
            if self._times and threading.current_thread() is thread:
                self._times -= 1
                raise self._error
            return wake(callback, *args, **kwargs)

        loop.call_soon_threadsafe = fail_at_first


async def test_a_frame_at_the_recursion_limit_fails_alone() -> None:
    """The sync caller gets the error; later results of the loop arrive, and that one too."""
    loop = asyncio.get_running_loop()
    results: list[int] = []

    def function() -> int:
        Breakdown(RecursionError, 2).befalls(loop)
        return 1

    async def coroutine() -> None:
        results.append(await sync_to_async(function)())

    with pytest.raises(RecursionError):
        await sync_to_async(async_to_sync(coroutine))()
    assert 5 == await five()


@pytest.mark.parametrize("sensitive", [True, False])
async def test_a_thread_survives_errors_at_the_hand_over(sensitive: bool) -> None:
    """It goes on, in a lane and in the pool, and hands the result over again."""
    loop = asyncio.get_running_loop()

    def function() -> int:
        Breakdown(MemoryError, 5).befalls(loop)
        return 1

    assert 1 == await sync_to_async(function, thread_sensitive=sensitive)()
    assert 5 == await sync_to_async(lambda: 5, thread_sensitive=sensitive)()


def test_ctrl_c_while_a_result_is_handed_over() -> None:
    """Whoever awaits the function gets its result all the same, and the loop goes on."""
    results: list[int] = []

    async def coroutine() -> None:
        loop = asyncio.get_running_loop()

        def function() -> int:
            Breakdown(KeyboardInterrupt, 1).befalls(loop)
            return 1

        call = asyncio.create_task(sync_to_async(function)())
        try:
            await asyncio.shield(call)
        finally:
            results.append(await call)

    with pytest.raises(KeyboardInterrupt):
        async_to_sync(coroutine)()
    assert [1] == results
    assert 5 == async_to_sync(five)()
