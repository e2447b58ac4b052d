"""Read and verify the signature of a fired webhook over its raw bytes; pure functions (rest-runners.md 9.3)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from relay.http.errors import (
    WEBHOOK_NONCE_MISSING,
    WEBHOOK_TIMESTAMP_AHEAD,
    WEBHOOK_TIMESTAMP_INVALID,
    WEBHOOK_TIMESTAMP_OLD,
    WEBHOOK_UNSIGNED,
)
from relay.webhooks.limits import WebhookLimits

_GITHUB_PREFIX: Final = "sha256="
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)", re.ASCII)
#: The three forms of RFC 9110 5.6.7, and the numeric zones of RFC 5322 that `date -R` writes.
_HTTP_DATE: Final = re.compile(r"[A-Za-z]{3,9},? [-A-Za-z0-9: ]{10,30}(?: GMT| UTC| [+-]\d{4}| \d{4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold what the headers say: the signature (lower-case hex), what was signed before the body, and the nonce.

    `nonce` is None for a signature over the body alone, which a replay repeats unnoticed; `by_github` for one that
    GitHub made.
    """

    signature: bytes
    prefix: bytes = b""
    nonce: str | None = None
    by_github: bool = False


def read_claim(headers: Mapping[str, str], now_ms: int, limits: WebhookLimits, *, github: bool) -> Claim:
    """Answer what the sender claims; `github` accepts GitHub's own header where ours is missing.

    Raises ApiError 401 for steps 3 and 5 to 8. `headers` finds names in any case.
    """
    signature = headers.get("X-Webhook-Signature", "")
    if not signature:
        signature = headers.get("X-Hub-Signature-256", "").strip() if github else ""
        if not signature:
            raise WEBHOOK_UNSIGNED()
        # One without the prefix is not GitHub's and matches nothing.
        digits = signature.removeprefix(_GITHUB_PREFIX) if signature.startswith(_GITHUB_PREFIX) else ""
        return Claim(_bytes(digits.lower()), by_github=True)
    timestamp, nonce = headers.get("X-Webhook-Timestamp", ""), headers.get("X-Webhook-Nonce", "")
    given = _bytes(signature.strip().lower())
    if not timestamp or not nonce:
        return Claim(given)
    signed_at = read_timestamp(timestamp)
    if signed_at is None:
        raise WEBHOOK_TIMESTAMP_INVALID()
    if signed_at > now_ms + limits.skew * 1000:
        raise WEBHOOK_TIMESTAMP_AHEAD()
    if signed_at < now_ms - limits.oldest * 1000:
        raise WEBHOOK_TIMESTAMP_OLD()
    nonce = nonce.strip()
    if not nonce:
        raise WEBHOOK_NONCE_MISSING()
    return Claim(given, _bytes(f"{timestamp}.{nonce}."), nonce)


def is_signed(claim: Claim, body: bytes, secrets: Iterable[str]) -> bool:
    """Tell whether one of the secrets made the signature, HMAC-SHA256 under the whole text of the secret.

    Takes the same time for every signature of a length, and looks at every secret.
    """
    message = claim.prefix + body if claim.prefix else body
    matches = [hmac.compare_digest(sign(secret, message), claim.signature) for secret in secrets]
    return any(matches)


def sign(secret: str, message: bytes) -> bytes:
    """Answer the signature of a message as lower-case hex."""
    return hmac.digest(secret.encode(), message, "sha256").hex().encode()


def read_timestamp(text: str) -> float | None:
    """Answer epoch milliseconds of an ISO 8601 time with its zone, or of an HTTP date; None for anything else."""
    text = text.strip()
    try:
        if _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text.upper())
        elif _HTTP_DATE.fullmatch(text):
            moment = parsedate_to_datetime(text)
        else:
            return None
        # The old form of asctime has no zone and means UTC (RFC 9110 5.6.7).
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _bytes(text: str) -> bytes:
    """Answer the bytes of header text as they were sent."""
    return text.encode("utf-8", "surrogateescape")
