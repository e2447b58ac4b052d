"""Keep the bytes of attachments in one directory of the data directory; every method blocks, call it in a thread."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

#: What uploads and extracted images are called; other files in the directory are not ours to delete (9.1).
_OURS: Final = re.compile(r"extracted-.*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-.*|\..*\.part")


class Draft:
    """Hold a file that is being received; it gets its name once it is whole. Methods block and raise OSError."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._path = path
        self.size = 0

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes."""
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            self.size += written
            view = view[written:]

    def close(self) -> None:
        """Finish the writing; harmless when done already."""
        self._file.close()

    def keep(self, name: str) -> None:
        """Give the closed file its name."""
        self._path.rename(self._path.with_name(name))

    def discard(self) -> None:
        """Delete what has no name yet."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


class AttachmentFiles:
    """Own the directory: 0700, its files 0600, each complete or absent."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def has(self, name: str, size: int) -> bool:
        """Tell whether a file is there with all its bytes."""
        try:
            return (self.directory / name).stat().st_size == size
        except OSError:
            return False

    def write(self, name: str, data: bytes) -> None:
        """Write a file under a temporary name and rename it. Raises OSError."""
        draft = self.draft()
        try:
            draft.write(data)
            draft.close()
            draft.keep(name)
        except BaseException:
            draft.discard()
            raise

    def draft(self) -> Draft:
        """Begin a file that has no name yet. Raises OSError."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Draft(self.directory / f".{uuid4().hex}.part")

    def open(self, name: str, size: int) -> BinaryIO | None:
        """Open a file to read; None when it is gone or has not the bytes it should have."""
        try:
            file = (self.directory / name).open("rb")
        except OSError:
            return None
        if os.fstat(file.fileno()).st_size != size:
            file.close()
            return None
        return file

    def delete(self, names: list[str]) -> None:
        """Delete files, as far as that is possible."""
        for name in names:
            with contextlib.suppress(OSError):
                (self.directory / name).unlink(missing_ok=True)

    def tidy(self, known: Collection[str]) -> None:
        """Delete what a crash or a removed account left: half-written files, and files that no row in `known` names."""
        with contextlib.suppress(OSError):
            for file in self.directory.iterdir():
                if _OURS.fullmatch(file.name) and file.name not in known:
                    file.unlink(missing_ok=True)
