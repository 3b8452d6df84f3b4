"""Requests each second, in each of the three ways: ``make demo-django``.

Six servers run on loopback: uvicorn and gunicorn, once for each way. They are asked in turns, a
moment each, so that what else the machine does hits all ways alike. A figure is the median.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from library_site.bridge import WAYS

if TYPE_CHECKING:
    from collections.abc import Generator

SITE: Final = Path(__file__).parent
CLIENTS: Final = 8
ROUNDS: Final = 5
MOMENT: Final = 0.4
"""Seconds for which one page of one server is asked in a round."""

WARM: Final = 0.3
"""Seconds for which each is asked first."""
START: Final = 20
"""Seconds that a server may take until it answers."""

SERVERS: Final = {
    "uvicorn": ("uvicorn", "library_site.asgi:application", "--fd={}", "--no-access-log"),
    "gunicorn": (
        *("gunicorn", "library_site.wsgi:application", "--bind=fd://{}", "--log-level=error"),
        *("--worker-class=gthread", f"--threads={CLIENTS}", "--keep-alive=60"),
    ),
}


class Page(NamedTuple):
    """What is asked.

    :param label: what the view does.
    :param server: of :data:`SERVERS`.
    :param path: its address.
    """

    label: str
    server: str
    path: str


PAGES: Final = (
    Page("async view, no database", "uvicorn", "/"),
    Page("async view, async ORM", "uvicorn", "/books/1/"),
    Page("sync view", "uvicorn", "/books/"),
    Page("sync view calling async", "uvicorn", "/books/1/left/"),
    Page("sync view calling async", "gunicorn", "/books/1/left/"),
)


def main() -> int:
    """Start the servers, ask them, print the table.

    :returns: the exit code.
    """
    console = Console()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        prepare(folder)
        ports = {
            (server, way): stack.enter_context(serving(server, way, folder))
            for server in SERVERS
            for way in WAYS
        }
        with console.status("Asking ..."):
            figures = asyncio.run(measure(ports))
    console.print(table(figures))
    return 0


def prepare(folder: Path) -> None:
    """Make the site's database, with some books."""
    titles = folder / "titles.txt"
    titles.write_text("\n".join(f"Title {n:02}" for n in range(20)), encoding="utf-8")
    for arguments in (["migrate", "--verbosity=0"], ["add_books", str(titles)]):
        subprocess.run(  # noqa: S603 - our own command, no shell
            [sys.executable, "manage.py", *arguments],
            cwd=SITE,
            env=environment("asgiref", folder),
            check=True,
            stdout=subprocess.DEVNULL,
        )


def environment(way: str, folder: Path) -> dict[str, str]:
    """What a process of the site finds in its environment."""
    database = str(folder / "library.sqlite3")
    return {**os.environ, "LIBRARY_SITE_BRIDGE": way, "LIBRARY_SITE_DATABASE": database}


@contextlib.contextmanager
def serving(server: str, way: str, folder: Path) -> Generator[int]:
    """Run a server on a port of its own, until the block is left."""
    with socket.create_server(("127.0.0.1", 0), backlog=CLIENTS * 2) as listening:
        # Accepted connections inherit it. uvicorn takes a socket that it is given for a Unix one and
        # does not set it: each answer would then wait 40 ms for the client's delayed acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        descriptor = listening.fileno()
        process = subprocess.Popen(  # noqa: S603 - as above
            [sys.executable, "-m", *(part.format(descriptor) for part in SERVERS[server])],
            cwd=SITE,
            env=environment(way, folder),
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )
        try:
            yield int(listening.getsockname()[1])
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def measure(ports: dict[tuple[str, str], int]) -> dict[tuple[Page, str], float]:
    """Ask every page in every way, in turns.

    :param ports: by server and way.
    :returns: requests each second, by page and way.
    """
    samples: dict[tuple[Page, str], list[float]] = {}
    for page in PAGES:
        for way in WAYS:
            # Until it is warm. The socket is there before the server, and stays if that fails.
            async with asyncio.timeout(START):
                await ask(ports[page.server, way], page.path, WARM)
    for turn in range(ROUNDS):
        for page in PAGES:
            # Another one begins each time.
            for way in (*WAYS[turn % len(WAYS) :], *WAYS[: turn % len(WAYS)]):
                figure = await ask(ports[page.server, way], page.path, MOMENT)
                samples.setdefault((page, way), []).append(figure)
    return {key: statistics.median(some) for key, some in samples.items()}


async def ask(port: int, path: str, seconds: float) -> float:
    """Have some clients ask for one page again and again; how many answers came each second."""
    message = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    start = time.perf_counter()
    counts = await asyncio.gather(*(client(port, message, start + seconds) for _ in range(CLIENTS)))
    return sum(counts) / (time.perf_counter() - start)


async def client(port: int, message: bytes, until: float) -> int:
    """Ask over one connection, one request after another; how many answers came.

    :raises RuntimeError: the answer was not 200.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    try:
        while time.perf_counter() < until:
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise RuntimeError(head.decode())
            _, _, length = head.partition(b"\r\ncontent-length:")
            await reader.readexactly(int(length.partition(b"\r\n")[0]))
            answers += 1
    finally:
        writer.close()
    return answers


def table(figures: dict[tuple[Page, str], float]) -> Table:
    """The figures, and what they are next to asgiref's."""
    drawn = Table(title="requests each second", caption=f"{CLIENTS} clients, medians of {ROUNDS}")
    drawn.add_column("view")
    drawn.add_column("server")
    for way in WAYS:
        drawn.add_column(way, justify="right")
    for page in PAGES:
        base = figures[page, WAYS[0]] or float("nan")  # none came in time
        cells = [f"{figures[page, way]:,.0f} ({figures[page, way] / base:.2f}x)" for way in WAYS]
        drawn.add_row(page.label, page.server, *cells)
    return drawn


if __name__ == "__main__":
    sys.exit(main())
