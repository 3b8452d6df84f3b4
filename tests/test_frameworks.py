"""Frameworks take a bridge for a plain function of its colour. Each with the real package."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
import threading
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any, cast

import celery  # type: ignore[import-untyped]  # it has no types
import click
import click.testing
import fastapi
import pydantic
import pytest
import starlette.applications
import starlette.background
import starlette.endpoints
import starlette.requests
import starlette.responses
import starlette.routing

from typedbridge import (
    AsyncToSync,
    SyncToAsync,
    async_to_sync,
    iscoroutinefunction,
    sync_to_async,
)

if TYPE_CHECKING:
    from collections.abc import Callable


async def get(app: Any, path: str) -> tuple[int, Any]:
    """Ask an ASGI application, as a server does."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("testclient", 1),
        "root_path": "",
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)


def where() -> str:
    """Which kind of thread runs this."""
    return "loop" if threading.current_thread() is threading.main_thread() else "thread"


# FastAPI decides by the function's colour whether to await it or to give it a thread.


@async_to_sync
async def depends_now(page: int = 1) -> int:
    await asyncio.sleep(0)
    return page


@sync_to_async
def depends(size: int = 10) -> int:
    return size


class Limits:
    @async_to_sync
    async def low_now(self, low: int = 0) -> int:
        return low

    @sync_to_async
    def high(self, high: int = 9) -> int:
        return high


LIMITS = Limits()


def fastapi_app() -> fastapi.FastAPI:
    app = fastapi.FastAPI()

    @app.get("/now/{key}")
    @async_to_sync
    async def read_now(
        key: int,
        page: Annotated[int, fastapi.Depends(depends_now)],
        size: Annotated[int, fastapi.Depends(depends)],
        low: Annotated[int, fastapi.Depends(LIMITS.low_now)],
        high: Annotated[int, fastapi.Depends(LIMITS.high)],
    ) -> list[int]:
        return [key, page, size, low, high]

    @app.get("/sometime/{key}")
    @sync_to_async
    def read(key: int, page: Annotated[int, fastapi.Depends(depends_now)]) -> dict[str, Any]:
        return {"key": key, "page": page, "where": where()}

    return app


async def test_fastapi_endpoints_and_dependencies() -> None:
    """Both colours, as functions and as bound methods; parameters are converted."""
    app = fastapi_app()
    found = await get(app, "/now/5?page=2&size=3&low=4&high=6")
    assert (200, [5, 2, 3, 4, 6]) == found
    assert (200, [5, 1, 10, 0, 9]) == await get(app, "/now/5")
    found = await get(app, "/sometime/7?page=8")
    assert (200, {"key": 7, "page": 8, "where": "thread"}) == found


async def test_fastapi_validates_the_parameters_of_a_bridge() -> None:
    """As of a function: the signature is the function's."""
    status, body = await get(fastapi_app(), "/now/five")
    assert 422 == status
    assert ["path", "key"] == body["detail"][0]["loc"]


# Starlette takes what is no function for an ASGI application.


async def test_starlette_routes_and_background_tasks() -> None:
    """A bridge, or a bound one, is an endpoint of its colour."""
    done: list[str] = []

    @async_to_sync
    async def afterwards_now(what: str) -> None:
        done.append(what)

    @sync_to_async
    def afterwards(what: str) -> None:
        done.append(what)

    @async_to_sync
    async def read_now(request: starlette.requests.Request) -> starlette.responses.Response:
        tasks = starlette.background.BackgroundTasks()
        tasks.add_task(afterwards_now, "now")
        tasks.add_task(afterwards, "sometime")
        return starlette.responses.JSONResponse(where(), background=tasks)

    class Pages:
        @sync_to_async
        def read(self, request: starlette.requests.Request) -> starlette.responses.Response:
            return starlette.responses.JSONResponse(request.query_params["key"])

    route = starlette.routing.Route
    routes = [route("/now", read_now), route("/sometime", Pages().read)]
    app = starlette.applications.Starlette(routes=routes)
    # The coroutine runs on the loop that awaits the endpoint's thread.
    assert 200 == (await get(app, "/now"))[0]
    assert ["now", "sometime"] == done
    assert (200, "five") == await get(app, "/sometime?key=five")
    assert ["read_now", "read"] == [one.name for one in routes]


