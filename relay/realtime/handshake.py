"""Show authentication what a client presents when it joins a namespace."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Handshake:
    """Hold what a CONNECT packet and the HTTP request that opened its connection say.

    ``request`` is the first request of the Engine.IO connection (headers, cookies, query), ``auth`` the payload of this
    CONNECT (``{}`` when absent; unknown keys such as ``pid`` stay in it and mean nothing), ``address`` the client's
    address and ``origin`` the Origin header, None when absent.
    """

    request: web.Request
    auth: dict[str, object]
    address: str
    origin: str | None
