"""Read the `Range` header of a download; pure (RFC 9110 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ONE: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """Name the bytes from `start` on, `length` of them."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """Answer the Content-Range of a 206."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class Unsatisfiable(Exception):
    """Say that no byte of the file is in the range."""


def read_range(header: str | None, size: int) -> Span | None:
    """Answer the bytes that a Range header asks for; None for the whole file. Raises Unsatisfiable.

    Other units, several ranges and what cannot be read are ignored, as 14.2 allows.
    """
    found = _ONE.fullmatch(header) if header is not None else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        length = min(int(found[2]), size)
        if length == 0:
            raise Unsatisfiable
        return Span(size - length, length)
    start = int(found[1])
    if found[2] and int(found[2]) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    return Span(start, last - start + 1)
