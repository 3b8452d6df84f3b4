"""All rows, in the order of the tables."""

from __future__ import annotations

import fnmatch

from bench import (
    pieces,
    rows_child,
    rows_latency,
    rows_plugin,
    rows_state,
    rows_to_loop,
    rows_to_thread,
)
from bench.model import Row


def all_rows() -> list[Row]:
    return [
        *rows_to_thread.rows(),
        *rows_to_loop.rows(),
        *rows_state.rows(),
        *rows_child.memory_rows(),
        *rows_child.import_rows(),
        *rows_child.django_rows(),
        *rows_latency.rows(),
        *rows_child.cold_rows(),
        *rows_to_thread.uvloop_rows(),
        *rows_to_loop.uvloop_rows(),
        *rows_to_thread.curve(),
        *rows_plugin.rows(),
        pieces.row(),
    ]


def select(patterns: list[str]) -> list[Row]:
    """The rows whose names or groups match one of the shell patterns; all without patterns.

    :raises LookupError: when a pattern matches nothing.
    """
    rows = all_rows()
    if not patterns:
        return rows
    chosen: list[Row] = []
    for pattern in patterns:
        found = [
            row
            for row in rows
            if fnmatch.fnmatch(row.name, pattern) or fnmatch.fnmatch(row.group, pattern)
        ]
        if not found:
            message = f"no row is called {pattern!r}; --list shows them"
            raise LookupError(message)
        chosen.extend(row for row in found if row not in chosen)
    return chosen
