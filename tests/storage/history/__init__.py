"""Databases as older versions of the relay left them, one SQL text per version of the schema.

`rows/NNNN.sql` fills what migration NNNN made; `dumps/NNNN.sql` is the whole database after it. A dump is what was
released: it is written once, by `python -m tests.storage.history`, and never again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from relay.storage.migrations import load_migrations, migrate

_HERE: Final = Path(__file__).parent
#: What signs in to the filled databases (the vectors of rest-account.md 3.2 and 3.3).
EMAIL: Final = "jo@example.com"
PASSWORD: Final = "Passwörd1"
KEY: Final = "pk_live_" + "0123456789abcdef" * 4
SECRET: Final = "0123456789abcdef0123456789abcdef"
#: The cookie of a session that the databases hold (2.3).
COOKIE: Final = (
    "better-auth.session_token=AbCdEfGhIjKlMnOpQrStUvWxYz012345.VpKMwILzKQ6hTLa8RiRzrmLSiJ1NAzaH4Iwy9vevoCo%3D"
)


Rows = list[Mapping[str, object]]


def dump_path(version: int) -> Path:
    """Answer where the dump of a version is."""
    return _HERE / "dumps" / f"{version:04}.sql"


def create(path: Path, version: int) -> None:
    """Make the database file that this version left."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump_path(version).read_text(encoding="utf-8"))


def tables(path: Path) -> dict[str, Rows]:
    """Answer every row of every table of a database."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sq%'")
        ]
        return {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}


def write_missing() -> list[int]:
    """Write the dumps that do not exist yet, each from the one before; answer their versions."""
    written = []
    for migration in load_migrations():
        if dump_path(migration.number).exists():
            continue
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            if migration.number > 1:
                connection.executescript(dump_path(migration.number - 1).read_text(encoding="utf-8"))
            migrate(connection, [one for one in load_migrations() if one.number <= migration.number])
            rows = _HERE / "rows" / f"{migration.number:04}.sql"
            if rows.exists():
                connection.executescript(rows.read_text(encoding="utf-8"))
            lines = [*connection.iterdump(), f"PRAGMA user_version = {migration.number};"]
        dump_path(migration.number).write_text("\n".join(lines) + "\n", encoding="utf-8")
        written.append(migration.number)
    return written
