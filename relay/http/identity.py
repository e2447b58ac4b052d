"""Say who is calling, without knowing how that was found out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from aiohttp import web


class Credential(Enum):
    """Name the carrier of the credential that decided (rest-account.md 1.1)."""

    COOKIE = "cookie"
    KEY = "x-api-key"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Identity:
    """Describe an authenticated caller.

    `credential_id` is the id of the API key or cookie session; `expires_at` its end in epoch seconds, None for never.
    """

    user_id: str
    user_name: str
    via: Credential
    credential_id: str
    expires_at: float | None = None


#: Answer the caller of a request; raises ApiError 401 (rest-account.md 1.2).
IdentityResolver = Callable[[web.Request], Awaitable[Identity]]
