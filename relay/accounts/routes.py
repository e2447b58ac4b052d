"""Gather the rows of the route table that accounts answer."""

from __future__ import annotations

from relay.accounts.accounts import Accounts
from relay.accounts.audit.routes import AuditRoutes
from relay.accounts.auth_area import AuthArea
from relay.accounts.auth_routes import SignIn
from relay.accounts.key_routes import ApiKeys
from relay.accounts.pairing.routes import ClaimRoutes, LinkRoutes
from relay.accounts.profile_routes import Profile
from relay.accounts.register_routes import Register
from relay.http.routes import Route


def routes(accounts: Accounts) -> list[Route]:
    """Answer `/api/auth/*`, `/api/register`, `/api/signup-status`, `/api/me` and pairing."""
    endpoints = [
        *SignIn(accounts).endpoints(),
        *Profile(accounts).endpoints(),
        *ApiKeys(accounts).endpoints(),
    ]
    return [
        *AuthArea(accounts).table(endpoints),
        *Register(accounts).table(),
        *ClaimRoutes(accounts).table(),
        *LinkRoutes(accounts).table(),
        *AuditRoutes(accounts.audit.store).table(),
    ]
