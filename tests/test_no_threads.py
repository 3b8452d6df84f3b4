"""Where no thread can be started, as in Pyodide, everything runs where it was called."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Final

#: No thread starts, and the platform is one of those.
START: Final = """
import _thread, asyncio, contextvars, sys, threading
import concurrent.futures

def refuse(*args, **kwargs):
    raise RuntimeError("can't start new thread")

for module, name in ((_thread, "start_new_thread"), (_thread, "start_joinable_thread"),
                     (threading, "_start_new_thread"), (threading, "_start_joinable_thread")):
    if hasattr(module, name):
        setattr(module, name, refuse)
# The standard library is that of this platform: it looks up files by the name.
platform, sys.platform = sys.platform, "emscripten"
import typedbridge._core.threadless
sys.platform = platform
from typedbridge import *
VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")
"""


def output(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.strip()


def test_a_sync_function_runs_on_the_loops_thread() -> None:
    """Sensitive, in the pool and in a context of its own; variables come back."""
    program = """
    def function(value):
        VARIABLE.set(value)
        return threading.current_thread() is threading.main_thread()

    async def main():
        print(await sync_to_async(function)("one"), VARIABLE.get())
        print(await sync_to_async(function, thread_sensitive=False)("two"), VARIABLE.get())
        async with ThreadSensitiveContext():
            print(await sync_to_async(function)("three"), VARIABLE.get())
        print(await asyncio.gather(*[sync_to_async(pow)(2, number) for number in range(4)]))

    asyncio.run(main())
    """
    assert "True one\nTrue two\nTrue three\n[1, 2, 4, 8]" == output(program)


def test_a_coroutine_runs_on_a_loop_in_the_calling_thread() -> None:
    """Sensitive calls in it too; leftovers are ended, errors rise."""
    program = """
    async def answer(value):
        VARIABLE.set(value)
        await asyncio.sleep(0)
        return await sync_to_async(threading.current_thread)() is threading.main_thread()

    async def fail():
        raise LookupError("found nothing")

    async def leave():
        return asyncio.create_task(asyncio.Event().wait())

    print(async_to_sync(answer)("one"), VARIABLE.get())
    print(async_to_sync(answer, force_new_loop=True)("two"), VARIABLE.get())
    with AsyncSingleThreadContext():
        print(async_to_sync(answer)("three"), VARIABLE.get())
    try:
        async_to_sync(fail)()
    except LookupError as error:
        print(error)
    print(async_to_sync(leave)().cancelled())
    """
    expected = "True one\nTrue two\nTrue three\nfound nothing\nTrue"
    assert expected == output(program)


def test_errors_of_a_sync_function() -> None:
    """They rise in the awaiting task."""
    program = """
    def fail():
        raise LookupError("found nothing")

    async def main():
        try:
            await sync_to_async(fail)()
        except LookupError as error:
            print(error)

    asyncio.run(main())
    """
    assert "found nothing" == output(program)


def test_async_to_sync_below_a_running_loop() -> None:
    """There is no thread that could wait: it says so, and hangs in no case."""
    program = """
    async def answer(): ...

    async def main():
        try:
            await sync_to_async(async_to_sync(answer))()
        except RuntimeError as error:
            print("event loop is running" in str(error))

    asyncio.run(main())
    """
    assert "True" == output(program)
