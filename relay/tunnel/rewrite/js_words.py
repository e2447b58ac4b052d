"""Answer from the code before a place in a script what stands there: a URL, a regular expression, a dynamic import."""

from __future__ import annotations

import re
from typing import Final

#: A module address follows (ECMAScript 16.2): `import "…"`, `import x from "…"`, `export … from "…"`.
_STATIC: Final = re.compile(rb"(?<![\w$.\x80-\xff])(?:from|import)\s*+\Z")
#: An address is the first argument; workers have no interceptor, so what they load is rewritten in the text.
_CALL: Final = re.compile(
    rb"(?<![\w$.\x80-\xff])(?:import|new\s++(?:URL|Worker|SharedWorker))\s*+\(\s*+\Z|(?<![\w$\x80-\xff])importScripts\s*+\(\s*+\Z"
)
#: `import(` with nothing but white space after it.
_IMPORT_CALL: Final = re.compile(rb"(?<![\w$.\x80-\xff])import\s*+\(\s*+\Z")
_WORD: Final = re.compile(rb"(\.?)([\w$\x80-\xff]++)\Z")
#: An expression follows these words, so a slash begins a regular expression.
_BEFORE_EXPRESSION: Final = frozenset(
    b"return typeof case in of delete void throw new instanceof do else yield await default extends".split()
)
#: A statement follows the parentheses after these words.
_CONTROL: Final = re.compile(rb"(?<![\w$.\x80-\xff])(?:if|while|for|with|for\s++await)\s*+\Z")
#: How many of the last bytes can hold the longest word.
_WORD_LENGTH: Final = 24


def url_follows(before: bytes) -> bool:
    """Answer whether a string after this code is an address."""
    code = before.rstrip()
    last = code[-1:]
    if last == b"(":
        return code[:-1].rstrip()[-1:] in (b"t", b"L", b"r", b"s") and _CALL.search(before[-80:]) is not None
    return last in (b"m", b"t") and _STATIC.search(before[-80:]) is not None


def opens_import(before: bytes) -> bool:
    """Answer whether this code ends with `import(`, whose argument begins here."""
    return _IMPORT_CALL.search(before[-80:]) is not None


def regex_follows(before: bytes) -> bool:
    """Answer whether a slash after this code begins a regular expression, not a division (ECMAScript 12, goal symbols).

    After `}` it is taken to be one: a block is far more often followed by an expression than an object by a division.
    After `)` the parentheses are followed back, inside of what is remembered, to see whether a statement follows.
    """
    code = before.rstrip()
    if not code:
        return True
    last = code[-1:]
    if last == b")":
        return _closes_control(code)
    if last in b"]\"'`":
        return False
    if last in (b"+", b"-"):
        return code[-2:] not in (b"++", b"--")
    if last == b".":
        return code.endswith(b"...")
    word = _WORD.search(code[-_WORD_LENGTH:])
    return word is None or (word[2] in _BEFORE_EXPRESSION and not word[1])


def _closes_control(code: bytes) -> bool:
    """Answer whether the parenthesis at the end closes the head of `if`, `while`, `for` or `with`."""
    depth = 0
    place = len(code)
    while place > 0:
        opening, closing = code.rfind(b"(", 0, place), code.rfind(b")", 0, place)
        place = max(opening, closing)
        if place < 0:
            return False
        depth += 1 if place == closing else -1
        if depth == 0:
            return _CONTROL.search(code[max(0, place - 40) : place]) is not None
    return False
