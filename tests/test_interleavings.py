"""Two threads meet at a hand-over: wherever one of them is held, nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any, Final

import pytest
from conftest import LIMIT
from pauses.inserted import copy
from pauses.parking import parking

from typedbridge import sync_to_async
from typedbridge._core.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

# Any: the modules are loaded a second time, and not known to checkers.
WORKERS: Final[Any] = copy("workers")
POOL: Final[Any] = copy("pool")
MAILBOX: Final[Any] = copy("mailbox")
CURRENT_THREAD: Final[Any] = copy("current_thread")
CALL: Final[Any] = copy("call")
LOOPS: Final[Any] = copy("loops")
SPARES: Final[Any] = copy("spares")


class Job:
    """Counts what becomes of it."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.threads: list[int] = []
        self._ended = threading.Event()

    def run(self) -> None:
        self.threads.append(threading.get_ident())
        self.ends.append("ran")
        self._ended.set()

    def displaced(self) -> None:
        self.ends.append("displaced")
        self._ended.set()

    def end(self) -> list[str]:
        """Wait for it; a second end would come at once."""
        assert self._ended.wait(LIMIT), "the job is lost"
        return self.ends


class BusyJob(Job):
    """Takes its time."""

    def __init__(self, begun: threading.Event, may_end: threading.Event) -> None:
        super().__init__()
        self._begun, self._may_end = begun, may_end

    def run(self) -> None:
        self._begun.set()
        assert self._may_end.wait(LIMIT)
        super().run()


class Meeting:
    """Two threads at one hand-over; made anew for each place where the first is held."""

    def first(self) -> object:
        """What the thread does that is held."""

    def second(self) -> object:
        """What another thread does meanwhile."""

    def check(self) -> None:
        """Judge when both are through."""

    def close(self) -> None:
        """Leave nothing behind."""


# Lanes.


class LaneMeeting(Meeting):
    """A lane whose thread runs."""

    def __init__(self) -> None:
        self.lane = WORKERS.Lane("meeting")
        warm = Job()
        self.lane.put(warm)
        warm.end()
        self.job = Job()

    def close(self) -> None:
        self.lane.shutdown()


class PutWhileALaneIsShutDown(LaneMeeting):
    def first(self) -> None:
        self.lane.put(self.job)

    def second(self) -> None:
        self.lane.shutdown()

    def check(self) -> None:
        assert 1 == len(self.job.end())


class ALaneIsShutDownWhilePut(PutWhileALaneIsShutDown):
    first, second = PutWhileALaneIsShutDown.second, PutWhileALaneIsShutDown.first


class PutWhileALanesThreadEnds(LaneMeeting):
    """The lane stays open: another thread runs the job."""

    def first(self) -> None:
        self.lane.put(self.job)

    def second(self) -> None:
        for thread in self.lane.finish():
            thread.join(0.02)

    def check(self) -> None:
        assert ["ran"] == self.job.end()


class ALanesThreadEndsWhilePut(PutWhileALanesThreadEnds):
    def first(self) -> None:
        self.lane.finish()

    def second(self) -> None:
        self.lane.put(self.job)


