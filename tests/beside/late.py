"""Programs in which what was to run a call ends before it comes to it, each in a process of its own.

What each expects, it asserts.
"""

from __future__ import annotations

import asyncio
import contextvars
import faulthandler
import functools
import itertools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

LIMIT: Final = 20.0
"""Seconds until a program that hangs ends, with the stack of every thread."""

PROGRAMS: Final[dict[str, Callable[[], None]]] = {}


# Any: modules with the same names and different types.
def both() -> tuple[Any, Any]:
    """Import asgiref, then typedbridge."""
    import asgiref.sync

    import typedbridge.sync

    return typedbridge.sync, asgiref.sync


def program(function: Callable[[], None]) -> Callable[[], None]:
    """Put a program on the list."""
    PROGRAMS[function.__name__] = function
    return function


def for_each(function: Callable[..., None]) -> None:
    """Put a program on the list that is given libraries, every choice of as many as it takes."""

    @functools.wraps(function)
    def run() -> None:
        for chosen in itertools.product(both(), repeat=function.__code__.co_argcount):
            function(*chosen)

    program(run)


def thread() -> threading.Thread:
    return threading.current_thread()


class Busy:
    """A sensitive call that keeps its thread until the loop has come to what was queued meanwhile."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = asyncio.Event()
        self._go = threading.Event()

    def __call__(self) -> None:
        self._loop.call_soon_threadsafe(self._begun.set)
        assert self._go.wait(LIMIT)

    async def begun(self) -> None:
        await self._begun.wait()
        # When the coroutine that waits for this is over.
        self._loop.call_soon(self._go.set)


async def leave_behind(
    calling: Any, late: Callable[[], Any], tasks: list[asyncio.Task[Any]]
) -> None:
    """Queue a call behind one that runs, and be over before that is."""
    busy = Busy()
    tasks.append(asyncio.create_task(calling.sync_to_async(busy)()))
    tasks.append(asyncio.create_task(calling.sync_to_async(late)()))
    await busy.begun()


# -- a frame that ends ---------------------------------------------------------------------------


@for_each
def a_call_queued_on_a_frame_that_ends(around: Any, ending: Any, calling: Any) -> None:
    tasks: list[asyncio.Task[Any]] = []

    def function() -> threading.Thread:
        ending.async_to_sync(leave_behind)(calling, thread, tasks)
        return thread()

    async def main() -> None:
        lane = await around.sync_to_async(function)()
        _, found = await asyncio.gather(*tasks)
        assert found is lane, (found, lane)
        tasks.clear()
        async with around.ThreadSensitiveContext():
            own = await around.sync_to_async(function)()
            assert own is not lane
            _, found = await asyncio.gather(*tasks)
            assert found is own, (found, own)
            assert await calling.sync_to_async(thread)() is own

    asyncio.run(main())


@for_each
def a_call_queued_on_an_inner_frame_that_ends(
    outermost: Any, around: Any, ending: Any, calling: Any
) -> None:
    """It goes to the frame around, whose thread is the one that hands it on."""
    tasks: list[asyncio.Task[Any]] = []
    caller = thread()

    def function() -> threading.Thread:
        ending.async_to_sync(leave_behind)(calling, thread, tasks)
        return thread()

    async def main() -> None:
        assert await around.sync_to_async(function)() is caller
        _, found = await asyncio.gather(*tasks)
        assert found is caller, found
        for library in both():
            assert await library.sync_to_async(thread)() is caller

    outermost.async_to_sync(main)()


@for_each
def a_call_that_comes_while_a_frame_that_is_over_runs_its_last(
    around: Any, ending: Any, calling: Any
) -> None:
    """The one goes on to the next lane; the other ends as it does."""
    tasks: list[asyncio.Task[Any]] = []
    go = threading.Event()

    def last(begun: Callable[[], object]) -> str:
        begun()
        assert go.wait(LIMIT)
        return "ran"

    async def leave() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()
        begin = functools.partial(loop.call_soon_threadsafe, begun.set)
        tasks.append(asyncio.create_task(calling.sync_to_async(last)(begin)))
        await begun.wait()
        loop.call_soon(come)

    def come() -> None:
        tasks.append(asyncio.create_task(calling.sync_to_async(thread)()))
        asyncio.get_running_loop().call_soon(go.set)

    def function() -> threading.Thread:
        ending.async_to_sync(leave)()
        return thread()

    async def main() -> None:
        lane = await around.sync_to_async(function)()
        assert await asyncio.gather(*tasks) == ["ran", lane]

    asyncio.run(main())


@program
def a_call_queued_on_a_frame_inside_one_from_before() -> None:
    import asgiref.sync as theirs

    async def main() -> None:
        import typedbridge.sync as ours

        def function(calling: Any, tasks: list[asyncio.Task[Any]]) -> None:
            ours.async_to_sync(leave_behind)(calling, thread, tasks)

        for calling in (ours, theirs):
            tasks: list[asyncio.Task[Any]] = []
            await ours.sync_to_async(function)(calling, tasks)
            _, found = await asyncio.gather(*tasks)
            assert found is caller, found
            for library in (ours, theirs):
                assert await library.sync_to_async(thread)() is caller

    caller = thread()
    theirs.async_to_sync(main)()


@for_each
def a_call_that_comes_when_a_frame_of_asgiref_runs_nothing_more(calling: Any) -> None:
    """Its thread has left the queue, and has not told yet that it does not wait any more."""
    ours, theirs = both()
    loop = asyncio.new_event_loop()
    inside_frame: Future[contextvars.Context] = Future()
    found: Future[threading.Thread] = Future()
    queued = threading.Event()
    tasks: list[asyncio.Task[None]] = []

    class Watched(theirs.AsyncToSync):  # type: ignore[misc, name-defined]  # pyright: ignore[reportUnnecessaryTypeIgnoreComment]
        looks = 0

        @property
        def executors(self) -> Any:
            self.looks += 1
            if self.looks == 3:  # read, set, and now to be set back
                loop.call_soon_threadsafe(start)
                assert queued.wait(LIMIT)
            return theirs.AsyncToSync.executors

    def start() -> None:
        tasks.append(inside_frame.result().run(asyncio.create_task, call()))

    async def inside() -> None:
        inside_frame.set_result(contextvars.copy_context())

    async def call() -> None:
        task = asyncio.create_task(calling.sync_to_async(thread)())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        queued.set()
        found.set_result(await task)

    async def main() -> None:
        lane = await ours.sync_to_async(thread)()
        await ours.sync_to_async(Watched(inside))()
        assert await asyncio.wrap_future(found) is lane

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


# -- between the choice of an executor and the call's coming to it -------------------------------


class Late(asyncio.SelectorEventLoop):
    """A loop that does something in between."""

    def __init__(self, first: Callable[[], object]) -> None:
        super().__init__()
        self._first = first

    def run_in_executor(  # type: ignore[override]  # as wide as asgiref needs
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        self._first()
        return super().run_in_executor(executor, func, *args)


class Ending:
    """What a call is in, in a thread of its own: it ends when the call has chosen its executor.

    :param block: awaits `stay` in it.
    """

    def __init__(self, block: Callable[[Ending], object]) -> None:
        self._context: Future[contextvars.Context] = Future()
        self._go: Future[None] = Future()
        self._thread = threading.Thread(target=block, args=(self,))
        self._thread.start()

    async def stay(self) -> None:
        """Show the context to a call, and go on when that has chosen."""
        self._context.set_result(contextvars.copy_context())
        await asyncio.wrap_future(self._go)

    def end(self) -> None:
        self._go.set_result(None)
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()

    def thread_of_call(self, library: Any) -> Any:
        """Make a call in its context; it ends before the call is submitted."""
        with asyncio.Runner(loop_factory=lambda: Late(self.end)) as runner:
            call = library.sync_to_async(thread)()
            return self._context.result(LIMIT).run(runner.run, call)


@for_each
def a_call_of_asgiref_whose_frame_ends_when_it_is_chosen(ending: Any) -> None:
    ours, theirs = both()
    frame = Ending(lambda this: ending.async_to_sync(this.stay)())
    assert frame.thread_of_call(theirs) is asyncio.run(ours.sync_to_async(thread)())


@for_each
def a_call_of_asgiref_whose_context_is_left_when_it_is_chosen(ending: Any) -> None:
    ours, theirs = both()

    async def inside(this: Ending) -> None:
        async with ending.ThreadSensitiveContext():
            own = await ours.sync_to_async(thread)()
            await this.stay()
        own.join(LIMIT)

    found = Ending(lambda this: asyncio.run(inside(this))).thread_of_call(theirs)
    if ending is ours:  # asgiref gives a context that was left another thread
        assert found is asyncio.run(ours.sync_to_async(thread)())


# -- a loop that others use ----------------------------------------------------------------------


@for_each
def a_function_that_goes_on_when_its_call_is_over(calling: Any) -> None:
    """The loop that was around works for the next call; what that leaves behind is cancelled."""
    ours, _theirs = both()
    begun, gone, entered, over = (threading.Event() for _ in range(4))
    told: Future[str] = Future()

    async def work() -> str:
        entered.set()
        assert await asyncio.to_thread(over.wait, LIMIT)
        return "done"

    def function() -> None:
        begun.set()
        assert gone.wait(LIMIT)
        try:
            told.set_result(calling.async_to_sync(work)())
        except BaseException as error:
            told.set_exception(error)

    async def abandon() -> asyncio.AbstractEventLoop:
        task = asyncio.create_task(ours.sync_to_async(function, thread_sensitive=False)())
        assert await asyncio.to_thread(begun.wait, LIMIT)
        task.cancel()
        await asyncio.wait([task])
        return asyncio.get_running_loop()

    async def come_next() -> asyncio.AbstractEventLoop:
        gone.set()
        assert await asyncio.to_thread(entered.wait, LIMIT)
        return asyncio.get_running_loop()

    loop = ours.async_to_sync(abandon)()
    assert ours.async_to_sync(come_next)() is loop
    over.set()
    assert told.result(LIMIT) == "done"


@for_each
def calls_nest_in_a_single_thread_context(
    context: Any, outer: Any, middle: Any, inner: Any
) -> None:
    if not hasattr(context, "AsyncSingleThreadContext"):
        return  # asgiref before 3.10

    async def innermost() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def main() -> None:
        assert await middle.sync_to_async(inner.async_to_sync(innermost))() is (
            asyncio.get_running_loop()
        )
        # A leaving would be cancelled here.
        await asyncio.sleep(0)

    with context.AsyncSingleThreadContext():
        outer.async_to_sync(main)()


@for_each
def two_threads_share_a_single_thread_context(context: Any, first: Any, second: Any) -> None:
    if not all(hasattr(one, "AsyncSingleThreadContext") for one in (context, first, second)):
        return
    if second is not both()[0]:
        return  # asgiref makes it wait for the first one
    begun, over = threading.Event(), threading.Event()
    place: Future[contextvars.Context] = Future()

    async def stay() -> None:
        begun.set()
        assert await asyncio.to_thread(over.wait, LIMIT)
        bare = asyncio.create_task(second.sync_to_async(thread)(), context=contextvars.Context())
        assert await bare is caller

    async def come_and_go() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def other() -> None:
        inside = place.result(LIMIT)
        assert begun.wait(LIMIT)
        try:
            inside.run(second.async_to_sync(come_and_go))
        finally:
            over.set()

    caller = thread()
    started = threading.Thread(target=other)
    started.start()
    with context.AsyncSingleThreadContext():
        place.set_result(contextvars.copy_context())
        first.async_to_sync(stay)()
    started.join(LIMIT)


# -- a lane that is shut down, and a call that is cancelled --------------------------------------


@program
def a_call_of_asgiref_that_a_shut_lane_hands_on() -> None:
    """From the thread of a context to an executor of the user's, in the place of the lane of the process."""
    ours, theirs = both()

    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []
        async with ours.ThreadSensitiveContext() as context:
            await leave_behind(theirs, thread, tasks)
            lane = ours.SyncToAsync.context_to_thread_executor.pop(context)
            ours.SyncToAsync.thread_sensitive_context.set(None)
            lane.shutdown(wait=False, cancel_futures=True)
        _, found = await asyncio.gather(*tasks)
        assert found is not other

    with ThreadPoolExecutor(1) as executor:
        other = executor.submit(thread).result()
        theirs.SyncToAsync.single_thread_executor = executor
        asyncio.run(main())


