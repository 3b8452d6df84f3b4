"""What sync_to_async and async_to_sync accept, and what they refuse."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import (
    AsyncToSync,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    markcoroutinefunction,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator

# The refused cases are type errors on purpose; what checkers say about them is tested elsewhere.
bridge_to_async: Any = sync_to_async
make_to_async: Any = SyncToAsync
bridge_to_sync: Any = async_to_sync


def plain() -> int:
    return 1


async def fetch(number: int = 1) -> int:
    return number


def count() -> Iterator[int]:
    yield 1


async def stream() -> AsyncIterator[int]:
    yield 1


class AsyncCallable:
    async def __call__(self) -> int:
        return 1


class GeneratorCallable:
    def __call__(self) -> Iterator[int]:
        yield 1


class Service:
    async def load(self) -> int:
        return 1

    def rows(self) -> Iterator[int]:
        yield 1


@pytest.mark.parametrize("wrap", [sync_to_async, SyncToAsync])
@pytest.mark.parametrize("thing", [5, "text", ()], ids=["int", "str", "tuple"])
def test_something_not_callable_is_refused(wrap: Any, thing: object) -> None:
    """A TypeError says what was passed and that it cannot be called."""
    pattern = f"(?is)({re.escape(repr(thing))}|{type(thing).__name__}).*call"
    with pytest.raises(TypeError, match=pattern):
        wrap(thing)


@pytest.mark.parametrize("wrap", [sync_to_async, SyncToAsync])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (fetch, "fetch"),
        (functools.partial(fetch, 2), "fetch"),
        (functools.partial(functools.partial(fetch), number=2), "fetch"),
        (AsyncCallable(), "AsyncCallable"),
        (functools.partial(AsyncCallable()), "AsyncCallable"),
        (Service().load, "Service.load"),
        (Service.load, "Service.load"),
    ],
    ids=["def", "partial", "partial of partial", "object", "partial of object", "bound", "method"],
)
def test_a_coroutine_function_is_refused(wrap: Any, function: Any, name: str) -> None:
    """A TypeError names the coroutine function and says to await it."""
    with pytest.raises(TypeError, match=name) as refusal:
        wrap(function)
    assert re.search("await|async", str(refusal.value))


def test_a_function_marked_as_coroutine_function_is_refused() -> None:
    """The mark counts as much as the keyword."""

    @markcoroutinefunction
    def marked() -> Coroutine[Any, Any, int]:
        return fetch()

    with pytest.raises(TypeError, match="marked"):
        bridge_to_async(marked)


def test_a_bridge_to_async_is_refused() -> None:
    """Wrapping twice is wrapping a coroutine function."""
    with pytest.raises(TypeError, match="plain"):
        bridge_to_async(sync_to_async(plain))


@pytest.mark.parametrize("wrap", [sync_to_async, SyncToAsync])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (count, "count"),
        (stream, "stream"),
        (functools.partial(count), "count"),
        (functools.partial(stream), "stream"),
        (Service().rows, "Service.rows"),
        (GeneratorCallable(), "GeneratorCallable"),
    ],
    ids=["def", "async def", "partial", "async partial", "bound", "object"],
)
def test_a_generator_function_is_refused(wrap: Any, function: Any, name: str) -> None:
    """A TypeError names the generator function, which would run nothing in the thread."""
    with pytest.raises(TypeError, match=name) as refusal:
        wrap(function)
    assert "generator" in str(refusal.value)


@pytest.mark.parametrize(
    ("wrap", "function", "advice"),
    [
        (sync_to_async, count, "use sync_to_async_generator instead"),
        (bridge_to_async, stream, "use async for as it is"),
        (bridge_to_sync, count, "use for as it is"),
        (bridge_to_sync, stream, "use async_to_sync_generator instead"),
    ],
)
def test_the_refusal_of_a_generator_says_what_to_use(wrap: Any, function: Any, advice: str) -> None:
    """The decorator for generators; or nothing, for one that is of the right colour already."""
    with pytest.raises(TypeError, match=f"{advice}$"):
        wrap(function)


@pytest.mark.parametrize("wrap", [sync_to_async, SyncToAsync])
@pytest.mark.parametrize("decorator", [classmethod, staticmethod])
def test_a_misplaced_method_decorator_is_refused(
    wrap: Any, decorator: Callable[[Any], object]
) -> None:
    """A TypeError names the function and the decorator to put above the bridge."""
    with pytest.raises(TypeError, match="plain") as refusal:
        wrap(decorator(plain))
    assert re.search(rf"(?i)@?{decorator.__name__}", str(refusal.value))
    assert re.search("(?i)under|below|beneath|above|outside|order", str(refusal.value))


@pytest.mark.parametrize("wrap", [sync_to_async, SyncToAsync])
def test_an_executor_for_a_sensitive_call_is_refused(wrap: Any) -> None:
    """A TypeError names the function and the option that would allow the executor."""
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(TypeError, match="plain") as refusal,
    ):
        wrap(plain, thread_sensitive=True, executor=executor)
    assert "thread_sensitive=False" in str(refusal.value)


def test_an_executor_without_options_is_refused_too() -> None:
    """Calls are sensitive unless they say otherwise."""
    with ThreadPoolExecutor(1) as executor, pytest.raises(TypeError, match="plain"):
        bridge_to_async(plain, executor=executor)


@pytest.mark.parametrize("options", [{}, {"thread_sensitive": True}])
def test_options_that_do_not_go_together_are_refused_where_they_stand(options: Any) -> None:
    """The decorator that they make may be used far away, in another module."""
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(TypeError, match="thread_sensitive=False"),
    ):
        bridge_to_async(executor=executor, **options)


@pytest.mark.parametrize("wrap", [sync_to_async, SyncToAsync])
def test_an_executor_that_cannot_submit_is_refused(wrap: Any) -> None:
    """A TypeError names the function and the method that is missing."""
    with pytest.raises(TypeError, match="plain") as refusal:
        wrap(plain, thread_sensitive=False, executor=object())
    assert "submit" in str(refusal.value)


@pytest.mark.parametrize(
    "give",
    [
        lambda executor: bridge_to_async(plain, thread_sensitive=False, executor=executor),
        lambda executor: bridge_to_async(thread_sensitive=False, executor=executor),
        lambda executor: ThreadSensitiveContext(executor=executor),
    ],
)
@pytest.mark.parametrize("executor", [object(), ThreadPoolExecutor])
def test_what_is_no_executor_is_refused_where_it_is_given(give: Any, executor: Any) -> None:
    """A class has a submit method as well, but nothing can be submitted to it."""
    with pytest.raises(TypeError, match="executor must"):
        give(executor)


@pytest.mark.parametrize(
    ("function", "name"),
    [(fetch, "fetch"), (count, "count"), (staticmethod(plain), "plain")],
    ids=["coroutine function", "generator function", "staticmethod"],
)
def test_the_form_with_options_refuses_the_same(function: Any, name: str) -> None:
    """The options change nothing about what may be wrapped."""
    decorate = bridge_to_async(thread_sensitive=False)
    with pytest.raises(TypeError, match=name):
        decorate(function)


def test_a_refusal_names_a_local_function_by_its_qualified_name() -> None:
    """The name leads to the line, however deep the function stands."""

    async def hidden() -> None: ...

    with pytest.raises(TypeError, match=re.escape(hidden.__qualname__)):
        bridge_to_async(hidden)


class AnyCallable:
    def __call__(self, number: int) -> int:
        return number + 1


class Box:
    def __init__(self, number: int) -> None:
        self.number = number

    def add(self, number: int) -> int:
        return self.number + number


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda number: number + 1, 4),
        (AnyCallable(), 4),
        (Box(1).add, 4),
        (functools.partial(Box.add, Box(1)), 4),
        (str, "3"),
        (abs, 3),
        (functools.lru_cache(AnyCallable()), 4),
    ],
    ids=["lambda", "object", "bound method", "partial", "class", "builtin", "lru_cache"],
)
async def test_any_sync_callable_is_accepted(
    function: Callable[[int], object], expected: object
) -> None:
    """Functions, methods, partials, classes, builtins and callable objects can be bridged."""
    assert expected == await sync_to_async(function)(3)


def test_a_callable_not_marked_async_gives_a_warning() -> None:
    """An awaitable-returning function is legal, so it is a UserWarning and the call works."""

    def awaitable(number: int) -> Coroutine[Any, Any, int]:
        return fetch(number)

    with pytest.warns(UserWarning, match="async") as caught:
        bridge = async_to_sync(awaitable)
    assert __file__ == caught[0].filename
    assert 3 == bridge(3)


class Later:
    """An awaitable that is not a coroutine."""

    def __await__(self) -> Generator[Any, None, int]:
        yield from asyncio.sleep(0).__await__()
        return 7


def test_any_awaitable_may_be_returned() -> None:
    """The result of the wrapped callable is awaited, whatever kind of awaitable it is."""
    with pytest.warns(UserWarning, match="async"):
        bridge = bridge_to_sync(Later)
    assert 7 == bridge()


@types.coroutine
def wait_and_return(number: int) -> Generator[Any, None, int]:
    yield from asyncio.sleep(0).__await__()
    return number


class Waiter:
    @types.coroutine
    def wait(self, number: int) -> Generator[Any, None, int]:
        yield from asyncio.sleep(0).__await__()
        return number

    __call__ = wait


@pytest.mark.parametrize(
    "function",
    [wait_and_return, Waiter().wait, Waiter(), functools.partial(wait_and_return)],
    ids=["function", "method", "object", "partial"],
)
def test_a_generator_based_coroutine_function_is_an_async_function(function: Any) -> None:
    """What types.coroutine decorates runs in async_to_sync without a warning; there is nothing else to
    await, so sync_to_async refuses it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 3 == async_to_sync(function)(3)
    with pytest.raises(TypeError, match="is a coroutine function: await it as it is"):
        sync_to_async(function)


