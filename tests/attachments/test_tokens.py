"""Download tokens: rest-account.md 9.4."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from relay.attachments.tokens import AttachmentTokens, TokenClaims
from tests.clock import ManualClock

SECRET = b"0123456789abcdef0123456789abcdef"
CLAIMS = TokenClaims("ann", "a1")


@pytest.fixture
def tokens(clock: ManualClock) -> AttachmentTokens:
    """Tokens that live for five minutes."""
    return AttachmentTokens(SECRET, clock, 300)


def test_a_token_is_good_for_its_time(tokens: AttachmentTokens, clock: ManualClock) -> None:
    token, ends = tokens.make(CLAIMS)
    assert ends == clock.now_ms() + 300_000
    clock.advance(299.9)
    assert tokens.read(token) == CLAIMS
    clock.advance(0.1)
    assert tokens.read(token) is None


def test_another_relay_reads_the_same_token_with_the_same_secret_only(
    tokens: AttachmentTokens, clock: ManualClock
) -> None:
    token, _ = tokens.make(CLAIMS)
    assert AttachmentTokens(SECRET, clock, 1).read(token) == CLAIMS
    assert AttachmentTokens(SECRET[::-1], clock, 1).read(token) is None


def test_what_was_changed_is_no_token(tokens: AttachmentTokens) -> None:
    token, _ = tokens.make(CLAIMS)
    text, _, signature = token.partition(".")
    for bad in (
        "",
        ".",
        text,
        f"{text}.",
        f".{signature}",
        f"{token}.x",
        f"{text}={signature}",
        f"{text[:-1]}.{signature}",
        f"{token}x",
        "ä.ö",
        "x" * 3000,
    ):
        assert tokens.read(bad) is None


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"v":2,"userId":"ann","attachmentId":"a1","exp":9999999999}',
        b'{"v":1,"userId":"","attachmentId":"a1","exp":9999999999}',
        b'{"v":1,"attachmentId":"a1","exp":9999999999}',
        b'{"v":1,"userId":"ann","exp":9999999999}',
        b'{"v":1,"userId":"ann","attachmentId":"a1"}',
        b'{"v":1,"userId":"ann","attachmentId":"a1","exp":"9999999999"}',
        b"\xff",
    ],
)
def test_a_signature_alone_is_not_enough(tokens: AttachmentTokens, body: bytes) -> None:
    text = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    signed = hmac.digest(tokens._key, text.encode(), hashlib.sha256)
    assert tokens.read(f"{text}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}") is None


def test_the_raw_secret_signs_nothing(tokens: AttachmentTokens) -> None:
    token, _ = tokens.make(CLAIMS)
    text = token.partition(".")[0]
    signed = base64.urlsafe_b64encode(hmac.digest(SECRET, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert tokens.read(f"{text}.{signed}") is None
