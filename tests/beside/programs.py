"""Programs that use both libraries, each run in a process of its own: what it expects, it asserts.

Nothing is imported at the top: in which order the two libraries come in is part of a program.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import faulthandler
import functools
import gc
import importlib
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

LIMIT: Final = 20.0
"""Seconds until a program that hangs ends, with the stack of every thread."""

PROGRAMS: Final[dict[str, Callable[[], None]]] = {}


def program(function: Callable[[], None]) -> Callable[[], None]:
    """Put a program on the list."""
    PROGRAMS[function.__name__] = function
    return function


# Any: modules with the same names and different types.
def both() -> tuple[Any, Any]:
    """Import asgiref, then typedbridge."""
    import asgiref.sync

    import typedbridge.sync

    return typedbridge.sync, asgiref.sync


def pairs() -> Iterator[tuple[Any, Any]]:
    """Every pair of libraries: whose is around, whose is inside."""
    ours, theirs = both()
    for outer in (ours, theirs):
        for inner in (ours, theirs):
            yield outer, inner


def thread() -> threading.Thread:
    return threading.current_thread()


def for_each_pair(function: Callable[[Any, Any], None]) -> Callable[[], None]:
    """Put a program on the list that is given two libraries: whose is around, whose is inside."""

    @functools.wraps(function)
    def run() -> None:
        for outer, inner in pairs():
            function(outer, inner)

    return program(run)


# -- cancellation --------------------------------------------------------------------------------


@for_each_pair
def a_cancelled_call_cancels_the_coroutine_that_it_waits_for(outer: Any, inner: Any) -> None:
    seen: list[str] = []

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("cleaned up")
            raise

    def function() -> None:
        try:
            inner.async_to_sync(work)()
        finally:
            seen.append("function over")

    async def main() -> None:
        for options in ({}, {"thread_sensitive": False}):
            started.clear()
            task = asyncio.create_task(outer.sync_to_async(function, **options)())
            await started.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()

    started = asyncio.Event()
    asyncio.run(main())
    assert ["cleaned up", "function over"] * 2 == seen, (outer, inner, seen)


@for_each_pair
def a_cancellation_that_is_swallowed_gives_the_result(outer: Any, inner: Any) -> None:

    async def work() -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "swallowed"
        return "woken"

    def function() -> Any:
        return inner.async_to_sync(work)()

    async def main() -> Any:
        task = asyncio.create_task(outer.sync_to_async(function)())
        await started.wait()
        task.cancel()
        return await task

    started = asyncio.Event()
    assert asyncio.run(main()) == "swallowed"


@for_each_pair
def a_cancelled_task_around_a_frame_of_either(outer: Any, inner: Any) -> None:

    async def main() -> str:
        task = asyncio.create_task(inner.sync_to_async(outer.async_to_sync(work))())
        await started.wait()
        task.cancel()
        try:
            await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 10)
        except TimeoutError:
            return "hangs"
        return "cancelled" if task.cancelled() else "not cancelled"

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    started = asyncio.Event()
    assert asyncio.run(main()) == "cancelled"


# -- deadlock ------------------------------------------------------------------------------------


@for_each_pair
def a_loop_of_its_own_in_the_lane_of_the_process(outer: Any, inner: Any) -> None:

    def function() -> Any:
        return asyncio.run(inner.sync_to_async(thread)())

    async def main() -> str:
        try:
            await outer.sync_to_async(function)()
        except RuntimeError as error:
            return str(error)
        return "works"

    said = asyncio.run(main())
    assert "would wait for" in said, said
    assert asyncio.run(outer.sync_to_async(thread)()) is asyncio.run(inner.sync_to_async(thread)())


@for_each_pair
def a_loop_of_its_own_in_the_lane_of_a_context(outer: Any, inner: Any) -> None:
    for context in (outer.ThreadSensitiveContext, inner.ThreadSensitiveContext):

        def function() -> Any:
            return asyncio.run(inner.sync_to_async(thread)())

        async def main(context: Any = context) -> str:
            async with context():
                try:
                    await outer.sync_to_async(function)()
                except RuntimeError as error:
                    return str(error)
                return "works"

        said = asyncio.run(main())
        assert "would wait for" in said, said


@for_each_pair
def a_loop_of_its_own_in_a_frame(outer: Any, inner: Any) -> None:

    def function() -> Any:
        return asyncio.run(inner.sync_to_async(thread)())

    async def main() -> str:
        try:
            await outer.sync_to_async(function)()
        except RuntimeError as error:
            return str(error)
        return "works"

    said = outer.async_to_sync(main)()
    assert "would wait for" in said or "own thread" in said, said


@for_each_pair
def a_loop_in_a_thread_that_the_call_started_with_its_context(outer: Any, inner: Any) -> None:

    def function() -> Any:
        with ThreadPoolExecutor(1) as executor:
            call = inner.sync_to_async(thread)
            return executor.submit(
                contextvars.copy_context().run, lambda: asyncio.run(call())
            ).result()

    async def main() -> str:
        try:
            await outer.sync_to_async(function)()
        except RuntimeError as error:
            return str(error)
        return "works"

    said = asyncio.run(main())
    assert "would wait for" in said, said


@for_each_pair
def a_task_that_outlives_its_call_may_use_the_lane(outer: Any, inner: Any) -> None:
    ours = sys.modules["typedbridge.sync"]

    async def later() -> threading.Thread:
        await over.wait()
        found: threading.Thread = await ours.sync_to_async(thread)()
        return found

    async def start() -> None:
        tasks.append(asyncio.create_task(later()))

    def function() -> None:
        inner.async_to_sync(start)()

    async def main() -> None:
        await outer.sync_to_async(function)()
        over.set()
        assert await tasks[0] is await ours.sync_to_async(thread)()

    over = asyncio.Event()
    tasks: list[asyncio.Task[threading.Thread]] = []
    asyncio.run(main())


# -- met in the middle ---------------------------------------------------------------------------


@program
def ours_comes_in_under_a_frame_of_asgiref() -> None:
    import asgiref.sync as theirs

    async def main() -> threading.Thread:
        import typedbridge.sync as ours

        found: threading.Thread = await ours.sync_to_async(thread)()
        assert await theirs.sync_to_async(thread)() is found
        return found

    assert theirs.async_to_sync(main)() is thread()
    import typedbridge.sync as ours

    # That frame is over.
    lane = asyncio.run(ours.sync_to_async(thread)())
    assert lane is not thread()
    assert lane is asyncio.run(theirs.sync_to_async(thread)())
    assert ours.async_to_sync(main)() is thread()


@program
def ours_comes_in_inside_a_call_of_asgiref() -> None:
    import asgiref.sync as theirs

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def where() -> Any:
        import typedbridge.sync as ours

        return (
            await ours.sync_to_async(thread)(),
            await theirs.sync_to_async(thread)(),
            asyncio.get_running_loop(),
        )

    def function() -> Any:
        import typedbridge.sync as ours

        assert ours.async_to_sync(where)() == theirs.async_to_sync(where)()
        return thread(), ours.async_to_sync(where)()

    async def main() -> None:
        here, (ours, theirs_, running) = await theirs.sync_to_async(function)()
        assert here is ours is theirs_
        assert running is asyncio.get_running_loop()

    asyncio.run(main())
    asyncio.run(main())


@program
def ours_comes_in_inside_nested_frames_of_asgiref() -> None:
    import asgiref.sync as theirs

    def function() -> Any:
        return thread(), theirs.async_to_sync(inner)()

    async def inner() -> threading.Thread:
        import typedbridge.sync as ours

        found: threading.Thread = await ours.sync_to_async(thread)()
        return found

    async def outer() -> Any:
        return await theirs.sync_to_async(function)()

    for _ in range(3):
        here, found = theirs.async_to_sync(outer)()
        assert here is found is thread()


@program
def ours_comes_in_inside_a_context_of_asgiref() -> None:
    import asgiref.sync as theirs

    async def main() -> None:
        async with theirs.ThreadSensitiveContext():
            first = await theirs.sync_to_async(thread)()
            import typedbridge.sync as ours

            assert await ours.sync_to_async(thread)() is first
        assert await ours.sync_to_async(thread)() is not first
        async with theirs.ThreadSensitiveContext():
            second = await ours.sync_to_async(thread)()
            assert await theirs.sync_to_async(thread)() is second

    asyncio.run(main())


@program
def asgiref_comes_in_under_a_frame_of_ours() -> None:
    import typedbridge.sync as ours

    async def main() -> None:
        assert await ours.sync_to_async(thread)() is caller
        import asgiref.sync as theirs

        assert await ours.sync_to_async(thread)() is caller
        assert await theirs.sync_to_async(thread)() is caller

    caller = thread()
    ours.async_to_sync(main)()


@program
def asgiref_comes_in_after_a_lane_was_used() -> None:
    import typedbridge.sync as ours

    lane = asyncio.run(ours.sync_to_async(thread)())
    import asgiref.sync as theirs

    assert lane is asyncio.run(ours.sync_to_async(thread)())
    assert lane is asyncio.run(theirs.sync_to_async(thread)())


@program
def asgiref_had_used_its_lane_before() -> None:
    import asgiref.sync as theirs

    lane = asyncio.run(theirs.sync_to_async(thread)())
    import typedbridge.sync as ours

    assert lane is asyncio.run(ours.sync_to_async(thread)())
    assert lane is asyncio.run(theirs.sync_to_async(thread)())

    def function() -> Any:
        return asyncio.run(ours.sync_to_async(thread)())

    for outer in (ours, theirs):
        try:
            asyncio.run(outer.sync_to_async(function)())
        except RuntimeError:
            continue
        raise AssertionError(outer)
    assert lane is asyncio.run(theirs.sync_to_async(thread)())


@program
def asgiref_comes_in_inside_a_context_of_ours() -> None:
    import typedbridge.sync as ours

    async def main() -> None:
        async with ours.ThreadSensitiveContext():
            first = await ours.sync_to_async(thread)()
            import asgiref.sync as theirs

            assert await ours.sync_to_async(thread)() is first
            assert await theirs.sync_to_async(thread)() is first
        # What was left is not in force any more.
        lane = await ours.sync_to_async(thread)()
        assert lane is not first
        assert await theirs.sync_to_async(thread)() is lane

    asyncio.run(main())


# -- contexts ------------------------------------------------------------------------------------


@program
def a_context_of_either_has_one_thread_whoever_asks_first() -> None:
    ours, theirs = both()
    for context in (ours.ThreadSensitiveContext, theirs.ThreadSensitiveContext):
        for first, second in ((ours, theirs), (theirs, ours)):

            async def main(context: Any = context, first: Any = first, second: Any = second) -> Any:
                async with context():
                    found = await first.sync_to_async(thread)()
                    assert await second.sync_to_async(thread)() is found
                return found

            lane = asyncio.run(ours.sync_to_async(thread)())
            own = asyncio.run(main())
            assert own is not lane
            own.join(LIMIT)
            assert not own.is_alive()
            assert not len(ours.SyncToAsync.context_to_thread_executor)


@for_each_pair
def contexts_of_both_nest_and_the_outermost_counts(outer: Any, inner: Any) -> None:

    async def main() -> None:
        async with outer.ThreadSensitiveContext():
            found = await outer.sync_to_async(thread)()
            async with inner.ThreadSensitiveContext():
                assert await inner.sync_to_async(thread)() is found
                assert await outer.sync_to_async(thread)() is found
            assert await inner.sync_to_async(thread)() is found

    asyncio.run(main())


@program
def each_of_many_requests_has_its_thread() -> None:
    ours, theirs = both()

    async def request() -> Any:
        async with theirs.ThreadSensitiveContext():
            found = await ours.sync_to_async(barrier)()
            assert await theirs.sync_to_async(thread)() is found
            return found

    def barrier() -> threading.Thread:
        meeting.wait(LIMIT)
        return thread()

    async def main() -> None:
        found = await asyncio.gather(*(request() for _ in range(10)))
        assert len(set(found)) == 10

    meeting = threading.Barrier(10)
    asyncio.run(main())


@program
def one_loop_in_a_single_thread_context_of_either() -> None:
    ours, theirs = both()
    if not hasattr(theirs, "AsyncSingleThreadContext"):
        return

    async def where() -> Any:
        return thread()

    for context in (ours.AsyncSingleThreadContext, theirs.AsyncSingleThreadContext):
        for first, second in ((ours, theirs), (theirs, ours)):
            with context():
                found = first.async_to_sync(where)()
                assert second.async_to_sync(where)() is found
                assert first.async_to_sync(where)() is found
            found.join(LIMIT)
            assert not found.is_alive()


# -- what users read and replace -----------------------------------------------------------------


@program
def the_lane_of_the_process_is_replaced_on_either() -> None:
    ours, theirs = both()
    lane = asyncio.run(ours.sync_to_async(thread)())
    for library in (ours, theirs):
        kept = library.SyncToAsync.single_thread_executor
        with ThreadPoolExecutor(1) as executor:
            library.SyncToAsync.single_thread_executor = executor
            other = executor.submit(thread).result()
            assert asyncio.run(ours.sync_to_async(thread)()) is other
            assert asyncio.run(theirs.sync_to_async(thread)()) is other
            library.SyncToAsync.single_thread_executor = kept
        assert asyncio.run(theirs.sync_to_async(thread)()) is lane
        assert asyncio.run(ours.sync_to_async(thread)()) is lane
    ours.SyncToAsync.single_thread_executor = theirs.SyncToAsync.single_thread_executor
    assert asyncio.run(theirs.sync_to_async(thread)()) is lane
    assert asyncio.run(ours.sync_to_async(thread)()) is lane


@for_each_pair
def the_executor_of_the_frame_is_read_on_either(outer: Any, inner: Any) -> None:
    ours, theirs = both()

    async def main() -> None:
        current = ours.AsyncToSync.executors.current
        assert theirs.AsyncToSync.executors.current is current is not None
        loop = asyncio.get_running_loop()
        assert ours.AsyncToSync.loop_thread_executors[loop] is current
        assert theirs.AsyncToSync.loop_thread_executors[loop] is current
        assert await asyncio.wrap_future(current.submit(thread)) is caller
        async with ours.ThreadSensitiveContext(executor=executor):
            assert ours.AsyncToSync.executors.current is None
            assert theirs.AsyncToSync.executors.current is None
            assert await inner.sync_to_async(thread)() is other
        assert ours.AsyncToSync.executors.current is current

    caller = thread()
    with ThreadPoolExecutor(1) as executor:
        other = executor.submit(thread).result()
        outer.async_to_sync(main)()
    assert ours.AsyncToSync.executors.current is None
    assert theirs.AsyncToSync.executors.current is None
    assert not ours.AsyncToSync.loop_thread_executors


@program
def a_task_that_outlived_a_context_with_executor_is_told() -> None:
    ours, theirs = both()

    async def main(outer: Any, inner: Any) -> str:
        async def late() -> Any:
            await left.wait()
            return await inner.sync_to_async(thread)()

        left = asyncio.Event()
        with ThreadPoolExecutor(1) as executor:
            async with outer.ThreadSensitiveContext(executor=executor):
                task = asyncio.create_task(late())
            left.set()
            try:
                await task
            except RuntimeError as error:
                return str(error)
            return "works"

    for inner in (ours, theirs):
        assert "ThreadSensitiveContext" in asyncio.run(main(ours, inner))
        if "executor" in theirs.ThreadSensitiveContext.__init__.__code__.co_varnames:
            assert "ThreadSensitiveContext" in asyncio.run(main(theirs, inner))


@for_each_pair
def a_loop_that_a_function_waits_for_finds_another_thread(outer: Any, inner: Any) -> None:
    """It runs in a thread with a copy of the context, and the frame's thread runs the function."""

    def function() -> Any:
        with ThreadPoolExecutor(1) as own:
            run = contextvars.copy_context().run
            return own.submit(run, asyncio.run, inner.sync_to_async(thread)()).result()

    async def main(sync_to_async: Any) -> None:
        assert me is not await sync_to_async(function)()
        assert me is await inner.sync_to_async(thread)()

    me = thread()
    for library in both():
        outer.async_to_sync(main)(library.sync_to_async)


