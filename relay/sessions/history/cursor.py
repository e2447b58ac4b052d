"""Write and read the place where a page of stored sessions ended; opaque to clients (rest-runners.md 7.1)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from relay import jsontext
from relay.clock import iso, parse_iso

#: A longer text is no cursor of ours.
_LONGEST: Final = 2048
#: Times outside these years are written with another width; no session has one. In epoch milliseconds.
_YEARS: Final = range(-62_135_596_800_000, 253_402_300_800_000)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Hold the sort key of the last row of a page; `last_active_at` is ISO 8601."""

    pinned: bool
    last_active_at: str
    id: str

    def text(self) -> str:
        """Answer the cursor as clients get it."""
        packed = jsontext.dumps([int(self.pinned), self.last_active_at, self.id])
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def read_cursor(text: str | None) -> Cursor | None:
    """Read a cursor, or an ISO timestamp, behind which the unpinned rows follow; None for anything else."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    moment = parse_iso(text)
    if moment is not None:
        return Cursor(False, iso(moment), "") if moment in _YEARS else None
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        values = jsontext.loads(packed)
    except (binascii.Error, ValueError):
        return None
    match values:
        case [int(pinned), str(last_active_at), str(session_id)] if _is_text(last_active_at + session_id):
            return Cursor(bool(pinned), last_active_at, session_id)
    return None


def _is_text(text: str) -> bool:
    """Tell whether SQLite can take the text: it has no lone surrogate."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
