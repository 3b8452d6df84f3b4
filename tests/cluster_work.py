"""What the workers of a Dask cluster run in test_cluster.py: they import it by name."""

from __future__ import annotations

import os
from pathlib import Path

from typedbridge import sync_to_async


@sync_to_async
def decorated(number: int) -> tuple[int, int]:
    """Return twice a number, and the process."""
    return number * 2, os.getpid()


def count(path: str) -> int:
    """Note a run in a file, and return how many there have been."""
    with Path(path).open("a") as file:
        file.write(".")
    return len(Path(path).read_text())


def die_once(path: str) -> int:
    """End the worker in mid-call; another one runs the call to its end."""
    if count(path) == 1:
        os._exit(1)
    return os.getpid()


def fail() -> None:
    """Fail on the worker."""
    raise LookupError("on the worker")
