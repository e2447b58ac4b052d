"""Say on whose behalf something runs through a tunnel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """Name user, scope and credential of an exchange or a bridged socket, so that it ends when they do (tunnel.md 5.3).

    `scope` is a session id, or `runner:` and a runner id; `credential_id` is empty where a token or host name decides.
    """

    user_id: str
    scope: str
    credential_id: str = ""
