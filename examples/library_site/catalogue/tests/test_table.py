"""Seven things that a Django process does with a bridge, each a test case.

They hold for all three ways of ``LIBRARY_SITE_BRIDGE``. Beside asgiref, each of them needs the two
libraries to know each other's threads and loops. Run one of them with
``LIBRARY_SITE_BRIDGE=beside manage.py test catalogue.tests.test_table.Wsgi``.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import asgiref.sync
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.dispatch import Signal
from django.http import HttpResponse, JsonResponse
from django.test import (
    AsyncClient,
    Client,
    RequestFactory,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    override_settings,
)
from django.urls import get_script_prefix, path, set_script_prefix
from django.utils import timezone, translation

from catalogue import lending
from catalogue.models import Book, Entry, Loan
from catalogue.tests.asgi import get, post
from library_site.bridge import async_to_sync, sync_to_async
from library_site.urls import urlpatterns as site_urlpatterns

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.http import HttpRequest

LIMIT: Final = 20.0
"""Seconds to wait for what never happens."""

AT_ONCE: Final = 10


class SyncViewUnderAsgi(TransactionTestCase):
    """A sync view under ASGI, in it ``async_to_sync``, and in that the async ORM."""

    def test_a_sync_view_calls_the_async_orm_inside_its_transaction(self) -> None:
        """The answer comes, the row is there, and the database is not locked afterwards."""
        book = Book.objects.create(title="Dune", copies=1)
        connection.close()

        async def main() -> list[int]:
            site = get_asgi_application()
            answers = [
                await post(site, f"/books/{book.pk}/lend/", reader=reader) for reader in ("a", "b")
            ]
            answers.append(await post(site, f"/books/{book.pk}/give-back/", reader="a"))
            return [status for status, _ in answers]

        self.assertEqual([201, 409, 200], asyncio.run(main()))
        self.assertEqual(["a"], list(Loan.objects.values_list("reader", flat=True)))
        self.assertEqual(["Dune lent to a", "Dune back from a"], list(entries()))


class StateAcrossHops(SimpleTestCase):
    """Language, time zone and script prefix, read and written on the other side of a hop."""

    def setUp(self) -> None:
        """Start from known values, and leave them behind."""
        activate("en", "UTC", "/")
        self.addCleanup(activate, "en", "UTC", "/")

    def test_async_code_reads_what_sync_code_activated(self) -> None:
        """Into ``async_to_sync``, into ``sync_to_async`` in it, and still there afterwards."""
        wanted = ("de", "Asia/Tokyo", "/library/")
        activate(*wanted)

        async def main() -> list[tuple[str | None, str, str]]:
            return [state(), await sync_to_async(state)(), state()]

        self.assertEqual([wanted] * 3, async_to_sync(main)())
        self.assertEqual(wanted, state())

    def test_what_the_other_side_activates_comes_back(self) -> None:
        """A value that is set across a hop replaces the one before it, on both sides."""
        activate("de", "Asia/Tokyo", "/library/")
        wanted = ("fr", "Europe/Paris", "/livres/")

        async def main() -> tuple[str | None, str, str]:
            await sync_to_async(activate)(*wanted)
            return state()

        self.assertEqual(wanted, async_to_sync(main)())
        self.assertEqual(wanted, state())

    def test_state_set_in_async_code_is_seen_in_sync_code(self) -> None:
        """From a loop of ``asyncio.run``, in all kinds of threads; each task keeps its own."""

        async def one(language: str) -> set[tuple[str | None, str, str]]:
            activate(language, "Asia/Tokyo", f"/{language}/")
            seen = {await sync_to_async(state)()}
            seen.add(await sync_to_async(state, thread_sensitive=False)())
            return seen | {state()}

        async def main() -> list[set[tuple[str | None, str, str]]]:
            return await asyncio.gather(*map(one, ("de", "fr")))

        expected = [{("de", "Asia/Tokyo", "/de/")}, {("fr", "Asia/Tokyo", "/fr/")}]
        self.assertEqual(expected, asyncio.run(main()))


class StateOfARequest(TransactionTestCase):
    """The same through middleware and views."""

    def test_a_sync_middleware_activates_for_an_async_view_and_its_hops(self) -> None:
        """The view and the sync function that it awaits see what the middleware activated."""

        async def main() -> dict[str, Any]:
            _, seen = await get(
                get_asgi_application(),
                "/here/",
                accept_language="de",
                x_time_zone="Asia/Tokyo",
            )
            answer: dict[str, Any] = seen
            return answer

        seen = asyncio.run(main())
        del seen["across"]["connection"]
        across = seen.pop("across")
        self.assertEqual({"language": "de", "zone": "Asia/Tokyo", "number": seen["number"]}, seen)
        self.assertEqual(seen, across)


class Wsgi(TransactionTestCase):
    """A WSGI request: one thread, one connection."""

    def test_async_code_sees_the_row_of_the_open_transaction(self) -> None:
        """``atomic()``, a new row, ``async_to_sync`` of the async ORM: it counts the row."""
        book = Book.objects.create(title="Dune", copies=1)
        with transaction.atomic():
            Loan.objects.create(book=book, reader="a")
            self.assertEqual(0, async_to_sync(lending.copies_left)(book))

    def test_a_rollback_takes_both_colours_back(self) -> None:
        """What async code wrote inside the transaction is gone with it."""
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            async_to_sync(add_book)("Dune")
            self.assertEqual(1, Book.objects.count())
            _ = 1 / 0
        self.assertEqual(0, Book.objects.count())

    def test_a_request_uses_one_connection(self) -> None:
        """Through the WSGI application, sync view, async view and all."""
        book = Book.objects.create(title="Dune", copies=1)
        connection.close()
        site = get_wsgi_application()
        with opened_connections() as opened:
            self.assertEqual("201 Created", wsgi_post(site, f"/books/{book.pk}/lend/", "a"))
            self.assertEqual("409 Conflict", wsgi_post(site, f"/books/{book.pk}/lend/", "b"))
            self.assertEqual("200 OK", wsgi_post(site, f"/books/{book.pk}/give-back/", "a"))
        self.assertEqual({threading.current_thread()}, {thread for thread, _ in opened})


class InTestCase(TestCase):
    """Django's ``TestCase``: everything inside one transaction of the test's thread."""

    book: Book

    @classmethod
    def setUpTestData(cls) -> None:
        """One book, seen by all tests, in a transaction that is never committed."""
        cls.book = Book.objects.create(title="Dune", copies=1)

    async def test_an_async_test_uses_the_orm_both_ways(self) -> None:
        """Django's async ORM and the site's bridge see the same rows."""
        self.assertEqual(1, await Book.objects.acount())
        self.assertEqual(1, await sync_to_async(Book.objects.count)())

    def test_a_sync_test_calls_async_code(self) -> None:
        """The async ORM below ``async_to_sync`` sees the rows of the test."""
        Loan.objects.create(book=self.book, reader="a")
        self.assertEqual(0, async_to_sync(lending.copies_left)(self.book))

    def test_the_client_asks_a_sync_view(self) -> None:
        """The view's bridge, its transaction and its rollback."""
        client = Client()
        self.assertEqual(201, client.post(self.url("lend"), {"reader": "a"}).status_code)
        self.assertEqual(409, client.post(self.url("lend"), {"reader": "b"}).status_code)
        self.assertEqual(1, Loan.objects.count())

    def test_the_client_asks_an_async_view(self) -> None:
        """Django's bridge runs the view, the site's bridge the transaction in it."""
        Loan.objects.create(book=self.book, reader="a")
        response = Client().post(self.url("give-back"), {"reader": "a"})
        self.assertEqual({"left": 1}, response.json())

    async def test_the_async_client_asks_a_sync_view(self) -> None:
        """An async test, a sync view, async code in it."""
        response = await AsyncClient().post(self.url("lend"), {"reader": "a"})
        self.assertEqual(201, response.status_code)
        self.assertEqual(1, await Loan.objects.acount())

    async def test_the_async_client_asks_an_async_view(self) -> None:
        """An async test, an async view, a sync transaction in it."""
        await Loan.objects.acreate(book=self.book, reader="a")
        response = await AsyncClient().post(self.url("give-back"), {"reader": "a"})
        self.assertEqual({"left": 1}, response.json())

    def test_what_waits_for_the_commit_calls_async_receivers(self) -> None:
        """``on_commit`` sends a signal, whose async receiver reads through the site's bridge."""
        seen: list[int] = []

        async def receiver(loan: Loan, **_: object) -> None:
            reader = loan.reader
            seen.append(await sync_to_async(Loan.objects.filter(reader=reader).count)())

        lending.loan_made.connect(receiver)
        self.addCleanup(lending.loan_made.disconnect, receiver)
        with self.captureOnCommitCallbacks(execute=True):
            lending.lend(self.book.pk, "a")
        self.assertEqual([1], seen)

    def url(self, what: str) -> str:
        """The address of something that is done with the book."""
        return f"/books/{self.book.pk}/{what}/"