async def test_starlette_class_endpoints() -> None:
    """Their methods may be bridges."""

    class Page(starlette.endpoints.HTTPEndpoint):
        @sync_to_async
        def get(self, request: starlette.requests.Request) -> starlette.responses.Response:
            return starlette.responses.JSONResponse(where())

    app = starlette.applications.Starlette(routes=[starlette.routing.Route("/", Page)])
    assert (200, "thread") == await get(app, "/")


# Celery checks the arguments when a task is sent, by the signature of a function.


def celery_app() -> Any:
    app = celery.Celery("tests", broker="memory://", backend="cache+memory://")
    app.conf.task_always_eager = True
    return app


def test_a_celery_task() -> None:
    """It runs, is called directly, and is named after the function."""
    app = celery_app()

    @app.task  # type: ignore[untyped-decorator]  # Celery has no types
    @async_to_sync
    async def add(first: int, second: int = 2) -> int:
        await asyncio.sleep(0)
        return first + second

    @app.task(bind=True)  # type: ignore[untyped-decorator]
    @async_to_sync
    async def named(self: Any) -> str:
        return str(self.name)

    assert 3 == add.delay(1).get()
    assert 6 == add.delay(1, second=5).get()
    assert 4 == add(2)
    assert add.name.endswith("add")
    assert named.name == named.delay().get()


@pytest.mark.parametrize("args", [(), (1,), (1, 2), (1, 2, 3)])
@pytest.mark.parametrize("kwargs", [{}, {"second": 2}, {"unknown": 2}])
def test_celery_checks_the_arguments_of_a_bridge(args: tuple[int, ...], kwargs: Any) -> None:
    """Before a task is sent, as those of a function: also where there are none."""
    app = celery_app()

    def plain(first: int, second: int = 2) -> None: ...
    def plain_without() -> None: ...

    @async_to_sync
    async def bridge(first: int, second: int = 2) -> None: ...

    @async_to_sync
    async def bridge_without() -> None: ...

    def sent(function: Callable[..., object]) -> str:
        try:
            app.task(function).apply_async(args, kwargs)
        except TypeError as error:
            return str(error).partition(" ")[2]  # without the name
        return "accepted"

    assert sent(plain) == sent(bridge)
    assert sent(plain_without) == sent(bridge_without)


# pydantic takes what is no function, and has no annotation, for a forgotten field.


class Model(pydantic.BaseModel):
    number: int

    @sync_to_async
    def add(self, by: int) -> int:
        return self.number + by

    @async_to_sync
    async def subtract(self, by: int) -> int:
        return self.number - by

    @classmethod
    @async_to_sync
    async def make(cls, number: int) -> Model:
        return cls(number=number)

    @pydantic.computed_field  # type: ignore[prop-decorator]  # pydantic's documented use
    @property
    @async_to_sync
    async def twice(self) -> int:
        return 2 * self.number


def test_a_pydantic_model_with_bridges() -> None:
    """They are methods, and no fields."""
    model = Model(number=5)
    assert ["number"] == list(Model.model_fields)
    assert 6 == asyncio.run(model.add(1))
    assert 4 == model.subtract(1)
    assert 7 == Model.make(7).number
    assert {"number": 5, "twice": 10} == model.model_dump()
    assert model == pickle.loads(pickle.dumps(model))
    assert model == model.model_copy(deep=True)


def test_pydantic_validates_the_calls_of_a_bridge() -> None:
    """`validate_call` above and below; the colour stays."""

    @pydantic.validate_call
    @async_to_sync
    async def above_now(number: int) -> int:
        return number

    @pydantic.validate_call
    @sync_to_async
    def above(number: int) -> int:
        return number

    @async_to_sync
    @pydantic.validate_call
    async def below_now(number: int) -> int:
        return number

    @sync_to_async
    @pydantic.validate_call
    def below(number: int) -> int:
        return number

    text = cast("int", "5")
    assert (5, 5) == (above_now(text), below_now(text))
    assert (5, 5) == (asyncio.run(above(text)), asyncio.run(below(text)))
    assert iscoroutinefunction(above)
    assert not iscoroutinefunction(above_now)
    with pytest.raises(pydantic.ValidationError):
        above_now(cast("int", "five"))
    with pytest.raises(pydantic.ValidationError):
        asyncio.run(below(cast("int", "five")))


# click keeps its context in the thread: see docs/frameworks.md.


