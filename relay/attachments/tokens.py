"""Sign and check the short-lived tokens that open one attachment to whoever holds the link (rest-account.md 9.4)."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from relay import jsontext
from relay.clock import Clock

_PURPOSE: Final = b"relay attachment token v1"
#: Longer texts are no token of ours and are not worth a hash.
_LONGEST: Final = 2048


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """Say whose token it is and what it opens."""

    user_id: str
    attachment_id: str


class AttachmentTokens:
    """Make and verify tokens; the key is derived from the relay's secret for this purpose alone."""

    def __init__(self, secret: bytes, clock: Clock, life: int) -> None:
        """`life` is in seconds."""
        self._key = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        self._clock = clock
        self._life = life

    def make(self, claims: TokenClaims) -> tuple[str, float]:
        """Answer a token and its end in epoch milliseconds."""
        ends = int(self._clock.now()) + self._life
        body = {"v": 1, "userId": claims.user_id, "attachmentId": claims.attachment_id, "exp": ends}
        text = _encode(jsontext.dumps(body))
        return f"{text}.{self._sign(text)}", ends * 1000

    def read(self, token: str) -> TokenClaims | None:
        """Answer what a valid token says; None for any other text."""
        text, separator, signature = token.partition(".")
        if not separator or len(token) > _LONGEST or not token.isascii():
            return None
        if not hmac.compare_digest(self._sign(text), signature):
            return None
        try:
            body = jsontext.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, binascii.Error):
            return None
        if not isinstance(body, dict) or body.get("v") != 1:
            return None
        user_id, attachment_id, ends = body.get("userId"), body.get("attachmentId"), body.get("exp")
        if not isinstance(user_id, str) or not isinstance(attachment_id, str) or not isinstance(ends, int):
            return None
        if not user_id or not attachment_id or ends <= self._clock.now():
            return None
        return TokenClaims(user_id, attachment_id)

    def _sign(self, text: str) -> str:
        return _encode(hmac.digest(self._key, text.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