@program
def a_lane_that_was_shut_down_is_an_error() -> None:
    ours, theirs = both()

    async def main() -> list[Any]:
        tasks: list[asyncio.Task[Any]] = []
        await leave_behind(theirs, thread, tasks)
        ours.SyncToAsync.single_thread_executor.shutdown(wait=False, cancel_futures=True)
        tasks.append(asyncio.create_task(theirs.sync_to_async(thread)()))
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *rest = asyncio.run(main())
    assert first is None
    for error in rest:
        assert isinstance(error, RuntimeError), error
        assert "has been shut down" in str(error), error


@program
def a_call_that_was_cancelled_is_not_handed_on() -> None:
    ours, theirs = both()
    ran: list[object] = []

    async def inside(tasks: list[asyncio.Task[Any]]) -> None:
        busy = Busy()
        tasks.append(asyncio.create_task(theirs.sync_to_async(busy)()))
        tasks.append(asyncio.create_task(theirs.sync_to_async(ran.append)(1)))
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        await busy.begun()

    async def main() -> None:
        for ending in (ours, theirs):
            tasks: list[asyncio.Task[Any]] = []
            await ours.sync_to_async(ending.async_to_sync(inside))(tasks)
            await asyncio.wait(tasks)
            assert tasks[1].cancelled()
            await ours.sync_to_async(thread)()
        assert [] == ran

    asyncio.run(main())


if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    PROGRAMS[sys.argv[1]]()
    faulthandler.cancel_dump_traceback_later()