@program
def the_loop_of_a_call_is_read_on_either() -> None:
    ours, theirs = both()

    def function() -> Any:
        return (
            ours.SyncToAsync.threadlocal.main_event_loop,
            theirs.SyncToAsync.threadlocal.main_event_loop,
        )

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for library in (ours, theirs):
            for options in ({}, {"thread_sensitive": False}):
                assert await library.sync_to_async(function, **options)() == (loop, loop)
        # Nothing stays in the threads.
        assert await asyncio.to_thread(function) == (None, None)

    asyncio.run(main())
    assert function() == (None, None)


# -- Local ---------------------------------------------------------------------------------------


@program
def a_thread_that_was_merely_started_sees_no_value_in_a_pool_of_asgiref() -> None:
    ours, theirs = both()
    import typedbridge.local

    local = typedbridge.local.Local()

    def function() -> None:
        assert local.value == "set"
        local.value = "changed"

    async def main() -> None:
        local.value = "set"
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        await theirs.sync_to_async(function, thread_sensitive=False)()
        assert local.value == "changed"
        # The same thread, with a copy of the context.
        assert not await asyncio.to_thread(hasattr, local, "value")
        await ours.sync_to_async(lambda: setattr(local, "value", local.value + " twice"))()
        assert local.value == "changed twice"

    asyncio.run(main())


