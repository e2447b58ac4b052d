"""Keep what a slow browser has not read yet in unlinked temporary files (tunnel.md 8.3)."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO


class SpillFull(Exception):
    """Say that one exchange, or all together, would keep more than they may."""


class SpillBudget:
    """Count the bytes of all spill files, and say where they go."""

    def __init__(self, folder: Path, limit: int) -> None:
        """`folder` is created at first use; `limit` in bytes, 0 for no spilling."""
        self.folder = folder
        self.limit = limit
        self.used = 0


@dataclass(slots=True)
class _Segment:
    file: IO[bytes]
    written: int = 0
    read: int = 0


class Spill:
    """Be a queue of bytes on disk: written at the end, read at the front.

    It is cut into segments that vanish once they are read, so that a steady slow reader does not fill the disk. The
    work on files is done in threads; the caller writes and reads one at a time.
    """

    def __init__(self, budget: SpillBudget, limit: int, segment: int) -> None:
        self._budget = budget
        self._limit = limit
        self._segment = segment
        self._segments: deque[_Segment] = deque()
        self._closed = False
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Append bytes; raises SpillFull, and OSError when the disk can't take them."""
        size = len(data)
        if self.size + size > self._limit or self._budget.used + size > self._budget.limit:
            raise SpillFull
        self._budget.used += size
        self.size += size
        await asyncio.to_thread(self._append, data)
        if self._closed:
            self._drop()

    async def read(self, most: int) -> bytes:
        """Take at most so many bytes from the front; empty when there are none. Raises OSError."""
        while self._segments:
            segment = self._segments[0]
            wanted = min(most, segment.written - segment.read)
            if wanted:
                data = await asyncio.to_thread(_read, segment, wanted)
                if self._closed:
                    return b""
                self._budget.used -= len(data)
                self.size -= len(data)
                return data
            self._segments.popleft().file.close()
        return b""

    def close(self) -> None:
        """Forget everything; a thread that still writes finds its file closed."""
        self._closed = True
        self._budget.used -= self.size
        self.size = 0
        self._drop()

    def _drop(self) -> None:
        while self._segments:
            self._segments.popleft().file.close()

    def _append(self, data: bytes) -> None:
        if not self._segments or self._segments[-1].written >= self._segment:
            self._budget.folder.mkdir(parents=True, exist_ok=True)
            self._segments.append(_Segment(tempfile.TemporaryFile(dir=self._budget.folder)))  # noqa: SIM115 - closed once read
        segment = self._segments[-1]
        segment.file.seek(segment.written)
        segment.file.write(data)
        segment.file.flush()
        segment.written += len(data)


def _read(segment: _Segment, size: int) -> bytes:
    segment.file.seek(segment.read)
    data = segment.file.read(size)
    segment.read += len(data)
    return data
