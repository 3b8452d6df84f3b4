from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CoroutineType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    NoReturn,
    Required,
    TypedDict,
    TypeGuard,
    TypeVar,
    Unpack,
    assert_type,
)

from typedbridge.sync import async_to_sync, sync_to_async
from typing_extensions import TypeIs


POSIX = bool(sys.argv)


# case: a decorated function keeps parameters and result
@sync_to_async
def area(width: float, height: float = 1.0) -> float:
    return width * height


async def use_area() -> None:
    assert_type(await area(2.0), float)
    assert_type(await area(2.0, height=3.0), float)
    await area("2")  # E
    await area()  # E: width
    await area(2.0, depth=1.0)  # E: depth


# case: the result is a coroutine before it is awaited
@sync_to_async
def count_rows(table: str) -> int:
    return len(table)


async def use_count_rows() -> None:
    coroutine = count_rows("users")
    row_count: Coroutine[Any, Any, int] = coroutine
    await row_count
    name: str = count_rows("users")  # E
    print(name)


# case: the result is exactly CoroutineType
@sync_to_async
def count_files(folder: str) -> int:
    return len(folder)


async def use_count_files() -> None:
    coroutine = same = count_files("/")
    # To mypy and pyrefly, an `async def` gives Coroutine.
    same = assert_type(
        coroutine, CoroutineType[Any, Any, int]
    )  # E[mypy-plugin, mypy, pyrefly]: Coroutine[Any, Any, int]
    assert_type(await same, int)


# case: what async def gives is what a bridge gives
@sync_to_async
def bridged(folder: str) -> int:
    return len(folder)


async def native(folder: str) -> int:
    return len(folder)


async def use_both(flag: bool) -> None:
    either = bridged if flag else native
    assert_type(await either("/"), int)
    both = [bridged, native]
    assert_type(await both[0]("/"), int)


# case: positional-only parameters stay so
@sync_to_async
def power(base: int, exponent: int, /) -> int:
    return int(base**exponent)


async def use_power() -> None:
    assert_type(await power(2, 3), int)
    await power(base=2, exponent=3)  # E  # E
    await power(2)  # E


# case: keyword-only parameters stay so
@sync_to_async
def connect(host: str, *, port: int, timeout: float | None = None) -> bool:
    return bool(host and port and timeout)


async def use_connect() -> None:
    assert_type(await connect("localhost", port=80), bool)
    assert_type(await connect("localhost", port=80, timeout=None), bool)
    await connect("localhost", 80)  # E
    await connect("localhost")  # E: port
    await connect("localhost", port="80")  # E


# case: star args keep their type
@sync_to_async
def total(first: int, *rest: int) -> int:
    return first + sum(rest)


async def use_total() -> None:
    assert_type(await total(1, 2, 3), int)
    assert_type(await total(*[1, 2]), int)
    await total(1, "2")  # E


# case: star kwargs keep their type
@sync_to_async
def render(template: str, **values: str) -> str:
    return template.format(**values)


async def use_render() -> None:
    assert_type(await render("{a}", a="1"), str)
    assert_type(await render("{a}", **{"a": "1"}), str)
    await render("{a}", a=1)  # E


# case: all kinds of parameters in one function
@sync_to_async
def everything(a: int, /, b: str = "", *args: bytes, c: float, d: bool = False, **rest: int) -> str:
    return f"{a}{b}{args}{c}{d}{rest}"


async def use_everything() -> None:
    assert_type(await everything(1, c=1.0), str)
    assert_type(await everything(1, "b", b"x", b"y", c=1.0, d=True, e=5), str)
    await everything(1, "b", "x", c=1.0)  # E
    await everything(1, c=1.0, e="5")  # E
    await everything(1)  # E: c


# case: Unpack of a TypedDict as keywords
class Filters(TypedDict, total=False):
    name: Required[str]
    limit: int


@sync_to_async
def search(**filters: Unpack[Filters]) -> list[str]:
    return [filters["name"]]


async def use_search() -> None:
    assert_type(await search(name="a"), list[str])
    assert_type(await search(name="a", limit=3), list[str])
    await search(limit=3)  # E: name
    await search(name="a", limit="3")  # E


# case: a function without parameters
@sync_to_async
def ping() -> None:
    return None


async def use_ping() -> None:
    assert_type(await ping(), None)
    await ping(1)  # E


# case: literals and unions in the signature
@sync_to_async
def open_mode(mode: Literal["r", "w"], encoding: str | None = None) -> Literal[1, 2]:
    return 1 if mode == "r" and encoding is None else 2


async def use_open_mode() -> None:
    assert_type(await open_mode("r"), Literal[1, 2])
    await open_mode("a")  # E


# case: call as a function, not a decorator
def read_config(path: Path, strict: bool = True) -> dict[str, str]:
    return {str(path): str(strict)}