def test_an_awaitable_is_made_in_the_calling_thread() -> None:
    """Only awaiting happens on the loop: a function that is not async runs where it is called."""
    threads: list[threading.Thread] = []

    def make() -> Coroutine[Any, Any, int]:
        threads.append(threading.current_thread())
        return fetch()

    with pytest.warns(UserWarning, match="async"):
        bridge = async_to_sync(make)
    assert 1 == bridge()
    assert [threading.current_thread()] == threads


@pytest.mark.parametrize(
    "function",
    [
        fetch,
        functools.partial(fetch, 1),
        AsyncCallable(),
        Service().load,
        markcoroutinefunction(lambda *_: fetch()),
        sync_to_async(plain),
    ],
    ids=["def", "partial", "object", "bound", "marked", "bridge"],
)
@pytest.mark.parametrize("wrap", [async_to_sync, AsyncToSync])
def test_a_callable_marked_async_gives_no_warning(wrap: Any, function: Any) -> None:
    """Whatever says that it is async is taken at its word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bridge = wrap(function)
    assert 1 == bridge()


async def test_nothing_is_checked_by_running_it() -> None:
    """Wrapping does not call the callable."""
    calls: list[str] = []
    bridge = sync_to_async(calls.append)
    assert [] == calls
    coroutine = bridge("called")
    assert [] == calls
    await coroutine
    assert ["called"] == calls


def test_a_context_with_an_executor_that_cannot_submit_is_of_no_use(run: Any) -> None:
    """The first call that needs the executor raises, and does not hang."""

    async def main() -> None:
        context: Any = ThreadSensitiveContext
        async with context(executor=object()):
            await sync_to_async(plain)()

    with pytest.raises((TypeError, AttributeError)):
        run(main)
