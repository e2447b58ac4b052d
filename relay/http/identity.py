"""Say who is calling, without knowing how that was found out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from enum import Enum, StrEnum

from aiohttp import web


class Credential(Enum):
    """Name the carrier of the credential that decided (rest-account.md 1.1)."""

    COOKIE = "cookie"
    KEY = "x-api-key"
    BEARER = "bearer"


class Scope(StrEnum):
    """Say what a credential may do; cookies and keys from before scopes are FULL.

    RUNNER: be a runner and its agents. READ: watch, change nothing, see no secrets. WEBHOOKS: manage webhooks.
    """

    FULL = "full"
    RUNNER = "runner"
    READ = "read"
    WEBHOOKS = "webhooks"

    def within(self, scopes: Collection[Scope]) -> bool:
        """Tell whether a credential of this scope may do what is for `scopes`; a full one may do everything."""
        return self is Scope.FULL or self in scopes


@dataclass(frozen=True, slots=True)
class Identity:
    """Describe an authenticated caller.

    `credential_id` is the id of the API key or cookie session; `expires_at` its end in epoch seconds, None for never.
    `scope` is what the credential may do.
    """

    user_id: str
    user_name: str
    via: Credential
    credential_id: str
    expires_at: float | None = None
    scope: Scope = Scope.FULL


#: Answer the caller of a request; raises ApiError 401 (rest-account.md 1.2).
IdentityResolver = Callable[[web.Request], Awaitable[Identity]]
