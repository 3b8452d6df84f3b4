"""Exceptions that other threads set in the library's threads (`PyThreadState_SetAsyncExc`)."""

from __future__ import annotations

import asyncio
import ctypes
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import LIMIT, shows_its_state, unmeasured
from storms.__main__ import ASYNC, SYNC

from typedbridge import ThreadSensitiveContext, async_to_sync, sync_to_async


class TimedOut(BaseException):
    """What a tool sets in a thread that takes too long."""


def set_exception(ident: int | None) -> None:
    assert ident is not None
    count = ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), ctypes.py_object(TimedOut)
    )
    assert 1 == count


@pytest.mark.parametrize("sensitive", [True, False])
class TestAWorker:
    """A thread that runs functions: a lane, or a worker of the pool."""

    async def test_while_a_function_runs(self, sensitive: bool) -> None:
        """It rises in the function, and its caller gets it; the thread goes on."""
        begun = threading.Event()
        idents: list[int] = []

        def endless() -> None:
            idents.append(threading.get_ident())
            begun.set()
            end = threading.Event()
            while not end.wait(0.001):
                pass

        def ident() -> int:
            return threading.get_ident()

        async with ThreadSensitiveContext():
            call = asyncio.ensure_future(sync_to_async(endless, thread_sensitive=sensitive)())
            await asyncio.to_thread(begun.wait, LIMIT)
            set_exception(idents[0])
            with pytest.raises(TimedOut):
                await call
            for _ in range(3):
                after = await sync_to_async(ident, thread_sensitive=sensitive)()
                assert [after] == idents or not sensitive

    async def test_while_it_is_idle(self, sensitive: bool) -> None:
        """It is nobody's: the next call, in that same thread, does not see it."""
        idle = sync_to_async(threading.get_ident, thread_sensitive=sensitive)
        async with ThreadSensitiveContext():
            ident = await idle()
            for _ in range(5):
                set_exception(ident)
                after = await idle()
                assert after == ident or not sensitive

    async def test_set_by_the_function_as_its_last_act(self, sensitive: bool) -> None:
        """However late it rises, the call has one outcome and the next one its own."""

        def function() -> int:
            set_exception(threading.get_ident())
            return 1

        call = sync_to_async(function, thread_sensitive=sensitive)
        async with ThreadSensitiveContext():
            with pytest.raises(TimedOut):
                await call()
            assert 2 == await sync_to_async(lambda: 2, thread_sensitive=sensitive)()


@shows_its_state
class TestALoopThread:
    """A thread with a loop of ours."""

    def test_while_a_coroutine_runs(self) -> None:
        """It rises in the coroutine, and its caller gets it."""

        async def coroutine() -> None:
            set_exception(threading.get_ident())
            await asyncio.sleep(0)

        async def fine() -> int:
            return 1

        with pytest.raises(TimedOut):
            async_to_sync(coroutine)()
        assert 1 == async_to_sync(fine)()

    def test_while_a_coroutine_waits(self) -> None:
        """It ends the loop: the caller gets it, after the cleanup or not, and another loop is there."""
        cleaned_up = threading.Event()

        async def coroutine() -> None:
            asyncio.get_running_loop().call_later(0, waiting.put, threading.get_ident())
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                cleaned_up.set()

        class Waiting:
            """Strikes from another thread, once the loop is in its selector."""

            def put(self, ident: int) -> None:
                threading.Timer(0.05, set_exception, [ident]).start()
                # The loop notices when it wakes up.
                loop = asyncio.get_running_loop()
                threading.Timer(0.1, loop.call_soon_threadsafe, [int]).start()

        waiting = Waiting()

        async def fine() -> int:
            return 1

        with pytest.raises(TimedOut):
            async_to_sync(coroutine)()
        assert cleaned_up.wait(LIMIT)
        assert 1 == async_to_sync(fine)()

    def test_while_it_is_idle(self) -> None:
        """It is nobody's: the next call runs, on this loop or on another."""

        async def ident() -> int:
            return threading.get_ident()

        for _ in range(5):
            set_exception(async_to_sync(ident)())
            assert async_to_sync(ident)()


@pytest.mark.parametrize("kind", [*ASYNC, *SYNC])
@pytest.mark.timeout(100)
def test_a_storm(kind: str) -> None:
    """Thousands, in all threads of ours, under a switch each microsecond: no call is lost or run twice.

    Or in a thread that makes calls, by a signal's handler. In the pool as many calls run side by side as
    before, and no loop thread is left over. Coverage is not measured: its tracer holds a lock
    in the struck threads, and an exception there leaves the lock held.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "storms", kind, "1"],
        cwd=Path(__file__).parent,
        env=unmeasured() | {"ASGI_THREADS": "4"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.match(rf"{kind}: \d+ exceptions set", done.stdout)
