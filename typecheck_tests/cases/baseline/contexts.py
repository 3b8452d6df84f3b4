from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, assert_type

from typedbridge.current_thread_executor import CurrentThreadExecutor
from typedbridge.local import Local
from typedbridge.sync import (
    AsyncSingleThreadContext,
    ThreadSensitiveContext,
    iscoroutinefunction,
    markcoroutinefunction,
    sync_to_async,
)


# case: ThreadSensitiveContext as an async target
async def use_thread_sensitive() -> None:
    async with ThreadSensitiveContext() as context:
        assert_type(context, ThreadSensitiveContext)
        assert_type(await sync_to_async(len)("a"), int)


# case: ThreadSensitiveContext with an executor
async def use_executor(executor: Executor) -> None:
    async with ThreadSensitiveContext(executor=executor) as context:
        assert_type(context, ThreadSensitiveContext)
    async with ThreadSensitiveContext(executor=ThreadPoolExecutor(1)):
        pass


# case: ThreadSensitiveContext refuses other arguments
async def use_wrong_executor(executor: Executor) -> None:
    ThreadSensitiveContext(executor="pool")  # E
    ThreadSensitiveContext(executor)  # E


# case: ThreadSensitiveContext as a sync target
def use_thread_sensitive_sync() -> None:
    with ThreadSensitiveContext() as context:
        assert_type(context, ThreadSensitiveContext)


# case: the context does not swallow exceptions
async def value_from_context() -> int:
    async with ThreadSensitiveContext():
        return 1


# case: AsyncSingleThreadContext as a sync target
def use_single_thread() -> None:
    with AsyncSingleThreadContext() as context:
        assert_type(context, AsyncSingleThreadContext)


# case: AsyncSingleThreadContext as an async target
async def use_single_thread_async() -> None:
    async with AsyncSingleThreadContext() as context:
        assert_type(context, AsyncSingleThreadContext)


# case: a subclass as target
class RequestContext(ThreadSensitiveContext):
    request = 1


async def use_request_context() -> None:
    async with RequestContext() as context:
        assert_type(context, RequestContext)
        assert_type(context.request, int)


# case: Local takes and gives anything
state = Local()


def use_local() -> None:
    state.user = "a"
    state.count = 1
    del state.count
    user: str = state.user
    state.anything = str
    print(user, state.anything.upper.__name__)


# case: Local attributes are Any
local_any = Local()


def use_local_any() -> None:
    setattr(local_any, "name", "a")
    assert_type(local_any.name, Any)


# case: Local with its option
def use_thread_critical() -> None:
    assert_type(Local(thread_critical=True), Local)
    assert_type(Local(True), Local)


# case: Local refuses other options
def use_wrong_option() -> None:
    Local(critical=True)  # E
    Local("yes")  # E


# case: getattr, setattr and hasattr on a Local
def use_getattr_local(name: str) -> None:
    value: int = getattr(state, name, 0)
    setattr(state, name, value)
    print(hasattr(state, name))


# case: Local as an annotation and a class attribute
class Registry:
    active: Local = Local()

    def current(self) -> str | None:
        found: str | None = getattr(self.active, "value", None)
        return found


def use_registry(registry: Registry) -> None:
    registry.active.value = "de"
    assert_type(registry.current(), str | None)


# case: Local may not be subclassed
class WrongLocal(Local):  # E
    pass


# case: CurrentThreadExecutor
def use_current_thread_executor() -> None:
    executor = CurrentThreadExecutor(None)

    def submit() -> None:
        assert_type(executor.submit(len, "a"), Future[int])
        assert_type(executor.submit(int, "1", base=2), Future[int])

    with ThreadPoolExecutor(1) as elsewhere:
        executor.run_until_future(elsewhere.submit(submit))
    inner: Executor = CurrentThreadExecutor(executor)
    print(inner)


# case: CurrentThreadExecutor checks arguments
def use_current_thread_executor_wrongly() -> None:
    CurrentThreadExecutor(None).submit(len, 1)  # E


# case: markcoroutinefunction gives the function back
@markcoroutinefunction
def marked(name: str) -> int:
    return len(name)


def use_marked() -> None:
    assert_type(marked("a"), int)
    marked(1)  # E


# case: iscoroutinefunction is a test
def use_iscoroutinefunction(func: object) -> None:
    not_yet: Callable[..., Coroutine[Any, Any, Any]] = func  # E
    if iscoroutinefunction(func):
        known: Callable[..., Coroutine[Any, Any, Any]] = func
        print(known)
    print(not_yet)
