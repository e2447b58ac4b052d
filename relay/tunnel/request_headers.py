"""Choose and convert the headers that a service gets to see (tunnel.md 2.3, 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from relay.http.errors import TUNNEL_HEADER_INVALID
from relay.tunnel.frames import is_token
from relay.tunnel.target import Mode, Target

#: Headers of one connection (RFC 9110 7.6.1); `expect` was answered by us, `accept-encoding` is the runner's business.
HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "proxy-authorization",
        "proxy-authenticate",
        "host",
        "accept-encoding",
        "expect",
    }
)
#: The relay's credentials, and the address that may hold a token.
PRIVATE: Final = frozenset({"cookie", "authorization", "x-api-key", "referer"})
INTERNAL: Final = "x-pizzapi-"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: Not settable through `Connection` (RFC 9110 7.6.1: fields needed by all recipients).
_NEVER_NAMED: Final = frozenset({"content-length", "content-type", "cookie", "authorization"})


def request_headers(request: web.Request, target: Target) -> dict[str, str]:
    """Answer the headers for `request-start` or `ws-open`: lower-case names, one text each.

    Raises ApiError 400 for what the runner would drop without an answer (1.5, item 8).
    """
    items: dict[str, str] = {}
    named = connection_named(request.headers.getall("Connection", ()))
    own_host = target.mode is Mode.HOST
    for key, value in request.headers.items():
        name = key.lower()
        if name in HOP_BY_HOP or name in named or name.startswith(INTERNAL) or (not own_host and name in PRIVATE):
            continue
        if not is_token(name) or _CONTROL.search(value):
            raise TUNNEL_HEADER_INVALID()
        text = wire_text(value)
        if name in items:
            items[name] += ("; " if name == "cookie" else ", ") + text
        else:
            items[name] = text
    if own_host:
        items["x-forwarded-host"] = target.host
        items["x-forwarded-proto"] = target.scheme
    return items


def connection_named(values: Iterable[str]) -> frozenset[str]:
    """Answer the headers that `Connection` names as belonging to the connection."""
    names = {part.strip().lower() for value in values for part in value.split(",")}
    return frozenset(names - _NEVER_NAMED)


def wire_text(value: str) -> str:
    """Convert a value as aiohttp read it to what the runner takes, which refuses characters above U+00FF (9).

    Latin-1 characters arrive as UTF-8 at the service; others are sent as their UTF-8 bytes and arrive encoded twice.
    """
    if value.isascii():
        return value
    raw = value.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
    return text if all(char <= "\xff" for char in text) else raw.decode("latin-1")
