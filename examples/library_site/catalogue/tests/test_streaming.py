"""Answers that are read from the database while they are sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from django.core.asgi import get_asgi_application
from django.db import connection
from django.test import TransactionTestCase

from catalogue.models import Book
from catalogue.tests.asgi import exchange, leave_early, scope

if TYPE_CHECKING:
    pass

BOOKS = 120


class Export(TransactionTestCase):
    """The two exports, one with an async iterator and one with a sync one."""

    def setUp(self) -> None:
        """More books than are read at a time."""
        Book.objects.bulk_create(Book(title=f"{n:03}") for n in range(BOOKS))
        self.lines = [
            f"{book.pk},{book.title},{book.copies}\r\n".encode() for book in Book.objects.all()
        ]
        connection.close()

    def test_a_server_sends_every_line(self) -> None:
        """Under ASGI, as a server runs it."""

        async def main(address: str) -> tuple[int, bytes]:
            return await exchange(get_asgi_application(), scope("GET", address))

        self.assertEqual((200, b"".join(self.lines)), asyncio.run(main("/export/")))
        with self.assertWarnsMessage(Warning, "must consume synchronous iterators"):
            self.assertEqual((200, b"".join(self.lines)), asyncio.run(main("/export-sync/")))

    def test_the_client_gets_every_line(self) -> None:
        """The sync client reads both; the async iterator to its end, through Django's bridge."""
        self.assertEqual(b"".join(self.lines), b"".join(self.client.get("/export-sync/")))
        with self.assertWarnsMessage(Warning, "must consume asynchronous iterators"):
            parts = list(self.client.get("/export/"))
        self.assertEqual(b"".join(self.lines), b"".join(parts))

    def test_a_client_that_leaves_early_holds_nothing(self) -> None:
        """The iterator is closed, the site goes on, and the database can be written."""

        async def main() -> tuple[int, bytes]:
            site = get_asgi_application()
            for _ in range(3):
                await leave_early(site, scope("GET", "/export/"))
            return await exchange(site, scope("GET", "/books/"))

        status, _ = asyncio.run(main())
        Book.objects.all().delete()
        self.assertEqual((200, 0), (status, Book.objects.count()))
