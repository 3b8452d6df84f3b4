from __future__ import annotations

from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    nullcontext,
    suppress,
)
from io import BufferedReader, TextIOWrapper
from types import TracebackType
from typing import assert_type, overload

from typing_extensions import Self

from typedbridge.streams import async_to_sync_context, sync_to_async_context


class Transaction:
    def __init__(self, name: str, *, read_only: bool = False) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Quiet:
    def __enter__(self) -> int:
        return 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return True


class AsyncQuiet:
    async def __aenter__(self) -> int:
        return 1

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return True


# case: an overloaded function that returns context managers
@overload
def opener(key: int) -> AbstractContextManager[int]: ...
@overload
def opener(key: str) -> AbstractContextManager[str]: ...
def opener(key: int | str) -> AbstractContextManager[int] | AbstractContextManager[str]:
    if isinstance(key, int):
        return nullcontext(key)
    return nullcontext(key)


async def use_opener() -> None:
    aopener = sync_to_async_context(opener)
    async with aopener(1) as number:
        assert_type(number, int)
    async with aopener("a") as text:
        assert_type(text, str)
    aopener(1.5)  # E


# case: open as a context manager
async def use_open() -> None:
    aopen = sync_to_async_context(open)
    async with aopen("a") as file:
        assert_type(file, TextIOWrapper)  # E[mypy]: of type "Any"
        assert_type(file.read(), str)  # E[mypy]: of type "Any"
    async with aopen("a", "rb") as raw:
        assert_type(raw, BufferedReader)  # E[mypy]: of type "Any"


# case: open with options as a context manager
async def use_open_in_pool() -> None:
    aopen = sync_to_async_context(thread_sensitive=False)(open)
    async with aopen("a", encoding="utf-8") as file:
        assert_type(file, TextIOWrapper)
    async with aopen("a", "rb") as raw:
        assert_type(raw, BufferedReader)
    aopen(b"a", "x", "y")  # E


# case: an overloaded function that returns own managers
@overload
def enter(key: int) -> Transaction: ...
@overload
def enter(key: str) -> Quiet: ...
def enter(key: int | str) -> Transaction | Quiet:
    return Transaction("a") if isinstance(key, int) else Quiet()


async def use_enter() -> None:
    aenter = sync_to_async_context(enter)
    async with aenter(1) as transaction:
        assert_type(transaction, Transaction)
    async with aenter("a") as number:
        assert_type(number, int)


# case: code after a manager that suppresses errors is reached
async def value_or_none() -> int:  # E
    async with sync_to_async_context(Quiet()):
        return 1


async def value_or_suppressed() -> int:  # E
    async with sync_to_async_context(suppress(LookupError)):
        return 1


async def value_or_made() -> int:  # E
    async with sync_to_async_context(Quiet)():
        return 1


# case: an overloaded function that returns async context managers
@overload
def aopener(key: int) -> AbstractAsyncContextManager[int]: ...
@overload
def aopener(key: str) -> AbstractAsyncContextManager[str]: ...
def aopener(
    key: int | str,
) -> AbstractAsyncContextManager[int] | AbstractAsyncContextManager[str]:
    if isinstance(key, int):
        return nullcontext(key)
    return nullcontext(key)


def use_aopener() -> None:
    opener = async_to_sync_context(aopener)
    with opener(1) as number:
        assert_type(number, int)
    with opener("a") as text:
        assert_type(text, str)
    opener(1.5)  # E


# case: an exit stack as manager
async def use_stack_as_manager() -> None:
    async with sync_to_async_context(ExitStack()) as stack:
        assert_type(stack.enter_context(Transaction("a")), Transaction)


# case: code after an async manager that suppresses errors is reached
def async_value_or_none() -> int:  # E
    with async_to_sync_context(AsyncQuiet()):
        return 1
