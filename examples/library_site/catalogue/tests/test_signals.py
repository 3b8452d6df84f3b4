"""Signals whose receivers are of both colours."""

from __future__ import annotations

import asyncio

from django.db import connection, transaction
from django.test import TransactionTestCase

from catalogue import lending
from catalogue.models import Book, Entry, Loan
from library_site.bridge import sync_to_async


class Journal(TransactionTestCase):
    """The receiver of ``post_save`` writes, that of ``loan_made`` reads."""

    def test_the_journal_is_in_the_transaction_of_the_loan(self) -> None:
        """A loan that is rolled back leaves no entry, whichever colour made it."""
        book = Book.objects.create(title="Dune", copies=0)
        with self.assertRaises(lending.NoCopyLeft):
            lending.lend(book.pk, "ann")
        connection.close()
        with self.assertRaises(lending.NoCopyLeft):
            asyncio.run(lend_from_async(book.pk))
        self.assertEqual((0, 0), (Loan.objects.count(), Entry.objects.count()))

    def test_receivers_hear_of_a_loan_after_the_commit(self) -> None:
        """An async receiver is not inside the transaction, and sees what it wrote."""
        book = Book.objects.create(title="Dune", copies=2)
        heard: list[tuple[bool, int]] = []

        async def receiver(**_: object) -> None:
            heard.append(await sync_to_async(look)())

        def look() -> tuple[bool, int]:
            return transaction.get_connection().in_atomic_block, Loan.objects.count()

        lending.loan_made.connect(receiver)
        self.addCleanup(lending.loan_made.disconnect, receiver)
        lending.lend(book.pk, "ann")
        asyncio.run(lend_from_async(book.pk))
        self.assertEqual([(False, 1), (False, 2)], heard)


async def lend_from_async(book_id: int) -> Loan:
    """Lend a book from a loop of ``asyncio.run``."""
    return await sync_to_async(lending.lend)(book_id, "ann")
