"""Bridges are copied and pickled as plain functions are, and cross to other processes."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from typedbridge import AsyncToSync, SyncToAsync, async_to_sync, iscoroutinefunction, sync_to_async

VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


@sync_to_async
def double(number: int) -> int:
    return 2 * number


@async_to_sync
async def double_now(number: int) -> int:
    return 2 * number


class Table:
    def __init__(self) -> None:
        self.name = "table"

    @sync_to_async
    def read(self, key: str) -> str:
        return f"{self.name}.{key}"

    @async_to_sync
    async def read_now(self, key: str) -> str:
        return f"{self.name}.{key}"

    class Row:
        @sync_to_async
        def read(self) -> str:
            return "row"


def plain(number: int) -> int:
    return 3 * number


async def plain_now(number: int) -> int:
    return 3 * number


#: Under names that are not their functions'.
named_otherwise = sync_to_async(plain, thread_sensitive=False)
named_otherwise_now = async_to_sync(plain_now, force_new_loop=True)


class Counting(SyncToAsync[..., Any]):
    def __init__(self, func: Any, *, by: int) -> None:
        super().__init__(func)
        self.by = by


counting = Counting(plain, by=3)

PROTOCOLS = pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))


def sent(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


@PROTOCOLS
@pytest.mark.parametrize("bridge", [double, double_now, Table.read, Table.read_now, Table.Row.read])
def test_a_decorated_function_is_pickled_by_name(bridge: Any, protocol: int) -> None:
    """What comes back is the bridge itself."""
    assert bridge is sent(bridge, protocol)


@PROTOCOLS
async def test_a_bound_bridge_takes_its_instance_along(protocol: int) -> None:
    """As a method does."""
    table = Table()
    table.name = "sent"
    assert "sent.key" == await sent(table.read, protocol)("key")


def test_a_bound_bridge_to_sync_takes_its_instance_along() -> None:
    """The same in the other direction."""
    assert "table.key" == sent(Table().read_now)("key")


@PROTOCOLS
async def test_a_bridge_under_another_name(protocol: int) -> None:
    """It is made again, over its function, which has a name."""
    bridge = sent(named_otherwise, protocol)
    assert SyncToAsync is type(bridge)
    assert plain is bridge.func
    assert not vars(bridge)["_thread_sensitive"]
    assert iscoroutinefunction(bridge)
    assert 6 == await bridge(2)


def test_a_bridge_to_sync_under_another_name() -> None:
    """With its options."""
    bridge = sent(named_otherwise_now)
    assert AsyncToSync is type(bridge)
    assert bridge.force_new_loop
    assert not iscoroutinefunction(bridge)
    assert 6 == bridge(2)


async def test_a_bridge_of_a_subclass() -> None:
    """It keeps its class and its attributes, whatever its constructor takes."""
    bridge = sent(counting)
    assert Counting is type(bridge)
    assert 3 == bridge.by
    assert 6 == await bridge(2)


def test_a_local_function() -> None:
    """It has no name to be found by, decorated or not."""

    @sync_to_async
    def local() -> None: ...

    with pytest.raises((AttributeError, pickle.PicklingError), match="local"):
        pickle.dumps(local)


@pytest.mark.parametrize(
    "bridge", [double, double_now, named_otherwise, counting, sync_to_async(len)]
)
def test_a_copy_of_a_bridge_is_the_bridge(bridge: Any) -> None:
    """As a copy of a function is the function; an executor or a lock of its own is no obstacle."""
    assert bridge is copy.copy(bridge)
    assert bridge is copy.deepcopy(bridge)
    assert [bridge] == copy.deepcopy([bridge])


def test_a_deep_copy_of_a_bound_bridge_has_another_instance() -> None:
    """As that of a method."""
    method = Table().read_now
    copied: Any = copy.deepcopy(method)
    copied.__self__.name = "copied"
    assert "copied.key" == copied("key")
    assert "table.key" == method("key")


def test_a_spawned_process_gets_a_bridge() -> None:
    """Its target and arguments cross by name."""
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    process = context.Process(target=run_double, args=(double_now, results))
    process.start()
    process.join(40)
    assert 8 == results.get()


def run_double(bridge: Any, results: Any) -> None:
    results.put(bridge(4))


# Executors whose workers are other processes.


def where() -> tuple[int, str]:
    return os.getpid(), VARIABLE.get()


@sync_to_async
def decorated(number: int) -> tuple[int, int]:
    return os.getpid(), number


def fail(error: Exception) -> None:
    raise error


def begin_and_wait(begun: Any, go_on: Any) -> str:
    begun.set()
    go_on.wait(20)
    return "finished"


def leave() -> None:
    os._exit(3)


def total(first: Any, *numbers: int, **more: Any) -> Any:
    return first + sum(numbers) + sum(more.values())


class Account:
    def __init__(self, number: int) -> None:
        self.number = number

    def charge(self, by: int) -> int:
        return self.number - by


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    # Not forked: this process has threads.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        yield executor


async def test_a_function_runs_in_the_process(processes: ProcessPoolExecutor) -> None:
    """It and its arguments cross; context variables do not."""
    VARIABLE.set("here")
    bridge = sync_to_async(where, thread_sensitive=False, executor=processes)
    process, variable = await bridge()
    assert os.getpid() != process
    assert "unset" == variable
    assert "here" == VARIABLE.get()


async def test_arguments_and_results_cross(processes: ProcessPoolExecutor) -> None:
    """Positional and by name."""
    bridge = sync_to_async(total, thread_sensitive=False, executor=processes)
    assert 10 == await bridge(1, 2, three=3, four=4)


async def test_a_method_crosses_with_its_instance(processes: ProcessPoolExecutor) -> None:
    """And a partial with its arguments."""
    method = sync_to_async(Account(5).charge, thread_sensitive=False, executor=processes)
    assert 3 == await method(2)


async def test_a_decorated_function_crosses(
    processes: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name means the bridge, there as here."""
    monkeypatch.setattr(decorated, "_thread_sensitive", False)
    monkeypatch.setattr(decorated, "_executor", processes)
    process, number = await decorated(5)
    assert os.getpid() != process
    assert 5 == number


