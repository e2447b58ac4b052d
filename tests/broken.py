"""Let parts of a real database fail for a while, as a broken disk would."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def broken_table(path: Path, table: str) -> AsyncIterator[None]:
    """Let every statement on a table of the database at `path` fail."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    async def execute(statement: str) -> None:
        # In a thread: a transaction of the relay that is under way needs the loop to end.
        await asyncio.to_thread(connection.execute, statement)

    await execute("PRAGMA legacy_alter_table = ON")
    await execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        await execute(f"ALTER TABLE {table}_away RENAME TO {table}")
        connection.close()
