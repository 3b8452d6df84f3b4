from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar, assert_type, overload

from typedbridge.sync import async_to_sync, sync_to_async


F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


# case: a decorated overloaded function
@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes, *, strict: bool = False) -> float: ...
def parse(text: str | bytes, *, strict: bool = False) -> int | float:
    return len(text) + strict


aparse = sync_to_async(parse)


async def use_aparse() -> None:
    assert_type(await aparse("1"), int)
    assert_type(await aparse(b"1"), float)  # E[mypy]: assert-type  # E[mypy]: arg-type
    assert_type(await aparse(b"1", strict=True), float)  # E[mypy]: assert-type  # E[mypy]: call-arg  # E[mypy]: arg-type


# case: decorators on each overload
@overload
@sync_to_async
def fetch(key: str) -> str: ...
@overload
@sync_to_async
def fetch(key: int) -> bytes: ...
@sync_to_async
def fetch(key: str | int) -> str | bytes:
    return str(key) if isinstance(key, str) else bytes(key)


async def use_fetch() -> None:
    assert_type(await fetch("a"), str)
    assert_type(await fetch(1), bytes)
    await fetch(1.5)  # E


# case: an overloaded method through a bound method
class Settings:
    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: T) -> str | T: ...
    def get(self, key: str, default: object = None) -> object:
        return key or default


async def use_settings(settings: Settings) -> None:
    assert_type(await sync_to_async(settings.get)("a"), str | None)
    assert_type(await sync_to_async(settings.get)("a", 1), str | int)  # E[mypy]: assert-type  # E[mypy]: call-arg


# case: literal overloads
@overload
def load(raw: Literal[True]) -> bytes: ...
@overload
def load(raw: Literal[False] = False) -> str: ...
@overload
def load(raw: bool) -> bytes | str: ...
def load(raw: bool = False) -> bytes | str:
    return b"" if raw else ""


async def use_load(flag: bool) -> None:
    aload = sync_to_async(load)
    assert_type(await aload(True), bytes)
    assert_type(await aload(), str)  # E[mypy]: assert-type  # E[mypy]: call-arg
    assert_type(await aload(flag), bytes | str)  # E[mypy]: assert-type  # E[mypy]: arg-type


# case: open by mode
async def use_open() -> None:
    aopen = sync_to_async(open)
    assert_type(await aopen("a"), io.TextIOWrapper)
    assert_type(await aopen("a", "rb"), io.BufferedReader)  # E[mypy]: assert-type  # E[mypy]: arg-type
    assert_type(await aopen("a", mode="wb"), io.BufferedWriter)  # E[mypy]: assert-type  # E[mypy]: arg-type
    await aopen("a", encoding=1)  # E


# case: max
async def use_max() -> None:
    amax = sync_to_async(max)
    assert_type(await amax(1, 2), int)
    assert_type(await amax([1, 2]), int)  # E[mypy]: assert-type  # E[mypy]: call-arg
    assert_type(await amax(["a"], key=len), str)  # E[mypy]: assert-type  # E[mypy]: call-arg  # E[mypy]: arg-type


# case: dict.get
async def use_dict_get(ages: dict[str, int]) -> None:
    get = sync_to_async(ages.get)
    assert_type(await get("a"), int | None)
    assert_type(await get("a", 1), int)  # E[mypy]: assert-type
    await get(1)  # E


# case: dict.get with one argument
async def use_dict_get_plainly(ages: dict[str, int]) -> None:
    assert_type(await sync_to_async(ages.get)("a"), int | None)


# case: dict.pop with a default
async def use_dict_pop(ages: dict[str, int]) -> None:
    assert_type(await sync_to_async(ages.pop)("a"), int)
    assert_type(await sync_to_async(ages.pop)("a", None), int | None)  # E[mypy]: assert-type  # E[mypy]: call-arg


# case: sorted
async def use_sorted() -> None:
    asorted = sync_to_async(sorted)
    assert_type(await asorted(["a"]), list[str])
    assert_type(await asorted([1], reverse=True), list[int])
    assert_type(await asorted(["a"], key=len), list[str])  # E[mypy]: arg-type


