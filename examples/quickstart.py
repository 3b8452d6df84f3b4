"""Both directions in ten lines."""

from __future__ import annotations

import sqlite3

from typedbridge import async_to_sync, call_sync, sync_to_async


@sync_to_async
def sqlite_version(connection: sqlite3.Connection, *, prefix: str = "SQLite ") -> str:
    """Ask SQLite for its version."""
    return f"{prefix}{connection.execute('SELECT sqlite_version()').fetchone()[0]}"


@async_to_sync
async def main() -> None:
    """Open a connection, use it, close it."""
    connection = await sync_to_async(sqlite3.connect)(":memory:")
    print(await sqlite_version(connection))  # the same thread: sqlite3 insists on it
    await call_sync(connection.close)


if __name__ == "__main__":
    main()
