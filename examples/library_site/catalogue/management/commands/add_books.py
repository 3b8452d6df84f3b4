"""``manage.py add_books``: titles from files, read at the same time, written in one transaction."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalogue.models import Book
from library_site.bridge import async_to_sync, sync_to_async

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


@sync_to_async(thread_sensitive=False)
def read_titles(path: Path) -> list[str]:
    """The lines of a file, in a worker."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


async def add(paths: list[Path], copies: int) -> int:
    """Read all files at once and add what is new; the ORM's calls run in the command's thread.

    :param copies: that the library has of each new book.
    :returns: how many books were added.
    """
    added = 0
    for titles in await asyncio.gather(*map(read_titles, paths)):
        for title in titles:
            _, new = await Book.objects.aget_or_create(title=title, defaults={"copies": copies})
            added += new
    return added


class Command(BaseCommand):
    """Add books by their titles, one a line; all of them or none."""

    help = "Add the titles in files, one a line: all of them or none."

    def add_arguments(self, parser: CommandParser) -> None:
        """The files, and how many copies there are."""
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--copies", type=int, default=1)

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        """Run :func:`add` in a transaction of this thread."""
        try:
            with transaction.atomic():
                added = async_to_sync(add)(options["files"], options["copies"])
        except OSError as error:
            raise CommandError(f"nothing was added: {error}") from error
        self.stdout.write(f"{added} books added")
