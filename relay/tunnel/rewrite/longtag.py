"""Follow a tag that is too long to be held, to know where it ends (tunnel.md 3.7)."""

from __future__ import annotations

import re
from typing import Final

_IN_TAG: Final = re.compile(rb"[=>]")
_NOT_SPACE: Final = re.compile(rb"[^ \t\r\n\f]")
_AFTER_VALUE: Final = re.compile(rb"[ \t\r\n\f>]")


class LongTag:
    """Keep the state of one tag; each byte is looked at once."""

    def __init__(self, name: bytes, *, closing: bool) -> None:
        self.name: Final = name
        self.closing: Final = closing
        self._wanted = _IN_TAG
        self._quote = b""

    def scan(self, buf: bytes, pos: int) -> tuple[int, bool]:
        """Answer up to where the tag goes from `pos` on, and whether it ends there."""
        while pos < len(buf):
            if self._quote:
                end = buf.find(self._quote, pos)
                if end < 0:
                    return len(buf), False
                self._quote, pos = b"", end + 1
                continue
            found = self._wanted.search(buf, pos)
            if found is None:
                return len(buf), False
            pos = found.end()
            if found[0] == b">":
                return pos, True
            if self._wanted is _IN_TAG:
                self._wanted = _NOT_SPACE
            elif self._wanted is _NOT_SPACE:
                quoted = found[0] in (b'"', b"'")
                self._quote = found[0] if quoted else b""
                self._wanted = _IN_TAG if quoted else _AFTER_VALUE
            else:
                self._wanted = _IN_TAG
        return pos, False
