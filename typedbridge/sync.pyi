import threading
import types
import typing
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor, Future
from contextvars import Context, ContextVar
from inspect import iscoroutinefunction as iscoroutinefunction
from types import TracebackType
from typing import (
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    overload,
    type_check_only,
)
from weakref import WeakKeyDictionary

from typedbridge.current_thread_executor import CurrentThreadExecutor
from typedbridge.local import Local
from typedbridge.waits import Wait

__all__ = [
    "AsyncSingleThreadContext",
    "AsyncToSync",
    "DeadlockError",
    "SyncToAsync",
    "ThreadSensitiveContext",
    "async_to_sync",
    "call_async",
    "call_sync",
    "cancelled",
    "check_cancelled",
    "iscoroutinefunction",
    "markcoroutinefunction",
    "sync_to_async",
]

_F = TypeVar("_F", bound=Callable[..., object])
_P = ParamSpec("_P")
_P2 = ParamSpec("_P2")
_R = TypeVar("_R")
_R2 = TypeVar("_R2")
_R_co = TypeVar("_R_co", covariant=True)
_S = TypeVar("_S")
_S_contra = TypeVar("_S_contra", contravariant=True)
_Y = TypeVar("_Y")

# What `sys.exc_info()` returns: it travels with a hop.
_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

# What an `async def` returns: `Coroutine` to mypy and pyrefly, `CoroutineType` to the others. A bridge
# is the same, or one could not override the other, nor would a missing await be found.
# The first alias is for all but mypy, which takes any attribute `MYPY` for true, and pyrefly, which
# knows that `[0][0]` is false. The second is for these two alone: pyright and zuban read the first of
# two, and ty knows that `1 - 1` is false. Their name is what an editor shows.
@type_check_only
class _Checker:
    MYPY: bool

if not _Checker.MYPY and [0][0]:  # noqa: PYI002  # nothing that the rule knows tells them apart
    CoroutineType: TypeAlias = types.CoroutineType[_Y, _S, _R]  # pyright: ignore[reportRedeclaration]
if 1 - 1:  # noqa: PYI002
    CoroutineType: TypeAlias = Coroutine[_Y, _S, _R]  # pyright: ignore[reportRedeclaration]

# mypy's gather answers Any for coroutines of what is named Any itself.
Any: TypeAlias = typing.Any

class DeadlockError(RuntimeError):
    chain: tuple[Wait, ...]

def markcoroutinefunction(func: _F) -> _F: ...

