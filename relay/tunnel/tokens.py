"""Sign and check tunnel tokens, in the format of the published server (tunnel.md 5.1, 5.2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from relay import jsontext
from relay.clock import Clock

AUDIENCE: Final = "pizzapi:tunnel"
#: Milliseconds.
LIFE: Final = 3_600_000
MAX_PORT: Final = 65_535
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
#: A token holds two ids and a handful of numbers; a longer text is not worth a signature check.
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Claims:
    """Hold what a valid token grants: this user's port, by session id or `runner:` and runner id."""

    user_id: str
    scope: str
    port: int


@dataclass(frozen=True, slots=True)
class _Secret:
    key: bytes
    kid: str

    def sign(self, payload: str) -> str:
        return _text(hmac.digest(self.key, payload.encode("ascii"), hashlib.sha256))


class TunnelTokens:
    """Mint with the current secret, accept the previous one as well."""

    def __init__(self, secret: bytes, previous: bytes, clock: Clock) -> None:
        """An empty `previous` counts as none."""
        self._current = _secret(secret)
        self._accepted = [self._current, *([_secret(previous)] if previous else [])]
        self._clock = clock

    def mint(self, claims: Claims) -> tuple[str, int]:
        """Answer a token and its end in epoch seconds."""
        now = self._clock.now_ms()
        expires = (now + LIFE) // 1000
        payload = _text(
            jsontext.dumps(
                {
                    "v": 1,
                    "userId": claims.user_id,
                    "sessionId": claims.scope,
                    "port": claims.port,
                    "exp": expires,
                    "aud": AUDIENCE,
                    "iat": now // 1000,
                    "kid": self._current.kid,
                }
            )
        )
        return f"{payload}.{self._current.sign(payload)}", expires

    def verify(self, token: str) -> Claims | None:
        """Answer what a token grants, None for one that is not ours, not whole or over."""
        payload, _, signature = token.partition(".")
        if len(token) > _LONGEST or not _PART.fullmatch(payload) or not _PART.fullmatch(signature):
            return None
        body = _object(payload)
        if body is None:
            return None
        kid = body.get("kid")
        secret = next((one for one in self._accepted if hmac.compare_digest(one.kid, str(kid))), None)
        if secret is None or not hmac.compare_digest(secret.sign(payload), signature):
            return None
        return self._claims(body) if body.get("aud") == AUDIENCE else None

    def _claims(self, body: dict[str, object]) -> Claims | None:
        user_id, scope, port, expires = (body.get(name) for name in ("userId", "sessionId", "port", "exp"))
        if not _is_int(body.get("v")) or body["v"] != 1 or not isinstance(user_id, str) or not isinstance(scope, str):
            return None
        if not user_id or not scope or not isinstance(port, int) or not _is_int(port) or not 1 <= port <= MAX_PORT:
            return None
        if not isinstance(expires, (int, float)) or not _is_number(expires) or expires <= self._clock.now():
            return None
        return Claims(user_id, scope, port)


def _secret(key: bytes) -> _Secret:
    return _Secret(key, hashlib.sha256(key).hexdigest()[:8])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _object(payload: str) -> dict[str, object] | None:
    try:
        body = jsontext.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: float) -> bool:
    # Not a bool, not NaN, not infinite.
    return not isinstance(value, bool) and value - value == 0
