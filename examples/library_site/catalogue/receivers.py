"""Receivers of signals, of both colours. Django calls each through its own bridge where it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.layers import get_channel_layer
from django.db.models.signals import post_save
from django.dispatch import receiver

from catalogue.lending import loan_made
from catalogue.models import Entry, Loan
from library_site.bridge import sync_to_async

if TYPE_CHECKING:
    pass

NEWS = "news"
"""The group of those who follow the news over a WebSocket."""


@receiver(post_save, sender=Loan)
def write_journal(instance: Loan, created: bool, **_: object) -> None:  # noqa: FBT001 - Django's
    """Sync: an entry in the same transaction as the loan."""
    what = "lent to" if created else "back from"
    Entry.objects.create(text=f"{instance.book.title} {what} {instance.reader}")


@receiver(loan_made)
async def spread_the_news(loan: Loan, **_: object) -> None:
    """Async: a message to all who listen. It reads the database through the site's bridge."""
    left = await sync_to_async(count_loans)(loan.reader)
    layer = get_channel_layer()
    assert layer is not None  # noqa: S101 - settings name one
    await layer.group_send(
        NEWS, {"type": "news.item", "title": loan.book.title, "reader": loan.reader, "has": left}
    )


def count_loans(reader: str) -> int:
    """How many books a reader has."""
    return Loan.objects.filter(reader=reader, returned=False).count()
