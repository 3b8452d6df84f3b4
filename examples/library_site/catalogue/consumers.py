"""WebSockets, of both colours."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer

from catalogue import lending
from catalogue.models import Entry
from catalogue.receivers import NEWS
from library_site.bridge import async_to_sync, sync_to_async


class News(AsyncJsonWebsocketConsumer):
    """Sends each new loan to whoever listens; answers questions about the journal. Async."""

    async def connect(self) -> None:
        """Join the group."""
        await self.channel_layer.group_add(NEWS, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(NEWS, self.channel_name)

    # Any: what a client sent, and what the channel layer brings, is any JSON.
    async def receive_json(self, content: Any, **_kwargs: Any) -> None:
        """Answer with the last lines of the journal."""
        await self.send_json({"journal": await sync_to_async(journal)(int(content["last"]))})

    async def news_item(self, event: dict[str, Any]) -> None:
        """Pass on what the receiver of the signal sent."""
        await self.send_json({"title": event["title"], "reader": event["reader"]})


class Desk(JsonWebsocketConsumer):
    """The lending desk. Sync: channels runs it in a thread through its own bridge."""

    def receive_json(self, content: Any, **_kwargs: Any) -> None:  # Any: as above
        """Lend a book, say what is left, and tell the group through the channel layer."""
        loan = lending.lend(content["book"], content["reader"])
        left = async_to_sync(lending.copies_left)(loan.book)
        self.send_json({"loan": loan.pk, "left": left})


def journal(last: int) -> list[str]:
    """The last lines of the journal, oldest first."""
    return list(Entry.objects.order_by("-pk").values_list("text", flat=True)[:last])[::-1]
