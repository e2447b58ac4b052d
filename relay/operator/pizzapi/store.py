"""Hold the SQL of the import: read a PizzaPi database, insert into ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from relay.operator.errors import OperatorError
from relay.storage import Transaction

Columns = Mapping[str, object]

#: Tables without which a file is none of a PizzaPi server, with the columns that are needed (rest-account.md 3.1).
REQUIRED: Final = {
    "user": ("id", "name", "email", "createdAt", "updatedAt"),
    "account": ("userId", "providerId", "password"),
    "session": ("id", "token", "userId", "expiresAt"),
    "apikey": ("id", "key", "userId"),
}
#: Tables that an older server may not have (3.4; rest-runners.md 10).
OPTIONAL: Final = (
    "user_hidden_model",
    "user_preference",
    "push_subscription",
    "native_push_registration",
    "runner_recent_folder",
    "runner_trigger_listener",
    "trigger_subscription",
    "webhook",
    "relay_session",
    "relay_session_state",
    "attachment",
    "extracted_attachment",
    "extracted_attachment_session",
)


class Source:
    """Read a PizzaPi database, which stays as it is; close it when done. Methods block and raise OperatorError."""

    def __init__(self, path: Path) -> None:
        """Open the file and see that it is one."""
        self._path = path
        if not path.is_file():
            raise OperatorError(f"there is no file {path}")
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            try:
                self._begin()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise OperatorError(f"{path} is no database, or is damaged: {error}") from error

    def _begin(self) -> None:
        self._connection.row_factory = sqlite3.Row
        # Text that is no UTF-8 must not end an import half-way.
        self._connection.text_factory = lambda data: data.decode("utf-8", "replace")
        # One read transaction: everything is from one moment, should the server still run.
        self._connection.execute("BEGIN")
        damage = self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if damage != "ok":
            raise OperatorError(f"{self._path} is damaged: {' '.join(str(damage).split())}")
        self._tables = {str(row[0]) for row in self._connection.execute("SELECT name FROM sqlite_master")}
        for table, columns in REQUIRED.items():
            if table not in self._tables:
                raise OperatorError(f"{self._path} is no PizzaPi database: it has no table {table!r}")
            found = {row["name"] for row in self._connection.execute(f'PRAGMA table_info("{table}")')}
            if missing := [column for column in columns if column not in found]:
                raise OperatorError(f"{self._path} is no PizzaPi database: {table} has no column {missing[0]!r}")

    def rows(self, table: str) -> list[Columns]:
        """Answer every row of a table in its order, none when the server was too old to have it."""
        if table not in self._tables:
            return []
        try:
            return [dict(row) for row in self._connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')]  # noqa: S608 - constant names
        except sqlite3.Error as error:
            raise OperatorError(f"{self._path} is damaged: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


async def users_by_email(tx: Transaction) -> dict[str, str]:
    """Answer the ids of our users by their e-mail."""
    return {str(row["email"]): str(row["id"]) for row in await tx.fetch_all("SELECT id, email FROM user")}


async def insert(tx: Transaction, table: str, row: Columns) -> bool:
    """Add a row unless one with its key is there; answer whether it was added."""
    names = ", ".join(row)
    marks = ", ".join("?" for _ in row)
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - constant names
    return await tx.execute(sql, tuple(row.values())) > 0


async def has_session(tx: Transaction, session_id: str) -> bool:
    """Tell whether a stored session is there."""
    return await tx.fetch_one("SELECT 1 FROM relay_session WHERE id = ?", (session_id,)) is not None
