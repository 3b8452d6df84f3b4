"""The programs. Each asserts what a user would expect, and is run in a process of its own.

What is imported here, and what a program imports, must be there for both libraries.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Final, NamedTuple
from unittest import mock

PLACES: Final = 2
"""Calls in the pool at a time: ``ASGI_THREADS`` in the environment of a program."""

# Any, throughout: what has the names of `asgiref.sync`. So decorators have no types.
# mypy: disable-error-code="untyped-decorator"


class Program(NamedTuple):
    """One of the list."""

    title: str
    run: Callable[[Any], object]


PROGRAMS: Final[dict[str, Program]] = {}


def program(title: str) -> Callable[[Callable[[Any], object]], Callable[[Any], object]]:
    """Put a program on the list.

    :param title: what a user does, and what is to come of it.
    """

    def put(function: Callable[[Any], object]) -> Callable[[Any], object]:
        PROGRAMS[function.__name__] = Program(title, function)
        return function

    return put


def in_thread(function: Callable[[], Any]) -> Any:
    """Run a function in a new thread, with a copy of the context, and wait for it."""
    with ThreadPoolExecutor(1) as own:
        return own.submit(contextvars.copy_context().run, function).result()


class Records(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


# -- errors --------------------------------------------------------------------------------------


@program("A coroutine handles a child's error: nothing is logged")
def handled_error(lib: Any) -> None:
    async def fails() -> None:
        raise ValueError

    async def main() -> None:
        await asyncio.gather(fails(), return_exceptions=True)
        with contextlib.suppress(ValueError):
            await asyncio.create_task(fails())

    records = Records()
    lib.async_to_sync(main)()
    lib.async_to_sync(main)()
    assert [] == records.seen


@program("A function raises `StopIteration`: the caller gets an error")
def stop_iteration(lib: Any) -> None:
    def function() -> object:
        return next(iter(()))

    try:
        asyncio.run(lib.sync_to_async(function)())
    except RuntimeError:
        return
    raise AssertionError("no error")


@program("An exception whose `__traceback__` cannot be set comes back as it is")
def frozen_exception(lib: Any) -> None:
    @dataclasses.dataclass(frozen=True)
    class FrozenError(Exception):
        pass

    error = FrozenError()

    def function() -> None:
        raise error

    async def main() -> None:
        await lib.sync_to_async(function)()

    seen: list[BaseException] = []
    try:
        lib.async_to_sync(main)()
    except BaseException as raised:
        seen.append(raised)
    assert seen == [error], seen


@program("An exception that a tool sets in the thread of a call ends that call")
def set_in_a_thread(lib: Any) -> None:
    import ctypes

    begun, opened = threading.Event(), threading.Event()

    def function() -> None:
        begun.set()
        with contextlib.suppress(TimeoutError):
            while not opened.is_set():
                pass

    async def main() -> object:
        call = asyncio.create_task(lib.sync_to_async(threading.get_ident)())
        ident = await call
        call = asyncio.create_task(lib.sync_to_async(function)())
        await asyncio.to_thread(begun.wait)
        for _ in range(3):  # the last one between two calls
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(ident), ctypes.py_object(TimeoutError)
            )
        await asyncio.gather(call, return_exceptions=True)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(ident), ctypes.py_object(TimeoutError)
        )
        with contextlib.suppress(TimeoutError):
            await lib.sync_to_async(int)()
        return await lib.sync_to_async(int)("5")

    assert 5 == asyncio.run(main())


# -- what waits for what -------------------------------------------------------------------------


@program("All workers run loops that need a worker: they get one")
def pool_that_needs_itself(lib: Any) -> None:
    async def inner() -> int:
        return int(await lib.sync_to_async(int, thread_sensitive=False)("1"))

    def function() -> int:
        together.wait()
        return asyncio.run(inner())

    async def main() -> Any:
        call = lib.sync_to_async(function, thread_sensitive=False)
        return await asyncio.gather(*[call() for _ in range(PLACES)])

    together = threading.Barrier(PLACES)
    assert [1] * PLACES == asyncio.run(main())


@program("All workers wait in `async_to_sync` for the pool: they get a worker")
def nested_in_the_pool(lib: Any) -> None:
    async def inner() -> int:
        return int(await lib.sync_to_async(int, thread_sensitive=False)("1"))

    def function() -> int:
        together.wait()
        return int(lib.async_to_sync(inner)())

    async def main() -> Any:
        call = lib.sync_to_async(function, thread_sensitive=False)
        return await asyncio.gather(*[call() for _ in range(PLACES)])

    together = threading.Barrier(PLACES)
    assert [1] * PLACES == asyncio.run(main())


@program("The long calls of one loop do not keep those of another from beginning")
def two_loops(lib: Any) -> None:
    opened = threading.Event()
    begun = threading.Semaphore(0)

    def hold() -> None:
        begun.release()
        opened.wait()

    async def long() -> None:
        call = lib.sync_to_async(hold, thread_sensitive=False)
        await asyncio.gather(*[call() for _ in range(PLACES)])

    thread = threading.Thread(target=asyncio.run, args=(long(),))
    thread.start()
    for _ in range(PLACES):
        begun.acquire()
    assert 1 == asyncio.run(lib.sync_to_async(int, thread_sensitive=False)("1"))
    opened.set()
    thread.join()


def raises_at_once(lib: Any, function: Callable[[], object]) -> None:
    """A call that waits for itself is an error."""
    try:
        asyncio.run(lib.sync_to_async(function)())
    except RuntimeError:
        return
    raise AssertionError("no error")


@program("A function in the lane runs a loop that needs the lane: an error")
def lane_that_needs_itself(lib: Any) -> None:
    async def inner() -> None:
        await lib.sync_to_async(int)()

    raises_at_once(lib, lambda: asyncio.run(inner()))


@program("The same in the thread of a `ThreadSensitiveContext`: an error")
def context_that_needs_itself(lib: Any) -> None:
    async def inner() -> None:
        await lib.sync_to_async(int)()

    async def main() -> None:
        async with lib.ThreadSensitiveContext():
            await lib.sync_to_async(lambda: asyncio.run(inner()))()

    try:
        asyncio.run(main())
    except RuntimeError:
        return
    raise AssertionError("no error")


@program("A function in a frame's thread waits for a loop in a thread that it started: it works")
def loop_in_a_thread_of_a_function(lib: Any) -> None:
    async def inner() -> int:
        return int(await lib.sync_to_async(int)("1"))

    async def main() -> int:
        return int(await lib.sync_to_async(lambda: in_thread(lambda: asyncio.run(inner())))())

    assert 1 == lib.async_to_sync(main)()


@program("Two contexts, each of which waits for the thread of the other: an error")
def two_contexts(lib: Any) -> None:
    begun = threading.Barrier(2)

    async def ask(context: contextvars.Context) -> None:
        task = asyncio.get_running_loop().create_task(lib.sync_to_async(int)(), context=context)
        await task

    async def side(mine: int) -> None:
        async with lib.ThreadSensitiveContext():
            contexts[mine] = contextvars.copy_context()

            def function() -> None:
                begun.wait()
                asyncio.run(ask(contexts[1 - mine].copy()))

            await lib.sync_to_async(int)()
            await both.wait()
            await lib.sync_to_async(function)()

    async def main() -> Any:
        return await asyncio.gather(side(0), side(1), return_exceptions=True)

    contexts: dict[int, contextvars.Context] = {}
    both = asyncio.Barrier(2)
    assert any(isinstance(end, RuntimeError) for end in asyncio.run(main())), "no error"


# -- cancellation --------------------------------------------------------------------------------


@program("`anyio.move_on_after` around a call that is blocked in `async_to_sync` ends it")
def anyio_scope(lib: Any) -> None:
    import anyio

    async def forever() -> None:
        await asyncio.Event().wait()

    async def main() -> bool:
        with anyio.move_on_after(0.1) as scope:
            await lib.sync_to_async(lib.async_to_sync(forever))()
        return scope.cancelled_caught

    assert asyncio.run(main())


@program("`Task.cancel(msg)`: the error that rises has the message")
def message_of_a_cancellation(lib: Any) -> None:
    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def main() -> object:
        task = asyncio.create_task(lib.sync_to_async(lib.async_to_sync(forever))())
        await asyncio.to_thread(begun.wait)
        task.cancel("why")
        try:
            await task
        except asyncio.CancelledError as error:
            return error.args
        return None

    begun = threading.Event()
    assert ("why",) == asyncio.run(main())


@program("A function that outlives its cancelled call can still use `async_to_sync`")
def outlives_its_call(lib: Any) -> None:
    begun, opened, over = threading.Event(), threading.Event(), threading.Event()
    seen: list[object] = []

    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    def function() -> None:
        begun.set()
        opened.wait()
        try:
            seen.append(lib.async_to_sync(work)())
        except BaseException as error:
            seen.append(error)
        over.set()

    async def main() -> None:
        task = asyncio.create_task(lib.sync_to_async(function, thread_sensitive=False)())
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        opened.set()
        await asyncio.to_thread(over.wait)

    lib.async_to_sync(main)()
    assert [1] == seen, seen


# -- signals, exit, fork -------------------------------------------------------------------------


@program("A signal's handler raises while a coroutine runs: its cleanup comes first")
def signal_handler(lib: Any) -> None:
    class AlarmError(Exception):
        pass

    seen: list[str] = []

    def handle(*_: object) -> None:
        raise AlarmError

    async def main() -> None:
        threading.Timer(
            0.1, signal.pthread_kill, [threading.main_thread().ident, signal.SIGALRM]
        ).start()
        try:
            await asyncio.sleep(5)
        finally:
            await asyncio.sleep(0.1)
            seen.append("cleaned up")

    signal.signal(signal.SIGALRM, handle)
    try:
        lib.async_to_sync(main)()
    except AlarmError:
        seen.append("raised")
    assert ["cleaned up", "raised"] == seen, seen


@program("Ctrl-C while `async_to_sync` waits: the coroutine is cancelled, the process ends")
def ctrl_c(lib: Any) -> None:
    seen: list[str] = []

    async def main() -> None:
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    try:
        lib.async_to_sync(main)()
    except KeyboardInterrupt:
        assert ["cancelled"] == seen, seen
    else:
        raise AssertionError("no KeyboardInterrupt")


@program("A child that is forked after calls were made can make calls")
def fork(lib: Any) -> None:
    async def main() -> int:
        return int(await lib.sync_to_async(int)("1"))

    assert 1 == asyncio.run(main())
    assert 1 == lib.async_to_sync(main)()
    child = os.fork()
    if not child:
        asyncio.run(main())
        lib.async_to_sync(main)()
        os._exit(0)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@program("A child that is forked inside a call can make calls")
def fork_inside(lib: Any) -> None:
    async def main() -> int:
        return int(await lib.sync_to_async(int)("1"))

    def function() -> int:
        child = os.fork()
        if not child:
            asyncio.run(main())
            lib.async_to_sync(main)()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert 0 == asyncio.run(lib.sync_to_async(function)())


@program("Threads that make calls while the process ends: no traceback, status 0")
def calls_at_exit(lib: Any) -> None:
    script = f"""
