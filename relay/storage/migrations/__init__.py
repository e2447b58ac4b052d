"""Bring a database to the newest schema: numbered SQL files under `PRAGMA user_version`."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class NewerDatabase(Exception):
    """Say that the file was written by a newer relay; it is left untouched."""


@dataclass(frozen=True, slots=True)
class Migration:
    """Describe one step: its number (the `user_version` after it), its name and its SQL script."""

    number: int
    name: str
    script: str


def load_migrations() -> list[Migration]:
    """Read the numbered scripts shipped beside this module, in order."""
    found = []
    for entry in resources.files(__name__).iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def schema_version(connection: sqlite3.Connection) -> int:
    """Answer the number of the newest migration that a database has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def newest_number(migrations: Sequence[Migration]) -> int:
    """Answer the number of the newest migration, 0 without any."""
    return migrations[-1].number if migrations else 0


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Apply each missing migration in a transaction of its own; answer the version reached.

    Raises NewerDatabase when the file is ahead of the newest migration, and sqlite3.Error when a script fails,
    in which case the file keeps the version before that script.
    """
    version = schema_version(connection)
    newest = newest_number(migrations)
    if version > newest:
        raise NewerDatabase(
            f"the database has version {version}, this relay knows versions up to {newest}: run the newer relay"
        )
    for migration in migrations:
        if migration.number <= version:
            continue
        script = f"BEGIN IMMEDIATE;\n{migration.script}\n;\nPRAGMA user_version = {migration.number};\nCOMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise
        version = migration.number
    return version
