"""Read `multipart/form-data` piece by piece, without a server (RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import multipart

#: Browsers leave a boundary bare that RFC 2045 would quote, so a bare one ends at the next semicolon only.
_BOUNDARY: Final = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^;"]*))', re.IGNORECASE)
#: RFC 2046 5.1.1 allows 70 characters; clients exist that take more.
_LONGEST_BOUNDARY: Final = 200


class FormError(ValueError):
    """Say that a body is no well-formed form, or a larger one than is read."""


@dataclass(frozen=True, slots=True)
class Part:
    """Describe one part; `filename` is None for a plain field, `content_type` as it was sent."""

    name: str
    filename: str | None
    content_type: str | None


def boundary_of(content_type: str) -> bytes | None:
    """Answer the boundary that a Content-Type names, None when it is not that of a form."""
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        return None
    found = _BOUNDARY.search(content_type)
    if found is None:
        return None
    boundary = (found[1] if found[1] is not None else found[2].strip()).encode("utf-8", "surrogateescape")
    return boundary if 0 < len(boundary) <= _LONGEST_BOUNDARY and b"\n" not in boundary else None


class Form:
    """Turn the bytes of a body into parts; `feed` what comes, then `finish`."""

    def __init__(self, boundary: bytes, max_parts: int) -> None:
        self._parser = multipart.PushMultipartParser(boundary, max_segment_count=max_parts)

    def feed(self, data: bytes) -> Iterator[Part | bytes | None]:
        """Yield a Part for each head, then the pieces of its body, then None at its end; raises FormError.

        The iterator must be used up before the next call.
        """
        try:
            for event in self._parser.parse(data):
                if isinstance(event, multipart.MultipartSegment):
                    yield Part(event.name, event.filename, event.header("Content-Type"))
                elif event is None:
                    yield None
                else:
                    yield bytes(event)
        except multipart.MultipartError as error:
            raise FormError(str(error)) from error

    def finish(self) -> None:
        """Check that the closing boundary has come; raises FormError."""
        try:
            self._parser.close()
        except multipart.MultipartError as error:
            raise FormError(str(error)) from error
