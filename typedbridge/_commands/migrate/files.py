"""Which files are looked at, and what is in them."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typedbridge._commands.migrate.model import Finding, Reason
from typedbridge._commands.migrate.names import NEW, OLD
from typedbridge._commands.migrate.rewrite import rewrite
from typedbridge._commands.migrate.source import NoTextError, decode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

SUFFIXES: Final = (".py", ".pyi")

SKIPPED: Final = frozenset(
    {
        *("__pycache__", "__pypackages__", "_build", "buck-out", "node_modules", "site-packages"),
        *("build", "dist", "env", "venv"),
    }
)
"""Folders that hold what others have made, beside those whose name starts with a dot."""

PARALLEL: Final = 16
"""Files to parse from which on starting other processes (0.5 s each) is worth it: one file takes about
0.3 ms a line."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may have something to change."""

    path: Path
    data: bytes


@dataclass(frozen=True, slots=True)
class Examined:
    """A file after the look at it. ``after`` is what it should be, if that is something else."""

    path: Path
    before: bytes
    after: bytes | None
    findings: Sequence[Finding]


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Find the Python files in folders. What is named itself is taken as it is; each file comes once."""
    seen: set[Path] = set()
    for path in paths:
        for file in _walk(path) if path.is_dir() else [path]:
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path) -> Iterator[Path]:
    # Links are not followed, those to files neither: they lead out of the folder, or come twice.
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if not _is_skipped(Path(entry)):
                yield from _walk(Path(entry))
        elif entry.name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
            yield Path(entry)


def _is_skipped(folder: Path) -> bool:
    if folder.name.startswith(".") or (folder / "pyvenv.cfg").exists():
        return True
    # A package of the user's may well be called build.
    return folder.name in SKIPPED and not (folder / "__init__.py").exists()


def candidates(paths: Iterable[Path]) -> Iterator[Candidate | Examined]:
    """Read files, and leave out those that name neither library: they are not even parsed."""
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            yield _unreadable(path, b"", error.strerror or str(error))
            continue
        if OLD.encode() in data or NEW.encode() in data:
            yield Candidate(path, data)


def examine(wanted: Sequence[Candidate]) -> Iterator[Examined]:
    """Parse files and say what should become of them, in their order."""
    workers = min(os.cpu_count() or 1, len(wanted) // (PARALLEL // 2))
    if workers < 2:
        yield from map(examine_one, wanted)
        return
    executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        with _ctrl_c_for_this_process_alone():
            results = executor.map(examine_one, wanted, chunksize=2)
        yield from results
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_for_this_process_alone() -> Generator[None]:
    """Have the processes that start in here ignore it: they inherit that, and this one tells them to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def examine_one(candidate: Candidate) -> Examined:
    """Parse one file and say what should become of it."""
    path, before = candidate.path, candidate.data
    try:
        source = decode(before)
    except NoTextError as error:
        return _unreadable(path, before, str(error))
    rewritten = rewrite(source.text)
    after = source.encode(rewritten.text) if rewritten.edits else None
    return Examined(path, before, after, rewritten.findings)


def _unreadable(path: Path, data: bytes, why: str) -> Examined:
    return Examined(path, data, None, [Finding(0, 0, Reason.UNREADABLE, why)])
