"""Keep the relay's own credentials out of what services see of a query (tunnel.md 2.4)."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

_OWN: Final = frozenset({"apiKey", "tunnelToken"})


def without_credentials(query: str) -> str:
    """Drop the parts named `apiKey` and `tunnelToken`, however they are encoded; keep all other bytes."""
    if not query or ("apiKey" not in query and "tunnelToken" not in query and "%" not in query):
        return query
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in _OWN)