class ThreadSensitiveContext:
    def __init__(self, *, executor: Executor | None = None) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class AsyncSingleThreadContext:
    def __init__(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

# The self type of `__get__`: anything whose first parameter takes `_S_contra`. A protocol, because
# mypy refuses a `Callable` there, and structural, because `SyncToAsync[Concatenate[_S, _P2], _R2]`
# is understood by mypy and pyright alone.
@type_check_only
class _Method(Protocol[_S_contra, _P, _R_co]):
    def __call__(self, instance: _S_contra, /, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...

class SyncToAsync(Generic[_P, _R_co]):
    # Read, replaced and overridden by users; looked up on every call.
    threadlocal: threading.local
    single_thread_executor: Executor
    thread_sensitive_context: ContextVar[ThreadSensitiveContext]
    deadlock_context: ContextVar[object]
    context_to_thread_executor: WeakKeyDictionary[object, Executor]

    func: Callable[_P, _R_co]
    context: Context | None
    __wrapped__: Callable[_P, _R_co]
    __name__: str
    __qualname__: str
    # zuban loses the parameters of `func` on the way to a subclass. It reads these definitions, the
    # first, whatever the condition; to the others that is never true.
    if not _Checker.MYPY and False:  # noqa: PYI002, SIM223
        @overload
        def __init__(
            self,
            func: Callable[_P, _R_co],
            thread_sensitive: bool = True,
            executor: Executor | None = None,
            context: Context | None = None,
            *,
            on_cancel: Literal["abandon", "wait"] = "abandon",
        ) -> None: ...
        @overload
        def __init__(
            self: SyncToAsync[_P2, _R2],
            func: Callable[_P2, _R2],
            thread_sensitive: bool = True,
            executor: Executor | None = None,
            context: Context | None = None,
            *,
            on_cancel: Literal["abandon", "wait"] = "abandon",
        ) -> None: ...
    else:
        def __init__(
            self,
            func: Callable[_P, _R_co],
            thread_sensitive: bool = True,
            executor: Executor | None = None,
            context: Context | None = None,
            *,
            on_cancel: Literal["abandon", "wait"] = "abandon",
        ) -> None: ...
    # Not `CoroutineType`: on mypy an `async def` in a subclass is a `Coroutine`.
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> Coroutine[Any, Any, _R_co]: ...
    # The order decides: class-bound through the class, unbound through the class, instance,
    # class-bound through an instance, anything else unbound (static methods).
    @overload
    def __get__(
        self: _Method[type[_S], _P2, Coroutine[Any, Any, _R2]],
        instance: None,
        owner: type[_S],
        /,
    ) -> Callable[_P2, CoroutineType[Any, Any, _R2]]: ...
    @overload
    def __get__(self, instance: None, owner: type | None = None, /) -> Self: ...
    @overload
    def __get__(
        self: _Method[_S, _P2, Coroutine[Any, Any, _R2]],
        instance: _S,
        owner: type | None = None,
        /,
    ) -> Callable[_P2, CoroutineType[Any, Any, _R2]]: ...
    @overload
    def __get__(
        self: _Method[type[_S], _P2, Coroutine[Any, Any, _R2]],
        instance: _S,
        owner: type | None = None,
        /,
    ) -> Callable[_P2, CoroutineType[Any, Any, _R2]]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None, /) -> Self: ...
    # `func` runs `child`, the first of `args`: a `functools.partial` whose keywords an override may edit.
    def thread_handler(
        self,
        loop: AbstractEventLoop,
        exc_info: _ExcInfo,
        task_context: list[Any] | None,
        func: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any: ...

class AsyncToSync(Generic[_P, _R_co]):
    # Read, replaced and overridden by users; looked up on every call.
    executors: Local
    loop_thread_executors: dict[AbstractEventLoop, CurrentThreadExecutor]
    async_single_thread_context: ContextVar[AsyncSingleThreadContext]
    context_to_thread_executor: WeakKeyDictionary[object, Executor]

    awaitable: Callable[_P, Awaitable[_R_co]]
    force_new_loop: bool
    __wrapped__: Callable[_P, Awaitable[_R_co]]
    __name__: str
    __qualname__: str
    # As in `SyncToAsync`.
    if not _Checker.MYPY and False:  # noqa: PYI002, SIM223
        @overload
        def __init__(
            self, awaitable: Callable[_P, Awaitable[_R_co]], force_new_loop: bool = False
        ) -> None: ...
        @overload
        def __init__(
            self: AsyncToSync[_P2, _R2],
            awaitable: Callable[_P2, Awaitable[_R2]],
            force_new_loop: bool = False,
        ) -> None: ...
    else:
        def __init__(
            self, awaitable: Callable[_P, Awaitable[_R_co]], force_new_loop: bool = False
        ) -> None: ...
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...
    # In the order of `SyncToAsync.__get__`.
    @overload
    def __get__(
        self: _Method[type[_S], _P2, _R2], instance: None, owner: type[_S], /
    ) -> Callable[_P2, _R2]: ...
    @overload
    def __get__(self, instance: None, owner: type | None = None, /) -> Self: ...
    @overload
    def __get__(
        self: _Method[_S, _P2, _R2], instance: _S, owner: type | None = None, /
    ) -> Callable[_P2, _R2]: ...
    @overload
    def __get__(
        self: _Method[type[_S], _P2, _R2],
        instance: _S,
        owner: type | None = None,
        /,
    ) -> Callable[_P2, _R2]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None, /) -> Self: ...
    async def main_wrap(
        self,
        call_result: Future[Any],
        exc_info: _ExcInfo,
        task_context: list[Any] | None,
        context: list[Context],
        awaitable: Awaitable[Any],
    ) -> None: ...

# Named protocols and not `Callable[[Callable[...]], ...]`: the plugin can hook a named `__call__`.
@type_check_only
class _SyncToAsyncDecorator(Protocol):
    def __call__(self, func: Callable[_P, _R], /) -> Callable[_P, CoroutineType[Any, Any, _R]]: ...

@type_check_only
class _AsyncToSyncDecorator(Protocol):
    def __call__(self, awaitable: Callable[_P, Awaitable[_R]], /) -> Callable[_P, _R]: ...

# An executor needs `thread_sensitive=False`. No overload says so: it would refuse `executor=pool` where
# that may be None, and `thread_sensitive=pool is None`. The plugin refuses what is surely wrong.
@overload
def sync_to_async(
    func: Callable[_P, _R],
    *,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
    context: Context | None = None,
    on_cancel: Literal["abandon", "wait"] = "abandon",
) -> Callable[_P, CoroutineType[Any, Any, _R]]: ...
@overload
def sync_to_async(
    *,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
    context: Context | None = None,
    on_cancel: Literal["abandon", "wait"] = "abandon",
) -> _SyncToAsyncDecorator: ...
@overload
def async_to_sync(
    awaitable: Callable[_P, Awaitable[_R]], *, force_new_loop: bool = False
) -> Callable[_P, _R]: ...
@overload
def async_to_sync(*, force_new_loop: bool = False) -> _AsyncToSyncDecorator: ...
def call_sync(
    func: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs
) -> CoroutineType[Any, Any, _R]: ...
def call_async(func: Callable[_P, Awaitable[_R]], /, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
def cancelled() -> bool: ...
def check_cancelled() -> None: ...
