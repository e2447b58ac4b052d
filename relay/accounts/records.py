"""Describe the rows of the account tables and how they look on the wire (rest-account.md 2.2, 3.1).

Times are ISO 8601 text with milliseconds, as stored and as sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.clock import parse_iso
from relay.http.identity import Scope


@dataclass(frozen=True, slots=True)
class User:
    """Describe a person; `email` is lower case."""

    id: str
    name: str
    email: str
    email_verified: bool
    image: str | None
    created_at: str
    updated_at: str

    def wire(self) -> dict[str, object]:
        """Answer the user object of the auth endpoints."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "emailVerified": self.email_verified,
            "image": self.image,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
        }


@dataclass(frozen=True, slots=True)
class Login:
    """Pair a user with the stored password hash, None when the account has no password."""

    user: User
    password: str | None


@dataclass(frozen=True, slots=True)
class CookieSession:
    """Describe a browser's sign-in; the cookie carries `token`."""

    id: str
    token: str
    user_id: str
    expires_at: str
    created_at: str
    updated_at: str
    ip_address: str
    user_agent: str

    @property
    def expires_ms(self) -> int:
        """Answer the end in epoch milliseconds; an unreadable one counts as long past."""
        return parse_iso(self.expires_at) or 0

    def wire(self) -> dict[str, object]:
        """Answer the session object of the auth endpoints."""
        return {
            "id": self.id,
            "token": self.token,
            "userId": self.user_id,
            "expiresAt": self.expires_at,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "ipAddress": self.ip_address,
            "userAgent": self.user_agent,
        }


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Describe a key; `digest` is all that is kept of the raw key (rest-account.md 1.4)."""

    id: str
    name: str | None
    start: str | None
    prefix: str | None
    digest: str
    user_id: str
    created_at: str
    updated_at: str
    enabled: bool = True
    rate_limit_enabled: bool = False
    rate_limit_time_window: int | None = None
    rate_limit_max: int | None = None
    request_count: int = 0
    remaining: int | None = None
    refill_interval: int | None = None
    refill_amount: int | None = None
    last_refill_at: str | None = None
    last_request: str | None = None
    expires_at: str | None = None
    permissions: str | None = None
    metadata: str | None = None
    scope: Scope = Scope.FULL

    @property
    def expires_ms(self) -> int | None:
        """Answer the end in epoch milliseconds, None for never; an unreadable one counts as long past."""
        return None if self.expires_at is None else parse_iso(self.expires_at) or 0
