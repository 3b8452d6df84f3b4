"""The site's pages, asked through Django's test clients of both colours."""

from __future__ import annotations

import json

from django.db import connection
from django.test import AsyncClient, Client, TestCase

from catalogue.models import Book, Loan


class Pages(TestCase):
    """Each view, sync or async, through the sync client and the async client."""

    pages: dict[str, object]
    emma: Book

    @classmethod
    def setUpTestData(cls) -> None:
        """Two books, one of them lent."""
        dune = Book.objects.create(title="Dune", copies=2)
        cls.emma = Book.objects.create(title="Emma", copies=1)
        Loan.objects.create(book=cls.emma, reader="ann")
        cls.pages = {
            "/": {"name": "The library", "language": "en"},
            "/books/": {"books": ["Dune", "Emma"]},
            f"/books/{dune.pk}/": {"title": "Dune", "readers": [], "left": 2},
            f"/books/{cls.emma.pk}/": {"title": "Emma", "readers": ["ann"], "left": 0},
            f"/books/{cls.emma.pk}/left/": {"left": 0},
            "/search/?q=dun": {"found": ["Dune"]},
        }

    def test_the_client_gets_every_page(self) -> None:
        """Async views run behind Django's bridge."""
        answers = {address: self.client.get(address).json() for address in self.pages}
        self.assertEqual(self.pages, answers)

    async def test_the_async_client_gets_every_page(self) -> None:
        """Sync views run in the test's thread, where its transaction is."""
        client = AsyncClient()
        answers = {
            address: json.loads((await client.get(address)).content) for address in self.pages
        }
        self.assertEqual(self.pages, answers)

    def test_what_is_not_there_is_not_found(self) -> None:
        """In views of both colours, also when an async view's sync function does not find it."""
        found = [
            self.client.get("/books/0/"),
            self.client.post("/books/0/lend/", {"reader": "ann"}),
            self.client.post("/books/0/give-back/", {"reader": "ann"}),
            self.client.post(f"/books/{self.emma.pk}/give-back/", {"reader": "bob"}),
        ]
        self.assertEqual([404] * 4, [response.status_code for response in found])

    def test_middleware_of_every_colour_had_its_turn(self) -> None:
        """The async one, the sync one, and the one that is both, around a view of either colour."""
        for address in ("/books/", "/here/"):
            headers = self.client.get(address, headers={"accept-language": "fr"}).headers
            self.assertEqual("fr", headers["Content-Language"])
            self.assertTrue(int(headers["X-Request-Number"]))
            self.assertIn("X-Thread", headers)

    def test_a_hop_keeps_language_zone_and_context_variables(self) -> None:
        """On both sides of it, and with the connection of the test."""
        headers = {"accept-language": "de", "x-time-zone": "Asia/Tokyo"}
        seen = self.client.get("/here/", headers=headers).json()
        across = seen.pop("across")
        self.assertEqual(id(connection.connection), across.pop("connection"))
        self.assertEqual(("de", "Asia/Tokyo"), (seen["language"], seen["zone"]))
        self.assertEqual(seen, across)

    def test_a_session_that_an_async_view_writes(self) -> None:
        """Async sessions, kept by the sync client and by the async one."""
        self.client.get("/wishlist/?add=Dune")
        self.client.get("/wishlist/?add=Emma")
        self.assertEqual({"wishes": ["Dune", "Emma"]}, self.client.get("/wishlist/").json())
        self.assertEqual({"wishes": []}, Client().get("/wishlist/").json())

    async def test_a_session_of_the_async_client(self) -> None:
        """The same, in an async test."""
        await self.async_client.get("/wishlist/?add=Dune")
        response = await self.async_client.get("/wishlist/?add=Emma")
        self.assertEqual({"wishes": ["Dune", "Emma"]}, json.loads(response.content))