def invoked(command: click.Command, *arguments: str) -> str:
    return click.testing.CliRunner().invoke(command, arguments, catch_exceptions=False).output


def test_a_click_command() -> None:
    """Its name and help are the function's; the context is passed to it."""

    @click.command()
    @click.option("--number", type=int)
    @click.pass_context
    @async_to_sync
    async def main(context: click.Context, number: int) -> None:
        """Show a number."""
        await asyncio.sleep(0)
        click.echo(f"{context.info_name} {number}")

    assert "main 5\n" == invoked(main, "--number", "5")
    assert "Show a number." == main.help


def test_the_click_context_in_the_command_s_thread() -> None:
    """A sensitive call runs there, and finds it."""

    @click.command()
    @async_to_sync
    async def main() -> None:
        context = await sync_to_async(click.get_current_context)()
        click.echo(context.info_name)

    assert "main\n" == invoked(main)


def test_the_click_context_put_into_force_in_the_coroutine() -> None:
    """What the documentation says to write where code asks for it in the coroutine."""

    @click.command()
    @click.pass_context
    @async_to_sync
    async def main(context: click.Context) -> None:
        with context.scope(cleanup=False):
            await asyncio.sleep(0)
            click.echo(click.get_current_context().info_name)

    assert "main\n" == invoked(main)


# What the frameworks above look at.


@pytest.mark.parametrize(
    "function",
    [
        lambda: None,
        lambda a, b=1: (a, b),
        lambda a, /, b, *args, c, d=2, **kwargs: (a, b, args, c, d, kwargs),
        lambda *, key: key,
        lambda a, /: a,
        lambda a, /, *, key=None: (a, key),
    ],
)
def test_a_bridge_has_the_parameters_of_its_function_without_being_unwrapped(function: Any) -> None:
    """Tools that read `__code__` and the defaults themselves see what those that unwrap see."""
    bridge: Any = sync_to_async(function)
    assert inspect.isfunction(bridge)
    specification = inspect.getfullargspec(function)
    assert specification == inspect.getfullargspec(bridge)
    assert function.__defaults__ == bridge.__defaults__
    assert function.__kwdefaults__ == bridge.__kwdefaults__
    assert function.__globals__ is bridge.__globals__


async def test_a_function_made_of_what_a_bridge_shows() -> None:
    """Tools that copy functions, to send them elsewhere, get one that does the same."""
    seen: list[tuple[object, ...]] = []

    @sync_to_async
    def note(a: int, /, b: int = 2, *args: int, c: int, **kwargs: int) -> str:
        seen.append((a, b, args, c, kwargs))
        return where()

    parts: Any = note
    copied: Any = FunctionType(
        parts.__code__, parts.__globals__, "copied", parts.__defaults__, parts.__closure__
    )
    assert "thread" == await copied(1, c=3)
    assert "thread" == await copied(1, 5, 6, c=3, d=4)
    assert [(1, 2, (), 3, {}), (1, 5, (6,), 3, {"d": 4})] == seen
    assert iscoroutinefunction(copied)


def test_a_copied_function_of_a_bridge_to_sync() -> None:
    """It blocks, as the bridge does."""

    @async_to_sync
    async def add(a: int, b: int = 2) -> int:
        return a + b

    parts: Any = add
    copied: Any = FunctionType(
        parts.__code__, parts.__globals__, "copied", parts.__defaults__, parts.__closure__
    )
    assert 3 == copied(1)
    assert not iscoroutinefunction(copied)


def test_the_types_of_a_bridge_are_its_own() -> None:
    """A bridge says that it is a function, and what it is."""
    bridge: Any = sync_to_async(where)
    kinds = (FunctionType, SyncToAsync, AsyncToSync)
    assert [True, True, False] == [isinstance(bridge, kind) for kind in kinds]
    assert SyncToAsync is type(bridge)
    assert {"func", "thread_handler", "__wrapped__"} <= set(dir(bridge))
    with pytest.raises(AttributeError, match="'SyncToAsync' object has no attribute 'missing'"):
        getattr(bridge, "missing")  # noqa: B009  # to the checkers it is missing as well


def test_a_bridge_of_a_function_without_signature() -> None:
    """It still looks like a function, that takes anything."""
    bridge: Any = sync_to_async(max)
    assert inspect.isfunction(bridge)
    assert "args" == inspect.getfullargspec(bridge).varargs
