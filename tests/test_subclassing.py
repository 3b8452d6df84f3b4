"""Subclasses of the bridges, and methods replaced at run time."""

from __future__ import annotations

import asyncio
import functools
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import (
    AsyncToSync,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Thread

where = sync_to_async(threading.current_thread)


def greet(name: str, *, loud: bool = False) -> str:
    return f"{name}!" if loud else name


async def async_greet(name: str, *, loud: bool = False) -> str:
    await asyncio.sleep(0)
    return f"{name}!" if loud else name


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def thread_of(executor: Executor) -> Thread:
    """The one thread of an executor."""
    return executor.submit(threading.current_thread).result()


# SyncToAsync.__call__ and thread_handler.


class Polite(SyncToAsync[..., Any]):
    """Overrides __call__."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return f"please, {await super().__call__(*args, **kwargs)}"


async def test_an_overridden_call_is_used() -> None:
    """A subclass may do something around each call."""
    assert "please, Ann" == await Polite(greet)("Ann")


async def test_an_overridden_call_is_used_on_a_bound_method() -> None:
    """Binding goes through the override as well."""

    class Host:
        @Polite
        def greet(self, name: str) -> str:
            return name

    assert "please, Ann" == await Host().greet("Ann")
    assert "please, Ann" == await Host.greet(Host(), "Ann")


class Loud(SyncToAsync[..., Any]):
    """Edits the keywords of the call in thread_handler, in the thread."""

    threads: list[Thread]

    def thread_handler(
        self, loop: Any, exc_info: Any, task_context: Any, func: Any, child: Any
    ) -> Any:
        self.threads.append(threading.current_thread())
        assert isinstance(child, functools.partial)
        assert self.func is child.func
        child.keywords["loud"] = True
        return super().thread_handler(loop, exc_info, task_context, func, child)


@pytest.fixture
def loud() -> Iterator[type[Loud]]:
    """Loud, with an empty list of threads."""
    Loud.threads = []
    yield Loud
    del Loud.threads


async def test_thread_handler_may_edit_the_call(loud: type[Loud]) -> None:
    """It is called in the function's thread with a partial whose keywords may be edited."""
    lane = await where()
    assert "Ann!" == await loud(greet)("Ann")
    assert [lane] == loud.threads


@pytest.mark.parametrize("place", ["pool", "executor", "context", "frame"])
async def test_thread_handler_is_used_wherever_the_call_runs(loud: type[Loud], place: str) -> None:
    """In the pool, in an executor, in a context's thread and in a frame's."""
    if place == "pool":
        greeting = await loud(greet, False)("Ann")
    elif place == "executor":
        with ThreadPoolExecutor(1) as pool:
            greeting = await loud(greet, False, pool)("Ann")
    elif place == "context":
        async with ThreadSensitiveContext():
            greeting = await loud(greet)("Ann")
    else:
        frame = sync_to_async(async_to_sync(loud(greet)), thread_sensitive=False)
        greeting = await frame("Ann")
    assert "Ann!" == greeting
    assert 1 == len(loud.threads)


async def test_thread_handler_is_used_for_bound_methods(loud: type[Loud]) -> None:
    """The partial's arguments begin with the instance."""

    def method(self: object, name: str, *, loud: bool = False) -> tuple[object, str, bool]:
        return self, name, loud

    class Host:
        greet = loud(method)

    host = Host()
    assert (host, "Ann", True) == await host.greet("Ann")


async def test_thread_handler_gets_the_loop_and_the_handled_exception() -> None:
    """loop is the caller's running loop, exc_info what the caller is handling."""
    seen: list[Any] = []

    class Watching(SyncToAsync[..., Any]):
        def thread_handler(self, loop: Any, exc_info: Any, *rest: Any) -> Any:
            seen.append((loop, exc_info[1]))
            return super().thread_handler(loop, exc_info, *rest)

    error = KeyError("handled")
    assert "Ann" == await Watching(greet)("Ann")
    try:
        raise error
    except KeyError:
        assert "Ann" == await Watching(greet)("Ann")
    loop = asyncio.get_running_loop()
    assert [(loop, None), (loop, error)] == seen


async def test_thread_handler_may_answer_by_itself() -> None:
    """What it returns is the result, what it raises is the error."""

    class Answering(SyncToAsync[..., Any]):
        def thread_handler(self, *args: Any) -> Any:
            child = args[-1]
            if child.args == ("Eve",):
                raise PermissionError("not for Eve")
            return "nobody"

    assert "nobody" == await Answering(greet)("Ann")
    with pytest.raises(PermissionError, match="not for Eve"):
        await Answering(greet)("Eve")


async def test_thread_handler_replaced_on_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monkeypatched base class counts for bridges made before, and its removal too."""
    bridge = sync_to_async(greet)
    assert "Ann" == await bridge("Ann")
    original = SyncToAsync.thread_handler

    def handler(self: Any, *args: Any) -> Any:
        return f"patched {original(self, *args)}"

    with monkeypatch.context() as patch:
        patch.setattr(SyncToAsync, "thread_handler", handler)
        assert "patched Ann" == await bridge("Ann")
    assert "Ann" == await bridge("Ann")


async def test_thread_handler_replaced_on_an_instance() -> None:
    """An attribute of one bridge counts for that bridge."""
    bridge: Any = sync_to_async(greet)
    original = bridge.thread_handler
    bridge.thread_handler = lambda *args: f"patched {original(*args)}"
    assert "patched Ann" == await bridge("Ann")
    assert "Ann" == await sync_to_async(greet)("Ann")


async def test_thread_handler_sees_nested_calls(loud: type[Loud]) -> None:
    """async_to_sync works below an overridden handler."""
    bridge = loud(async_to_sync(async_greet))
    assert "Ann!" == await bridge("Ann")


async def test_a_subclass_may_add_its_own_options() -> None:
    """An overridden __init__ that calls super is enough."""

    class Retrying(SyncToAsync[..., Any]):
        def __init__(self, func: Any, times: int, **options: Any) -> None:
            super().__init__(func, **options)
            self.times = times

        async def __call__(self, *args: Any, **kwargs: Any) -> Any:
            for _ in range(self.times - 1):
                try:
                    return await super().__call__(*args, **kwargs)
                except ConnectionError:
                    continue
            return await super().__call__(*args, **kwargs)

    failures = [ConnectionError(), ConnectionError()]

    def flaky() -> str:
        if failures:
            raise failures.pop()
        return "at last"

    assert "at last" == await Retrying(flaky, 3, thread_sensitive=False)()


# AsyncToSync.


class Traced(AsyncToSync[..., Any]):
    """Overrides main_wrap, with its parameters by name."""

    log: list[str]

    async def main_wrap(
        self, call_result: Any, exc_info: Any, task_context: Any, context: Any, awaitable: Any
    ) -> None:
        async def twice() -> str:
            return f"{await awaitable} and again"

        self.log.append("before")
        await super().main_wrap(call_result, exc_info, task_context, context, twice())
        self.log.append("after")


@pytest.mark.parametrize("force_new_loop", [False, True])
def test_an_overridden_main_wrap_is_used(force_new_loop: bool) -> None:
    """It runs on the loop, around the coroutine, and may replace what is awaited."""
    Traced.log = []
    assert "Ann and again" == Traced(async_greet, force_new_loop)("Ann")
    assert ["before", "after"] == Traced.log


async def test_an_overridden_main_wrap_is_used_on_an_enclosing_loop() -> None:
    """On the loop that is running, too."""
    Traced.log = []
    assert "Ann and again" == await sync_to_async(Traced(async_greet))("Ann")
    assert ["before", "after"] == Traced.log


def test_an_overridden_main_wrap_carries_variables_and_errors() -> None:
    """super().main_wrap does all of its work."""
    variable: ContextVar[str] = ContextVar("variable", default="default")
    Traced.log = []

    async def fail() -> None:
        variable.set("set before the error")
        raise LookupError

    with pytest.raises(LookupError):
        Traced(fail)()
    assert "set before the error" == variable.get()


def test_main_wrap_replaced_on_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monkeypatched base class counts for bridges made before."""
    bridge = async_to_sync(async_greet)
    calls: list[Any] = []
    original: Any = AsyncToSync.main_wrap

    async def main_wrap(self: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(self)
        await original(self, *args, **kwargs)

    monkeypatch.setattr(AsyncToSync, "main_wrap", main_wrap)
    assert "Ann" == bridge("Ann")
    assert [bridge] == calls


def test_a_main_wrap_that_fails_does_not_hang() -> None:
    """An override that raises before the coroutine has run raises in the caller."""

    class Broken(AsyncToSync[..., Any]):
        async def main_wrap(self, *args: Any, **kwargs: Any) -> None:
            for argument in args:
                if asyncio.iscoroutine(argument):
                    argument.close()
            raise LookupError("broken override")

    with pytest.raises(LookupError, match="broken override"):
        Broken(async_greet)("Ann")


def test_an_overridden_call_of_async_to_sync_is_used() -> None:
    """Directly and on a bound method."""

    class Shouting(AsyncToSync[..., Any]):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return super().__call__(*args, **kwargs).upper()

    async def method(self: object, name: str) -> str:
        return name

    class Host:
        greet = Shouting(method)

    assert "ANN" == Shouting(async_greet)("Ann")
    assert "ANN" == Host().greet("Ann")


def test_a_subclass_of_async_to_sync_may_add_its_own_options() -> None:
    """An overridden __init__ that calls super is enough."""

    class Named(AsyncToSync[..., Any]):
        def __init__(self, awaitable: Any, label: str) -> None:
            super().__init__(awaitable, force_new_loop=True)
            self.label = label

    named = Named(async_greet, "greeting")
    assert "greeting" == named.label
    assert "Ann" == named("Ann")
