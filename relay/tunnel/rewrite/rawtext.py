"""Find where the text of an element ends that holds no markup: scripts, styles, titles (HTML 13.2.5, tunnel.md 3.7)."""

from __future__ import annotations

import re
from typing import Final

#: Elements whose content is text up to their end tag. `noscript` is left out: without scripts it is markup.
NAMES: Final = frozenset(
    (b"script", b"style", b"textarea", b"title", b"xmp", b"noembed", b"noframes", b"iframe", b"plaintext")
)
_SCRIPT_MARKS: Final = re.compile(rb"(?i)<!--|-->|</?script(?=[ \t\n\r\f/>])")
_MAYBE: Final = re.compile(rb"[<\-]")
#: `</script` and the byte after it.
_LONGEST_MARK: Final = 9


#: What ends each of them.
_END_OF: Final = {name: re.compile(rb"(?i)</" + name + rb"(?=[ \t\n\r\f/>])") for name in NAMES}


class RawText:
    """Follow the content of one element."""

    def __init__(self, name: bytes) -> None:
        self._name: Final = name
        self._escaped = False
        self._double = False

    def scan(self, buf: bytes, pos: int, *, final: bool) -> tuple[int, bool]:
        """Answer up to where the text goes from `pos` on, and whether its end tag begins there."""
        if self._name == b"plaintext":
            return len(buf), False
        if self._name != b"script":
            found = _END_OF[self._name].search(buf, pos)
            if found is not None:
                return found.start(), True
            return len(buf) if final else _before_partial(buf, pos, b"</" + self._name), False
        return self._scan_script(buf, pos, final=final)

    def _scan_script(self, buf: bytes, pos: int, *, final: bool) -> tuple[int, bool]:
        """Follow a script: after `<!--` and `<script` the next `</script` closes only that inner one."""
        while True:
            found = _SCRIPT_MARKS.search(buf, pos)
            if found is None:
                return (len(buf), False) if final else (_before_mark(buf, pos), False)
            mark = found[0].lower()
            pos = found.end()
            if mark == b"<!--":
                self._escaped = True
                # In `<!-->` the dashes count for the end as well.
                pos = found.start() + 2
            elif mark == b"-->":
                self._escaped = self._double = False
            elif mark == b"<script":
                self._double = self._escaped
            elif self._double:
                self._double = False
            else:
                return found.start(), True


def _before_mark(buf: bytes, pos: int) -> int:
    """Answer where a mark may have begun at the end of the buffer, else its end."""
    maybe = _MAYBE.search(buf, max(pos, len(buf) - _LONGEST_MARK))
    return len(buf) if maybe is None else maybe.start()


def _before_partial(buf: bytes, pos: int, mark: bytes) -> int:
    """Answer where an end tag may have begun at the end of the buffer, else its end."""
    at = buf.rfind(b"<", max(pos, len(buf) - len(mark)))
    return len(buf) if at < 0 or not mark.startswith(buf[at:].lower()) else at
