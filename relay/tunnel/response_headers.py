"""Choose and change the headers of a response on its way to the browser (tunnel.md 2.5, 6.2)."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from relay.http.security import SERVER_NAME
from relay.tunnel.frames import ResponseHead
from relay.tunnel.request_headers import HOP_BY_HOP, INTERNAL, connection_named
from relay.tunnel.rewrite import RewriteContext, response_headers_for
from relay.tunnel.target import Mode

#: On every tunnel response. `same-origin` and not `no-referrer`: the latter makes forms post with `Origin: null`.
SECURITY: Final = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "0",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
#: The relay's UI frames these pages, on another host (2.5).
_NO_FRAMING_RULES: Final = frozenset(
    {"x-frame-options", "content-security-policy", "content-security-policy-report-only"}
)
_LOCAL: Final = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?(?=[/?#]|$)", re.IGNORECASE)
#: Digits of the longest length that is one.
_MAX_DIGITS: Final = 18


class AmbiguousLength(Exception):
    """Say that a response declares its length in a way that could be read differently elsewhere (6.1 S12)."""


def response_headers(head: ResponseHead, context: RewriteContext | None) -> CIMultiDict[str]:
    """Answer the headers for the browser, chunking apart; raises AmbiguousLength.

    `context` is that of a path or token tunnel; without one the tunnel has a host of its own.
    """
    length = declared_length(head)
    pairs = _own_host(head) if context is None else response_headers_for(head.status, head.headers, context)
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in pairs:
        lowered = name.lower()
        if lowered == "content-length":
            headers["Content-Length"] = str(length)
        elif not lowered.startswith(INTERNAL):
            headers.add(name, value)
    return headers


def add_security(response: web.StreamResponse, mode: Mode) -> None:
    """Set the headers of the relay's own answers to tunnel requests: a panel must be able to show them (2.2)."""
    response.headers.update(SECURITY)
    response.headers["Server"] = SERVER_NAME
    if mode is Mode.PATH:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"


def declared_length(head: ResponseHead) -> int | None:
    """Answer the length that the service declared, None for none; raises AmbiguousLength."""
    values = {part.strip() for name, value in head.headers if name == "content-length" for part in value.split(",")}
    if not values:
        return None
    if len(values) > 1:
        raise AmbiguousLength
    [value] = values
    if not (value.isascii() and value.isdigit()) or len(value) > _MAX_DIGITS:
        raise AmbiguousLength
    return int(value)


def without_domain(cookie: str) -> str:
    """Remove every `Domain` attribute of a Set-Cookie value, however it is spaced (RFC 6265 5.2)."""
    first, *attributes = cookie.split(";")
    kept = [one for one in attributes if one.partition("=")[0].strip(" \t").lower() != "domain"]
    return ";".join((first, *kept))


def finish(response: web.StreamResponse, head: ResponseHead) -> None:
    """Take back what aiohttp adds to a prepared response and the service did not send."""
    names = {name for name, _ in head.headers}
    for name in ("Content-Type", "Server"):
        if name.lower() not in names and name in response.headers:
            del response.headers[name]


def _own_host(head: ResponseHead) -> list[tuple[str, str]]:
    named = connection_named(value for name, value in head.headers if name == "connection")
    dropped = HOP_BY_HOP | _NO_FRAMING_RULES | named | {name.lower() for name in SECURITY}
    pairs: list[tuple[str, str]] = []
    for name, value in head.headers:
        if name in dropped:
            continue
        if name == "set-cookie":
            value = without_domain(value)
        elif name == "location":
            value = _local_path(value)
        pairs.append((name, value))
    pairs.extend(SECURITY.items())
    return pairs


def _local_path(url: str) -> str:
    """Cut the host off an address on the service's machine."""
    local = _LOCAL.match(url)
    if local is None:
        return url
    rest = url[local.end() :]
    return rest if rest.startswith("/") else "/" + rest
