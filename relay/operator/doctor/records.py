"""Examine what is kept: directory, permissions, disk, database, attachments. Functions block."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.config import Settings
from relay.operator import store
from relay.operator.doctor.findings import Finding, fail, ok, warn
from relay.operator.errors import OperatorError
from relay.operator.restore import check_finished
from relay.secrets_file import FILE_NAME
from relay.storage import load_migrations

#: With less nothing can be written soon; an upgrade needs room for a copy of the database.
_TOO_LITTLE: Final = 100 * 2**20
_LITTLE: Final = 2**30
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Records:
    """Hold the findings, and the endpoints that push messages are sent to."""

    findings: list[Finding]
    push_endpoints: list[str]


def examine(settings: Settings) -> Records:
    """Examine the records of the relay of these settings."""
    findings = [*_directory(settings), *_files(settings), _disk(settings)]
    endpoints: list[str] = []
    if settings.database_path.exists():
        found, endpoints = _database(settings)
        findings += found
    else:
        findings.append(ok("database", f"there is none at {settings.database_path} yet; the first start makes it"))
    return Records(findings, endpoints)


def _directory(settings: Settings) -> Iterator[Finding]:
    directory = settings.data_dir
    parent = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        yield fail(
            "data directory", f"{parent} cannot be written by this user", "chown it to the user that the relay runs as"
        )
    elif parent != directory:
        yield ok("data directory", f"{directory} does not exist yet; the first start makes it")
    elif not directory.is_dir():
        yield fail("data directory", f"{directory} is no directory", "set data.dir to a directory")
    elif directory.stat().st_mode & _OTHERS:
        yield warn("data directory", f"others may look into {directory}", f"chmod 700 {directory}")
    else:
        yield ok("data directory", f"{directory}")
    try:
        check_finished(directory)
    except OperatorError as error:
        yield fail("restore", str(error), "run relay restore again, with --force")


def _files(settings: Settings) -> Iterator[Finding]:
    database = settings.database_path
    private = [database, database.with_name(database.name + "-wal"), settings.data_dir / FILE_NAME]
    private += sorted(database.parent.glob(f"{database.name}.v*.bak")) if database.parent.is_dir() else []
    there = [path for path in private if path.exists()]
    exposed = [path for path in there if path.stat().st_mode & _OTHERS]
    for path in exposed:
        yield fail("permissions", f"others may read {path}, which holds secrets", f"chmod 600 {path}")
    # Whoever is not the owner can't be told apart from nobody: root can read everything.
    foreign = [path for path in there if hasattr(os, "getuid") and path.stat().st_uid != os.getuid()]
    for path in foreign:
        yield warn("permissions", f"{path} belongs to another user", "run this as the user that the relay runs as")
    if there and not exposed:
        yield ok("permissions", f"{len(there)} files are their owner's alone")


def _disk(settings: Settings) -> Finding:
    place = next(place for place in (settings.data_dir, *settings.data_dir.absolute().parents) if place.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 2**30:.1f} GiB are free on the disk of {place}"
    database = settings.database_path.stat().st_size if settings.database_path.exists() else 0
    if free < _TOO_LITTLE:
        return fail("disk", text, "make room; nothing can be stored soon")
    if free < max(_LITTLE, 2 * database):
        return warn("disk", text, "make room; an upgrade and a backup need a copy of the database each")
    return ok("disk", text)


def _database(settings: Settings) -> tuple[list[Finding], list[str]]:
    path = settings.database_path
    newest = load_migrations()[-1].number
    try:
        with store.opened(path) as connection:
            damage = store.damage(connection)
            if damage:
                advice = "stop the relay and restore a backup (relay restore FILE --force)"
                return [fail("database", f"{path} is damaged: {line}", advice) for line in damage], []
            version = store.version(connection)
            if version > newest:
                text = f"{path} has version {version}, this relay knows versions up to {newest}"
                return [fail("database", text, "run the newer relay, or restore a backup of this one's")], []
            findings = [ok("database", f"{path} is whole, version {version}")]
            if version < newest:
                findings.append(
                    ok("upgrade", f"the next start upgrades the database to version {newest}, and copies it")
                )
            if version == newest:
                findings.append(_attachments(settings, store.attachment_files(connection)))
            return findings, store.push_endpoints(connection) if version == newest else []
    except sqlite3.Error as error:
        text = f"{path} cannot be read: {error}"
        return [fail("database", text, "restore a backup (relay restore FILE --force)")], []


def _attachments(settings: Settings, names: list[str]) -> Finding:
    directory = settings.attachments_dir
    missing = [name for name in names if not Path(directory, name).is_file()]
    if missing:
        text = f"{len(missing)} of {len(names)} files are missing in {directory}"
        return warn("attachments", text, "bring them back from a backup; the next start forgets them")
    return ok("attachments", f"{len(names)} files in {directory}")
