"""The rows of rows.toml, with what they run."""

from __future__ import annotations

import fnmatch
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from bench import peers
from bench.model import Aim, Row

TABLE: Final = Path(__file__).with_name("rows.toml")


# Any: parsed TOML.
def made(name: str, group: str, keys: dict[str, Any]) -> Row:
    """One row, with the contestants that are installed."""
    (path, *arguments), aim = keys.pop("run"), keys.pop("aim", None)
    module, function = path.split(".")
    entries = getattr(import_module(f"bench.{module}"), function)(*arguments)
    if aim is not None:
        aim = Aim(**({"against": None, **aim} if isinstance(aim, dict) else {"limit": aim}))
    return Row(name, group=group, aim=aim, entries=peers.present(entries), **keys)


def all_rows() -> list[Row]:
    """Those of which something can be measured here."""
    groups = tomllib.loads(TABLE.read_text()).items()
    rows = [
        made(name, group, {**named.get("*", {}), **keys})
        for group, named in groups
        for name, keys in named.items()
        if name != "*"
    ]
    return [row for row in rows if row.entries and all(map(peers.installed, row.needs))]


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
