"""Finding and parsing source files: blocking work without shared state, so any thread will do."""

from __future__ import annotations

import ast
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from examples.code_index.model import Definition, Kind, Skipped, SourceFile
from typedbridge import sync_to_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.code_index.events import Events

in_pool = sync_to_async(thread_sensitive=False)


@in_pool
def find_sources(root: Path) -> tuple[list[Path], list[Skipped]]:
    """Look for Python files, in hidden and ``site-packages`` directories excepted.

    :param root: a directory, or one file.
    :returns: the files, sorted, and the directories that could not be read.
    :raises FileNotFoundError: ``root`` is not there.
    """
    if not root.exists():
        raise FileNotFoundError(f"no such file or directory: {root}")
    if root.is_file():
        return [root], []
    paths: list[Path] = []
    unreadable: list[Skipped] = []

    def note(error: OSError) -> None:
        unreadable.append(Skipped(str(error.filename), error.strerror or str(error)))

    for directory, subdirectories, names in os.walk(root, onerror=note):
        subdirectories[:] = [
            name for name in subdirectories if name[0] != "." and name != "site-packages"
        ]
        paths += [Path(directory, name) for name in names if name.endswith(".py")]
    return sorted(paths), unreadable


@in_pool
def parse(path: Path, events: Events) -> SourceFile | None:
    """Parse one file. One that cannot be read or parsed is reported and gives ``None``.

    :param path: the file.
    :param events: where a skipped file is reported: an async API, called from a worker thread.
    """
    started = time.thread_time()
    try:
        source = path.read_bytes()
        # Bytes, so that the file's own encoding declaration counts.
        definitions = tuple(_definitions(ast.parse(source, str(path)), str(path)))
    except OSError as error:
        events.publish_from_thread(Skipped(str(path), error.strerror or str(error)))
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        events.publish_from_thread(Skipped(str(path), f"{where}{error.msg}"))
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; too deeply nested
        events.publish_from_thread(Skipped(str(path), str(error) or type(error).__name__))
    else:
        seconds = time.thread_time() - started
        return SourceFile(str(path), len(source.splitlines()), seconds, definitions)
    return None


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
