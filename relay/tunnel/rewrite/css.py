"""Rewrite the URLs of a style sheet while it streams (tunnel.md 3.4, 3.7; CSS Syntax 3 for the tokens)."""

from __future__ import annotations

import re
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.scanner import Scanner

#: Whatever is certainly no URL: plain text, other functions than `url(` and `image-set(`, strings after other things
#: than `@import` and the inside of `image-set()`. Everything else is looked at one by one.
_PLAIN: Final = re.compile(
    rb"""(?:[^"'(/\\]++|(?<![lLtT])\(|/(?=[^*])|(?<![\s(,tT/])(?:"(?:[^"\\\n\r\f]++|\\[\s\S])*+"|'(?:[^'\\\n\r\f]++|\\[\s\S])*+'))*+"""
)
_PLAIN_IN_SET: Final = re.compile(rb"""(?:[^"'()/\\]++|/(?=[^*]))*+""")
_FUNCTION: Final = re.compile(rb"(?i)(?<![\w\-\\\x80-\xff])(url|(?:-webkit-)?image-set)\Z")
_IMPORT: Final = re.compile(rb"(?i)@import\s*+\Z")
_SPACE: Final = re.compile(rb"\s*+")
_IN_STRING: Final = {ord('"'): re.compile(rb'["\\\n\r\f]'), ord("'"): re.compile(rb"['\\\n\r\f]")}
_END_OF_URL: Final = re.compile(rb"[\s\"'()\\]")
_IN_URL: Final = re.compile(rb"[)\\]")


class CssRewriter(Scanner):
    """Rewrite one style sheet: `url(…)`, `@import "…"`, `image-set("…")`; holds at most a URL's first bytes."""

    def __init__(self, context: RewriteContext) -> None:
        super().__init__(context, self._code)
        self._quote = 0
        self._depth = 0

    def _code(self) -> bool:
        """Pass plain text, and stop at what may hold a URL."""
        plain = _PLAIN_IN_SET if self._depth else _PLAIN
        found = plain.match(self._buf, self._pos)
        self._pos = here = found.end() if found else self._pos
        if here == len(self._buf):
            return False
        byte = self._buf[here]
        if byte in b"/\\":
            return self._pair(byte, here)
        self._pos += 1
        if byte in b"()":
            self._parenthesis(byte, here)
        elif self._depth == 1 or (not self._depth and _IMPORT.search(self._before(here))):
            self._quote, self._step = byte, self._quoted_url
        else:
            self._quote, self._step = byte, self._string
        return True

    def _pair(self, byte: int, here: int) -> bool:
        """Pass an escape or a lone slash, or begin a comment: two bytes tell."""
        if here + 1 == len(self._buf) and not self._final:
            return False
        self._pos = min(here + 2, len(self._buf))
        if byte == ord("/"):
            self._skip_comment(here, self._pos)
            self._step = self._comment
        return True

    def _parenthesis(self, byte: int, here: int) -> None:
        """Begin a URL or an image set, or count."""
        if byte == ord(")"):
            self._depth -= 1
            return
        function = _FUNCTION.search(self._before(here))
        if function is not None and function[1].lower() == b"url":
            self._depth += 1 if self._depth else 0
            self._step = self._url_start
        elif self._depth or function is not None:
            self._depth += 1

    def _comment(self) -> bool:
        """Pass a comment, to its end."""
        end = self._buf.find(b"*/", self._pos)
        if end < 0:
            self._pos = max(self._pos, len(self._buf) - self._buf.endswith(b"*"))
            self._run = self._pos
            return False
        self._pos = self._run = end + 2
        self._step = self._code
        return True

    def _string(self) -> bool:
        """Pass a string, to its end or, as it is broken then, to the end of its line."""
        found = _IN_STRING[self._quote].search(self._buf, self._pos)
        if found is None:
            self._pos = len(self._buf)
            return False
        if found[0] != b"\\":
            self._pos = found.end()
            self._step = self._code
            return True
        if found.end() == len(self._buf) and not self._final:
            self._pos = found.start()
            return False
        self._pos = min(found.end() + 1, len(self._buf))
        return True

    def _quoted_url(self) -> bool:
        """Rewrite a URL in quotes; what follows its head is an ordinary string."""
        if not self._decide_url(_IN_STRING[self._quote]):
            return False
        self._step = self._string
        return True

    def _url_start(self) -> bool:
        """Pass the white space after `url(`, and see whether there is a quote."""
        found = _SPACE.match(self._buf, self._pos)
        self._pos = found.end() if found else self._pos
        if self._pos == len(self._buf):
            return False
        byte = self._buf[self._pos]
        if byte in b"\"'":
            self._pos += 1
            self._quote, self._step = byte, self._quoted_url
        else:
            self._step = self._bare_url
        return True

    def _bare_url(self) -> bool:
        """Rewrite a URL without quotes."""
        if not self._decide_url(_END_OF_URL):
            return False
        self._step = self._rest_of_url
        return True

    def _rest_of_url(self) -> bool:
        """Pass the rest of a URL without quotes: quotes and slashes mean nothing in it."""
        found = _IN_URL.search(self._buf, self._pos)
        if found is None:
            self._pos = len(self._buf)
            return False
        if found[0] == b")":
            self._pos, self._step = found.start(), self._code
            # Outside of an image set nobody counts the parenthesis.
            self._pos += 0 if self._depth else 1
            return True
        if found.end() == len(self._buf) and not self._final:
            self._pos = found.start()
            return False
        self._pos = min(found.end() + 1, len(self._buf))
        return True
