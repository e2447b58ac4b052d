"""Rewrite one complete start tag of HTML, keeping all its other bytes as they were (tunnel.md 3.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from relay.tunnel.rewrite.attributes import (
    is_external,
    rewrite_refresh,
    rewrite_srcset,
    rewrite_style,
    rewrite_words,
    through_entities,
)
from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.policy import adapt_policy
from relay.tunnel.rewrite.urls import rewrite_url

_NAME: Final = rb"[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+"
_SP: Final = rb"[ \t\n\r\f]*+"
#: A whole tag, as the tokenizer of HTML 13.2.5 sees it: quotes count only after `=`. The possessive forms keep it from
#: reading an unfinished value as something else.
TAG: Final = re.compile(
    rb"</?([a-zA-Z][^ \t\n\r\f/>]*+)(?:[ \t\n\r\f/]++|"
    + _NAME
    + rb"(?:%b=%b(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\r\f>\"'][^ \t\n\r\f>]*+|(?=>))|(?!%b=)))*+>" % (_SP, _SP, _SP)
)
_ATTRIBUTE: Final = re.compile(
    rb"(" + _NAME + rb")(?:" + _SP + rb"=" + _SP + rb"(?:\"([^\"]*+)\"|'([^']*+)'|([^ \t\n\r\f>\"'][^ \t\n\r\f>]*+))?)?"
)
#: The attributes that may change, and those that decide about others.
_CHANGING: Final = (
    rb"(?:xlink:)?href|src(?:set|doc)?|(?:form)?action|poster|data|style|ping|background|manifest|imagesrcset|integrity"
)
_DECIDING: Final = rb"type|charset|content"
#: No tag without one of them needs a closer look.
_WORTH: Final = re.compile(rb"(?i)(?:" + _CHANGING + rb"|" + _DECIDING + rb")" + _SP + rb"=")
_OWN_TEXT: Final = rb"script|style|textarea|title|xmp|noembed|noframes|iframe|plaintext|svg|math|meta"
#: Text, and tags that begin no text of their own and have nothing to change, relative addresses included: most of a
#: page, told in one go.
PLAIN: Final = re.compile(
    rb"(?i)(?:[^<]++|</?(?!(?:"
    + _OWN_TEXT
    + rb")[ \t\n\r\f/>])[a-z][a-z0-9\-]*+(?:[ \t\n\r\f]++(?:"
    + rb"(?!(?:"
    + _CHANGING
    + rb")[ \t\n\r\f=])[a-z][a-z0-9\-]*+(?:=\"[^\"]*+\"|='[^']*+'|(?=[ \t\n\r\f>])(?!"
    + _SP
    + rb"=))|style=\"[^\"(&]*+\"|(?:href|src)=\"(?![ \t\n\r\f/h])[^\"]*+\"))*+"
    + _SP
    + rb"/?>)*+"
)

_EVERYWHERE: Final = frozenset((b"src", b"href", b"xlink:href", b"poster", b"action", b"formaction", b"background"))
_ON_ONE: Final = frozenset(((b"object", b"data"), (b"html", b"manifest")))
_SETS: Final = frozenset((b"srcset", b"imagesrcset"))


class Attribute(NamedTuple):
    """Hold an attribute and where it stands in the tag: `start` to `end`, its value from `value_start`."""

    name: bytes
    value: bytes
    start: int
    end: int
    value_start: int
    quote: bytes


class Tag(NamedTuple):
    """Hold the output for a start tag, and those of its attributes that decide what follows."""

    output: bytes
    type: bytes = b""
    charset: bytes = b""


def attributes_of(raw: bytes, start: int) -> list[Attribute]:
    """Answer the attributes in `raw` from `start` on; of a name that comes twice only the first (HTML 13.2.5.33)."""
    found: dict[bytes, Attribute] = {}
    for match in _ATTRIBUTE.finditer(raw, start, len(raw) - 1):
        group = match.lastindex or 1
        value_start = match.start(group) if group > 1 else match.end()
        quote = {2: b'"', 3: b"'"}.get(group, b"")
        value = match[group] if group > 1 else b""
        name = match[1].lower()
        found.setdefault(name, Attribute(name, value, match.start(), match.end(), value_start, quote))
    return list(found.values())


class TagRewriter:
    """Rewrite start tags for one document.

    `script_hash` is what a policy needs for the interceptor; `document` rewrites that of a `srcdoc`, None to leave it.
    """

    def __init__(
        self, context: RewriteContext, *, script_hash: str | None, document: Callable[[bytes], bytes] | None
    ) -> None:
        self._context: Final = context
        self._script_hash: Final = script_hash
        self._document: Final = document

    def rewrite(self, name: bytes, raw: bytes) -> Tag:
        """Answer a start tag rewritten; `raw` is all of it, `name` its lower-case name."""
        begin = 1 + len(name)
        if _WORTH.search(raw, begin) is None:
            return Tag(raw)
        attributes = attributes_of(raw, begin)
        values = {attribute.name: attribute.value for attribute in attributes}
        pieces: list[bytes] = []
        sent = 0
        for attribute in attributes:
            if attribute.name == b"integrity" and self._breaks_integrity(values):
                # What is rewritten has another hash; the browser would refuse it (3.6).
                pieces.append(raw[sent : attribute.start].rstrip(b" \t\r\n\f"))
                sent = attribute.end
                continue
            value = self._value(name, attribute, values)
            if value != attribute.value:
                pieces += (raw[sent : attribute.value_start], value)
                sent = attribute.value_start + len(attribute.value)
        pieces.append(raw[sent:])
        output = b"".join(pieces) if sent else raw
        return Tag(output, values.get(b"type", b"").strip().lower(), _charset(name, values))

    def _value(self, name: bytes, attribute: Attribute, values: dict[bytes, bytes]) -> bytes:
        """Answer the new value of one attribute."""
        key, value = attribute.name, attribute.value
        if key in _EVERYWHERE or (name, key) in _ON_ONE:
            return rewrite_url(value, self._context)
        if key in _SETS:
            return rewrite_srcset(value, self._context)
        if key == b"style":
            return rewrite_style(value, self._context)
        if key == b"ping":
            return rewrite_words(value, self._context)
        if key == b"content" and name == b"meta":
            return self._meta(attribute, values.get(b"http-equiv", b"").strip().lower())
        if key == b"srcdoc" and name == b"iframe" and self._document is not None and attribute.quote:
            return through_entities(value, self._document)
        return value

    def _meta(self, attribute: Attribute, equivalent: bytes) -> bytes:
        """Answer the `content` of a `<meta>` that acts as a header."""
        if equivalent == b"refresh":
            return rewrite_refresh(attribute.value, self._context)
        policy = attribute.value
        plain = attribute.quote == b'"' and policy.isascii() and b"&" not in policy
        if equivalent == b"content-security-policy" and plain:
            adapted = adapt_policy(policy.decode("ascii"), self._context, self._script_hash, base=False)
            return adapted.encode("ascii")
        return policy

    def _breaks_integrity(self, values: dict[bytes, bytes]) -> bool:
        """Answer whether what the tag names comes through the rewriter."""
        url = values.get(b"src", values.get(b"href", b""))
        return not is_external(url, self._context)


def _charset(name: bytes, values: dict[bytes, bytes]) -> bytes:
    """Answer the charset that a `<meta>` declares (HTML 13.2.3.2)."""
    if name != b"meta":
        return b""
    if b"charset" in values:
        return values[b"charset"].strip()
    content = values.get(b"content", b"")
    if values.get(b"http-equiv", b"").strip().lower() != b"content-type":
        return b""
    found = re.search(rb"(?i)charset\s*=\s*[\"']?([^\s;\"']+)", content)
    return found[1] if found else b""
