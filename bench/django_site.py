"""A Django site in one process, asked through ASGI without a socket.

With typedbridge as contestant, its modules stand in for asgiref's before Django is imported.
Django ships no types: it is loaded by name.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from bench import peers
from bench.model import OURS, Entry, Sample
from bench.timing import on_loop, one_by_one

# Any: requests, responses and ASGI messages are Django's and the protocol's.
Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


# Any: see Message.
def sync_view(_request: Any) -> Any:
    return peers.load("django.http").HttpResponse(b"ok")


async def async_view(_request: Any) -> Any:  # Any: see Message
    return peers.load("django.http").HttpResponse(b"ok")


# Any: see Message.
def sync_middleware(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The usual kind: a function, sync, that does something on both sides of the view."""

    def middleware(request: Any) -> Any:  # Any: see Message
        response = get_response(request)
        response["X-Seen"] = "yes"
        return response

    return middleware


def application(view: str) -> Application:
    """Django as an ASGI application with one view."""
    conf = peers.load("django.conf")
    conf.settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=[f"{__name__}.sync_middleware"] if view == "mixed" else [],
        SECRET_KEY="not a secret",
        LOGGING_CONFIG=None,
    )
    peers.load("django").setup(set_prefix=False)
    urls = peers.load("django.urls")
    urlpatterns.append(urls.path("", sync_view if view == "sync" else async_view))
    made: Application = peers.load("django.core.asgi").get_asgi_application()
    return made


# Any: Django's patterns; it reads this name from the module that ROOT_URLCONF names.
urlpatterns: list[Any] = []


def scope() -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }


async def request(app: Application, _value: int) -> None:
    """One request, its body and its answer; the client stays until it has it."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": b"", "more_body": False}])
    sent: list[Message] = []

    async def receive() -> Message:
        for message in messages:
            return message
        await asyncio.Event().wait()
        raise AssertionError  # nobody sets that event

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope(), receive, send)
    status = sent[0].get("status")
    if status != 200:
        message = f"Django answered {status}"
        raise RuntimeError(message)


def requests(view: str) -> dict[str, Entry]:
    return peers.of_bridges(partial(site, view))


def site(view: str, contestant: str) -> AbstractContextManager[Sample]:
    """Microseconds for each request, one after another."""
    if contestant == OURS:
        peers.load("typedbridge.asgiref").install()
    app = application(view)
    used = sys.modules["asgiref.sync"].SyncToAsync.__module__.split(".")[0]
    if used != contestant:
        message = f"Django would use {used}, not {contestant}"
        raise RuntimeError(message)
    return on_loop(partial(one_by_one, partial(request, app)))
