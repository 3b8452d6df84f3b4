"""Books, loans, and a journal of what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

# The annotations are for pyright; mypy with django-stubs' plugin would do without.


class Book(models.Model):
    """A title, of which the library has some copies."""

    title: models.CharField[str, str] = models.CharField(max_length=200, unique=True)
    copies: models.PositiveIntegerField[int, int] = models.PositiveIntegerField(default=1)
    loans: RelatedManager[Loan]
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """By title, for lists."""

        ordering = ("title",)

    def __str__(self) -> str:
        return self.title


class Loan(models.Model):
    """One copy of a book, in the hands of a reader."""

    book: models.ForeignKey[Book, Book] = models.ForeignKey(
        Book, on_delete=models.CASCADE, related_name="loans"
    )
    reader: models.CharField[str, str] = models.CharField(max_length=100)
    returned: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.book} for {self.reader}"


class Entry(models.Model):
    """A line of the journal, written by a receiver of a signal."""

    text: models.CharField[str, str] = models.CharField(max_length=300)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return self.text
