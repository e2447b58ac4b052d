"""Open the one SQLite file and serialise the writes to it.

`Storage.write` is the only way to write. A transaction runs in a task of its own under the writer lock, shielded from
the caller's cancellation: a task cancelled between BEGIN and COMMIT on a shared connection would break the next writer
(../design.md, State and durability).
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite

from relay.storage.lock import ProcessLock
from relay.storage.migrations import Migration, load_migrations, migrate, newest_number, schema_version
from relay.storage.upgrade import UpgradeRefused, copy_before_upgrade

log = logging.getLogger(__name__)

T = TypeVar("T")
Params = Sequence[object] | Mapping[str, object]
Row = sqlite3.Row

#: Another process (a backup, the sqlite3 shell) may hold the file for a moment; longer than this is an error.
BUSY_TIMEOUT_MS: Final = 5000
#: Statements kept prepared per connection; the relay has fewer distinct ones.
CACHED_STATEMENTS: Final = 256


class StorageError(Exception):
    """Say that the database could not be opened, read or written."""


class DatabaseInUse(StorageError):
    """Say that another relay holds this database."""


class Transaction:
    """Run statements inside one write transaction; valid only within the function given to `Storage.write`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement and answer the number of rows that it changed."""
        cursor = await self._connection.execute(sql, params)
        count = cursor.rowcount
        await cursor.close()
        return count

    async def executemany(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for each row."""
        cursor = await self._connection.executemany(sql, rows)
        await cursor.close()

    async def fetch_all(self, sql: str, params: Params = ()) -> list[Row]:
        """Answer all rows of a query, as the transaction sees them."""
        return list(await self._connection.execute_fetchall(sql, params))

    async def fetch_one(self, sql: str, params: Params = ()) -> Row | None:
        """Answer the first row of a query, or None."""
        rows = await self.fetch_all(sql, params)
        return rows[0] if rows else None


class Storage:
    """Own the database: one writer connection, one read-only connection, one process."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection, lock: ProcessLock) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self._writing = asyncio.Lock()
        self._transactions: set[asyncio.Task[object]] = set()
        self._closed = False
        self._healthy = True

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration] | None = None) -> Storage:
        """Open or create the database at `path`, migrate it, and hold it for this process.

        An older database is copied first, see `relay.storage.upgrade`.
        The directory is created 0700, the files 0600. Raises DatabaseInUse when another process holds it, NewerDatabase
        when a newer relay wrote it, and StorageError with one readable line for everything else.
        """
        lock = ProcessLock(path.with_name(path.name + ".lock"))
        try:
            _create_private(path, lock)
        except OSError as error:
            lock.release()
            raise StorageError(f"cannot use {error.filename or path}: {error.strerror}") from error
        try:
            return await cls._connect(path, lock, load_migrations() if migrations is None else migrations)
        except sqlite3.Error as error:
            lock.release()
            raise StorageError(f"cannot open the database {path}: {error}") from error
        except UpgradeRefused as error:
            lock.release()
            raise StorageError(str(error)) from error
        except BaseException:
            lock.release()
            raise

    @classmethod
    async def _connect(cls, path: Path, lock: ProcessLock, migrations: Sequence[Migration]) -> Storage:
        writer = await aiosqlite.connect(path, isolation_level=None, cached_statements=CACHED_STATEMENTS)
        try:
            writer.row_factory = sqlite3.Row
            for pragma in (
                f"busy_timeout = {BUSY_TIMEOUT_MS}",
                "journal_mode = WAL",
                "synchronous = NORMAL",
                "foreign_keys = ON",
            ):
                await (await writer.execute(f"PRAGMA {pragma}")).close()
            await asyncio.to_thread(_migrate_file, path, migrations)
            reader = await aiosqlite.connect(path, isolation_level=None, cached_statements=CACHED_STATEMENTS)
        except BaseException:
            await writer.close()
            raise
        reader.row_factory = sqlite3.Row
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "query_only = ON"):
            await (await reader.execute(f"PRAGMA {pragma}")).close()
        for suffix in ("-wal", "-shm"):
            sidecar = path.with_name(path.name + suffix)
            if sidecar.exists():
                sidecar.chmod(0o600)
        return cls(writer, reader, lock)

    @property
    def healthy(self) -> bool:
        """Tell whether the newest write went through, for `/health`."""
        return self._healthy and not self._closed

    @property
    def writing(self) -> int:
        """Answer how many transactions run or wait for their turn."""
        return len(self._transactions)

    async def answers(self) -> bool:
        """Ask the database for nothing and tell whether it answers."""
        try:
            return await self.fetch_one("SELECT 1") is not None
        except StorageError:
            return False

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one `BEGIN IMMEDIATE` transaction and answer its result once it is committed.

        Any exception rolls back and is raised here. A caller that is cancelled leaves; the transaction itself runs to
        its end. Raises StorageError when the storage is closed.
        """
        if self._closed:
            raise StorageError("the database is closed")
        task: asyncio.Task[T] = asyncio.create_task(self._transact(work), name="storage write")
        self._transactions.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[T]) -> None:
        self._transactions.discard(task)
        if not task.cancelled():
            # Retrieved here so that a caller which was cancelled leaves no "exception was never retrieved" behind.
            task.exception()

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._writing:
            try:
                await (await self._writer.execute("BEGIN IMMEDIATE")).close()
                try:
                    result = await work(Transaction(self._writer))
                except BaseException:
                    await self._writer.rollback()
                    raise
                try:
                    await self._writer.commit()
                except sqlite3.Error:
                    await self._writer.rollback()
                    raise
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                self._healthy = False
                raise StorageError(f"the database refused a write: {error}") from error
            self._healthy = True
            return result

    async def fetch_all(self, sql: str, params: Params = ()) -> list[Row]:
        """Answer all rows of a query on the read-only connection; it sees committed writes only."""
        if self._closed:
            raise StorageError("the database is closed")
        try:
            return list(await self._reader.execute_fetchall(sql, params))
        except sqlite3.Error as error:
            raise StorageError(f"the database refused a read: {error}") from error

    async def fetch_one(self, sql: str, params: Params = ()) -> Row | None:
        """Answer the first row of a query on the read-only connection, or None."""
        rows = await self.fetch_all(sql, params)
        return rows[0] if rows else None

    async def close(self) -> None:
        """Finish the writes under way, close both connections and let another process have the file."""
        if self._closed:
            return
        self._closed = True
        if self._transactions:
            await asyncio.wait(set(self._transactions))
        await self._reader.close()
        await self._writer.close()
        self._lock.release()


def _create_private(path: Path, lock: ProcessLock) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not lock.acquire():
        raise DatabaseInUse(f"another relay is using {path}")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def _migrate_file(path: Path, migrations: Sequence[Migration]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        # A script may rebuild a table; its own checks run at commit.
        connection.execute("PRAGMA foreign_keys = OFF")
        before = schema_version(connection)
        if 0 < before < newest_number(migrations):
            copy_before_upgrade(connection, path, before)
        version = migrate(connection, migrations)
    finally:
        connection.close()
    log.debug("database is at its newest version", extra={"version": version})
