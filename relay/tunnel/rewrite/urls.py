"""Apply the URL rule of tunnel.md 3.1, to whole URLs and to the first bytes of one that is still coming in."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from relay.tunnel.rewrite.context import BOUNDARY, RewriteContext

#: The service's own address in all its spellings, with its port and the byte that ends the authority.
_LOCAL: Final = re.compile(rb"(?i)https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?+(?=[/?#]|\Z)")
#: The longest text that `_LOCAL` can match, and one byte to see its end.
_LOCAL_LENGTH: Final = len(b"https://127.0.0.1:65535") + 1
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


class Splice(NamedTuple):
    """Say how a URL changes: its first `drop` bytes are replaced by `insert`."""

    drop: int
    insert: bytes

    @property
    def changes(self) -> bool:
        """Answer whether anything changes."""
        return bool(self.insert)

    def apply(self, url: bytes) -> bytes:
        """Answer the URL with its new head."""
        return self.insert + url[self.drop :]


KEEP: Final = Splice(0, b"")


def decide(head: bytes, context: RewriteContext, *, final: bool) -> Splice | None:
    """Answer how the URL that begins with `head` changes; None where more bytes are needed (never when `final`).

    `head` has no white space in front. Needs at most the length of the prefix and a byte, or 24 bytes.
    """
    first = head[:1]
    if first == b"/":
        return _decide_rooted(head, context.base, final=final)
    if first in (b"h", b"H"):
        return _decide_absolute(head, context, final=final)
    return KEEP if first or final else None


def _decide_rooted(head: bytes, base: bytes, *, final: bool) -> Splice | None:
    """Decide on `/…`: not for `//host`, in any of the spellings that a URL parser takes for it, nor when prefixed."""
    if len(head) == 1:
        return Splice(0, base) if final else None
    if head[1] in b"/\\\t\r\n":
        return KEEP
    if head.startswith(base):
        if len(head) > len(base):
            return KEEP if head[len(base)] in BOUNDARY else Splice(0, base)
        return KEEP if final else None
    if not final and base.startswith(head):
        return None
    return Splice(0, base)


def _decide_absolute(head: bytes, context: RewriteContext, *, final: bool) -> Splice | None:
    """Decide on `http…`: only the loopback names of the service itself or of another port of its machine."""
    if not final and len(head) < _LOCAL_LENGTH:
        lowered = head.lower()
        scheme = next((known for known in (b"http://", b"https://") if lowered.startswith(known)), None)
        if scheme is None:
            return None if b"http://".startswith(lowered) or b"https://".startswith(lowered) else KEEP
        if not any(byte in BOUNDARY for byte in head[len(scheme) :]):
            return None
    found = _LOCAL.match(head)
    if found is None:
        return KEEP
    port = int(found[1]) if found[1] else context.port
    if not 0 < port < 65536:
        return KEEP
    slash = b"" if head[found.end() : found.end() + 1] == b"/" else b"/"
    return Splice(found.end(), context.sibling(port) + slash)


def rewrite_url(url: bytes, context: RewriteContext) -> bytes:
    """Answer a whole URL by the rule of 3.1, with the white space around it as it was."""
    bare = url.lstrip(b" \t\r\n\f")
    splice = decide(bare, context, final=True)
    if splice is None or not splice.changes:
        return url
    return url[: len(url) - len(bare)] + splice.apply(bare)


def rewrite_location(url: str, context: RewriteContext) -> str:
    """Answer the value of `Location`, `Content-Location` or `Refresh` in the terms of the relay (2.5, 3.1).

    Beyond 3.1 the relay's own origin is the service's too: frameworks build it from `X-Forwarded-Host`.
    """
    raw = url.encode("utf-8", "surrogateescape")
    done = rewrite_url(raw, context)
    if done != raw:
        return done.decode("utf-8", "surrogateescape")
    return _own_origin(url, context) or _from_bare(url, context) or url


def _own_origin(url: str, context: RewriteContext) -> str | None:
    """Answer the prefixed path of a URL that names the relay itself, else None."""
    if not url[:7].lower().startswith(("http://", "https:/")):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.netloc.lower() not in context.relay_hosts:
        return None
    rest = url[url.index("//") + 2 + len(parts.netloc) :]
    rest = rest if rest.startswith("/") else f"/{rest}"
    return rewrite_url(rest.encode("utf-8", "surrogateescape"), context).decode("utf-8", "surrogateescape")


def _from_bare(url: str, context: RewriteContext) -> str | None:
    """Answer a relative URL of the bare prefix from the root of the service, which the browser would not do."""
    relative = url and url[0] not in "/\\#" and _SCHEME.match(url) is None
    return f"{context.prefix}/{url}" if relative and not context.request_path else None
