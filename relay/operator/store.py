"""Hold the SQL about whole database files of ours, opened beside the relay or while none runs.

Functions block and raise sqlite3.Error.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from relay.storage.copies import copy_database

#: Another process may be writing for a moment.
_BUSY_MS: Final = 10_000
#: Damage is told by its first lines.
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Contents:
    """Count what a database holds."""

    users: int
    sessions: int
    attachments: int


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an existing database file, whoever else uses it."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        yield connection


def copy(source: Path, target: Path) -> None:
    """Copy a database as it stands at one moment into the new file `target`; raises OSError as well."""
    with opened(source) as connection:
        copy_database(connection, target)


def version(connection: sqlite3.Connection) -> int:
    """Answer the number of the newest migration that was applied."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def damage(connection: sqlite3.Connection) -> list[str]:
    """Answer what is wrong with a database file: its pages, indexes and constraints, and rows that refer to nothing."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
    found += [
        f"a row of {row[0]} refers to nothing in {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")
    ]
    return found[:_TOLD]


def attachment_files(connection: sqlite3.Connection) -> list[str]:
    """Answer the names of the files that the rows of attachments have."""
    return [str(row[0]) for row in connection.execute("SELECT DISTINCT disk_name FROM attachment ORDER BY disk_name")]


def push_endpoints(connection: sqlite3.Connection) -> list[str]:
    """Answer where push messages are sent to."""
    return [str(row[0]) for row in connection.execute("SELECT DISTINCT endpoint FROM push_subscription")]


def contents(connection: sqlite3.Connection) -> Contents:
    """Count accounts, stored sessions and attachments."""
    counts = [
        int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - constant names
        for table in ("user", "relay_session", "attachment")
    ]
    return Contents(*counts)