class ALaneIsShutDownWhileItsThreadEnds(LaneMeeting):
    """Another thread runs the lane's job by then: the end mark is for that one."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.job = BusyJob(self.begun, self.may_end)

    def first(self) -> None:
        self.lane.finish()

    def second(self) -> None:
        self.lane.put(self.job)
        assert self.begun.wait(LIMIT)
        self.lane.shutdown(wait=False)

    def check(self) -> None:
        self.may_end.set()
        assert ["ran"] == self.job.end()
        for thread in threading.enumerate():
            if thread.name == "meeting":
                thread.join(LIMIT)
                assert not thread.is_alive(), "the end mark is lost"

    def close(self) -> None:
        self.may_end.set()


class TwoPutIntoANewLane(Meeting):
    """One thread starts, and runs both."""

    def __init__(self) -> None:
        self.lane = WORKERS.Lane("meeting")
        self.jobs = [Job(), Job()]

    def first(self) -> None:
        self.lane.put(self.jobs[0])

    def second(self) -> None:
        self.lane.put(self.jobs[1])

    def check(self) -> None:
        assert [["ran"], ["ran"]] == [job.end() for job in self.jobs]
        assert self.jobs[0].threads == self.jobs[1].threads

    def close(self) -> None:
        self.lane.shutdown()


# The pool.


class TwoForOneWorker(Meeting):
    """The one that comes second waits for the worker, and is not forgotten."""

    size, most = 1, 1

    def __init__(self) -> None:
        self.pool = POOL.Pool(self.size, self.most)
        self.jobs = [Job(), Job()]
        self.mailboxes = [Mailbox(), Mailbox()]
        self.warm_up()

    def warm_up(self) -> None:
        warm = Job()
        self.pool.put(warm)
        warm.end()

    def first(self) -> None:
        self.pool.put(self.jobs[0])

    def second(self) -> None:
        self.pool.put(self.jobs[1])

    def check(self) -> None:
        assert [["ran"], ["ran"]] == [job.end() for job in self.jobs]

    def close(self) -> None:
        for thread in self.pool.finish():
            thread.join(LIMIT)


class TwoForANewPool(TwoForOneWorker):
    size, most = 2, 2

    def warm_up(self) -> None:
        """Nobody works yet."""


class TwoLoopsForOneWorker(TwoForOneWorker):
    """Each loop has a crew; there may be one worker in all."""

    def first(self) -> None:
        self.pool.take(self.jobs[0], self.mailboxes[0])

    def second(self) -> None:
        self.pool.take(self.jobs[1], self.mailboxes[1])


class PutWhileThePoolEnds(TwoForOneWorker):
    def second(self) -> None:
        self.pool.finish()

    def check(self) -> None:
        assert ["ran"] == self.jobs[0].end()


class ThePoolEndsWhilePut(PutWhileThePoolEnds):
    first, second = PutWhileThePoolEnds.second, TwoForOneWorker.first


# Mailboxes.


class Reply:
    """A finished job; its future is done when its loop has been told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future = loop.create_future()
        self.told = threading.Event()
        self.future.add_done_callback(lambda _: self.told.set())

    def forget(self) -> None:
        """Nothing is kept."""