# case: getattr
async def use_getattr(thing: object) -> None:
    aget = sync_to_async(getattr)
    value: Any = await aget(thing, "__class__")
    print(value)
    assert_type(await aget(thing, "name", None), Any | None)  # E[mypy]: assert-type  # E[mypy]: call-arg


# case: subprocess.run with text
async def use_run_text() -> None:
    run = sync_to_async(subprocess.run)
    assert_type(await run(["ls"], text=True, check=True), subprocess.CompletedProcess[str])
    await run()  # E


# case: subprocess.run with bytes
async def use_run_bytes() -> None:
    run = sync_to_async(subprocess.run)
    assert_type(  # E[mypy]: assert-type
        await run(["ls"], capture_output=True, text=False), subprocess.CompletedProcess[bytes]  # E[mypy]: arg-type
    )


# case: sum and zip
async def use_sum_and_zip() -> None:
    assert_type(await sync_to_async(sum)([1.5], 0.5), float)  # E[mypy]: assert-type  # E[mypy]: list-item  # E[mypy]: arg-type
    pairs = await sync_to_async(zip)([1], ["a"])  # E[mypy]: call-arg  # E[mypy]: arg-type
    assert_type(list(pairs), list[tuple[int, str]])  # E[mypy]: of type "list[Any]"


# case: an overloaded async function
@overload
async def ask(question: str) -> str: ...
@overload
async def ask(question: int) -> int: ...
async def ask(question: str | int) -> str | int:
    return question


def use_ask() -> None:
    assert_type(async_to_sync(ask)("a"), str)
    assert_type(async_to_sync(ask)(1), int)  # E[mypy]: assert-type  # E[mypy]: arg-type


# case: a named bridge of an overloaded async function
@overload
async def reply(text: str, *, loud: bool = False) -> str: ...
@overload
async def reply(text: int) -> int: ...
async def reply(text: str | int, *, loud: bool = False) -> str | int:
    return text if not loud else str(text)


reply_now = async_to_sync(reply)


def use_reply_now() -> None:
    assert_type(reply_now("a", loud=True), str)
    assert_type(reply_now(1), int)  # E[mypy]: assert-type  # E[mypy]: arg-type
    reply_now(1, loud=True)  # E


# case: an overloaded method of a generic class
class Box(Generic[T]):
    @overload
    def get(self, index: int) -> T: ...
    @overload
    def get(self, index: slice) -> list[T]: ...
    def get(self, index: int | slice) -> T | list[T]:
        return list(self.items)[index]

    def __init__(self, *items: T) -> None:
        self.items = items


async def use_box(box: Box[str] = Box("a", "b")) -> None:
    aget = sync_to_async(box.get)
    assert_type(await aget(1), str)
    assert_type(await aget(slice(1)), list[str])  # E[mypy]: assert-type  # E[mypy]: arg-type


# case: another decorator gets the bridge of an overloaded function
@overload
async def measure(what: str) -> int: ...
@overload
async def measure(what: list[str]) -> list[int]: ...
async def measure(what: str | list[str]) -> int | list[int]:
    return len(what) if isinstance(what, str) else [len(one) for one in what]


@overload
def weigh(what: str) -> float: ...
@overload
def weigh(what: list[str], *, unit: float = 1.0) -> list[float]: ...
def weigh(what: str | list[str], *, unit: float = 1.0) -> float | list[float]:
    return unit if isinstance(what, str) else [unit for _ in what]


def log(func: F) -> F:
    return func


in_pool = sync_to_async(thread_sensitive=False)
measured = log(async_to_sync()(measure))  # E[mypy]: overloaded function
measured_apart = log(async_to_sync(force_new_loop=True)(measure))  # E[mypy]: overloaded function
aweigh = log(in_pool(weigh))  # E[mypy]: overloaded function
aweigh_again = log(log(sync_to_async(thread_sensitive=False)(weigh)))  # E[mypy]: overloaded function


def use_measured() -> None:
    assert_type(measured("a"), int)
    assert_type(measured(["a"]), list[int])
    assert_type(measured_apart(["a"]), list[int])
    measured(1)  # E


async def use_aweigh() -> None:
    assert_type(await aweigh("a"), float)
    assert_type(await aweigh(["a"], unit=2.0), list[float])
    assert_type(await aweigh_again(["a"]), list[float])
    await aweigh("a", unit=2.0)  # E