@override_settings(ROOT_URLCONF="catalogue.tests.test_table")
class ManyAtOnce(TransactionTestCase):
    """Async views at once, each with a sensitive call that blocks."""

    def test_each_request_has_a_thread_and_its_connection_is_closed(self) -> None:
        """All calls are in their functions at the same time, and no connection stays open."""
        meeting = threading.Barrier(AT_ONCE)
        blocked["meeting"] = meeting
        connection.close()

        async def main() -> list[tuple[int, Any]]:
            site = get_asgi_application()
            return await asyncio.gather(*(get(site, "/meet/") for _ in range(AT_ONCE)))

        with opened_connections() as opened:
            answers = asyncio.run(main())
        self.assertEqual([200] * AT_ONCE, [status for status, _ in answers])
        self.assertEqual(AT_ONCE, len({answer["thread"] for _, answer in answers}))
        self.assertEqual(AT_ONCE, len(opened))
        self.assertEqual([None] * AT_ONCE, [used.connection for _, used in opened])


@override_settings(ROOT_URLCONF="catalogue.tests.test_table")
class LockOfTheServersLoop(TransactionTestCase):
    """``async_to_sync`` in a sync view, and an ``asyncio.Lock`` that an async view holds."""

    def test_the_sync_views_coroutine_waits_for_the_lock(self) -> None:
        """Both use the server's loop, so the lock goes from one to the other."""

        async def main() -> list[tuple[int, Any]]:
            guarded.update(
                lock=asyncio.Lock(),
                held=asyncio.Event(),
                awaited=asyncio.Event(),
                loop=asyncio.get_running_loop(),
            )
            site = get_asgi_application()
            holder = asyncio.create_task(get(site, "/hold/"))
            await asyncio.wait_for(guarded["held"].wait(), LIMIT)
            return [await get(site, "/take/"), await holder]

        self.assertEqual([(200, {"same loop": True}), (200, "let go")], asyncio.run(main()))


