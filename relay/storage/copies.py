"""Copy a whole database into a file that its owner alone may read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path


def create_private(path: Path) -> None:
    """Make an empty file, 0600; raises OSError, also when there is one."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def copy_database(connection: sqlite3.Connection, target: Path) -> None:
    """Copy what `connection` sees at one moment with SQLite's online backup into the new file `target`, without a WAL.

    Blocks. Raises sqlite3.Error and OSError.
    """
    create_private(target)
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copied:
        connection.backup(copied)
        copied.execute("PRAGMA journal_mode = DELETE")
