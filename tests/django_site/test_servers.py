"""The site behind uvicorn, daphne and gunicorn: many requests at once, and clients that go away."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest

pytest.importorskip("channels", reason="the site needs it: dependency group django")

from django_site.servers import PATIENCE, SERVERS, Server, ask, leave, request, serving
from django_site.site import WAYS, manage
from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django

BOOKS: Final = 60
COPIES: Final = 10
"""Of the book that everybody wants."""
AT_ONCE: Final = 200
EXPORT: Final = {"uvicorn": "/export/", "daphne": "/export/", "gunicorn": "/export-sync/"}
LEAVING: Final = 40


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the site's database, and books in it."""
    folder = tmp_path_factory.mktemp("library")
    titles = folder / "titles.txt"
    titles.write_text("\n".join(f"Title {n:02}" for n in range(BOOKS)))
    for arguments in (["migrate"], ["add_books", str(titles), "--copies", str(COPIES)]):
        done = manage("asgiref", folder, *arguments)
        assert 0 == done.returncode, done.stderr
    return folder


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Of ``LIBRARY_SITE_BRIDGE``."""
    chosen: str = request.param
    return chosen


@pytest.mark.parametrize("name", SERVERS)
def test_many_at_once_and_clients_that_go_away(
    name: str, way: str, library: Path, tmp_path: Path
) -> None:
    """Each of 200 requests at once gets its answer, and so does who comes after those that left.

    Twice as many readers as copies want one book: each copy is lent once. No lock is left on the
    database. When clients go away, asgiref alone at times has "CurrentThreadExecutor already quit or is
    broken" in the log. With typedbridge beside it no call fails, and in its place the log is empty.
    """
    shutil.copy(library / "library.sqlite3", tmp_path)
    with serving(name, way, tmp_path) as server:
        asyncio.run(asyncio.wait_for(visit(server, EXPORT[name]), PATIENCE))
    said = [line for line in server.log.read_text().splitlines() if "Conflict" not in line]
    if way == "beside":
        assert [] == [line for line in said if "RuntimeError" in line]
    if way == "instead":
        assert [] == said


async def visit(server: Server, export: str) -> None:
    """What the test does.

    :param export: the address of the export that suits the server.
    """
    everybody = [
        *(
            ask(server.port, request("/books/1/lend/", {"reader": str(n)}))
            for n in range(2 * COPIES)
        ),
        *(ask(server.port, request("/books/")) for _ in range(50)),
        *(ask(server.port, request("/books/2/")) for _ in range(50)),
        *(ask(server.port, request("/search/?q=title+07")) for _ in range(30)),
        *(ask(server.port, request(export)) for _ in range(10)),
        *(
            ask(server.port, request("/here/", accept_language=("de", "fr")[n % 2]))
            for n in range(40)
        ),
    ]
    assert AT_ONCE == len(everybody)
    answers = await asyncio.gather(*everybody)
    lent, rest = answers[: 2 * COPIES], answers[2 * COPIES :]
    assert sorted([201, 409] * COPIES) == sorted(answer.status for answer in lent)
    assert {200} == {answer.status for answer in rest}
    assert {BOOKS} == {answer.body.count(b"\r\n") for answer in rest[130:140]}
    seen = [(answer.said["language"], answer.said["across"]["language"]) for answer in rest[140:]]
    assert [("de", "de"), ("fr", "fr")] * 20 == seen
    await asyncio.gather(
        *(leave(server.port, request(export), after=100 * (n % 2)) for n in range(LEAVING)),
        *(leave(server.port, request("/here/"), after=0) for _ in range(LEAVING)),
        *(
            leave(server.port, request(f"/books/{n}/lend/", {"reader": "gone"}), after=0)
            for n in range(3, 3 + LEAVING)
        ),
    )
    # The database is free, and the book is as lent as the answers said.
    reader = next(n for n, answer in enumerate(lent) if answer.status == 201)
    back = await ask(server.port, request("/books/1/give-back/", {"reader": str(reader)}))
    assert {"left": 1} == back.said


@pytest.mark.parametrize("name", ["uvicorn", "daphne"])
def test_websockets_hear_of_what_a_view_does(
    name: str, way: str, library: Path, tmp_path: Path
) -> None:
    """A sync view, a signal with an async receiver, and consumers of both colours share one loop."""
    shutil.copy(library / "library.sqlite3", tmp_path)

    async def listen(port: int) -> list[Any]:
        async with (
            connect(f"ws://127.0.0.1:{port}/news/") as news,
            connect(f"ws://127.0.0.1:{port}/desk/") as desk,
        ):
            await ask(port, request("/books/1/lend/", {"reader": "ann"}))
            heard = [await news.recv()]
            await desk.send(json.dumps({"book": 1, "reader": "bob"}))
            heard += [await desk.recv(), await news.recv()]
            return list(map(json.loads, heard))

    with serving(name, way, tmp_path) as server:
        heard = asyncio.run(asyncio.wait_for(listen(server.port), PATIENCE))
    expected = [
        {"title": "Title 00", "reader": "ann"},
        {"loan": 2, "left": COPIES - 2},
        {"title": "Title 00", "reader": "bob"},
    ]
    assert expected == heard
