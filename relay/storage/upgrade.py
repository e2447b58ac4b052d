"""Keep a copy of the database beside it before a newer relay migrates it."""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
from pathlib import Path
from typing import Final

from relay.storage.copies import copy_database

log = logging.getLogger(__name__)

#: Copies that are kept, of the newest versions.
KEPT: Final = 3


class UpgradeRefused(Exception):
    """Say in one line why the database was not migrated; it is as it was."""


def copy_name(database: Path, version: int) -> Path:
    """Answer where the copy of the database at this version is."""
    return database.with_name(f"{database.name}.v{version:04}.bak")


def copy_before_upgrade(connection: sqlite3.Connection, database: Path, version: int) -> Path:
    """Copy the database as it stands and drop all but the newest copies; raises UpgradeRefused. Blocks."""
    target = copy_name(database, version)
    draft = target.with_name(target.name + ".part")
    try:
        draft.unlink(missing_ok=True)
        copy_database(connection, draft)
        draft.replace(target)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UpgradeRefused(f"cannot copy the database to {target} before upgrading it: {reason}") from error
    log.info("database copied before the upgrade", extra={"version": version, "copy": str(target)})
    for old in _copies(database)[:-KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
    return target


def _copies(database: Path) -> list[Path]:
    """Answer the copies, the oldest version first."""
    name = re.compile(re.escape(database.name) + r"\.v\d{4}\.bak")
    return sorted(path for path in database.parent.iterdir() if name.fullmatch(path.name))
