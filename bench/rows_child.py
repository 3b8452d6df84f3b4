"""Rows whose samples come from other processes: memory, cold starts, imports, Django."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import IO, Final

from bench import peers
from bench.model import ASGIREF, BAREST, OURS, Aim, Entry, Row, Sample
from bench.rows_to_thread import calls_of
from bench.timing import CLOCK_VARIABLE, identity

ROOT: Final = Path(__file__).resolve().parent.parent
PENDING: Final = (1, 10, 100, 1000, 10_000)
# The peers.
IMPORTS: Final = {
    "asyncio": "asyncio",
    "anyio": "anyio",
    "starlette": "starlette.concurrency",
    "asgiref": "asgiref.sync",
}


class Child:
    """A process of bench.child that answers one number of calls with one figure."""

    def __init__(
        self, command: list[str], variables: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            # A pool as large as the barrier of the cold rows, for both bridges.
            env={**os.environ, "ASGI_THREADS": "32", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def _pipe(stream: IO[str] | None) -> IO[str]:
        assert stream is not None  # Popen was asked for all three
        return stream

    def ask(self, calls: int) -> float:
        try:
            print(calls, file=self._pipe(self._process.stdin), flush=True)
        except BrokenPipeError:
            answer = ""
        else:
            answer = self._pipe(self._process.stdout).readline()
        if not answer:
            report = self._pipe(self._process.stderr).read().strip()
            raise RuntimeError(report.rpartition("\n")[2] or "the child process ended")
        return float(answer)

    def end(self) -> None:
        """Close its input, which ends it; one that hangs is killed."""
        self._pipe(self._process.stdin).close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdout).close()
        self._pipe(self._process.stderr).close()


@contextmanager
def kept(command: list[str]) -> Iterator[Sample]:
    """One process for all rounds."""
    child = Child(command)
    try:
        yield child.ask
    finally:
        child.end()


@contextmanager
def fresh(command: list[str]) -> Iterator[Sample]:
    """A new process for every sample."""

    def sample(calls: int) -> float:
        child = Child(command)
        try:
            return child.ask(calls)
        finally:
            child.end()

    yield sample


@contextmanager
def importing(module: str) -> Iterator[Sample]:
    """A new process for every sample, all with one place for compiled modules.

    The sample that does not count fills it: installed packages come compiled, a source tree may
    not, and some environments forbid writing beside the source.
    """
    with TemporaryDirectory() as cache:
        variables = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}

        def sample(calls: int) -> float:
            child = Child(import_code(module), variables)
            try:
                return child.ask(calls)
            finally:
                child.end()

        yield sample


def command(task: str, contestant: str) -> list[str]:
    return ["-m", "bench.child", task, contestant]


def import_code(module: str) -> list[str]:
    """The least around an import: bench.child has already imported half of asyncio."""
    code = f"""\
import os, sys, time
clock = time.process_time if os.environ.get({CLOCK_VARIABLE!r}) == "cpu" else time.perf_counter
sys.stdin.readline()
start = clock()
import {module}
print((clock() - start) * 1e3)
"""
    return ["-c", code]


def thread_entries(task: str) -> dict[str, Entry]:
    return {
        name: partial(fresh, command(task, name)) for name in calls_of(identity, sensitive=True)
    }


def memory_rows() -> list[Row]:
    """Memory of calls that wait, as Python's allocator counts it and as the system does."""
    made = [
        Row(
            name=f"memory-{size}",
            title=f"Memory of one pending call, {size:,} pending",
            group="memory",
            entries=thread_entries("memory"),
            unit="B",
            calls=size,
            fixed=True,
            aim=Aim(0.5, against=ASGIREF) if size == PENDING[-1] else None,
            x=size,
        )
        for size in PENDING
    ]
    if Path("/proc/self/statm").exists():
        made.append(
            Row(
                name="resident",
                title=f"Memory of one pending call, {PENDING[-1]:,} pending, resident",
                group="memory",
                entries=thread_entries("memory-resident"),
                unit="B",
                calls=PENDING[-1],
                fixed=True,
            )
        )
    return made


def cold_rows() -> list[Row]:
    """What a call costs that finds no idle thread or loop."""
    loops = ["asyncio.run", *peers.bridges()]
    return [
        Row(
            name="cold-workers",
            title="32 calls at once in a fresh process: time for each to be running",
            group="cold",
            entries={
                name: entry
                for name, entry in thread_entries("cold-workers").items()
                # One thread cannot run two; anyio and starlette have pools of another size.
                if name not in {BAREST, "anyio", "starlette"}
            },
            base="asyncio",
            calls=1,
            fixed=True,
        ),
        Row(
            name="cold-loops",
            title="async_to_sync from 32 threads at once, no loop idle: time for each to be running",
            group="cold",
            entries={name: partial(fresh, command("cold-loops", name)) for name in loops},
            base="asyncio.run",
            calls=1,
            fixed=True,
        ),
    ]


def import_rows() -> list[Row]:
    """The bridges themselves, and what `import typedbridge` alone loads."""
    return [
        Row(
            name=name,
            title=title,
            group="import",
            entries={
                contestant: partial(importing, module)
                for contestant, module in {**IMPORTS, OURS: ours}.items()
                if peers.installed(module)
            },
            unit="ms",
            calls=1,
            fixed=True,
            base="asyncio",
            aim=Aim(1.0, against=ASGIREF),
        )
        for name, title, ours in (
            ("import", "Import of the bridges in a fresh process", f"{OURS}.sync"),
            (
                "import-package",
                "`import typedbridge` in a fresh process; its names come later",
                OURS,
            ),
        )
    ]


def django_rows() -> list[Row]:
    """A request through Django's ASGI handler, with each bridge under it."""
    if not peers.installed("django"):
        return []
    return [
        Row(
            name=f"django-{view}",
            title=f"Django, one ASGI request: {words}",
            group="Django",
            entries={
                name: partial(kept, command(f"django-{view}", name)) for name in peers.bridges()
            },
            calls=200,
            base=ASGIREF,
            # One and a half times the requests each second.
            aim=Aim(round(1 / 1.5, 3), against=ASGIREF),
        )
        for view, words in (
            ("sync", "sync view"),
            ("async", "async view"),
            ("mixed", "async view behind sync middleware"),
        )
    ]
