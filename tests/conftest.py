"""What every test may ask for: an event loop to run on, and gates instead of sleeps.

``TYPEDBRIDGE_TEST_LOOP`` picks the event loop: unset, each async test runs on asyncio's own loop
and on uvloop, and the library makes its loops as asyncio does by default; ``asyncio`` or
``uvloop`` runs on that one alone, the library's own loops included.
``TYPEDBRIDGE_TEST_SWITCH_INTERVAL`` sets the interpreter's thread switch interval (seconds): a very
short one shows races.
Many tests run one program through each library, asgiref as it is alone: the two are kept apart here, but
for a run with ``TYPEDBRIDGE_ASGIREF`` set to anything. tests/beside/ has the two as one, in processes of
its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import pytest

import typedbridge.asgiref
from typedbridge import Local, SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async
from typedbridge._core import vigil

if sys.platform != "win32":
    import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")

LIMIT: Final = 20.0
"""Seconds until something that never happened fails a test. Nothing waits that long in a pass."""

CHOSEN_LOOP: Final = os.environ.get("TYPEDBRIDGE_TEST_LOOP", "")

#: What is in a loop and which thread it runs in.
shows_its_state = pytest.mark.skipif(CHOSEN_LOOP == "uvloop", reason="uvloop does not show it")


def unmeasured() -> dict[str, str]:
    """What a program is started with so that coverage does not measure it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loops to run async tests on, by name."""
    known: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.SelectorEventLoop,
    }
    if sys.platform != "win32":
        known["uvloop"] = uvloop.new_event_loop
    return {CHOSEN_LOOP: known[CHOSEN_LOOP]} if CHOSEN_LOOP else known


def keep_apart() -> None:
    """Have the two libraries not join in this process, and say nothing to those that it starts."""
    os.environ["TYPEDBRIDGE_ASGIREF"] = "apart"
    importlib.import_module("asgiref.sync")
    sync_to_async(int)  # decides
    assert typedbridge.asgiref.status().state == "apart"
    del os.environ["TYPEDBRIDGE_ASGIREF"]


if "TYPEDBRIDGE_ASGIREF" not in os.environ:
    keep_apart()


def pytest_configure(config: pytest.Config) -> None:
    """Set what has to hold before the library makes its first thread or loop."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts background jobs like this, and the programs that tests interrupt inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    interval = os.environ.get("TYPEDBRIDGE_TEST_SWITCH_INTERVAL")
    if interval is not None:
        sys.setswitchinterval(float(interval))
    if CHOSEN_LOOP == "uvloop" and sys.platform != "win32":
        policy = uvloop.EventLoopPolicy()
        asyncio.set_event_loop_policy(policy)  # type: ignore[deprecated]  # only from 3.14 on


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that needs an event loop once on each kind of loop."""
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.fixturenames.append("loop_factory")
    if "loop_factory" in metafunc.fixturenames:
        factories = loop_factories()
        metafunc.parametrize(
            "loop_factory", list(factories.values()), ids=list(factories), indirect=True
        )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test on a loop of its own, in the main thread."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    loop_factory: Any = pyfuncitem.callspec.params["loop_factory"]
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(pyfuncitem.obj(**arguments))
    return True


class Run(Protocol):
    """What the ``run`` fixture gives: ``asyncio.run`` on the loop under test."""

    def __call__(self, main: Callable[[], Coroutine[Any, Any, T]], /) -> T: ...


@pytest.fixture
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Makes a loop of the kind under test."""
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    return factory


@pytest.fixture
def run(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> Run:
    """Run a coroutine function from sync code, on the kind of loop under test."""

    def run_on_new_loop(main: Callable[[], Coroutine[Any, Any, T]], /) -> T:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(main())

    return run_on_new_loop


class Gate:
    """A blocking function that says when it has begun, and returns when it is opened."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.left = threading.Event()

    def hold(self) -> threading.Thread:
        """Block the calling thread until the gate is opened; return that thread."""
        self.begun.set()
        try:
            happened(self.opened)
        finally:
            self.left.set()
        return threading.current_thread()

    def open(self) -> None:
        """Let the function go on."""
        self.opened.set()

    async def has_begun(self) -> None:
        """Wait, without blocking the loop, until the function runs."""
        await asyncio.to_thread(happened, self.begun)


def happened(event: threading.Event) -> None:
    """Wait for what another thread does."""
    assert event.wait(LIMIT), "a thread never did what the test waits for"


class NewGate(Protocol):
    """What the ``new_gate`` fixture gives."""

    def __call__(self) -> Gate: ...


@pytest.fixture
def new_gate() -> Iterator[NewGate]:
    """Makes gates that are opened at the end, so that a failed test leaves no blocked thread."""
    with contextlib.ExitStack() as stack:

        def make() -> Gate:
            gate = Gate()
            stack.callback(gate.open)
            return gate

        yield make


@pytest.fixture
def gate(new_gate: NewGate) -> Gate:
    """One gate."""
    return new_gate()


@pytest.fixture
def nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the library's watch sleep on, whatever waits."""
    monkeypatch.setattr(vigil, "rouse", lambda: None)
    asleep = threading.Event()
    while vigil.awake:
        asleep.wait(0.01)  # it goes to sleep by itself; pytest's own limit ends this


class Call(Protocol):
    """What the ``call`` fixture gives: awaits a function through a bridge."""

    async def __call__(self, function: Callable[[], T], /) -> T: ...


class Overriding(SyncToAsync[..., Any]):
    """Takes the path on which an overridden thread_handler is honoured."""

    def thread_handler(self, *args: Any, **kwargs: Any) -> Any:
        return super().thread_handler(*args, **kwargs)


async def call_sensitive(function: Callable[[], T]) -> T:
    return await sync_to_async(function)()


async def call_in_pool(function: Callable[[], T]) -> T:
    return await sync_to_async(function, thread_sensitive=False)()


async def call_in_executor(function: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as executor:
        return await sync_to_async(function, thread_sensitive=False, executor=executor)()


async def call_in_context(function: Callable[[], T]) -> T:
    async with ThreadSensitiveContext():
        return await sync_to_async(function)()


async def call_overridden(function: Callable[[], T]) -> T:
    result: T = await Overriding(function)()
    return result


async def call_in_frame(function: Callable[[], T]) -> T:
    async def back() -> T:
        return await sync_to_async(function)()

    return await sync_to_async(async_to_sync(back), thread_sensitive=False)()


@pytest.fixture(
    params=[
        call_sensitive,
        call_in_pool,
        call_in_executor,
        call_in_context,
        call_overridden,
        call_in_frame,
    ],
    ids=["sensitive", "pool", "executor", "context", "overridden", "frame"],
)
def call(request: pytest.FixtureRequest) -> Call:
    """One of the paths that a call takes through the library; the contract is one for all."""
    path: Call = request.param
    return path


# What the tests of `Local` share.


@pytest.fixture
def local() -> Local:
    return Local()


@pytest.fixture
def critical() -> Local:
    return Local(thread_critical=True)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture(params=[False, True], ids=["default", "thread_critical"])
def either(request: pytest.FixtureRequest) -> Local:
    return Local(thread_critical=request.param)


def read(local: Local) -> object:
    return getattr(local, "value", "nothing")


def swap(local: Local, value: object) -> object:
    """Write, and tell what was there before."""
    before = read(local)
    local.value = value
    return before


async def async_swap(local: Local, value: object) -> object:
    return swap(local, value)


def in_thread(function: Callable[..., object], *args: object) -> object:
    """Call in a thread that was merely started."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function, *args).result()
