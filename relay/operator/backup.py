"""Back up a relay, running or not, into one file: database, secrets and attachments."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from relay import __version__
from relay.clock import iso
from relay.config import Settings
from relay.operator import archive, store
from relay.operator.errors import OperatorError
from relay.secrets_file import FILE_NAME
from relay.storage.copies import create_private


@dataclass(frozen=True, slots=True)
class Backup:
    """Say what a backup holds; `missing` counts attachments whose file was gone when it was their turn."""

    file: Path
    size: int
    schema: int
    contents: store.Contents
    missing: int


def make_backup(settings: Settings, target: Path, *, now_ms: int, replace: bool = False) -> Backup:
    """Write a backup of the relay of `settings` to `target`, which appears whole or not at all; blocks.

    The database is copied as it stands at one moment, then the attachments that it names. Raises OperatorError.
    """
    database = settings.database_path
    if not database.exists():
        raise OperatorError(f"there is no relay's database at {database}")
    if target.exists() and not replace:
        raise OperatorError(f"{target} exists, --force replaces it")
    draft = target.with_name(f".{target.name}.{uuid4().hex}.part")
    copied = draft.with_suffix(".db")
    try:
        store.copy(database, copied)
        with store.opened(copied) as connection:
            if damage := store.damage(connection):
                raise OperatorError(f"the database {database} is damaged, nothing was written: {damage[0]}")
            schema, contents = store.version(connection), store.contents(connection)
            names = store.attachment_files(connection)
        missing = _write(draft, copied, settings, names, schema=schema, now_ms=now_ms)
        draft.replace(target)
        sync_directory(target.parent)
        return Backup(target, target.stat().st_size, schema, contents, missing)
    except sqlite3.Error as error:
        raise OperatorError(f"cannot back up {database}: {error}") from error
    except OSError as error:
        raise OperatorError(f"cannot write the backup {target}: {error.strerror or error}") from error
    finally:
        for left in (draft, copied, copied.with_name(copied.name + "-journal")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def _write(draft: Path, copied: Path, settings: Settings, names: list[str], *, schema: int, now_ms: int) -> int:
    """Write the archive; answer how many attachments had no file any more."""
    missing = 0
    # A backup holds every secret.
    create_private(draft)
    with draft.open("wb") as file:
        writer = archive.ArchiveWriter(file)
        try:
            writer.add(archive.DATABASE, copied)
            with contextlib.suppress(FileNotFoundError):
                writer.add(archive.SECRETS, settings.data_dir / FILE_NAME)
            for name in names:
                try:
                    writer.add(f"{archive.ATTACHMENTS}/{name}", settings.attachments_dir / name)
                except FileNotFoundError:
                    # It expired since the database was copied; the relay drops such rows at its start.
                    missing += 1
            writer.finish(created_at=iso(now_ms), relay=__version__, schema=schema, seconds=now_ms // 1000)
        except OSError:
            writer.abandon()
            raise
        file.flush()
        os.fsync(file.fileno())
    return missing


def sync_directory(directory: Path) -> None:
    """Make renames in a directory survive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
