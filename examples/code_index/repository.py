"""The index itself, in SQLite."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, Self

from examples.code_index.model import Definition, Kind, SourceFile, Summary
from typedbridge import sync_to_async, sync_to_async_generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMA: Final = """
    DROP TABLE IF EXISTS code_index_files;
    DROP TABLE IF EXISTS code_index_definitions;
    CREATE TABLE code_index_files (path TEXT PRIMARY KEY, lines INTEGER, seconds REAL);
    CREATE TABLE code_index_definitions (
        kind TEXT, name TEXT, qualified_name TEXT, path TEXT, line INTEGER
    );
    CREATE INDEX code_index_definitions_by_name ON code_index_definitions (name);
"""


class Repository:
    """The index in one SQLite connection.

    Such a connection refuses to work in another thread than the one that made it. The methods are
    blocking code like any other; ``@sync_to_async`` makes each awaitable and runs them all, one at
    a time, in the same thread, :meth:`open` included.

    :param connection: made in the thread that the methods will run in.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @sync_to_async
    def open(cls, database: str) -> Self:
        """Start an empty index.

        :param database: a file, whose earlier index is replaced, or ``:memory:``.
        :raises sqlite3.Error: the file cannot be opened or is not a database.
        """
        connection = sqlite3.connect(database)
        try:
            connection.executescript(SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return cls(connection)

    @sync_to_async
    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @sync_to_async
    def add(self, files: Iterable[SourceFile]) -> None:
        """Add files and their definitions in one transaction."""
        with self._connection as connection:
            for file in files:
                connection.execute(
                    "INSERT INTO code_index_files VALUES (?, ?, ?)",
                    (file.path, file.lines, file.seconds),
                )
                connection.executemany(
                    "INSERT INTO code_index_definitions VALUES (?, ?, ?, ?, ?)",
                    [(d.kind, d.name, d.qualified_name, d.path, d.line) for d in file.definitions],
                )

    @sync_to_async
    def summary(self) -> Summary:
        """Count everything."""
        files, lines = self._connection.execute(
            "SELECT count(*), coalesce(sum(lines), 0) FROM code_index_files"
        ).fetchone()
        kinds: dict[str, int] = dict(
            self._connection.execute(
                "SELECT kind, count(*) FROM code_index_definitions GROUP BY kind"
            )
        )
        return Summary(
            files,
            lines,
            kinds.get(Kind.FUNCTION, 0),
            kinds.get(Kind.COROUTINE, 0),
            kinds.get(Kind.CLASS, 0),
        )

    @sync_to_async
    def slowest(self, *, limit: int) -> list[tuple[str, float]]:
        """The files that took longest to parse, and their seconds of processor time."""
        return self._connection.execute(
            "SELECT path, seconds FROM code_index_files ORDER BY seconds DESC LIMIT ?", (limit,)
        ).fetchall()

    @sync_to_async_generator(prefetch=50)
    def find(self, name: str, *, limit: int = 10) -> Iterator[Definition]:
        """Look up definitions. Each batch of rows is read in the connection's thread.

        :param name: a bare name; ``*`` and ``?`` match as in file names.
        :param limit: how many definitions at most.
        """
        rows = self._connection.execute(
            """
            SELECT kind, name, qualified_name, path, line FROM code_index_definitions
            WHERE name GLOB ? ORDER BY path, line LIMIT ?
            """,
            (name, limit),
        )
        for kind, *rest in rows:
            yield Definition(Kind(kind), *rest)
