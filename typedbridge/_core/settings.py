"""What the environment sets, read when the library is imported."""

from __future__ import annotations

import os

__all__ = ["workers_in_all", "workers_of_a_loop"]


def workers_of_a_loop() -> int:
    """Return how many workers the calls of one event loop have at most.

    ``ASGI_THREADS`` decides; without it as many as asyncio's default executor, which counts the
    processors that the process may use, from Python 3.13 on.

    :raises ValueError: if the variable is not a positive integer.
    """
    cpus = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    return _positive("ASGI_THREADS", min(32, cpus + 4))


def workers_in_all() -> int:
    """Return how many workers there are at most.

    ``TYPEDBRIDGE_MAX_WORKERS`` decides; without it as many as fit into the usual limits of a process.

    :raises ValueError: if the variable is not a positive integer.
    """
    return _positive("TYPEDBRIDGE_MAX_WORKERS", 512)


def _positive(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"the environment variable {variable} must be a positive integer, not {text!r}"
        )
    return int(text)
