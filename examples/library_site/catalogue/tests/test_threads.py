"""Which thread runs what, and so which connection to the database: the table of docs/django.md."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from io import StringIO
from typing import NamedTuple

import asgiref.sync
from django.core.asgi import get_asgi_application
from django.core.management import BaseCommand, call_command
from django.db import connection, connections
from django.http import HttpResponse, JsonResponse
from django.http.request import HttpRequest
from django.test import (
    AsyncClient,
    Client,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    modify_settings,
    override_settings,
)
from django.urls import path
from django.utils.decorators import async_only_middleware

from catalogue.models import Book
from catalogue.tests.asgi import get
from library_site.bridge import WAY, ThreadSensitiveContext, async_to_sync, sync_to_async

LIMIT = 20
"""Seconds to wait for a thread."""


class Place(NamedTuple):
    """Where code runs.

    :param thread: by its identity, which is not given again while the thread lives.
    :param connection: Django's object for the default database, one for each thread.
    """

    thread: int
    connection: int


def place() -> Place:
    """Where this code runs; Django makes a thread's connection object when it is asked for."""
    return Place(threading.get_ident(), id(connections["default"]))


async def hops() -> list[Place]:
    """Where the sensitive calls of async code run: the site's, Django's own, and one in a task."""
    return [
        await sync_to_async(place)(),
        await asgiref.sync.sync_to_async(place)(),
        await asyncio.create_task(sync_to_async(place)()),
        (await asyncio.gather(sync_to_async(place)()))[0],
    ]


async def async_view(_request: HttpRequest) -> HttpResponse:
    """All hops of a request, and its own thread."""
    places = {*await hops(), *await sync_to_async(async_to_sync(hops))()}
    return JsonResponse({"places": len(places), "loop": threading.get_ident() in dict(places)})


def sync_view(_request: HttpRequest) -> HttpResponse:
    """The view's own place, and the hops of async code in it."""
    here = place()
    return JsonResponse({"places": len({here, *async_to_sync(hops)()})})


trail: ContextVar[str] = ContextVar("trail", default="")


