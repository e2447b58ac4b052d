"""Rewrite the URLs of a style sheet while it streams (tunnel.md 3.4, 3.7; CSS Syntax 3 for the tokens)."""

from __future__ import annotations

import re
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.scanner import Scanner

#: Whatever is certainly no URL: plain text, other functions than `url(` and `image-set(`, strings after other things
#: than `@import` and the inside of `image-set()`. Everything else is looked at one by one.
_PLAIN: Final = re.compile(
    rb"""(?x)(?:
        [^"'(/\\]++
        | (?<![lLtT]) \(
        | / (?=[^*])
        | (?<![\s(,tT/]) (?: "(?:[^"\\\n\r\f]++|\\[^\r])*+" | '(?:[^'\\\n\r\f]++|\\[^\r])*+' )
    )*+"""
)
_PLAIN_IN_SET: Final = re.compile(rb"""(?:[^"'()/\\]++|/(?=[^*]))*+""")
_FUNCTION: Final = re.compile(rb"(?i)(?<![\w\-\\\x80-\xff])(url|(?:-webkit-)?image-set)\Z")
#: The longest of these and the byte before it: searching more costs more than all the rest of a rule.
_LONGEST: Final = len(b"-webkit-image-set") + 1
_SPACE: Final = re.compile(rb"\s*+")
_IN_STRING: Final = {ord('"'): re.compile(rb'["\\\n\r\f]'), ord("'"): re.compile(rb"['\\\n\r\f]")}
_END_OF_URL: Final = re.compile(rb"[\s\"'()\\]")
_IN_URL: Final = re.compile(rb"[)\\]")


def _is_import(before: bytes) -> bool:
    """Answer whether a string after this code is the address of an import."""
    return before.rstrip()[-7:].lower() == b"@import"


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
        elif self._depth == 1 or (not self._depth and _is_import(self._before(here))):
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
            self._stand_in(here, b" ")
            self._step = self._comment
        return True

    def _parenthesis(self, byte: int, here: int) -> None:
        """Begin a URL or an image set, or count."""
        if byte == ord(")"):
            self._depth -= 1
            return
        function = _FUNCTION.search(self._before(here)[-_LONGEST:])
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
        return self._past(_IN_STRING[self._quote].search(self._buf, self._pos), self._code)

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
        if found is not None and found[0] == b")" and self._depth:
            self._pos, self._step = found.start(), self._code
            return True
        return self._past(found, self._code)
