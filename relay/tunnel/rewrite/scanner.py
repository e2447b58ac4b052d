"""Walk through a text that comes in pieces, remembering the code before each place: the base of CSS and JavaScript.

Output never depends on how the input was cut. Three rules see to that: a step looks ahead only as far as it can wait
for; it looks back only through `_before`, whose answer is a function of the stream; and what the regular expressions of
a language see in front of them is always at least two bytes of the stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.urls import decide

#: Bytes of code, without comments, that are remembered: enough for any keyword with its white space and parentheses.
LOOKBACK: Final = 256
#: What the scanner pretends to have seen before the first byte.
_START: Final = b"\n\n"


class Scanner:
    """Keep the place in the stream and the output; a language adds its steps.

    A step moves `_pos`, may replace bytes through `_splice`, and answers whether it got on; False asks for more input.
    """

    def __init__(self, context: RewriteContext, first: Callable[[], bool]) -> None:
        self._context: Final = context
        self._need: Final = max(len(context.base) + 1, 24)
        self._buf = _START
        self._pos = self._sent = self._run = len(_START)
        self._ctx = _START
        self._final = False
        self._out: list[bytes] = []
        self._step: Callable[[], bool] = first

    def feed(self, data: bytes) -> bytes:
        """Answer the output that is certain after this input."""
        self._buf += data
        while self._pos < len(self._buf) and self._step():
            pass
        self._out.append(self._buf[self._sent : self._pos])
        self._forget()
        return self._take()

    def finish(self) -> bytes:
        """Answer the rest: what waited for more is decided as it stands."""
        self._final = True
        rest = self.feed(b"")
        self._end()
        return rest + self._take() + self._buf[self._pos :]

    def _end(self) -> None:
        """Let a language decide what waited for the end."""

    def _take(self) -> bytes:
        """Answer and forget the output."""
        done = b"".join(self._out)
        self._out.clear()
        return done

    def _forget(self) -> None:
        """Drop the input that is done with, but the two bytes that a look behind may want."""
        self._ctx = self._before(self._pos)
        self._buf = self._buf[self._pos - len(_START) :]
        self._pos = self._sent = self._run = len(_START)

    def _before(self, end: int) -> bytes:
        """Answer the last 256 bytes of code before `end`, with a space for each comment."""
        if end - self._run >= LOOKBACK:
            return self._buf[end - LOOKBACK : end]
        return (self._ctx + self._buf[self._run : end])[-LOOKBACK:]

    def _stand_in(self, start: int, mark: bytes) -> None:
        """Count what goes from `start` to here as `mark`: a comment as a space, a regular expression as an operand."""
        self._ctx = self._before(start) + mark
        self._run = self._pos

    def _past(self, found: re.Match[bytes] | None, after: Callable[[], bool]) -> bool:
        """Go on behind a delimiter, with the step `after`, or behind an escape and what it escapes."""
        if found is None:
            self._pos = len(self._buf)
            return False
        if found[0] != b"\\":
            self._pos = found.end()
            self._step = after
            return True
        escaped = self._buf[found.end() : found.end() + 2]
        whole = len(escaped) == 2 or (escaped and escaped != b"\r")
        if not whole and not self._final:
            self._pos = found.start()
            return False
        self._pos = min(found.end() + (2 if escaped == b"\r\n" else 1), len(self._buf))
        return True

    def _splice(self, start: int, drop: int, insert: bytes) -> None:
        """Put `insert` in the place of `drop` bytes."""
        self._out.append(self._buf[self._sent : start])
        self._out.append(insert)
        self._sent = start + drop

    def _decide_url(self, end: re.Pattern[bytes]) -> bool:
        """Rewrite the URL that begins here; False where that cannot be told yet. `end` matches what ends a URL."""
        head = self._buf[self._pos : self._pos + self._need]
        found = end.search(head)
        url = head if found is None else head[: found.start()]
        splice = decide(url, self._context, final=found is not None or self._final)
        if splice is None:
            return False
        if splice.changes:
            self._splice(self._pos, splice.drop, splice.insert)
            self._pos += splice.drop
        return True
