"""Tell which responses are rewritten, as what, and in which encodings that is safe (tunnel.md 3, 3.6, 3.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final


class Kind(Enum):
    """The languages that are rewritten."""

    HTML = "html"
    XHTML = "xhtml"
    CSS = "css"
    JS = "js"


_JS: Final = re.compile(r"(?:application|text)/(?:x-)?(?:javascript|ecmascript|typescript)")
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)

#: Their bytes are not ASCII where they look like it: nothing in them may be touched.
_OPAQUE: Final = re.compile(
    r"utf-?(?:16|32|7)|ucs-?[24]|iso-10646|unicode|iso-2022|csiso2022|hz-gb|csunicode", re.IGNORECASE
)
#: A second byte may be a backslash or a backtick, never a quote or a bracket: tags are safe, scripts and styles not.
_DOUBLE_BYTE: Final = re.compile(
    r"(?:shift.?jis|sjis|x-sjis|ms_kanji|windows-31j|csshiftjis|gbk?\b|gb_?2312|gb18030|x-gbk|chinese|csgb|iso-ir-58"
    r"|big5|x-x-big5|cn-big5|csbig5)",
    re.IGNORECASE,
)


def kind_of(content_type: str) -> Kind | None:
    """Answer the language that a content type names; None for all that is passed on untouched."""
    lowered = content_type.lower()
    if "text/html" in lowered:
        return Kind.HTML
    if "application/xhtml+xml" in lowered:
        return Kind.XHTML
    if "text/css" in lowered:
        return Kind.CSS
    return Kind.JS if _JS.search(lowered) else None


def charset_of(content_type: str) -> str:
    """Answer the charset parameter, or an empty string."""
    found = _CHARSET.search(content_type)
    return found[1] if found else ""


def is_opaque(charset: str) -> bool:
    """Answer whether the bytes of this charset must not be looked at (UTF-16, ISO-2022-JP, ...)."""
    return _OPAQUE.match(charset) is not None


def is_double_byte(charset: str) -> bool:
    """Answer whether scripts and styles in this charset are left alone (Shift_JIS, GBK, Big5)."""
    return _DOUBLE_BYTE.match(charset) is not None


def rewritable(status: int, headers: Mapping[str, str]) -> Kind | None:
    """Answer as what the whole response of this resource is rewritten, whatever the method; None for untouched.

    Parts (206), attachments and charsets that are not ASCII within are untouched.
    """
    content_type = headers.get("content-type", "")
    kind = kind_of(content_type)
    charset = charset_of(content_type)
    if kind is None or status == 206 or is_opaque(charset):
        return None
    if headers.get("content-disposition", "").lstrip().lower().startswith("attachment"):
        return None
    if kind in (Kind.CSS, Kind.JS) and is_double_byte(charset):
        return None
    return kind


def has_body(status: int, method: str) -> bool:
    """Answer whether a response can have a body at all (RFC 9110 6.4.1)."""
    return method.upper() != "HEAD" and status >= 200 and status not in (204, 205, 304)
