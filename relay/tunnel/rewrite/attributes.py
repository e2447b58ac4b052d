"""Rewrite the attribute values of HTML that hold URLs (tunnel.md 3.1, 3.2, 3.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.css import CssRewriter
from relay.tunnel.rewrite.urls import rewrite_url

_SPACES: Final = b" \t\r\n\f"
_WORD: Final = re.compile(rb"[^ \t\r\n\f]+")
#: What separates the candidates of `srcset`, and what may follow the address of one (HTML 4.8.4.2.1).
_BETWEEN: Final = re.compile(rb"[ \t\r\n\f,]*+")
_DESCRIPTORS: Final = re.compile(rb"(?:[^,(]++|\([^)]*+\)?)*+,?")
_REFRESH: Final = re.compile(rb"(?is)(\s*[\d.]*\s*[;,\s]\s*(?:url\s*=\s*)?(?:[\"']|&quot;|&#39;|&#34;|&apos;)?)(.*)")
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*+:")
#: The entities that can stand for the delimiters of CSS and HTML, and for the ampersand that begins all the others.
_ENTITIES: Final = re.compile(rb"&(?:quot|apos|lt|gt|amp|#34|#39|#x22|#x27);?", re.IGNORECASE)
_MEANING: Final = {b"quot": b'"', b"apos": b"'", b"lt": b"<", b"gt": b">", b"amp": b"&", b"#34": b'"', b"#39": b"'"}
_MEANING_HEX: Final = {b"#x22": b'"', b"#x27": b"'"}


def is_external(url: bytes, context: RewriteContext) -> bool:
    """Answer whether a URL leads away from the service, so that what it names is not rewritten."""
    bare = url.strip(_SPACES)
    if bare[:2] in (b"//", b"\\\\", b"/\\"):
        return True
    return _SCHEME.match(bare) is not None and rewrite_url(bare, context) == bare


def rewrite_srcset(value: bytes, context: RewriteContext) -> bytes:
    """Answer `srcset` with each address rewritten; commas in an address (`data:`) do not separate."""
    parts: list[bytes] = []
    place = 0
    while True:
        between = _BETWEEN.match(value, place)
        end = between.end() if between else place
        parts.append(value[place:end])
        word = _WORD.match(value, end)
        if word is None:
            return b"".join(parts)
        url = word[0].rstrip(b",")
        parts.append(rewrite_url(url, context))
        place = end + len(url)
        if len(url) == len(word[0]):
            rest = _DESCRIPTORS.match(value, place)
            stop = rest.end() if rest else place
            parts.append(value[place:stop])
            place = stop


def rewrite_words(value: bytes, context: RewriteContext) -> bytes:
    """Answer a list of addresses separated by white space (`ping`)."""
    return _WORD.sub(lambda word: rewrite_url(word[0], context), value)


def rewrite_refresh(value: bytes, context: RewriteContext) -> bytes:
    """Answer the `content` of `<meta http-equiv=refresh>`, with or without quotes in it."""
    found = _REFRESH.fullmatch(value)
    return value if found is None else found[1] + rewrite_url(found[2], context)


def rewrite_style(value: bytes, context: RewriteContext) -> bytes:
    """Answer a `style` attribute."""
    if b"(" not in value:
        return value

    def sheet(text: bytes) -> bytes:
        css = CssRewriter(context)
        return css.feed(text) + css.finish()

    return sheet(value) if b"&" not in value else through_entities(value, sheet)


def through_entities(value: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Answer the value with `change` applied to its text; as it was, byte for byte, where that changes nothing.

    Only the entities of delimiters and `&amp;` are resolved; the others come out as they went in.
    """
    text = _ENTITIES.sub(_resolve, value)
    changed = change(text)
    if changed == text:
        return value
    escaped = changed.replace(b"&", b"&amp;").replace(b'"', b"&quot;").replace(b"'", b"&#39;")
    return escaped.replace(b"<", b"&lt;").replace(b">", b"&gt;")


def _resolve(entity: re.Match[bytes]) -> bytes:
    """Answer the character of an entity; one without its semicolon only where HTML reads it so too."""
    name = entity[0][1:].rstrip(b";").lower()
    return _MEANING.get(name) or _MEANING_HEX.get(name) or entity[0]
