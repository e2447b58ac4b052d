"""Break the database for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def broken_table(database: Path, table: str) -> Iterator[None]:
    """Let every statement on a table fail for a while, as a broken disk would."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA legacy_alter_table = ON")
    connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
        connection.close()
