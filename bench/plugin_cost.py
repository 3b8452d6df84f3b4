"""What the mypy plugin costs: processor time of a cold mypy run with and without it.

    python bench/plugin_cost.py --size 5000 10000 --rounds 3

The corpus is generated: for each size that many decorated functions and methods, generic,
overloaded and plain ones, and twice as many calls of them. In the corpus "usual" they stand in
ordinary code, about thirty lines for each; in "dense" there is nothing else, one decorated function
in ten lines, which is as bad as it gets. Each run has an empty cache. Runs with and without the
plugin alternate, and the table has the least of each: what is above it is other processes' doing.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

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


def write_corpus(directory: Path, size: int, kind: str = "dense") -> None:
    """Write `size` decorated functions and methods, and their callers."""
    package = directory / "corpus"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for number in range(size // PER_MODULE):
        ordinary = [
            ORDINARY.format(n=f"{number}_{part}") for part in range(ORDINARY_PER_MODULE[kind])
        ]
        source = TEMPLATE.format(n=number) + "".join(ordinary)
        (package / f"module_{number}.py").write_text(source)


def processor_seconds(directory: Path, *, plugin: bool) -> float:
    """Check the corpus with an empty cache; return the user and system time of the run."""
    plugins = "plugins = typedbridge.mypy_plugin" if plugin else ""
    (directory / "mypy.ini").write_text(f"[mypy]\nstrict = true\n{plugins}\n")
    command = [sys.executable, "-m", "mypy", "--cache-dir", os.devnull, "corpus"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0 and plugin:
        # Without the plugin, mypy finds errors where there are none: that is what it is for.
        sys.exit(f"mypy found errors in the corpus:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Measure, and print one line for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, nargs="+", default=[5000, 10000])
    parser.add_argument(
        "--kind", nargs="+", choices=ORDINARY_PER_MODULE, default=["usual", "dense"]
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(
        f"{'corpus':<8}{'decorated':>10}{'without, s':>12}{'with, s':>10}{'more':>8}{'us each':>10}"
    )
    for kind in options.kind:
        for size in options.size:
            without, with_plugin = measured(kind, size, options.rounds)
            more = with_plugin - without
            print(
                f"{kind:<8}{size:>10}{without:>12.2f}{with_plugin:>10.2f}{more / without:>8.1%}"
                f"{more / size * 1e6:>10.0f}",
                flush=True,
            )


def measured(kind: str, size: int, rounds: int) -> tuple[float, float]:
    """Return the processor seconds without and with the plugin: the least of all rounds."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_corpus(directory, size, kind)
        runs = [
            [processor_seconds(directory, plugin=plugin) for plugin in (False, True)]
            for _ in range(rounds)
        ]
    return min(run[0] for run in runs), min(run[1] for run in runs)


if __name__ == "__main__":
    main()
