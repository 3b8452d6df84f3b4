"""Middleware of each colour: async, sync, and both."""

from __future__ import annotations

import itertools
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, cast

from django.utils import timezone, translation
from django.utils.decorators import async_only_middleware, sync_and_async_middleware

from library_site.bridge import iscoroutinefunction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    GetResponse = Callable[[HttpRequest], HttpResponseBase]
    AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

_numbers: Final = itertools.count(1)

number: Final[ContextVar[int]] = ContextVar("number")
"""The number of the request in hand; a context variable, so it goes wherever the request goes."""


@async_only_middleware
def request_number(get_response: AsyncGetResponse) -> AsyncGetResponse:
    """Number each request. Async only: under WSGI, Django runs it through its bridge."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        number.set(next(_numbers))
        response = await get_response(request)
        response["X-Request-Number"] = str(number.get())
        return response

    return middleware


class Language:
    """Answer in the language and the time zone that the client asks for. Sync only.

    Both are kept by Django in a ``Local`` of its bridge: views of either colour see them.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Activate both for the time of the request."""
        language = translation.get_language_from_request(request)
        zone = request.headers.get("X-Time-Zone", "UTC")
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
        response["Content-Language"] = language
        return response


@sync_and_async_middleware
def threads(get_response: GetResponse | AsyncGetResponse) -> GetResponse | AsyncGetResponse:
    """Say which thread began with the view's side of the request. Both colours."""
    if iscoroutinefunction(get_response):

        async def in_loop(request: HttpRequest) -> HttpResponseBase:
            name = threading.current_thread().name
            response = await cast("AsyncGetResponse", get_response)(request)
            response["X-Thread"] = name
            return response

        return in_loop

    def in_thread(request: HttpRequest) -> HttpResponseBase:
        name = threading.current_thread().name
        response = cast("GetResponse", get_response)(request)
        response["X-Thread"] = name
        return response

    return in_thread