async def use_read_config() -> None:
    assert_type(await sync_to_async(read_config)(Path("a")), dict[str, str])
    assert_type(await sync_to_async(read_config)(path=Path("a"), strict=False), dict[str, str])
    await sync_to_async(read_config)("a")  # E
    await sync_to_async(read_config)(Path("a"), loose=True)  # E: loose


# case: a function defined inside a function
async def use_inner(prefix: str) -> str:
    @sync_to_async
    def inner(name: str, times: int = 1) -> str:
        return (prefix + name) * times

    assert_type(await inner("x"), str)
    await inner(1)  # E
    return await inner("x", times=2)


# case: async_to_sync keeps parameters and gives the bare result
@async_to_sync
async def fetch(url: str, *, retries: int = 3) -> bytes:
    return url.encode() * retries


def use_fetch() -> None:
    assert_type(fetch("u"), bytes)
    assert_type(fetch("u", retries=1), bytes)
    fetch(b"u")  # E
    fetch("u", 1)  # E
    fetch("u", tries=1)  # E: tries


# case: async_to_sync as a call
async def load(key: str, default: int = 0) -> dict[str, int]:
    return {key: default}


def use_load() -> None:
    assert_type(async_to_sync(load)("a"), dict[str, int])
    assert_type(async_to_sync(load)("a", default=1), dict[str, int])
    async_to_sync(load)(1)  # E


# case: async_to_sync of a function with Unpack, star args and positional-only
class Options(TypedDict, total=False):
    colour: str


@async_to_sync
async def draw(shape: str, /, *points: int, **options: Unpack[Options]) -> None:
    print(shape, points, options)


def use_draw() -> None:
    assert_type(draw("line", 1, 2, colour="red"), None)
    draw("line", "1")  # E
    draw(shape="line")  # E


# case: an async generator function and a context manager are not touched
@contextmanager
def transaction(name: str) -> Generator[int, None, None]:
    yield len(name)


@asynccontextmanager
async def atransaction(name: str) -> AsyncGenerator[int, None]:
    with transaction(name) as number:
        yield number


async def use_transactions() -> None:
    enter = sync_to_async(transaction)
    manager = await enter("a")
    with manager as number:
        assert_type(number, int)
    async with atransaction("b") as other:
        assert_type(other, int)


# case: dataclasses and named tuples as parameters and results
class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Line:
    start: Point
    end: Point


@sync_to_async
def make_line(start: Point, end: Point = Point(0, 0)) -> Line:
    return Line(start, end)


async def use_make_line() -> None:
    line = await make_line(Point(1, 2))
    assert_type(line.start.x, int)
    await make_line((1, 2))  # E


# case: a callback parameter keeps its own type
@sync_to_async
def walk(folder: str, visit: Callable[[str, int], bool]) -> int:
    return int(visit(folder, 1))


async def use_walk() -> None:
    assert_type(await walk("/", lambda name, depth: len(name) > depth), int)
    await walk("/", lambda name: True)  # E  # E


# case: a missing await in arithmetic is reported
@sync_to_async
def price(item: str) -> int:
    return len(item)


async def use_price() -> int:
    return price("a") + 1  # E


# case: default values that are sentinels
class Missing:
    pass


MISSING = Missing()


@sync_to_async
def lookup(key: str, default: int | Missing = MISSING) -> int | Missing:
    return default if key else MISSING


async def use_lookup() -> None:
    assert_type(await lookup("a"), int | Missing)
    assert_type(await lookup("a", default=3), int | Missing)


# case: an awaited result in a comprehension and a condition
@sync_to_async
def is_even(number: int) -> bool:
    return number % 2 == 0


async def use_is_even() -> None:
    evens = [number for number in range(10) if await is_even(number)]
    assert_type(evens, list[int])
    answers = {number: await is_even(number) for number in range(3)}
    assert_type(answers, dict[int, bool])


# case: a bridge stored in a dict of handlers
def on_start(event: str) -> int:
    return len(event)


def on_stop(event: str) -> int:
    return -len(event)


handlers = {"start": sync_to_async(on_start), "stop": sync_to_async(on_stop)}


async def use_handlers(kind: str = "start") -> None:
    assert_type(await handlers[kind]("now"), int)
    await handlers[kind](3)  # E


# case: a bridge decorated by somebody else's decorator and the reverse
def counted(func: Callable[[str], int]) -> Callable[[str], int]:
    return func


def logged(
    func: Callable[[str], Coroutine[Any, Any, int]],
) -> Callable[[str], Coroutine[Any, Any, int]]:
    return func


@logged
@sync_to_async
def length(text: str) -> int:
    return len(text)


@sync_to_async
@counted
def words(text: str) -> int:
    return len(text.split())


async def use_length() -> None:
    assert_type(await length("a"), int)
    assert_type(await words("a"), int)
    await length(1)  # E
    await words(1)  # E


# case: a recursive bridge
@sync_to_async
def depth(node: dict[str, object]) -> int:
    return len(node)


@sync_to_async
def countdown(start: int) -> list[int]:
    async def rest() -> list[int]:
        return await countdown(start - 1)

    print(rest)
    return [start]


