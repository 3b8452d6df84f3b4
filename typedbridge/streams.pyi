from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import IO, Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload, type_check_only

__all__ = [
    "AsyncManager",
    "AsyncStream",
    "SyncManager",
    "SyncStream",
    "async_to_sync_context",
    "async_to_sync_generator",
    "async_to_sync_iter",
    "sync_to_async_context",
    "sync_to_async_generator",
    "sync_to_async_iter",
]

_P = ParamSpec("_P")
_Y = TypeVar("_Y")
_S = TypeVar("_S")
_T = TypeVar("_T")
# Whether a manager suppresses errors: checkers ask the type that its exit returns.
_E = TypeVar("_E", bound=bool | None)
_File = TypeVar("_File", bound=IO[Any])
_Y_co = TypeVar("_Y_co", covariant=True)
_S_contra = TypeVar("_S_contra", contravariant=True)
_T_co = TypeVar("_T_co", covariant=True)
_E_co = TypeVar("_E_co", bound=bool | None, covariant=True)

class AsyncStream(AsyncGenerator[_Y_co, _S_contra], Generic[_Y_co, _S_contra]):
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> _Y_co: ...
    async def asend(self, value: _S_contra) -> _Y_co: ...
    @overload
    async def athrow(
        self,
        typ: type[BaseException],
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> _Y_co: ...
    @overload
    async def athrow(
        self, typ: BaseException, val: None = None, tb: TracebackType | None = None, /
    ) -> _Y_co: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class SyncStream(Generator[_Y_co, _S_contra], Generic[_Y_co, _S_contra]):
    def __iter__(self) -> Self: ...
    def __next__(self) -> _Y_co: ...
    def send(self, value: _S_contra) -> _Y_co: ...
    @overload
    def throw(
        self,
        typ: type[BaseException],
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> _Y_co: ...
    @overload
    def throw(
        self, typ: BaseException, val: None = None, tb: TracebackType | None = None, /
    ) -> _Y_co: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class AsyncManager(AbstractAsyncContextManager[_T_co, _E_co], Generic[_T_co, _E_co]):
    async def __aenter__(self) -> _T_co: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> _E_co: ...

class SyncManager(AbstractContextManager[_T_co, _E_co], Generic[_T_co, _E_co]):
    def __enter__(self) -> _T_co: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> _E_co: ...

# What the decorators with options return.

@type_check_only
class _ToAsyncGenerator(Protocol):
    @overload
    def __call__(
        self, func: Callable[_P, Generator[_Y, _S, object]], /
    ) -> Callable[_P, AsyncStream[_Y, _S]]: ...
    @overload
    def __call__(
        self, func: Callable[_P, Iterable[_Y]], /
    ) -> Callable[_P, AsyncStream[_Y, None]]: ...

@type_check_only
class _ToSyncGenerator(Protocol):
    @overload
    def __call__(
        self, func: Callable[_P, AsyncGenerator[_Y, _S]], /
    ) -> Callable[_P, SyncStream[_Y, _S]]: ...
    @overload
    def __call__(
        self, func: Callable[_P, AsyncIterable[_Y]], /
    ) -> Callable[_P, SyncStream[_Y, None]]: ...

@type_check_only
class _ToAsyncContext(Protocol):
    @overload
    def __call__(self, manager: AbstractContextManager[_T, _E], /) -> AsyncManager[_T, _E]: ...
    @overload
    def __call__(
        self, manager: Callable[_P, AbstractContextManager[_T, _E]], /
    ) -> Callable[_P, AsyncManager[_T, _E]]: ...
    # As in `sync_to_async_context`.
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, manager: Callable[_P, _File], /
    ) -> Callable[_P, AsyncManager[_File, None]]: ...

def sync_to_async_iter(
    iterable: Iterable[_Y],
    *,
    prefetch: int = 64,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> AsyncStream[_Y, None]: ...

# The decorators have overloads with one parameter: mypy takes all items of an overloaded function into
# those alone (python/mypy#15898).
@overload
def sync_to_async_generator(
    func: Callable[_P, Generator[_Y, _S, object]],
) -> Callable[_P, AsyncStream[_Y, _S]]: ...
@overload
def sync_to_async_generator(
    func: Callable[_P, Iterable[_Y]],
) -> Callable[_P, AsyncStream[_Y, None]]: ...
@overload
def sync_to_async_generator(
    func: Callable[_P, Generator[_Y, _S, object]],
    *,
    prefetch: int = 0,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> Callable[_P, AsyncStream[_Y, _S]]: ...
@overload
def sync_to_async_generator(
    func: Callable[_P, Iterable[_Y]],
    *,
    prefetch: int = 0,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> Callable[_P, AsyncStream[_Y, None]]: ...
@overload
def sync_to_async_generator(
    func: None = None,
    *,
    prefetch: int = 0,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> _ToAsyncGenerator: ...
def async_to_sync_iter(
    async_iterable: AsyncIterable[_Y], *, prefetch: int = 64
) -> SyncStream[_Y, None]: ...
@overload
def async_to_sync_generator(
    func: Callable[_P, AsyncGenerator[_Y, _S]],
) -> Callable[_P, SyncStream[_Y, _S]]: ...
@overload
def async_to_sync_generator(
    func: Callable[_P, AsyncIterable[_Y]],
) -> Callable[_P, SyncStream[_Y, None]]: ...
@overload
def async_to_sync_generator(
    func: Callable[_P, AsyncGenerator[_Y, _S]], *, prefetch: int = 0
) -> Callable[_P, SyncStream[_Y, _S]]: ...
@overload
def async_to_sync_generator(
    func: Callable[_P, AsyncIterable[_Y]], *, prefetch: int = 0
) -> Callable[_P, SyncStream[_Y, None]]: ...
@overload
def async_to_sync_generator(func: None = None, *, prefetch: int = 0) -> _ToSyncGenerator: ...
@overload
def sync_to_async_context(
    manager: AbstractContextManager[_T, _E],
    *,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> AsyncManager[_T, _E]: ...
@overload
def sync_to_async_context(
    manager: Callable[_P, AbstractContextManager[_T, _E]],
) -> Callable[_P, AsyncManager[_T, _E]]: ...
@overload
def sync_to_async_context(
    manager: Callable[_P, AbstractContextManager[_T, _E]],
    *,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> Callable[_P, AsyncManager[_T, _E]]: ...

# `open`: pyright does not match an overloaded function to a result that is a protocol by its methods alone.
@overload
def sync_to_async_context(  # pyright: ignore[reportOverlappingOverload]
    manager: Callable[_P, _File],
    *,
    thread_sensitive: bool = True,
    executor: Executor | None = None,
) -> Callable[_P, AsyncManager[_File, None]]: ...
@overload
def sync_to_async_context(
    manager: None = None, *, thread_sensitive: bool = True, executor: Executor | None = None
) -> _ToAsyncContext: ...
@overload
def async_to_sync_context(
    manager: AbstractAsyncContextManager[_T, _E],
) -> SyncManager[_T, _E]: ...
@overload
def async_to_sync_context(
    manager: Callable[_P, AbstractAsyncContextManager[_T, _E]],
) -> Callable[_P, SyncManager[_T, _E]]: ...
