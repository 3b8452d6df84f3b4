"""Tools that watch a program replace methods by objects of their own: wrapt's, as most of them use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import wrapt

from typedbridge import AsyncToSync, SyncToAsync, async_to_sync, sync, sync_to_async

variable: ContextVar[str] = ContextVar("variable", default="nothing")


@pytest.fixture
def seen() -> list[tuple[str, threading.Thread, str]]:
    """What the tools note: what happens, in which thread, and a context variable."""
    return []


# Any: wrappers take and return what they wrap.
Wrapper = Callable[[Any, Any, Any, Any], Any]


@pytest.fixture
def watched(seen: list[tuple[str, threading.Thread, str]]) -> Iterator[None]:
    """Both methods are wrapped, as monitoring tools do it."""

    def note(what: str) -> None:
        seen.append((what, threading.current_thread(), variable.get()))

    def main_wrap(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        note("called")
        awaitable = wrapped(*args, **kwargs)

        async def on_the_loop() -> None:
            note("begins")
            await awaitable
            note("ends")

        return on_the_loop()

    def thread_handler(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        note("handler")
        return wrapped(*args, **kwargs)

    methods: dict[tuple[type[Any], str], Wrapper] = {
        (AsyncToSync, "main_wrap"): main_wrap,
        (SyncToAsync, "thread_handler"): thread_handler,
    }
    kept = {(owner, name): getattr(owner, name) for owner, name in methods}
    for (owner, name), wrapper in methods.items():
        wrapt.wrap_function_wrapper(sync, f"{owner.__name__}.{name}", wrapper)
    yield
    for (owner, name), method in kept.items():
        setattr(owner, name, method)


@pytest.mark.usefixtures("watched")
def test_main_wrap_is_called_in_the_thread_and_context_of_the_caller(
    seen: list[tuple[str, threading.Thread, str]],
) -> None:
    """What it returns is awaited on the loop, around the coroutine, in the coroutine's context."""

    async def main() -> threading.Thread:
        variable.set("the coroutine's")
        return threading.current_thread()

    variable.set("the caller's")
    loop = async_to_sync(main)()
    assert [
        ("called", threading.current_thread(), "the caller's"),
        ("begins", loop, "the caller's"),
        ("ends", loop, "the coroutine's"),
    ] == seen
    assert "the coroutine's" == variable.get()


@pytest.mark.usefixtures("watched")
def test_main_wrap_with_a_loop_around(seen: list[tuple[str, threading.Thread, str]]) -> None:
    """The caller is the function's thread, the loop the one that awaits the function."""

    async def inner() -> threading.Thread:
        return threading.current_thread()

    def function() -> tuple[threading.Thread, threading.Thread]:
        return threading.current_thread(), async_to_sync(inner)()

    async def outer() -> tuple[threading.Thread, threading.Thread]:
        return await sync_to_async(function, thread_sensitive=False)()

    own, loop = async_to_sync(outer)()
    assert [("called", own), ("begins", loop), ("ends", loop)] == [
        (what, thread) for what, thread, _ in seen if what != "handler"
    ][2:5]


@pytest.mark.usefixtures("watched")
async def test_thread_handler_is_called_in_the_functions_thread(
    seen: list[tuple[str, threading.Thread, str]],
) -> None:
    """In the lane, outside of the call's context."""
    variable.set("the caller's")
    lane = await sync_to_async(threading.current_thread)()
    assert [("handler", lane, "nothing")] == seen


def test_what_main_wrap_raises_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything was given to a loop; the coroutine is closed."""

    def broken(*args: object) -> None:
        raise LookupError("broken tool")

    async def main() -> None: ...

    monkeypatch.setattr(AsyncToSync, "main_wrap", broken)
    with pytest.raises(LookupError, match="broken tool"):
        async_to_sync(main)()


def test_main_wrap_that_returns_nothing_to_await(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the method and says what to return."""

    def forgets(*args: object) -> None: ...

    async def main() -> None: ...

    monkeypatch.setattr(AsyncToSync, "main_wrap", forgets)
    with pytest.raises(TypeError, match=r"AsyncToSync.main_wrap returned None"):
        async_to_sync(main)()


def test_main_wrap_that_puts_another_context_into_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The coroutine runs in that one."""
    kept = AsyncToSync.main_wrap

    def main_wrap(*args: Any) -> Any:
        contexts = args[4]
        contexts[0] = contexts[0].copy()
        contexts[0].run(variable.set, "the tool's")
        return kept(*args)

    async def main() -> str:
        return variable.get()

    monkeypatch.setattr(AsyncToSync, "main_wrap", main_wrap)
    assert "the tool's" == async_to_sync(main)()
