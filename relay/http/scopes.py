"""Refuse credentials whose scope is for something else."""

from __future__ import annotations

from relay.http.errors import KEY_SCOPE
from relay.http.identity import Identity, Scope


def require(identity: Identity, *others: Scope) -> Identity:
    """Answer a caller whose credential is a full one or of the scopes `others`; raises ApiError 403."""
    if not identity.scope.within(others):
        raise KEY_SCOPE(scope=identity.scope.value)
    return identity
