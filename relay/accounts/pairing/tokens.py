"""Draw the tokens of claims and links, and derive from them the keys that they lead to; pure."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

from relay.accounts.api_keys import Minted, live_key

_PURPOSE: Final = b"relay pairing v1"
_TOKEN: Final = re.compile(r"[0-9a-f]{64}")


def new_pairing_token() -> str:
    """Answer 64 lower-case hex characters (rest-account.md 5)."""
    return secrets.token_hex(32)


def digest_of(token: str) -> str | None:
    """Answer what is stored of a token; None for a text that can be none."""
    return hashlib.sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else None


class PairingKeys:
    """Derive the key of a token from the relay's secret, so that no key waits in the database in the clear.

    Neither the database alone nor the token alone gives the key away, and a restart forgets nothing.
    """

    def __init__(self, secret: bytes, kind: str) -> None:
        """`kind` tells claims and links apart."""
        self._key = hmac.digest(secret, _PURPOSE + kind.encode(), hashlib.sha256)

    def mint(self, token: str) -> Minted:
        """Answer the one key that belongs to a token."""
        return live_key(hmac.digest(self._key, token.encode(), hashlib.sha256).hex())