async def use_countdown() -> None:
    assert_type(await countdown(3), list[int])
    assert_type(await depth({}), int)


# case: bridges that use each other before they are defined
async def first_step(number: int) -> str:
    return await second_step(number)


@sync_to_async
def second_step(number: int) -> str:
    return str(number)


async def use_first_step() -> None:
    assert_type(await first_step(1), str)


# case: defined under a condition
if TYPE_CHECKING or POSIX:

    @sync_to_async
    def current_user() -> str:
        return "a"

else:

    @sync_to_async
    def current_user() -> str:
        return "b"


async def use_current_user() -> None:
    assert_type(await current_user(), str)


# case: a bridge as a default argument and in a partial
@sync_to_async
def load_page(number: int, *, size: int = 10) -> list[int]:
    return [number] * size


async def use_pages(load: Callable[[int], Awaitable[list[int]]] = load_page) -> None:
    assert_type(await load(1), list[int])
    small = partial(load_page, size=1)
    assert_type(await small(1), list[int])


# case: a decorator from a web framework
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[object]])


class App:
    def __init__(self) -> None:
        self.routes: dict[str, Callable[..., Awaitable[object]]] = {}

    def get(self, path: str) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.routes[path] = handler
            return handler

        return register


app = App()


@app.get("/users/{user}")
@sync_to_async
def show_user(user: int, *, verbose: bool = False) -> dict[str, str]:
    return {"user": str(user), "verbose": str(verbose)}


async def use_show_user() -> None:
    assert_type(await show_user(1, verbose=True), dict[str, str])
    await show_user("1")  # E


# case: a command line that enters async code
@async_to_sync
async def main(arguments: list[str] | None = None) -> int:
    await asyncio.sleep(0)
    return len(arguments or [])


def run() -> None:
    raise SystemExit(main())


# case: the exit of a program through a bridge
@async_to_sync
async def leave(code: int) -> NoReturn:
    raise SystemExit(code)


def use_leave(code: int) -> int:
    leave(code)  # raises: SystemExit


# case: an async for over rows that a bridge fetches
@sync_to_async
def fetch_rows(after: int) -> list[tuple[int, str]]:
    return [(after + 1, "a")] if after < 2 else []


async def rows() -> AsyncGenerator[tuple[int, str], None]:
    last = 0
    while batch := await fetch_rows(last):
        for row in batch:
            yield row
        last = batch[-1][0]


async def use_rows() -> None:
    async for number, name in rows():
        assert_type(number, int)
        assert_type(name, str)


# case: a result that is narrowed
@sync_to_async
def find(name: str) -> int | None:
    return len(name) or None


async def use_find() -> int:
    found = await find("a")
    if found is None:
        return 0
    assert_type(found, int)
    if (again := await find("b")) is not None:
        assert_type(again, int)
    return found


# case: match on an awaited result
@sync_to_async
def status(name: str) -> Literal["ready", "busy"]:
    return "ready" if name else "busy"


async def use_status() -> int:
    found = await status("a")
    match found:
        case "ready":
            return 1
        case "busy":
            return 2


# case: an error handler around bridges
@sync_to_async
def risky(number: int) -> int:
    return 1 // number


async def use_risky() -> int:
    try:
        return await risky(0)
    except ZeroDivisionError as error:
        assert_type(error, ZeroDivisionError)
        return 0
    finally:
        await risky(1)


# case: a bridge of a function with a docstring and stars only
@sync_to_async
def anything(*args: object, **kwargs: object) -> tuple[int, int]:
    """Count."""
    return len(args), len(kwargs)


async def use_anything() -> None:
    assert_type(await anything(), tuple[int, int])
    assert_type(await anything(1, "a", b=2), tuple[int, int])


# case: bool results
@sync_to_async
def is_file(path: str) -> bool:
    return bool(path)


async def use_is_file(paths: list[str]) -> None:
    existing = [path for path in paths if await is_file(path)]
    assert_type(existing, list[str])
    assert_type(all([await is_file(path) for path in paths]), bool)


# case: TypeGuard and TypeIs results narrow nothing before they are awaited
@sync_to_async
def is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


@sync_to_async
def is_number(value: object) -> TypeIs[int]:
    return isinstance(value, int)


async def use_guards(value: object) -> None:
    text_job, number_job = is_text(value), is_number(value)
    found: bool = await text_job and await number_job
    assert_type(value, object)
    if is_text(value):  # E[pyright, basedpyright]  # E[mypy-plugin]: bridge-not-awaited
        assert_type(value, object)
    if is_number(value):  # E[pyright, basedpyright]  # E[mypy-plugin]: bridge-not-awaited
        assert_type(value, object)
    print(found)


# case: an async function of a union of awaitables
@async_to_sync
async def job_of(name: str) -> asyncio.Future[int] | None:
    return None


def use_job_of() -> None:
    assert_type(job_of("a"), asyncio.Future[int] | None)