class MixedNesting(TransactionTestCase):
    """The site's bridge, in it asgiref's own, in that the site's again."""

    def test_the_innermost_call_comes_back_to_the_waiting_thread(self) -> None:
        """Ours, asgiref's ``async_to_sync``, ours: one thread for all that is sensitive."""
        seen: list[threading.Thread] = []

        def outer() -> None:
            seen.append(threading.current_thread())
            asgiref.sync.async_to_sync(middle)()

        async def middle() -> None:
            await sync_to_async(lambda: seen.append(threading.current_thread()))()

        asyncio.run(run(sync_to_async(outer)))
        self.assertEqual(1, len(set(seen)), seen)

    def test_the_other_way_round(self) -> None:
        """asgiref's ``sync_to_async``, ours, asgiref's."""
        seen: list[threading.Thread] = []

        def outer() -> None:
            seen.append(threading.current_thread())
            async_to_sync(middle)()

        async def middle() -> None:
            await asgiref.sync.sync_to_async(lambda: seen.append(threading.current_thread()))()

        asyncio.run(run(asgiref.sync.sync_to_async(outer)))
        self.assertEqual(1, len(set(seen)), seen)

    def test_a_signal_with_an_async_receiver(self) -> None:
        """The site calls a sync function, Django its async receivers, they the site's bridge."""
        signal = Signal()
        seen: list[bool] = []

        async def receiver(**_: object) -> None:
            seen.append(await sync_to_async(lambda: transaction.get_connection().in_atomic_block)())

        def send() -> None:
            with transaction.atomic():
                signal.send(sender=None)

        signal.connect(receiver)
        asyncio.run(run(sync_to_async(send)))
        async_to_sync(run)(sync_to_async(send))
        send()
        self.assertEqual([True] * 3, seen)