class LoopMeeting(Meeting):
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def on_loop(self, function: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(LIMIT)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(LIMIT)
        self.loop.close()


class TwoDeliver(LoopMeeting):
    """No third one comes to wake the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = MAILBOX.Mailbox()
        self.replies = [self.on_loop(lambda: Reply(self.loop)) for _ in range(2)]

    def first(self) -> None:
        self.mailbox.deliver(self.replies[0], self.loop)

    def second(self) -> None:
        self.mailbox.deliver(self.replies[1], self.loop)

    def check(self) -> None:
        assert all(reply.told.wait(LIMIT) for reply in self.replies)


# Frames.


class PutWhileAFrameCloses(Meeting):
    """The job goes to the frame around; it is there once."""

    def __init__(self) -> None:
        self.around = CURRENT_THREAD.CurrentThreadExecutor(None)
        self.frame = CURRENT_THREAD.CurrentThreadExecutor(self.around)
        self.job = Job()

    def first(self) -> None:
        self.frame.put(self.job)

    def second(self) -> None:
        self.frame.close()

    def check(self) -> None:
        assert 1 == self.around._jobs.qsize()
        assert self.frame._jobs.empty()


class AFrameClosesWhilePut(PutWhileAFrameCloses):
    first, second = PutWhileAFrameCloses.second, PutWhileAFrameCloses.first


class PutWhileTheLastFrameCloses(PutWhileAFrameCloses):
    """With none around, it looks for another lane, once."""

    def __init__(self) -> None:
        self.frame = CURRENT_THREAD.CurrentThreadExecutor(None)
        self.job = Job()

    def check(self) -> None:
        assert ["displaced"] == self.job.end()


class TheLastFrameClosesWhilePut(PutWhileTheLastFrameCloses):
    first, second = PutWhileAFrameCloses.second, PutWhileAFrameCloses.first


# Calls.


class ACallIsAbandonedWhileItRuns(LoopMeeting):
    """The function has its argument, or does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []

        def function(*args: object) -> None:
            self.calls.append(args)

        bridge = sync_to_async(function, thread_sensitive=False)
        self.call = self.on_loop(lambda: CALL.Call(bridge, self.loop, ("argument",), {}))

    def first(self) -> None:
        self.call.run()

    def second(self) -> None:
        self.call.abandon()

    def check(self) -> None:
        assert self.calls in ([("argument",)], [])


class ACallRunsWhileItIsAbandoned(ACallIsAbandonedWhileItRuns):
    first, second = ACallIsAbandonedWhileItRuns.second, ACallIsAbandonedWhileItRuns.first


# Loop threads.


class Guest:
    """Stands in for a frame: notes what its loop thread does with it."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.over = threading.Event()
        self.host: Any = None

    # Any: see Frame.
    def begin(self, make_task: Any, awaitable: Any, context: Any) -> None:
        self.came.append("begun")
        self.host.release(self)
        self.over.set()

    def lose(self, loop: asyncio.AbstractEventLoop, ended_by: BaseException) -> None:
        self.came.append("lost")

    def answer(self, loop: asyncio.AbstractEventLoop, error: object = None) -> None:
        self.over.set()


class StartWhileALoopThreadEnds(Meeting):
    """It is refused, or begun, or answered."""

    def __init__(self) -> None:
        self.thread = LOOPS.LoopThread()
        self.guest = Guest()
        self.taken: list[bool] = []

    def first(self) -> None:
        self.taken.append(self.thread.start(self.guest, None, contextvars.copy_context()))

    def second(self) -> None:
        self.thread.shutdown(wait=False)

    def check(self) -> None:
        if self.taken == [True]:
            assert self.guest.over.wait(LIMIT), "the frame has no answer"
            assert self.guest.came in (["begun"], ["lost"])
        else:
            assert [] == self.guest.came
        self.thread._thread.join(LIMIT)
        assert self.thread.loop.is_closed()


class ALoopThreadEndsWhileStarted(StartWhileALoopThreadEnds):
    first, second = StartWhileALoopThreadEnds.second, StartWhileALoopThreadEnds.first


class TakenWhileUnusedLoopsEnd(Meeting):
    """A loop that is taken is alive, or another one is taken."""

    def __init__(self) -> None:
        SPARES._KEPT = 1
        SPARES._idle = SPARES.Spares()
        self.all = [LOOPS.LoopThread() for _ in range(3)]
        SPARES._idle = SPARES.Spares()
        SPARES._idle += self.all
        self.seen = SPARES._surplus()
        self.leases = [SPARES.Lease() for _ in range(3)]
        self.taken: list[Any] = []

    def first(self) -> None:
        self.taken += [lease.take() for lease in self.leases]

    def second(self) -> None:
        SPARES._end_unused(self.seen)

    def check(self) -> None:
        assert all(thread.alive for thread in self.taken)
        assert 3 == len(set(self.taken))

    def close(self) -> None:
        for thread in {*self.all, *self.taken}:
            thread.shutdown()


class UnusedLoopsEndWhileTaken(TakenWhileUnusedLoopsEnd):
    first, second = TakenWhileUnusedLoopsEnd.second, TakenWhileUnusedLoopsEnd.first


MEETINGS: Final[list[type[Meeting]]] = [
    *(PutWhileALaneIsShutDown, ALaneIsShutDownWhilePut),
    *(PutWhileALanesThreadEnds, ALanesThreadEndsWhilePut, TwoPutIntoANewLane),
    ALaneIsShutDownWhileItsThreadEnds,
    *(TwoForOneWorker, TwoForANewPool, TwoLoopsForOneWorker),
    *(PutWhileThePoolEnds, ThePoolEndsWhilePut),
    TwoDeliver,
    *(PutWhileAFrameCloses, AFrameClosesWhilePut),
    *(PutWhileTheLastFrameCloses, TheLastFrameClosesWhilePut),
    *(ACallIsAbandonedWhileItRuns, ACallRunsWhileItIsAbandoned),
    *(StartWhileALoopThreadEnds, ALoopThreadEndsWhileStarted),
    *(TakenWhileUnusedLoopsEnd, UnusedLoopsEndWhileTaken),
]


def meet(meeting: type[Meeting], place: str) -> list[str]:
    """Have two threads meet; return the places that the first has passed."""
    with parking() as held:
        one = meeting()
        held.passed.clear()
        try:
            held.run(place, one.first, one.second)
            one.check()
            return list(held.passed)
        finally:
            one.close()


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.__name__)
def test_nothing_is_lost_wherever_a_thread_is_held(meeting: type[Meeting]) -> None:
    """Before each statement that it passes, the other thread may do all that it has to do."""
    places = meet(meeting, "")
    assert places
    for place in places:
        try:
            meet(meeting, place)
        except AssertionError as error:
            raise AssertionError(f"held at {place}: {error}") from error
