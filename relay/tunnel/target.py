"""Say where a browser's request goes, and under which rules of which kind of address (tunnel.md 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote

from aiohttp import web

from relay.http.errors import TUNNEL_TARGET_INVALID
from relay.tunnel.access_record import Access

#: What encodeURIComponent leaves as it is, besides letters, digits, `_`, `-`, `.` and `~`.
_UNRESERVED: Final = "!~*'()"


class Mode(Enum):
    """Name the kinds of address."""

    PATH = "below /api/tunnel, with cookie or key"
    TOKEN = "below /api/tunnel/auth, the token is the credential"  # noqa: S105 - no password
    HOST = "a host of its own, the name is the credential"


@dataclass(frozen=True, slots=True)
class Target:
    """Hold a checked request's way: to which port of which runner, as what.

    `url` is path and query as the service gets them. `base` is what stands before the path on the relay, without a
    slash at the end; `bare` says that nothing stood behind it. `host` is the tunnel's own host with its port, in host
    mode.
    """

    mode: Mode
    runner_id: str
    access: Access
    port: int
    url: str
    base: str = ""
    bare: bool = False
    host: str = ""
    scheme: str = "http"


def encode_component(text: str) -> str:
    """Percent-encode as JavaScript's encodeURIComponent does (2.1)."""
    return quote(text, safe=_UNRESERVED)


def service_url(path: str, query: str) -> str:
    """Join path and query for the runner (6.1 S1); raises ApiError 400 for control characters, spaces and `#`.

    Bytes above ASCII are percent-encoded, which is what the runner's URL parser does with them.
    """
    url = f"{path}?{query}" if query else path
    if not url.isascii():
        url = quote(url.encode("utf-8", "surrogateescape"), safe=bytes(range(0x21, 0x7F)))
    if not url.startswith("/") or any(char <= " " or char in "#\x7f" for char in url):
        raise TUNNEL_TARGET_INVALID()
    return url


def raw_query(request: web.Request) -> str:
    """Answer the query of a request byte by byte as it was sent, without the question mark."""
    return request.raw_path.partition("#")[0].partition("?")[2]
