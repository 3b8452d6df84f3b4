"""The application's WebSockets."""

from __future__ import annotations

from typing import Any, Final, cast

from django.urls import path

from catalogue.consumers import Desk, News


# Any: channels routes with Django's patterns to what is no view, which no stub allows.
def socket(route: str, application: Any) -> Any:
    """An address with an ASGI application behind it."""
    return cast("Any", path)(route, application)


websocket_urlpatterns: Final[list[Any]] = [
    socket("news/", News.as_asgi()),
    socket("desk/", Desk.as_asgi()),
]
