"""What the mypy plugin costs: processor time of a cold mypy run with and without it.

The corpus is generated: so many decorated functions and methods, generic, overloaded and plain
ones, and twice as many calls of them. In the corpus "usual" they stand in ordinary code, about
thirty lines for each; in "dense" there is nothing else, one decorated function in ten lines, which
is as bad as it gets. A real package is checked as well. Each run has an empty cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.model import OURS, Entry, Sample
from typecheck_tests import large

ROOT: Final = Path(__file__).resolve().parent.parent

# Functions and methods in one module of the corpus, in the order of TEMPLATE.
PER_MODULE = 10

TEMPLATE = """
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar, overload

from typedbridge import async_to_sync, sync_to_async

T = TypeVar("T")


@sync_to_async
def load_{n}(key: str, *, default: bytes = b"") -> bytes:
    return default


@sync_to_async(thread_sensitive=False)
def first_{n}(items: Iterable[T], default: T) -> T:
    return next(iter(items), default)


@async_to_sync
async def fetch_{n}(key: str, retries: int = 3) -> dict[str, int]:
    return {{key: retries}}


@overload
def parse_{n}(text: str) -> int: ...
@overload
def parse_{n}(text: bytes) -> float: ...
def parse_{n}(text: str | bytes) -> int | float:
    return len(text)


aparse_{n} = sync_to_async(parse_{n})


class Store_{n}(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value

    @sync_to_async
    def get(self, key: str) -> T:
        return self.value

    @sync_to_async
    def put(self, key: str, value: T) -> Self:
        return self

    @classmethod
    @sync_to_async
    def open(cls, value: T) -> Store_{n}[T]:
        return cls(value)

    @staticmethod
    @sync_to_async
    def path(key: str) -> list[str]:
        return [key]

    @async_to_sync
    async def flush(self) -> int:
        return 0

    @sync_to_async
    def keys(self) -> list[str]:
        return []


async def caller_{n}(store: Store_{n}[int]) -> None:
    one: bytes = await load_{n}("a")
    two: bytes = await load_{n}("a", default=one)
    three: int = await first_{n}([1, 2], 3)
    four: str = await first_{n}(["a"], "b")
    five: int = await aparse_{n}("1")
    six: float = await aparse_{n}(two)
    seven: int = await store.get("a")
    eight: Store_{n}[int] = await store.put("a", three + five + seven)
    nine: int = await eight.get(four)
    ten: Store_{n}[int] = await Store_{n}.open(nine)
    eleven: list[str] = await ten.path("a")
    twelve: list[str] = await ten.keys()
    thirteen: list[str] = await Store_{n}.path(eleven[0] + twelve[0])
    fourteen: float = await aparse_{n}(b"2") + six
    assert thirteen and fourteen


def sync_caller_{n}(store: Store_{n}[str]) -> None:
    one: dict[str, int] = fetch_{n}("a")
    two: dict[str, int] = fetch_{n}("b", retries=one["a"])
    three: int = store.flush()
    four: int = Store_{n}("a").flush()
    five: int = async_to_sync(store.get)("a").count("a")
    assert two and three and four and five
"""

# Ordinary typed code, without a bridge. Five times this for each TEMPLATE is the usual corpus.
ORDINARY = """

@dataclass(frozen=True)
class Entry_{n}:
    name: str
    size: int
    tags: tuple[str, ...] = ()
    parent: Entry_{n} | None = None

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else self.parent.depth + 1

    def path(self, separator: str = "/") -> str:
        parts = [self.name]
        entry = self.parent
        while entry is not None:
            parts.append(entry.name)
            entry = entry.parent
        return separator.join(reversed(parts))


def total_{n}(entries: Sequence[Entry_{n}], *, tag: str | None = None) -> int:
    chosen = [entry for entry in entries if tag is None or tag in entry.tags]
    if not chosen:
        raise ValueError(f"nothing has the tag {{tag!r}}")
    return sum(entry.size for entry in chosen)


def by_tag_{n}(entries: Iterable[Entry_{n}]) -> dict[str, list[Entry_{n}]]:
    found: dict[str, list[Entry_{n}]] = {{}}
    for entry in entries:
        for tag in entry.tags:
            found.setdefault(tag, []).append(entry)
    for tag, group in found.items():
        group.sort(key=lambda entry: (-entry.size, entry.name))
        print(tag, len(group), max(entry.depth for entry in group))
    return found


def report_{n}(entries: Sequence[Entry_{n}], width: int = 80) -> Iterator[str]:
    try:
        total = total_{n}(entries)
    except ValueError as error:
        yield str(error)
        return
    for tag, group in sorted(by_tag_{n}(entries).items()):
        share = sum(entry.size for entry in group) / total
        yield f"{{tag:<20}} {{share:>8.1%}}"[:width]
        for index, entry in enumerate(group, start=1):
            marker = "*" if entry.parent is None else " " * entry.depth
            yield f"  {{index:>3}} {{marker}} {{entry.path()}} {{entry.size:,}}"[:width]
"""

ORDINARY_PER_MODULE = {"usual": 5, "dense": 0}


def write_corpus(directory: Path, size: int, kind: str) -> None:
    """Write `size` decorated functions and methods, and their callers."""
    package = directory / "corpus"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for number in range(size // PER_MODULE):
        ordinary = [
            ORDINARY.format(n=f"{number}_{part}") for part in range(ORDINARY_PER_MODULE[kind])
        ]
        source = TEMPLATE.format(n=number) + "".join(ordinary)
        (package / f"module_{number}.py").write_text(source)


@contextmanager
def checking(kind: str, plugins: str) -> Iterator[Sample]:
    """A cold run over a corpus of as many decorated functions as calls are asked for."""
    with TemporaryDirectory() as name:

        def sample(calls: int) -> float:
            directory = Path(name, str(calls))
            if not directory.exists():
                write_corpus(directory, calls, kind)
            done = large.run(directory, [ROOT], f"[mypy]\nstrict = true\nplugins = {plugins}\n")
            # Without the plugin, mypy finds errors where there are none: that is what it is for.
            if plugins and done.errors:
                raise RuntimeError("mypy found errors in the corpus", *done.errors[:5])
            return done.seconds

        yield sample


@contextmanager
def checking_package(name: str, plugins: str) -> Iterator[Sample]:
    """Cold runs over an installed package that uses asgiref, with typedbridge in its place."""
    with TemporaryDirectory() as folder:
        source, substitute = Path(folder, "source"), Path(folder, "substitute")
        large.place(name, source)
        large.write_substitute(substitute)
        settings = large.SETTINGS.format(plugins=plugins)
        yield lambda _: large.run(source, [substitute, ROOT], settings).seconds


def corpus(kind: str) -> dict[str, Entry]:
    return with_and_without(partial(checking, kind))


def package(name: str) -> dict[str, Entry]:
    return with_and_without(partial(checking_package, name))


def with_and_without(check: Callable[[str], AbstractContextManager[Sample]]) -> dict[str, Entry]:
    """mypy alone, and with the plugin."""
    return {"mypy": partial(check, ""), OURS: partial(check, f"{OURS}.mypy_plugin")}