@program
def a_value_set_first_in_a_pool_of_asgiref_comes_back() -> None:
    ours, theirs = both()
    import typedbridge.local

    local = typedbridge.local.Local()

    async def main() -> None:
        await theirs.sync_to_async(setattr, thread_sensitive=False)(local, "value", 1)
        assert local.value == 1
        assert await ours.sync_to_async(getattr)(local, "value") == 1
        assert await asyncio.create_task(theirs.sync_to_async(getattr)(local, "value")) == 1

    asyncio.run(main())


class Thing:
    """Something that can be watched as it goes."""


# -- process life --------------------------------------------------------------------------------


@program
def both_work_in_a_forked_child() -> None:
    ours, theirs = both()

    async def where() -> Any:
        return await ours.sync_to_async(thread)(), await theirs.sync_to_async(thread)()

    def check() -> None:
        one, other = asyncio.run(where())
        assert one is other
        for library in (ours, theirs):
            assert library.async_to_sync(where)() == (thread(), thread())

    def fork() -> int:
        child = os.fork()
        if child:
            return os.waitpid(child, 0)[1]
        code = 1
        try:
            check()
            code = 0
        finally:
            os._exit(code)

    async def inside(library: Any) -> int:
        code: int = await library.sync_to_async(fork)()
        return code

    check()
    assert fork() == 0
    for outer, inner in pairs():
        assert outer.async_to_sync(inside)(inner) == 0
        check()


