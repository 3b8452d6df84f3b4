"""Next to the plugins that strict code bases use: each answers for its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from typecheck_tests.plugin.projects import PLUGIN

if TYPE_CHECKING:
    from typecheck_tests.plugin.projects import Project

in_both_orders = pytest.mark.parametrize("ours_first", [True, False], ids=["first", "last"])


def in_order(other: str, *, ours_first: bool) -> tuple[str, str]:
    return (PLUGIN, other) if ours_first else (other, PLUGIN)


@in_both_orders
def test_django(project: Project, *, ours_first: bool) -> None:
    """A repository of bridges over Django models: querysets by one plugin, bridges by the other."""
    project.configure(
        "strict = true",
        plugins=in_order("mypy_django_plugin.main", ours_first=ours_first),
        extra="[mypy.plugins.django-stubs]\ndjango_settings_module = settings\n",
    )
    project.write("settings.py", 'INSTALLED_APPS = ["library"]\nSECRET_KEY = "none"\n')
    project.write("library/__init__.py", "")
    project.write(
        "library/models.py",
        """
        from django.db import models

        class Author(models.Model):
            name = models.CharField(max_length=100)
            born = models.DateField(null=True)

        class Book(models.Model):
            title = models.CharField(max_length=100)
            author = models.ForeignKey(Author, related_name="books", on_delete=models.CASCADE)
        """,
    )
    project.write(
        "library/repository.py",
        """
        from typing import TypeVar, final

        from django.db import models, transaction
        from django.db.models import QuerySet
        from typedbridge import async_to_sync, sync_to_async

        from library.models import Author, Book

        M = TypeVar("M", bound=models.Model)

        @sync_to_async
        def save(instance: M) -> M:
            instance.save()
            return instance

        @final
        class Books:
            @sync_to_async
            @transaction.atomic
            def of(self, author: Author) -> list[Book]:
                return list(Book.objects.filter(author=author))

            @sync_to_async
            def all(self) -> QuerySet[Book]:
                return Book.objects.all()

            @async_to_sync
            async def first(self) -> Book | None:
                return await Book.objects.afirst()

        async def main(books: Books, author: Author) -> None:
            reveal_type(await save(author))
            reveal_type(await books.of(author))
            reveal_type((await books.all()).get().author.born)
            reveal_type(await sync_to_async(Book.objects.get)(title="a"))
            reveal_type(await sync_to_async(author.books.count)())
            books.first()
            await books.of("author")
            Book.objects.filter(pages=1)
        """,
    )

    lines = project.mypy("library/repository.py").replace("builtins.", "").splitlines()

    start = "library/repository.py"
    assert lines == [
        f'{start}:33: note: Revealed type is "library.models.Author"',
        f'{start}:34: note: Revealed type is "list[library.models.Book]"',
        f'{start}:35: note: Revealed type is "datetime.date | None"',
        f'{start}:36: note: Revealed type is "library.models.Book"',
        f'{start}:37: note: Revealed type is "int"',
        (
            f'{start}:38: error: "first of Books" blocks, but is called in the async function "main": '
            "await the async function that it wraps  [bridge-blocking-call]"
        ),
        (
            f'{start}:39: error: Argument 1 to "of" of "Books" has incompatible type "str"; '
            'expected "Author"  [arg-type]'
        ),
        (
            f"{start}:40: error: Cannot resolve keyword 'pages' into field. "
            "Choices are: author, author_id, id, title  [misc]"
        ),
    ]


@in_both_orders
def test_pydantic(project: Project, *, ours_first: bool) -> None:
    """Bridges as methods and around the constructors of pydantic models."""
    project.configure(
        "strict = true",
        plugins=in_order("pydantic.mypy", ours_first=ours_first),
        extra="[pydantic-mypy]\ninit_typed = true\ninit_forbid_extra = true\n",
    )
    project.write(
        "program.py",
        """
        from typing import Self, final

        from pydantic import BaseModel, field_validator
        from typedbridge import async_to_sync, sync_to_async

        class User(BaseModel):
            name: str
            age: int = 0

            @field_validator("name")
            @classmethod
            def not_empty(cls, value: str) -> str:
                return value

            @classmethod
            @sync_to_async
            def load(cls, name: str) -> Self:
                return cls(name=name)

            @sync_to_async
            def save(self) -> Self:
                return self

            @final
            @async_to_sync
            async def refresh(self) -> Self:
                return self

        class Admin(User): ...

        async def main(admin: Admin) -> None:
            reveal_type(await Admin.load("a"))
            reveal_type(await admin.save())
            reveal_type(await sync_to_async(User)(name="a"))
            await sync_to_async(User)(name=1)
            User(name="a", old=True)
            admin.refresh()
        """,
    )

    lines = project.mypy("program.py").replace("builtins.", "").splitlines()

    assert lines == [
        'program.py:33: note: Revealed type is "program.Admin"',
        'program.py:34: note: Revealed type is "program.Admin"',
        'program.py:35: note: Revealed type is "program.User"',
        (
            'program.py:36: error: Argument "name" to "User" has incompatible type "int"; '
            'expected "str"  [arg-type]'
        ),
        'program.py:37: error: Unexpected keyword argument "old" for "User"  [call-arg]',
        (
            'program.py:38: error: "refresh of User" blocks, but is called in the async function '
            '"main": await the async function that it wraps  [bridge-blocking-call]'
        ),
    ]
