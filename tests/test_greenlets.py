"""gevent and eventlet put greenlets in the place of threads; bridges go on working, for many greenlets."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Final

import pytest

PATCH: Final = {
    "gevent": "from gevent import monkey; monkey.patch_all(); import gevent\nspawn = gevent.spawn\n"
    "def join(greenlet): return greenlet.get()",
    "eventlet": "import eventlet; eventlet.monkey_patch()\nspawn = eventlet.spawn\n"
    "def join(greenlet): return greenlet.wait()",
}

IMPORT: Final = "from typedbridge import async_to_sync, sync_to_async"

COMMON: Final = """
import asyncio, threading, time

async def add(number):
    await asyncio.sleep(0)
    return number + 1

async def by_way_of_threads(number):
    lane = sync_to_async(lambda: number)
    pool = sync_to_async(lambda: number, thread_sensitive=False)
    return await lane() + await pool()
"""


@pytest.fixture(params=["gevent", "eventlet"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["patched first", "imported first"])
def start(request: pytest.FixtureRequest, library: str) -> str:
    """How a program begins: both orders."""
    parts = [PATCH[library], IMPORT]
    return "\n".join(parts if request.param == "patched first" else reversed(parts))


def output(start: str, program: str) -> str:
    """Run a program to its end, and return what it printed: of errors at exit, too."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", start + COMMON + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    # eventlet says that a lock was made before it came.
    told = [line for line in done.stderr.splitlines() if "were not greened" not in line]
    assert (0, []) == (done.returncode, told)
    return done.stdout.strip()


def test_one_call_after_another(start: str) -> None:
    """The first leaves nothing running that is in the way of the second, or of asyncio."""
    program = """
    print(async_to_sync(add)(1), async_to_sync(add)(2), asyncio.run(add(3)), async_to_sync(add)(4))
    """
    assert "2 3 4 5" == output(start, program)


def test_calls_that_come_back(start: str) -> None:
    """To the greenlet that waits, to the lane and to the pool, from loops of both kinds."""
    program = """
    def outer():
        return async_to_sync(by_way_of_threads)(5)

    async def nested():
        return await sync_to_async(outer)()

    print(async_to_sync(by_way_of_threads)(1), asyncio.run(by_way_of_threads(2)))
    print(async_to_sync(nested)(), asyncio.run(nested()))
    """
    assert "2 4\n10 10" == output(start, program)


def test_sensitive_work_runs_in_the_greenlet_that_waits(start: str) -> None:
    """What it keeps for itself is found there."""
    program = """
    kept = threading.local()

    async def look():
        return await sync_to_async(lambda: getattr(kept, "value", "nothing"))()

    def one(value):
        kept.value = value
        return async_to_sync(look)()

    print([join(greenlet) for greenlet in [spawn(one, number) for number in range(3)]])
    """
    assert "[0, 1, 2]" == output(start, program)


def test_many_greenlets_at_once(start: str) -> None:
    """More than there are threads in either library's pool; none waits for another."""
    program = """
    COUNT = 30
    inside = []

    async def meet(number):
        inside.append(number)
        while len(inside) < COUNT:
            await asyncio.sleep(0.001)
        return number

    greenlets = [spawn(async_to_sync(meet), number) for number in range(COUNT)]
    print(sum(join(greenlet) for greenlet in greenlets))
    """
    assert str(sum(range(30))) == output(start, program)


def test_a_coroutine_that_waits_for_another_greenlet(start: str) -> None:
    """That one goes on meanwhile."""
    program = """
    done = []

    async def wait():
        while not done:
            await asyncio.sleep(0.001)
        return done[0]

    def other():
        time.sleep(0.001)
        done.append("the other greenlet")

    greenlet = spawn(other)
    print(async_to_sync(wait)())
    join(greenlet)
    """
    assert "the other greenlet" == output(start, program)


def test_a_patched_thread(start: str) -> None:
    """It is a greenlet too, and errors reach it."""
    program = """
    outcomes = []

    async def fail():
        raise LookupError("found nothing")

    def work():
        try:
            async_to_sync(fail)()
        except LookupError as error:
            outcomes.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print(outcomes)
    """
    assert "['found nothing']" == output(start, program)


def test_loops_that_are_closed_afterwards(start: str) -> None:
    """With force_new_loop, and in a context that has its own."""
    program = """
    from typedbridge import AsyncSingleThreadContext, ThreadSensitiveContext

    new = async_to_sync(by_way_of_threads, force_new_loop=True)
    print(new(1), new(2))
    with AsyncSingleThreadContext():
        print(async_to_sync(add)(1), async_to_sync(add)(2))

    async def in_a_context():
        async with ThreadSensitiveContext():
            return await sync_to_async(lambda: "own thread")()

    print(asyncio.run(in_a_context()))
    """
    assert "2 4\n2 3\nown thread" == output(start, program)


def test_who_waits_for_whom(start: str) -> None:
    """It can be asked for; what is certain without a look at stacks is refused, and nothing else."""
    program = """
    from typedbridge import DeadlockError, diagnose

    async def called():
        return await sync_to_async(lambda: 5)()

    def holder():
        try:
            return asyncio.run(called())
        except DeadlockError:
            return "refused"

    async def refused():
        return await sync_to_async(holder)()

    release = []

    def hold():
        while not release:
            time.sleep(0.001)
        return 4

    async def both():
        return await asyncio.gather(sync_to_async(hold)(), sync_to_async(lambda: 5)())

    first = spawn(async_to_sync(both))
    while len(diagnose().waits) < 2:
        time.sleep(0.001)
    others = [spawn(async_to_sync(add), number) for number in range(3)]
    told = [join(other) for other in others]
    release.append(None)
    print(join(first), told, async_to_sync(refused)(), diagnose())
    """
    assert "[4, 5] [1, 2, 3] refused Nothing waits." == output(start, program)
