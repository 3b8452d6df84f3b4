"""Requests to the site as a server sends them: through ASGI, on an event loop that is no bridge's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    # Any: messages of the ASGI protocol.
    Message = Mapping[str, Any]
    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

FORM: Final = "application/x-www-form-urlencoded"


def scope(method: str, path: str, **headers: str) -> Scope:
    """What a server tells an application of a request."""
    path, _, query = path.partition("?")
    named = {"host": "testserver", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in named.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }


async def exchange(
    application: Application, request: Scope, body: bytes = b""
) -> tuple[int, bytes]:
    """One request and its answer; the client stays connected until it has it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError  # nobody sets that event

    async def send(message: Message) -> None:
        sent.append(message)

    # A server starts each request in a task of its own.
    await asyncio.create_task(_run(application, request, receive, send))
    return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])


async def _run(application: Application, request: Scope, receive: Receive, send: Send) -> None:
    await application(request, receive, send)


async def get(application: Application, path: str, **headers: str) -> tuple[int, Any]:
    """A GET request: the status, and what the answer's JSON says."""
    status, body = await exchange(application, scope("GET", path, **headers))
    return status, _decoded(body)


async def post(application: Application, path: str, **form: object) -> tuple[int, Any]:
    """A POST request with a form: the status, and what the answer's JSON says."""
    body = urlencode(form).encode()
    headers = {"content_type": FORM, "content_length": str(len(body))}
    status, answer = await exchange(application, scope("POST", path, **headers), body)
    return status, _decoded(answer)


def _decoded(body: bytes) -> Any:  # Any: JSON
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


async def leave_early(application: Application, request: Scope) -> None:
    """Disconnect when the first part of an answer has come; wait until the application is done."""
    left = asyncio.Event()
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            left.set()

    await asyncio.create_task(_run(application, request, receive, send))
