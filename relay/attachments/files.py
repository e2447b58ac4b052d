"""Keep the bytes of attachments in one directory of the data directory; every method blocks, call it in a thread."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


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
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.directory / f".{uuid4().hex}.part"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            temporary.rename(self.directory / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

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
        """Delete what a crash left: half-written files, and extracted images that no row in `known` names."""
        with contextlib.suppress(OSError):
            for file in self.directory.iterdir():
                half = file.name.startswith(".") and file.name.endswith(".part")
                if half or (file.name.startswith("extracted-") and file.name not in known):
                    file.unlink(missing_ok=True)
