"""Put a backup in the place of a relay's records, after everything in it is verified.

The records are a few pieces (database, secrets, attachments) that need not be in one directory, so no single rename can
exchange them. A marker stands in the data directory while they are exchanged: a relay does not start beside it.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.config import Settings
from relay.operator import archive, store
from relay.operator.backup import sync_directory
from relay.operator.errors import OperatorError
from relay.secrets_file import FILE_NAME
from relay.storage import load_migrations
from relay.storage.lock import ProcessLock

MARKER: Final = "restore-unfinished"


@dataclass(frozen=True, slots=True)
class Restored:
    """Say what was restored, and where the earlier records are, None when there were none."""

    manifest: archive.Manifest
    contents: store.Contents
    aside: Path | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """Pair a staged file or directory, None when the backup has none, with its place."""

    staged: Path | None
    target: Path


def check_finished(data_dir: Path) -> None:
    """Raise OperatorError when a restore into this data directory was interrupted."""
    marker = data_dir / MARKER
    if marker.exists():
        with contextlib.suppress(OSError):
            raise OperatorError(
                f"a restore into {data_dir} was interrupted: run it again with --force"
                f" (what was there before is in {marker.read_text(encoding='utf-8').strip()})"
            )
        raise OperatorError(f"a restore into {data_dir} was interrupted: run it again with --force")


def restore(settings: Settings, source: Path, *, stamp: str, force: bool = False) -> Restored:
    """Restore the backup `source`; with `force` what is there is moved aside into a directory named by `stamp`.

    Blocks. Raises OperatorError, with everything as it was.
    """
    if not source.is_file():
        raise OperatorError(f"there is no file {source}")
    database = settings.database_path
    aside = settings.data_dir / f"before-restore-{stamp}"
    try:
        with _held(settings.data_dir, database):
            places = [settings.data_dir / FILE_NAME, settings.attachments_dir, *_of_database(database)]
            occupied = any(_holds(place) for place in places)
            if occupied and not force:
                raise OperatorError(f"{settings.data_dir} holds a relay's records, --force moves them aside")
            staging = Path(tempfile.mkdtemp(prefix=".restore-", dir=settings.data_dir))
            try:
                manifest = archive.extract(source, staging)
                contents = _verify(staging / archive.DATABASE, manifest, source)
                _exchange(settings, _pieces(settings, staging), aside)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
            return Restored(manifest, contents, aside if occupied else None)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        raise OperatorError(f"cannot restore, nothing was changed:{where} {error.strerror or error}") from error


@contextmanager
def _held(data_dir: Path, database: Path) -> Iterator[None]:
    """Hold the database for this process; directories that were made for nothing go again."""
    made = [place for place in (data_dir, database.parent) if not place.exists()]
    for place in made:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock_path = database.with_name(database.name + ".lock")
    lock = ProcessLock(lock_path)
    if not lock.acquire():
        raise OperatorError(f"a relay is using {database}, stop it first")
    try:
        yield
    except BaseException:
        if made:
            lock_path.unlink(missing_ok=True)
        raise
    finally:
        lock.release()
        for place in made:
            with contextlib.suppress(OSError):
                place.rmdir()


def _of_database(database: Path) -> list[Path]:
    return [database.with_name(database.name + suffix) for suffix in ("-wal", "-shm", "")]


def _holds(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else place.exists()


def _verify(database: Path, manifest: archive.Manifest, source: Path) -> store.Contents:
    """Check the database of a backup as a whole; raises OperatorError."""
    newest = load_migrations()[-1].number
    if manifest.schema > newest:
        raise OperatorError(
            f"{source} was made by a newer relay ({manifest.relay}): its database has version {manifest.schema},"
            f" this relay knows versions up to {newest}"
        )
    try:
        with store.opened(database) as connection:
            if damage := store.damage(connection):
                raise OperatorError(f"{source} is damaged: {damage[0]}")
            if store.version(connection) != manifest.schema or manifest.schema == 0:
                raise OperatorError(f"{source} is damaged: its database is not the one that was backed up")
            return store.contents(connection)
    except sqlite3.Error as error:
        raise OperatorError(f"{source} is damaged: {error}") from error


def _pieces(settings: Settings, staging: Path) -> list[_Piece]:
    """Answer what goes where, the database last, each on the file system of its place."""
    wanted = [
        (staging / archive.SECRETS, settings.data_dir / FILE_NAME),
        (staging / archive.ATTACHMENTS, settings.attachments_dir),
        *((None, place) for place in _of_database(settings.database_path)[:-1]),
        (staging / archive.DATABASE, settings.database_path),
    ]
    return [
        _Piece(_nearby(staged, target) if staged is not None and staged.exists() else None, target)
        for staged, target in wanted
    ]


def _nearby(staged: Path, target: Path) -> Path:
    """Answer a staged piece where a rename to its place can't fail for being on another file system."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if staged.stat().st_dev == target.parent.stat().st_dev:
        return staged
    near = target.parent / f".{target.name}{staged.parent.name}"
    if staged.is_dir():
        shutil.copytree(staged, near)
    else:
        shutil.copy2(staged, near)
    return near


def _exchange(settings: Settings, pieces: list[_Piece], aside: Path) -> None:
    """Move what is there aside and the new pieces in; on any error everything is moved back."""
    marker = settings.data_dir / MARKER
    marker.write_text(f"{aside}\n", encoding="utf-8")
    done: list[tuple[Path, Path]] = []
    try:
        for number, piece in enumerate(pieces):
            if _holds(piece.target):
                _move(piece.target, _aside(aside, piece.target, settings.data_dir, number), done)
            elif piece.target.is_dir():
                piece.target.rmdir()
            if piece.staged is not None:
                _move(piece.staged, piece.target, done)
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        with contextlib.suppress(OSError):
            aside.rmdir()
        marker.unlink(missing_ok=True)
        raise
    for directory in {piece.target.parent for piece in pieces}:
        sync_directory(directory)
    marker.unlink()


def _aside(aside: Path, target: Path, data_dir: Path, number: int) -> Path:
    """Answer where to move an old piece: into the directory `aside`, or beside itself on another file system."""
    aside.mkdir(mode=0o700, exist_ok=True)
    if target.stat().st_dev == data_dir.stat().st_dev:
        return aside / target.name if not (aside / target.name).exists() else aside / f"{number}-{target.name}"
    return target.with_name(f"{target.name}.{aside.name}")


def _move(source: Path, target: Path, done: list[tuple[Path, Path]]) -> None:
    source.rename(target)
    done.append((source, target))
