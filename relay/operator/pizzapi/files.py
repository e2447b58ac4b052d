"""Find the files of a PizzaPi server's attachments and copy them; methods block."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from relay.operator.errors import OperatorError

#: What both servers call such files (rest-account.md 9.1): ours are deleted when no row names them.
_NAME: Final = re.compile(r"(?:extracted-|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-)[A-Za-z0-9._-]{1,200}")


@dataclass(frozen=True, slots=True)
class Found:
    """Say where the file of an attachment is, how large it is, and what it is called with us."""

    path: Path
    size: int
    disk_name: str


class Files:
    """Collect the files to copy into `target`, from `directory` or from where their rows say that they are."""

    def __init__(self, directory: Path | None, target: Path) -> None:
        self._directory = directory
        self._target = target
        self.kept: dict[str, Found] = {}
        self._made: list[Path] = []

    def find(self, row: Mapping[str, object]) -> Found | None:
        """Answer the file of an attachment's row, None when it is gone."""
        path = Path(str(row.get("filePath") or "none"))
        if self._directory is not None:
            path = self._directory / path.name
        if not path.is_file():
            return None
        name = (
            path.name if _NAME.fullmatch(path.name) else f"{uuid4()}-{re.sub('[^A-Za-z0-9._-]', '_', path.name)[-100:]}"
        )
        return Found(path, path.stat().st_size, name)

    def keep(self, attachment_id: str, found: Found) -> None:
        """Note a file that `copy` has to copy."""
        self.kept[attachment_id] = found

    def copy(self) -> None:
        """Copy what is noted and not there yet; raises OperatorError, after which nothing of it is left."""
        try:
            self._target.mkdir(mode=0o700, parents=True, exist_ok=True)
            for found in self.kept.values():
                target = self._target / found.disk_name
                if not target.exists():
                    self._copy_one(found.path, target)
        except OSError as error:
            self.undo()
            raise OperatorError(f"cannot copy the attachments to {self._target}: {error.strerror or error}") from error

    def undo(self) -> None:
        """Delete what was copied."""
        for path in self._made:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._made.clear()

    def _copy_one(self, source: Path, target: Path) -> None:
        draft = target.with_name(f".{uuid4().hex}.part")
        self._made += [draft, target]
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with source.open("rb") as file, os.fdopen(descriptor, "wb") as copied:
            shutil.copyfileobj(file, copied)
        draft.rename(target)