@async_only_middleware
def around(get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> object:
    """Note what context variables come back from the view."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        trail.set("middleware")
        response = await get_response(request)
        response["X-Trail"] = trail.get()
        return response

    return middleware


def leave_trail(_request: HttpRequest) -> HttpResponse:
    """Sync: set the variable."""
    trail.set(f"{trail.get()}, sync view")
    return HttpResponse()


async def leave_trail_async(_request: HttpRequest) -> HttpResponse:
    """Async, and in it a sync function that sets the variable."""
    await sync_to_async(lambda: trail.set(f"{trail.get()}, sync function"))()
    return HttpResponse()


urlpatterns = [
    path("trail/", leave_trail),
    path("trail-async/", leave_trail_async),
    path("async/", async_view),
    path("sync/", sync_view),
]


@override_settings(ROOT_URLCONF=__name__)
class UnderServers(TransactionTestCase):
    """A request has one thread for all that is sensitive in it."""

    def test_asgi(self) -> None:
        """It is not the loop's thread, and the request's alone."""

        async def main() -> list[object]:
            site = get_asgi_application()
            return [(await get(site, address))[1] for address in ("/async/", "/sync/")]

        self.assertEqual([{"places": 1, "loop": False}, {"places": 1}], asyncio.run(main()))

    def test_wsgi(self) -> None:
        """It is the thread in which the server calls Django."""
        client = Client()
        self.assertEqual({"places": 1}, client.get("/sync/").json())
        self.assertEqual({"places": 1, "loop": False}, client.get("/async/").json())

    @modify_settings(MIDDLEWARE={"prepend": f"{__name__}.around"})
    def test_context_variables_come_back_to_the_middleware(self) -> None:
        """From a sync view, and from a sync function in an async view, under WSGI as under ASGI."""
        expected = ["middleware, sync view", "middleware, sync function"]
        addresses = ("/trail/", "/trail-async/")
        client = Client()
        self.assertEqual(expected, [client.get(address)["X-Trail"] for address in addresses])

        async def main() -> list[str]:
            client = AsyncClient()
            return [(await client.get(address))["X-Trail"] for address in addresses]

        self.assertEqual(expected, asyncio.run(main()))


class InPrograms(TransactionTestCase):
    """What has no request."""

    def test_a_sync_program_keeps_its_thread(self) -> None:
        """A management command, a Celery task, a script: where it calls ``async_to_sync``."""
        self.assertEqual({place()}, set(async_to_sync(hops)()))

    def test_a_thread_of_its_own_keeps_its_own_connection(self) -> None:
        """Threads that the program starts do not share the sensitive calls of their async code."""
        seen: list[set[Place]] = []
        both = threading.Barrier(2)

        def work() -> None:
            seen.append({place(), *async_to_sync(hops)()})
            both.wait(LIMIT)  # as long as both live, nothing of one is used again by the other
            connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([1, 1], [len(places) for places in seen])
        self.assertEqual(3, len({place()}.union(*seen)))

    def test_an_async_program_has_one_thread_for_them(self) -> None:
        """``asyncio.run``: one thread for the whole process, the same for every such loop."""
        first, second = asyncio.run(hops()), asyncio.run(hops())
        self.assertEqual(1, len({*first, *second}))
        self.assertNotEqual(place(), first[0])

    def test_a_context_gives_an_async_program_a_thread_for_a_while(self) -> None:
        """What a request has under ASGI, for a job of one's own."""

        async def main() -> list[set[Place]]:
            async with ThreadSensitiveContext():
                inside = set(await hops())
            return [inside, set(await hops())]

        inside, outside = asyncio.run(main())
        self.assertEqual((1, 1, set()), (len(inside), len(outside), inside & outside))

    def test_workers_have_connections_of_their_own(self) -> None:
        """``thread_sensitive=False`` is not for the database."""

        async def main() -> tuple[Place, Place]:
            worker = sync_to_async(place, thread_sensitive=False)
            return await worker(), await sync_to_async(place)()

        worker, sensitive = async_to_sync(main)()
        self.assertEqual(place(), sensitive)
        self.assertNotEqual(place().thread, worker.thread)
        self.assertNotEqual(place().connection, worker.connection)


class TheSwitch(SimpleTestCase):
    """What ``LIBRARY_SITE_BRIDGE`` says is so, or the other tests show nothing."""

    def test_the_bridges_are_those_of_the_way(self) -> None:
        """Django's and the site's own."""
        bridges = (asgiref.sync.sync_to_async(place), sync_to_async(place))
        used = [type(bridge).__module__.partition(".")[0] for bridge in bridges]
        expected = {
            "asgiref": ["asgiref", "asgiref"],
            "beside": ["asgiref", "typedbridge"],
            "instead": ["typedbridge", "typedbridge"],
        }
        self.assertEqual(expected[WAY], used)


class InATest(TestCase):
    """A test has one thread, and a transaction that others do not see into."""

    async def test_an_async_test_is_called_like_any_async_code(self) -> None:
        """Its sensitive calls run in the thread of ``setUpTestData`` and of its transaction."""
        self.assertEqual({threading.main_thread().ident}, {thread for thread, _ in await hops()})
        self.assertTrue(await sync_to_async(lambda: connection.in_atomic_block)())

    def test_workers_do_not_see_the_rows_of_a_test(self) -> None:
        """Nor do threads: for them there is ``TransactionTestCase``."""
        Book.objects.create(title="Dune")

        def count() -> int:
            try:
                return Book.objects.count()
            finally:
                connections.close_all()

        count_in_worker = sync_to_async(count, thread_sensitive=False)
        self.assertEqual((1, 0), (Book.objects.count(), asyncio.run(count_in_worker())))

    def test_a_command_called_in_a_test(self) -> None:
        """A command's async code is in the test's transaction."""
        seen: list[Place] = []

        class Command(BaseCommand):
            def handle(self, *_args: object, **_options: object) -> None:
                seen.extend(async_to_sync(hops)())

        call_command(Command(stdout=StringIO()))
        self.assertEqual({place()}, set(seen))
