"""Lending and giving back: the rules, in sync functions with transactions.

A rule that both colours need is written once, as a coroutine function with Django's async ORM;
sync code calls it through the bridge, **inside its transaction**: the queries come back to the
thread that waits, and so use that thread's connection.
"""

from __future__ import annotations

from django.db import transaction
from django.dispatch import Signal

from catalogue.models import Book, Loan
from library_site.bridge import async_to_sync

loan_made = Signal()
"""Sent with ``loan`` when a book was lent, after the commit."""


class NoCopyLeft(Exception):  # noqa: N818 - it is what happened, no fault
    """Every copy of the book is lent."""


async def copies_left(book: Book) -> int:
    """How many copies are on the shelf; negative if more were lent than there are."""
    return book.copies - await book.loans.filter(returned=False).acount()


def lend(book_id: int, reader: str) -> Loan:
    """Lend a book, or leave no trace.

    :raises Book.DoesNotExist: there is no such book.
    :raises NoCopyLeft: all copies are lent; the loan that was tried is rolled back.
    """
    with transaction.atomic():
        book = Book.objects.get(pk=book_id)
        loan = Loan.objects.create(book=book, reader=reader)
        if async_to_sync(copies_left)(book) < 0:
            raise NoCopyLeft(book.title)
        transaction.on_commit(lambda: announce(loan))
    return loan


def announce(loan: Loan) -> None:
    """Tell the receivers, sync and async ones, of a new loan."""
    loan_made.send(sender=Loan, loan=loan)


def give_back(book_id: int, reader: str) -> int:
    """Take one loan of a reader back.

    :returns: how many copies are on the shelf now.
    :raises Loan.DoesNotExist: the reader has no such book.
    """
    with transaction.atomic():
        book = Book.objects.get(pk=book_id)
        loan = book.loans.filter(reader=reader, returned=False).earliest("pk")
        loan.returned = True
        loan.save()
        return async_to_sync(copies_left)(book)
