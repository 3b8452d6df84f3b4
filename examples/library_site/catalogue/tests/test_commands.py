"""``manage.py add_books``."""

from __future__ import annotations

import tempfile
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command
from django.test import TestCase, TransactionTestCase

from catalogue.models import Book
from library_site.bridge import sync_to_async


def files(*contents: str) -> list[str]:
    """Files with titles, in a folder that is removed when the interpreter ends."""
    folder = Path(tempfile.mkdtemp(prefix="library_site"))
    paths = [folder / f"{n}.txt" for n in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content, encoding="utf-8")
    return [str(path) for path in paths]


class AddBooks(TestCase):
    """Inside the transaction of a test."""

    def test_titles_of_all_files_are_added_once(self) -> None:
        """What is there already, or in two files, is not added again."""
        Book.objects.create(title="Dune")
        output = StringIO()
        call_command("add_books", *files("Dune\nEmma\n", "Emma\n\nMiddlemarch\n"), stdout=output)
        self.assertEqual("2 books added\n", output.getvalue())
        titles = ["Dune", "Emma", "Middlemarch"]
        self.assertEqual(titles, list(Book.objects.values_list("title", flat=True)))

    async def test_the_command_from_async_code(self) -> None:
        """An async test, a sync command, async code in it, the ORM in that: one transaction."""
        await sync_to_async(call_command)("add_books", *files("Dune\n"), stdout=StringIO())
        self.assertEqual(1, await Book.objects.acount())


class AddBooksOrNone(TransactionTestCase):
    """With the command's own transaction."""

    def test_a_file_that_cannot_be_read_adds_nothing(self) -> None:
        """All books or none."""
        with self.assertRaisesMessage(CommandError, "nothing was added"):
            call_command("add_books", *files("Dune\n"), "/nowhere/absent.txt", stdout=StringIO())
        self.assertEqual(0, Book.objects.count())
