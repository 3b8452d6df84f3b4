"""The WebSockets: a consumer of each colour, and the channel layer between them and the views."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import JsonWebsocketConsumer
from channels.testing import WebsocketCommunicator
from django.db import connection
from django.test import TransactionTestCase

from catalogue.models import Book, Loan
from catalogue.tests.asgi import post
from library_site import asgi
from library_site.bridge import async_to_sync, sync_to_async

# Any: channels' own name for the type of an application, which tells its messages apart.
application: Any = asgi.application

LIMIT = 10
"""Seconds to wait for a message."""


class WebSockets(TransactionTestCase):
    """Asked on a loop of ``asyncio.run``, as under a server."""

    def setUp(self) -> None:
        """One book, and no connection of the test's own that could hold a lock."""
        self.book = Book.objects.create(title="Dune", copies=2)
        connection.close()

    def test_the_sync_consumer_lends_and_the_async_one_tells(self) -> None:
        """A loan at the desk: its answer, the news, and the journal."""

        async def main() -> list[Any]:
            news, desk = await connect("/news/"), await connect("/desk/")
            await desk.send_json_to({"book": self.book.pk, "reader": "ann"})
            answers = [await desk.receive_json_from(LIMIT), await news.receive_json_from(LIMIT)]
            await news.send_json_to({"last": 5})
            answers.append(await news.receive_json_from(LIMIT))
            await news.disconnect(timeout=LIMIT)
            await desk.disconnect(timeout=LIMIT)
            return answers

        answers = asyncio.run(main())
        self.assertEqual(
            [
                {"loan": Loan.objects.get().pk, "left": 1},
                {"title": "Dune", "reader": "ann"},
                {"journal": ["Dune lent to ann"]},
            ],
            answers,
        )

    def test_the_news_of_a_view_reach_every_listener(self) -> None:
        """A sync view, a signal, an async receiver, the channel layer, consumers: one loop."""

        async def main() -> list[Any]:
            listeners = [await connect("/news/") for _ in range(3)]
            await post(application, f"/books/{self.book.pk}/lend/", reader="ann")
            heard = [await listener.receive_json_from(LIMIT) for listener in listeners]
            for listener in listeners:
                await listener.disconnect(timeout=LIMIT)
            return heard

        self.assertEqual([{"title": "Dune", "reader": "ann"}] * 3, asyncio.run(main()))


class Where(JsonWebsocketConsumer):
    """Says in which thread it runs, and whether that has an open connection."""

    def receive_json(self, content: Any, **_kwargs: Any) -> None:  # Any: JSON
        """Use the database first."""
        Book.objects.count()
        self.send_json([threading.get_ident(), *async_to_sync(where)(), content])


async def where() -> list[int]:
    """The threads of sensitive calls."""
    return [await sync_to_async(threading.get_ident)(), await in_connection_thread()]


@sync_to_async
def has_connection() -> bool:
    """Whether the thread of sensitive calls has an open connection."""
    return connection.connection is not None


in_connection_thread = database_sync_to_async(threading.get_ident)


class WhereConsumersRun(TransactionTestCase):
    """A WebSocket is no request: it lasts too long to have a thread."""

    def test_consumers_share_a_thread_and_leave_no_connection(self) -> None:
        """Sync consumers, and what async ones call through either bridge."""

        async def main() -> tuple[list[Any], bool]:
            answers: list[list[Any]] = []
            for _ in range(2):
                client = WebsocketCommunicator(Where.as_asgi(), "/")
                await client.connect(timeout=LIMIT)
                await client.send_json_to("here")
                answers.append(await client.receive_json_from(LIMIT))
                await client.disconnect(timeout=LIMIT)
            threads = {thread for answer in answers for thread in answer[:-1]}
            threads |= set(await where())
            return list(threads), await has_connection()

        threads, connected = asyncio.run(main())
        self.assertEqual((1, False), (len(threads), connected))
        self.assertNotEqual(threading.get_ident(), threads[0])


async def connect(address: str) -> WebsocketCommunicator:
    """A client that the site has accepted."""
    communicator = WebsocketCommunicator(application, address)
    connected, _ = await communicator.connect(timeout=LIMIT)
    assert connected  # noqa: S101 - as unittest does
    return communicator