import asyncio, threading
import {lib.__name__} as lib
async def work(): return await lib.sync_to_async(int)()
begun = threading.Barrier(9)
def calls():
    begun.wait()
    try:
        for _ in range(2000): lib.async_to_sync(work)()
    except RuntimeError: pass
for _ in range(8): threading.Thread(target=calls).start()
begun.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr), done.stderr[-300:]


# -- what is around ------------------------------------------------------------------------------


@program("A tool wraps `AsyncToSync.main_wrap`: called, in the calling thread")
def wrapped_main_wrap(lib: Any) -> None:
    seen: list[threading.Thread] = []
    before = lib.AsyncToSync.main_wrap

    def main_wrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(threading.current_thread())
        return before(self, *args, **kwargs)

    async def work() -> None: ...

    lib.AsyncToSync.main_wrap = main_wrap
    lib.async_to_sync(work)()
    assert [threading.main_thread()] == seen, seen


@program("A tool wraps `SyncToAsync.thread_handler`: called, in the thread of the call")
def wrapped_thread_handler(lib: Any) -> None:
    seen: list[threading.Thread] = []
    before = lib.SyncToAsync.thread_handler

    def thread_handler(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(threading.current_thread())
        return before(self, *args, **kwargs)

    lib.SyncToAsync.thread_handler = thread_handler
    assert seen == [asyncio.run(lib.sync_to_async(threading.current_thread)())]


@program("gevent's `monkey.patch_all()`: calls work, and so does `asyncio.run`")
def gevent_patched(lib: Any) -> None:
    script = f"""
from gevent import monkey; monkey.patch_all()
import asyncio
import {lib.__name__} as lib
async def work(): return await lib.sync_to_async(int)("1")
for _ in range(3): assert lib.async_to_sync(work)() == 1
async def plain(): return 1
assert asyncio.run(plain()) == 1
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr[-300:]


@program("`threading.settrace_all_threads` reaches the threads that calls run in")
def late_tracer(lib: Any) -> None:
    seen: list[str] = []

    def function() -> None: ...

    def trace(frame: types.FrameType, event: str, argument: object) -> None:
        if frame.f_code is function.__code__:
            seen.append(event)

    async def main() -> None:
        call = lib.sync_to_async(function)
        await call()
        getattr(threading, "settrace_all_threads")(trace)  # noqa: B009  # from Python 3.12 on
        await call()

    asyncio.run(main())
    assert ["call"] == seen, seen


@program("`create_autospec` of an object with bridges: async and sync as they are")
def autospec(lib: Any) -> None:
    class Service:
        @lib.sync_to_async
        def fetch(self, key: str) -> str:
            return key

    double = mock.create_autospec(Service(), instance=True)
    double.fetch.return_value = "x"

    async def main() -> object:
        return await double.fetch("k")

    assert "x" == asyncio.run(main())
    with contextlib.suppress(TypeError):
        double.fetch()
        raise AssertionError("the signature is not checked")


@program("A decorated function at module level can be pickled")
def pickled(lib: Any) -> None:
    module = types.ModuleType("users_module")
    sys.modules["users_module"] = module
    module.lib = lib  # type: ignore[attr-defined]
    exec("@lib.sync_to_async\ndef work(): return 1", vars(module))
    assert pickle.loads(pickle.dumps(module.work)) is module.work


@program("A `ProcessPoolExecutor` as executor")
def process_pool(lib: Any) -> None:
    async def main(pool: ProcessPoolExecutor) -> int:
        return int(await lib.sync_to_async(abs, thread_sensitive=False, executor=pool)(-3))

    with ProcessPoolExecutor(1) as pool:
        assert 3 == asyncio.run(main(pool))


@program("A coroutine of `types.coroutine`, in `async_to_sync`")
def generator_based(lib: Any) -> None:
    @types.coroutine
    def nap() -> Generator[None, None, int]:
        yield
        return 1

    assert 1 == lib.async_to_sync(nap)()


@program("A Starlette `Route` with a bridge as endpoint")
def starlette_route(lib: Any) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    @lib.sync_to_async
    def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.url.path)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", message.get("status")))

    sent: list[object] = []
    scope = {"type": "http", "method": "GET", "path": "/here", "query_string": b"", "headers": []}
    scope["server"] = ("here", 80)
    asyncio.run(Starlette(routes=[Route("/here", endpoint)])(scope, receive, send))
    assert [200, b"/here"] == sent, sent


@program("`click.get_current_context()` in a function that a command's coroutine calls")
def click_context(lib: Any) -> None:
    import click
    from click.testing import CliRunner

    @click.command()
    @click.pass_context
    @lib.async_to_sync
    async def command(context: click.Context) -> None:
        inner = await lib.sync_to_async(click.get_current_context)()
        click.echo(inner is context)

    done = CliRunner().invoke(command)
    assert "True\n" == done.output, (done.output, done.exception)
