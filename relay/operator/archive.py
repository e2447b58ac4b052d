"""Write and read the file of a backup: a compressed tar with a manifest of sizes and checksums at its end.

Members are `relay.db`, `secrets.json`, `attachments/<name>` and last `manifest.json`, so that a file that was cut short
has none. What is read is checked against the manifest, and no other names are accepted.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Final

from relay import jsontext
from relay.operator.errors import OperatorError

FORMAT: Final = 1
DATABASE: Final = "relay.db"
SECRETS: Final = "secrets.json"
ATTACHMENTS: Final = "attachments"
MANIFEST: Final = "manifest.json"
#: Names that the relay gives to attachments' files: one segment, no dot in front.
_ATTACHMENT: Final = re.compile(rf"{ATTACHMENTS}/[^./\\\0][^/\\\0]{{0,254}}")
_CHUNK: Final = 1 << 20
#: A manifest line is about 150 bytes; more than this is not one of ours.
_LARGEST_MANIFEST: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """Describe one file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Say what is in a backup, and by which relay and database version it was made."""

    created_at: str
    relay: str
    schema: int
    files: Mapping[str, Member]


@dataclass(slots=True)
class _Reader:
    """Hash what passes through."""

    source: IO[bytes]
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0

    def read(self, amount: int = -1) -> bytes:
        data = self.source.read(amount)
        self.digest.update(data)
        self.size += len(data)
        return data

    @property
    def member(self) -> Member:
        return Member(self.size, self.digest.hexdigest())


class ArchiveWriter:
    """Write a backup into an open file; `finish` ends it, `abandon` gives up. Methods block and raise OSError."""

    def __init__(self, target: BinaryIO) -> None:
        self._packed = gzip.GzipFile(fileobj=target, mode="wb")
        self._tar = tarfile.open(fileobj=self._packed, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by finish
        self._files: dict[str, Member] = {}

    def add(self, name: str, source: Path) -> None:
        """Add a file; raises FileNotFoundError when it is gone."""
        with source.open("rb") as file:
            status = os.fstat(file.fileno())
            reader = _Reader(file)
            self._tar.addfile(_entry(name, status.st_size, int(status.st_mtime)), reader)
        self._files[name] = reader.member

    def abandon(self) -> None:
        """Drop what could not be written, while the file is open: later the collector would try, and complain."""
        with contextlib.suppress(OSError, ValueError):
            self._packed.close()

    def finish(self, *, created_at: str, relay: str, schema: int, seconds: int) -> Manifest:
        """Write the manifest and the end."""
        files = {name: {"size": member.size, "sha256": member.sha256} for name, member in self._files.items()}
        head = {"format": FORMAT, "createdAt": created_at, "relay": relay, "schema": schema, "files": files}
        body = jsontext.dumps(head)
        self._tar.addfile(_entry(MANIFEST, len(body), seconds), io.BytesIO(body))
        self._tar.close()
        self._packed.close()
        return Manifest(created_at, relay, schema, self._files)


def extract(source: Path, into: Path) -> Manifest:
    """Unpack a backup below `into`, which exists and is private, and check every file against the manifest.

    Raises OperatorError for a file that is no backup, is damaged, cut short or holds anything else, and OSError for
    `into`.
    """
    found: dict[str, Member] = {}
    manifest: bytes | None = None
    try:
        with gzip.open(source) as whole, tarfile.open(fileobj=whole, mode="r|") as tar:
            for entry in tar:
                if manifest is not None or entry.name in found:
                    raise OperatorError(f"{source} is no backup: it has {entry.name!r} twice or after its end")
                content = _content(tar, entry, source)
                if entry.name == MANIFEST:
                    manifest = content.read(_LARGEST_MANIFEST)
                else:
                    found[entry.name] = _unpack(content, into / entry.name)
            # Only at its very end does the compressed stream show that it is whole.
            while whole.read(_CHUNK):
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        raise OperatorError(f"{source} is no backup of a relay, or is damaged or cut short") from error
    if manifest is None:
        raise OperatorError(f"{source} is cut short: its manifest is missing")
    told = _read_manifest(manifest, source)
    wrong = sorted(name for name in {*told.files, *found} if told.files.get(name) != found.get(name))
    if wrong:
        raise OperatorError(f"{source} is damaged: {wrong[0]} is not what was backed up")
    if DATABASE not in found:
        raise OperatorError(f"{source} is no backup of a relay: it has no database")
    return told


def _entry(name: str, size: int, seconds: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, seconds
    return entry


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo, source: Path) -> IO[bytes]:
    """Answer the bytes of a member that may be in a backup; raises OperatorError for every other."""
    known = entry.name in {DATABASE, SECRETS, MANIFEST} or _ATTACHMENT.fullmatch(entry.name)
    content = tar.extractfile(entry) if known and entry.isreg() else None
    if content is None:
        raise OperatorError(f"{source} is no backup of a relay: {entry.name!r} does not belong in one")
    return content


def _unpack(content: IO[bytes], target: Path) -> Member:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    reader = _Reader(content)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while data := reader.read(_CHUNK):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return reader.member


def _read_manifest(text: bytes, source: Path) -> Manifest:
    try:
        value = jsontext.loads(text)
        if not isinstance(value, dict):
            raise TypeError
        if value.get("format") != FORMAT:
            raise OperatorError(f"{source} has format {value.get('format')}, this relay reads format {FORMAT}")
        files = {str(name): Member(int(one["size"]), str(one["sha256"])) for name, one in value["files"].items()}
        return Manifest(str(value["createdAt"]), str(value["relay"]), int(value["schema"]), files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OperatorError(f"{source} is damaged: its manifest can't be read") from error