# What the views of these tests share with them. Any: objects of several kinds, by name.
blocked: Final[dict[str, threading.Barrier]] = {}
guarded: Final[dict[str, Any]] = {}


def meet() -> int:
    """Wait for all the others, use the database, and say in which thread."""
    blocked["meeting"].wait(LIMIT)
    Book.objects.count()
    return threading.get_ident()


async def meet_view(_request: HttpRequest) -> HttpResponse:
    """Async, with one sensitive call."""
    return JsonResponse({"thread": await sync_to_async(meet)()})


async def hold_view(_request: HttpRequest) -> HttpResponse:
    """Async: hold the lock until somebody waits for it."""
    async with guarded["lock"]:
        guarded["held"].set()
        await guarded["awaited"].wait()
    return HttpResponse("let go")


async def take() -> bool:
    """Take the lock, which is held; say whether this is the loop that it belongs to."""
    guarded["awaited"].set()
    async with guarded["lock"]:
        return asyncio.get_running_loop() is guarded["loop"]


def take_view(_request: HttpRequest) -> HttpResponse:
    """Sync, with async code in it."""
    return JsonResponse({"same loop": async_to_sync(take)()})


urlpatterns = [
    path("meet/", meet_view),
    path("hold/", hold_view),
    path("take/", take_view),
    *site_urlpatterns,
]


async def run(function: Any, *arguments: Any) -> Any:
    """Await a call, on whatever loop this runs. Any: of anything."""
    return await function(*arguments)


def state() -> tuple[str | None, str, str]:
    """What Django keeps in a ``Local`` of asgiref."""
    return translation.get_language(), timezone.get_current_timezone_name(), get_script_prefix()


def activate(language: str, zone: str, prefix: str) -> None:
    """Set all three."""
    translation.activate(language)
    timezone.activate(zone)
    set_script_prefix(prefix)


async def add_book(title: str) -> Book:
    """A new book."""
    return await Book.objects.acreate(title=title)


def entries() -> list[str]:
    """The journal."""
    return list(Entry.objects.order_by("pk").values_list("text", flat=True))


@contextmanager
def opened_connections() -> Generator[list[tuple[threading.Thread, Any]]]:
    """The connections to the database that are opened meanwhile, with their threads."""
    opened: list[tuple[threading.Thread, Any]] = []

    def note(connection: Any, **_: object) -> None:  # Any: a backend's
        opened.append((threading.current_thread(), connection))

    connection_created.connect(note)
    try:
        yield opened
    finally:
        connection_created.disconnect(note)


def wsgi_post(site: Any, address: str, reader: str) -> str:
    """One request through a WSGI application; its status line. Any: Django's handler."""
    environ = RequestFactory().post(address, {"reader": reader}).environ
    statuses: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]]) -> None:
        statuses.append(status)

    response = site(environ, start_response)
    list(response)
    response.close()
    return statuses[0]