async def test_an_error_comes_back(processes: ProcessPoolExecutor) -> None:
    """As from any other thread."""
    bridge = sync_to_async(fail, thread_sensitive=False, executor=processes)
    with pytest.raises(LookupError, match="not found"):
        await bridge(LookupError("not found"))
    with pytest.raises(RuntimeError, match="StopIteration"):
        await bridge(StopIteration())


@pytest.mark.parametrize(
    ("args", "kwargs", "named"),
    [
        ((threading.Lock(), 1), {}, "its argument 'first', of type lock,"),
        ((1, threading.Lock()), {}, "its argument 2, of type lock,"),
        ((1,), {"late": threading.Lock()}, "its argument 'late', of type lock,"),
    ],
)
async def test_an_argument_that_cannot_be_pickled_is_named(
    processes: ProcessPoolExecutor, args: Any, kwargs: Any, named: str
) -> None:
    """With the function; and the executor goes on."""
    bridge = sync_to_async(total, thread_sensitive=False, executor=processes)
    with pytest.raises(pickle.PicklingError) as raised:
        await bridge(*args, **kwargs)
    assert named in str(raised.value)
    assert "total" in str(raised.value)
    assert "lock" in str(raised.value)
    assert 3 == await bridge(1, 2)


async def test_a_function_that_cannot_be_pickled_is_named(processes: ProcessPoolExecutor) -> None:
    """A lambda has no name to be found by."""
    bridge = sync_to_async(lambda: None, thread_sensitive=False, executor=processes)
    with pytest.raises(pickle.PicklingError, match=r"<lambda>.*the function itself cannot be sent"):
        await bridge()


async def test_a_sensitive_call_where_the_users_lane_is_in_a_process(
    processes: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What replaces `single_thread_executor` may be of this kind too."""
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", processes)
    process, _ = await sync_to_async(where)()
    assert os.getpid() != process


@pytest.mark.parametrize("on_cancel", ["abandon", "wait"])
async def test_a_cancelled_call_in_a_process(
    processes: ProcessPoolExecutor, on_cancel: Any
) -> None:
    """The task leaves it, or waits for what runs there."""
    bridge: Any = sync_to_async(
        begin_and_wait, thread_sensitive=False, executor=processes, on_cancel=on_cancel
    )
    with multiprocessing.get_context("spawn").Manager() as manager:
        begun, go_on = manager.Event(), manager.Event()
        task = asyncio.create_task(bridge(begun, go_on))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel("enough")
        for _ in range(10):
            await asyncio.sleep(0)
        assert task.done() == (on_cancel == "abandon")
        go_on.set()
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task
        assert 3 == await sync_to_async(total, thread_sensitive=False, executor=processes)(1, 2)


async def test_a_process_that_ends() -> None:
    """The call fails as the executor says."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        bridge = sync_to_async(leave, thread_sensitive=False, executor=executor)
        with pytest.raises(BrokenProcessPool):
            await bridge()


def test_nothing_is_imported_for_it() -> None:
    """The machinery of processes is not loaded until the user has."""
    import subprocess

    program = (
        "import sys, asyncio; from typedbridge import sync_to_async\n"
        "asyncio.run(sync_to_async(int)())\n"
        "print('concurrent.futures.process' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert "False" == done.stdout.strip()
