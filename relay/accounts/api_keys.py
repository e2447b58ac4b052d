"""Mint API keys and judge whether one may be used; pure (rest-account.md 1.4, 3.3)."""

from __future__ import annotations

import hashlib
import math
import secrets
import string
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from relay.accounts.records import ApiKey
from relay.accounts.tokens import random_text
from relay.clock import iso, parse_iso

#: What keys of register and enrollment begin with (rest-account.md 3.3).
LIVE_PREFIX: Final = "pk_live_"
#: Characters after the prefix that `start` shows; enough to tell a user's keys apart.
_SHOWN: Final = 6
_SHOWN_LIVE: Final = 16
_HEX_BYTES: Final = 32
_LETTERS: Final = 64
#: Characters of a key's name, and of the prefix that may be asked for (2.2).
LONGEST_LABEL: Final = 32
#: Keys minted by the auth endpoints are at least this long; shorter unknown ones get a 403 there (2.1).
MIN_LENGTH: Final = 64


def digest(raw: str) -> str:
    """Answer what is stored for a raw key: unpadded URL-safe base64 of its SHA-256, 43 characters."""
    hashed = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(hashed).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Minted:
    """Hold a new raw key, shown once, and what the list shows of it."""

    raw: str
    start: str
    prefix: str | None


def mint_live() -> Minted:
    """Make a key for register or enrollment: `pk_live_` and 64 hex characters."""
    return live_key(secrets.token_hex(_HEX_BYTES))


def live_key(text: str) -> Minted:
    """Make the key whose unpredictable part is `text`, 64 hex characters."""
    raw = LIVE_PREFIX + text
    return Minted(raw, raw[:_SHOWN_LIVE], LIVE_PREFIX)


def mint_letters(prefix: str | None) -> Minted:
    """Make a key for `api-key/create`: the prefix and 64 letters."""
    raw = (prefix or "") + random_text(_LETTERS, string.ascii_letters)
    return Minted(raw, raw[: len(prefix or "") + _SHOWN], prefix)


class KeyState(Enum):
    """Say what verification found; the value is the code of the auth endpoints (rest-account.md 2.1)."""

    VALID = ""
    UNKNOWN = "INVALID_API_KEY"
    DISABLED = "KEY_DISABLED"
    EXPIRED = "KEY_EXPIRED"
    USED_UP = "USAGE_EXCEEDED"
    LIMITED = "RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Answer a verification: `key` is the row to store when valid; `delete` says that the row must go.

    `try_again_in` is in milliseconds and belongs to LIMITED.
    """

    state: KeyState
    key: ApiKey
    delete: bool = False
    try_again_in: int = 0


def is_metered(key: ApiKey, *, limit_enabled: bool) -> bool:
    """Tell whether every use of the key must be counted, so that it cannot be answered from memory."""
    limited = limit_enabled and key.rate_limit_enabled
    return key.remaining is not None or (
        limited and key.rate_limit_time_window is not None and key.rate_limit_max is not None
    )


def judge(key: ApiKey, now_ms: int, *, limit_enabled: bool) -> Verdict:
    """Run the checks of rest-account.md 1.4 in their order and count the use in the answered row."""
    if not key.enabled:
        return Verdict(KeyState.DISABLED, key)
    if key.expires_ms is not None and key.expires_ms <= now_ms:
        return Verdict(KeyState.EXPIRED, key, delete=True)
    if key.remaining is not None:
        key = _refilled(key, now_ms)
        if not key.remaining:
            return Verdict(KeyState.USED_UP, key, delete=key.refill_amount is None)
        key = replace(key, remaining=key.remaining - 1)
    if limit_enabled and key.rate_limit_enabled:
        counted, wait = _counted(key, now_ms)
        if wait:
            return Verdict(KeyState.LIMITED, key, try_again_in=wait)
        key = counted
    now = iso(now_ms)
    return Verdict(KeyState.VALID, replace(key, last_request=now, updated_at=now))


def _refilled(key: ApiKey, now_ms: int) -> ApiKey:
    if not key.refill_interval or not key.refill_amount:
        return key
    since = parse_iso(key.last_refill_at or key.created_at) or 0
    if now_ms - since <= key.refill_interval:
        return key
    return replace(key, remaining=key.refill_amount, last_refill_at=iso(now_ms))


def _counted(key: ApiKey, now_ms: int) -> tuple[ApiKey, int]:
    window, most = key.rate_limit_time_window, key.rate_limit_max
    if window is None or most is None:
        return key, 0
    last = None if key.last_request is None else parse_iso(key.last_request)
    if last is None or now_ms - last > window:
        return replace(key, request_count=1), 0
    if key.request_count >= most:
        return key, max(1, math.ceil(window - (now_ms - last)))
    return replace(key, request_count=key.request_count + 1), 0


def wire(key: ApiKey) -> dict[str, object]:
    """Answer the key object of the auth endpoints, which never shows the key (rest-account.md 2.2)."""
    return {
        "id": key.id,
        "name": key.name,
        "start": key.start,
        "prefix": key.prefix,
        "userId": key.user_id,
        "refillInterval": key.refill_interval,
        "refillAmount": key.refill_amount,
        "lastRefillAt": key.last_refill_at,
        "enabled": key.enabled,
        "rateLimitEnabled": key.rate_limit_enabled,
        "rateLimitTimeWindow": key.rate_limit_time_window,
        "rateLimitMax": key.rate_limit_max,
        "requestCount": key.request_count,
        "remaining": key.remaining,
        "lastRequest": key.last_request,
        "expiresAt": key.expires_at,
        "createdAt": key.created_at,
        "updatedAt": key.updated_at,
        "permissions": None,
        "metadata": None,
        "scope": key.scope.value,
    }
