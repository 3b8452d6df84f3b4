"""Views of both colours."""

from __future__ import annotations

import csv
import difflib
import io
from typing import TYPE_CHECKING, Final

from django.db import connection
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from catalogue import lending
from catalogue.models import Book, Loan
from library_site.bridge import async_to_sync, sync_to_async
from library_site.middleware import number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from django.http import HttpRequest


SLICE: Final = 50
"""Books that are read at a time."""


async def about(_request: HttpRequest) -> HttpResponse:
    """What this is. Async, without the database."""
    return JsonResponse({"name": "The library", "language": translation.get_language()})


def books(_request: HttpRequest) -> HttpResponse:
    """All titles. Sync."""
    return JsonResponse({"books": list(Book.objects.values_list("title", flat=True))})


async def book(_request: HttpRequest, pk: int) -> HttpResponse:
    """One book. Async, with the ORM's async methods."""
    try:
        found = await Book.objects.aget(pk=pk)
    except Book.DoesNotExist as error:
        raise Http404 from error
    readers = [loan.reader async for loan in found.loans.filter(returned=False).order_by("pk")]
    left = await lending.copies_left(found)
    return JsonResponse({"title": found.title, "readers": readers, "left": left})


_copies_left: Final = async_to_sync(lending.copies_left)


def left(_request: HttpRequest, pk: int) -> HttpResponse:
    """How many copies are on the shelf. Sync, with async code in it that uses the ORM."""
    found = get_object_or_404(Book, pk=pk)
    return JsonResponse({"left": _copies_left(found)})


@csrf_exempt
@require_POST
def lend(request: HttpRequest, pk: int) -> HttpResponse:
    """Lend a book. Sync, and what it calls goes through async code inside the transaction."""
    try:
        loan = lending.lend(pk, request.POST["reader"])
    except Book.DoesNotExist as error:
        raise Http404 from error
    except lending.NoCopyLeft:
        return JsonResponse({"error": "no copy left"}, status=409)
    return JsonResponse({"loan": loan.pk}, status=201)


_give_back: Final = sync_to_async(lending.give_back)


@csrf_exempt
@require_POST
async def give_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a book back. Async, with the transaction in a sync function."""
    try:
        left = await _give_back(pk, request.POST["reader"])
    except (Book.DoesNotExist, Loan.DoesNotExist) as error:
        raise Http404 from error
    return JsonResponse({"left": left})


@sync_to_async(thread_sensitive=False)
def rank(titles: list[str], wanted: str) -> list[str]:
    """The titles most like what was asked for: work for a worker, without the database."""
    return difflib.get_close_matches(wanted, titles, n=5, cutoff=0.3)


async def search(request: HttpRequest) -> HttpResponse:
    """Find books by a title that may be misspelt. Async; the work is done in a worker."""
    titles = [title async for title in Book.objects.values_list("title", flat=True)]
    return JsonResponse({"found": await rank(titles, request.GET.get("q", ""))})


async def wishlist(request: HttpRequest) -> HttpResponse:
    """What the reader looked at in this session. Async sessions."""
    wanted = request.GET.get("add")
    wishes: list[str] = await request.session.aget("wishes", [])
    if wanted:
        wishes = [*wishes, wanted]
        await request.session.aset("wishes", wishes)
    return JsonResponse({"wishes": wishes})


def _line(found: Book) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([found.pk, found.title, found.copies])
    return text.getvalue().encode()


async def export(_request: HttpRequest) -> StreamingHttpResponse:
    """All books as CSV, read while they are sent. Async.

    In slices, and not with ``aiterator()``: a client that leaves early would leave its cursor open.
    """

    async def lines() -> AsyncIterator[bytes]:
        last = 0
        while some := [
            found async for found in Book.objects.filter(pk__gt=last).order_by("pk")[:SLICE]
        ]:
            yield b"".join(map(_line, some))
            last = some[-1].pk

    return StreamingHttpResponse(lines(), content_type="text/csv")


def export_sync(_request: HttpRequest) -> StreamingHttpResponse:
    """The same for WSGI, in a sync iterator. Under ASGI, Django reads it to its end first."""

    def lines() -> Iterator[bytes]:
        for found in Book.objects.order_by("pk").iterator(SLICE):
            yield _line(found)

    return StreamingHttpResponse(lines(), content_type="text/csv")


def _here() -> dict[str, object]:
    connection.ensure_connection()
    return {
        "language": translation.get_language(),
        "zone": timezone.get_current_timezone_name(),
        "number": number.get(),
        "connection": id(connection.connection),
    }


_here_async: Final = sync_to_async(_here)


async def here(_request: HttpRequest) -> HttpResponse:
    """What the request's own state looks like on both sides of a hop. Async."""
    return JsonResponse(
        {
            "language": translation.get_language(),
            "zone": timezone.get_current_timezone_name(),
            "number": number.get(),
            "across": await _here_async(),
        }
    )
