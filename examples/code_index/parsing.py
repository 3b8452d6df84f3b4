"""Finding and parsing source files: blocking work without shared state, so any thread will do."""

from __future__ import annotations

import ast
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from examples.code_index.model import Definition, Kind, Skipped, SourceFile
from typedbridge import sync_to_async, sync_to_async_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from examples.code_index.events import Events


# Far ahead of the parsers: a path is small, and the progress bar wants to know how many there are.
@sync_to_async_generator(prefetch=1000, thread_sensitive=False)
def find_sources(root: Path, events: Events) -> Iterator[Path]:
    """Look for Python files, in hidden and ``site-packages`` directories excepted.

    :param root: a directory, or one file.
    :param events: where a directory that cannot be read is reported: an async API, called from the thread
        that walks.
    """

    def report(error: OSError) -> None:
        reason = error.strerror or str(error)
        events.publish_from_thread(Skipped(str(error.filename), reason))

    yield from _walk(root, report)


@sync_to_async(thread_sensitive=False)
def has_sources(root: Path) -> bool:
    """Tell whether there is a Python file.

    :raises FileNotFoundError: ``root`` is not there.
    """
    if not root.exists():
        raise FileNotFoundError(f"no such file or directory: {root}")
    return next(_walk(root), None) is not None


def _walk(root: Path, report: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    if root.is_file():
        yield root
    for directory, subdirectories, names in os.walk(root, onerror=report):
        subdirectories[:] = sorted(
            name for name in subdirectories if name[0] != "." and name != "site-packages"
        )
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(".py"))


def parse(path: Path) -> SourceFile | Skipped:
    """Parse one file. Where it runs is the pipeline's choice: it may be another process."""
    started = time.thread_time()
    try:
        source = path.read_bytes()
        # Bytes, so that the file's own encoding declaration counts.
        definitions = tuple(_definitions(ast.parse(source, str(path)), str(path)))
    except OSError as error:
        return Skipped(str(path), error.strerror or str(error))
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        return Skipped(str(path), f"{where}{error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; too deeply nested
        return Skipped(str(path), str(error) or type(error).__name__)
    seconds = time.thread_time() - started
    return SourceFile(str(path), len(source.splitlines()), seconds, definitions)


def _definitions(module: ast.Module, path: str) -> Iterator[Definition]:
    """All functions and classes, nested ones included. No recursion: expressions nest deeply."""
    pending: list[tuple[ast.AST, str]] = [(module, "")]
    while pending:
        node, scope = pending.pop()
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.FunctionDef(name=name):
                    kind = Kind.FUNCTION
                case ast.AsyncFunctionDef(name=name):
                    kind = Kind.COROUTINE
                case ast.ClassDef(name=name):
                    kind = Kind.CLASS
                case _:
                    pending.append((child, scope))
                    continue
            yield Definition(kind, name, f"{scope}{name}", path, child.lineno)
            pending.append((child, f"{scope}{name}."))
