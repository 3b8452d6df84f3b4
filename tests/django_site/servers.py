"""The site behind real servers on loopback, and clients that ask it many things at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django_site.site import SITE, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SERVERS: Final = {
    "uvicorn": ["uvicorn", "library_site.asgi:application", "--fd={fd}", "--log-level=warning"],
    "daphne": ["daphne", "library_site.asgi:application", "--fd={fd}", "--verbosity=0"],
    "gunicorn": [
        *("gunicorn", "library_site.wsgi:application", "--bind=fd://{fd}", "--log-level=warning"),
        *("--worker-class=gthread", "--threads=8", "--graceful-timeout=5"),
    ],
}
"""Their commands, by name. The first two speak ASGI, gunicorn WSGI with a pool of threads."""

ENDED: Final = {"uvicorn": -signal.SIGTERM, "daphne": 0, "gunicorn": 0}
"""Their exit codes after SIGTERM: uvicorn sends itself the signal again when it is done."""

PATIENCE: Final = 40
"""Seconds until something that never comes fails a test."""


@dataclass
class Server:
    """A server that runs.

    :param port: on 127.0.0.1.
    :param process: the server's; the main one if there are several.
    :param log: what it has to say goes here.
    """

    port: int
    process: subprocess.Popen[bytes]
    log: Path


@contextlib.contextmanager
def serving(name: str, way: str, folder: Path) -> Iterator[Server]:
    """Start a server, and end it when the block is left.

    It gets a socket that listens already, so clients may connect at once. In asgiref a thread that
    waits for the server's loop when that stops waits for ever, and the server with it, so only where
    there is no asgiref must the server end by itself.
    """
    log = folder / f"{name}.log"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening, log.open("wb") as output:
        descriptor = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(fd=descriptor) for part in SERVERS[name])],
            cwd=SITE,
            env=environment(way, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[descriptor],
        )
        try:
            yield Server(listening.getsockname()[1], process, log)
        finally:
            try:
                if way == "instead":
                    process.send_signal(signal.SIGTERM)
                    assert ENDED[name] == process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> Any:  # Any: JSON
        """The body's JSON."""
        return json.loads(self.body)


def request(path: str, form: Mapping[str, str] | None = None, **headers: str) -> bytes:
    """A request as it goes over the wire: POST if there is a form."""
    body = urlencode(form).encode() if form else b""
    lines = [
        f"{'POST' if form else 'GET'} {path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def ask(port: int, message: bytes) -> Answer:
    """Send a request over a connection of its own and read the answer to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    if headers.get("transfer-encoding") == "chunked":
        body = _joined(body)
    return Answer(int(first.split()[1]), headers, body)


def _joined(chunks: bytes) -> bytes:
    """A chunked body without its marks."""
    joined = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        joined += rest[: int(size, 16)]
        chunks = rest[int(size, 16) + 2 :]
    return joined


async def leave(port: int, message: bytes, *, after: int) -> None:
    """Send a request and go away when some bytes of the answer have come.

    :param after: how many; with 0 the client does not wait at all.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message)
    await writer.drain()
    if after:
        await reader.readexactly(after)
    # Not closed in order, with what is unread read first, but dropped.
    writer.transport.abort()