@program
def calls_at_exit() -> None:
    ours, theirs = both()
    import atexit

    async def where() -> Any:
        return await ours.sync_to_async(thread)(), await theirs.sync_to_async(thread)()

    def last() -> None:
        assert ours.async_to_sync(where)() == (thread(), thread())

    ours.async_to_sync(where)()
    atexit.register(last)


@for_each_pair
def nothing_of_a_call_is_kept_alive(outer: Any, inner: Any) -> None:
    ours, _theirs = both()

    async def main() -> Any:
        thing = Thing()
        gone = weakref.ref(thing)
        await outer.sync_to_async(inner.async_to_sync(back))(thing)
        del thing
        await asyncio.sleep(0)
        await outer.sync_to_async(int)()
        return gone

    async def back(thing: Thing) -> None:
        await ours.sync_to_async(id)(thing)

    gone = asyncio.run(main())
    gc.collect()  # asgiref makes cycles
    assert gone() is None


# -- one that cannot be joined -------------------------------------------------------------------


def apart_after(change: Callable[[Any], None], reason: str) -> None:
    import asgiref.sync as theirs

    change(theirs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import typedbridge.sync as ours

        lane = asyncio.run(ours.sync_to_async(thread)())
        asyncio.run(ours.sync_to_async(thread)())
    assert len(caught) == 1, [str(one.message) for one in caught]
    assert reason in str(caught[0].message), caught[0].message
    assert lane.name == "typedbridge process lane"


@program
def an_asgiref_without_an_attribute_is_left_alone() -> None:
    def change(theirs: Any) -> None:
        del theirs.SyncToAsync.threadlocal

    apart_after(change, "no SyncToAsync.threadlocal")


@program
def an_asgiref_that_does_not_read_an_attribute_is_left_alone() -> None:
    def change(theirs: Any) -> None:
        async def call(self: Any, *args: Any) -> Any:
            return self.func(*args)

        call.__module__ = "asgiref.sync"
        theirs.SyncToAsync.__call__ = call

    apart_after(change, "SyncToAsync.__call__ does not use")


@program
def an_asgiref_whose_local_is_another_is_left_alone() -> None:
    def change(theirs: Any) -> None:
        theirs.AsyncToSync.executors = threading.local()

    apart_after(change, "Local")


@program
def a_method_that_a_tool_has_replaced_is_no_reason() -> None:
    theirs: Any = importlib.import_module("asgiref.sync")
    kept = theirs.SyncToAsync.__call__

    async def call(self: Any, *args: Any) -> Any:
        return await kept(self, *args)

    theirs.SyncToAsync.__call__ = call
    import typedbridge.sync as ours

    assert asyncio.run(ours.sync_to_async(thread)()) is asyncio.run(theirs.sync_to_async(thread)())


@program
def apart_by_request() -> None:
    os.environ["TYPEDBRIDGE_ASGIREF"] = "apart"
    ours, theirs = both()
    assert asyncio.run(ours.sync_to_async(thread)()) is not asyncio.run(
        theirs.sync_to_async(thread)()
    )


if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    PROGRAMS[sys.argv[1]]()
    faulthandler.cancel_dump_traceback_later()
