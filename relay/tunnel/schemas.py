"""Describe the bodies of the token mint (tunnel.md 2.8)."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class TokenWish(TypedDict):
    """Name the port of a session's runner or of a runner; one of the two ids is needed."""

    port: int | str
    sessionId: NotRequired[str]
    runnerId: NotRequired[str]


class TunnelToken(TypedDict):
    """Answer a token, its end and the address that it opens; `hostUrl` where tunnels have hosts of their own."""

    token: str
    expiresAt: str
    url: str
    hostUrl: NotRequired[str]
