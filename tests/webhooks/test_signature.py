"""Prove both ways of signing against fixed vectors, the replay window to the millisecond, and what is no signature."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.http.errors import ApiError
from relay.webhooks.limits import WebhookLimits
from relay.webhooks.signature import Claim, is_signed, read_claim, read_timestamp, sign

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LIMITS = WebhookLimits()
SECRET = "whsec_" + "0123456789abcdef" * 4
BODY = b'{"type":"deploy","repo":"myorg/myapp","status":"failure"}'
#: Made with: printf '%s' "$MESSAGE" | openssl dgst -sha256 -hmac "$SECRET"
LEGACY = "51211bcd92a42e0665d7c0f085fabfd526784ca347a74054551d321bc44a6c04"
ENHANCED = "87d85e6a62fee1b32586345602c3a4e0cd2aeedb3f62259c9799e2cc50f41dc9"
AT, NONCE = "2025-01-15T12:00:00Z", "8f1d2c3b4a596877"
NOW = 1_736_942_400_000


def claim(headers: dict[str, str], *, now: int = NOW, github: bool = False) -> Claim:
    return read_claim(CIMultiDict(headers), now, LIMITS, github=github)


def refused(headers: dict[str, str], *, now: int = NOW, github: bool = False) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        claim(headers, now=now, github=github)
    return caught.value.status, caught.value.message


def enhanced(**changes: str) -> dict[str, str]:
    headers = {"X-Webhook-Signature": ENHANCED, "X-Webhook-Timestamp": AT, "X-Webhook-Nonce": NONCE}
    return {**headers, **{f"X-Webhook-{name.title()}": value for name, value in changes.items()}}


def test_the_legacy_vector_made_with_openssl_verifies() -> None:
    read = claim({"x-webhook-signature": LEGACY})
    assert (read.nonce, read.by_github) == (None, False)
    assert is_signed(read, BODY, [SECRET])


def test_the_enhanced_vector_made_with_openssl_verifies() -> None:
    read = claim(enhanced())
    assert read.nonce == NONCE
    assert is_signed(read, BODY, [SECRET])


def test_the_vector_of_rfc_4231_holds() -> None:
    expected = b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", b"what do ya want for nothing?") == expected


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", BODY.replace(b"deploy", b"Deploy")])
def test_another_body_does_not_verify(body: bytes) -> None:
    assert not is_signed(claim({"X-Webhook-Signature": LEGACY}), body, [SECRET])
    assert not is_signed(claim(enhanced()), body, [SECRET])


def test_upper_case_hex_verifies_and_a_prefix_does_not() -> None:
    assert is_signed(claim({"X-Webhook-Signature": LEGACY.upper()}), BODY, [SECRET])
    assert not is_signed(claim({"X-Webhook-Signature": f"sha256={LEGACY}"}, github=True), BODY, [SECRET])


def test_the_whole_text_of_the_secret_is_the_key() -> None:
    read = claim({"X-Webhook-Signature": LEGACY})
    assert not is_signed(read, BODY, [SECRET.removeprefix("whsec_")])


def test_one_of_two_secrets_is_enough_whichever_it_is() -> None:
    read = claim({"X-Webhook-Signature": LEGACY})
    assert is_signed(read, BODY, ["other", SECRET])
    assert is_signed(read, BODY, [SECRET, "other"])
    assert not is_signed(read, BODY, ["other", "another"])


def test_one_of_the_two_headers_alone_is_the_legacy_mode() -> None:
    for missing in ("X-Webhook-Timestamp", "X-Webhook-Nonce"):
        headers = {**enhanced(), missing: "", "X-Webhook-Signature": LEGACY}
        read = claim(headers)
        assert read.nonce is None
        assert is_signed(read, BODY, [SECRET])


def test_time_and_nonce_are_signed() -> None:
    assert not is_signed(claim(enhanced(nonce="other")), BODY, [SECRET])
    assert not is_signed(claim(enhanced(timestamp="2025-01-15T12:00:00.000Z")), BODY, [SECRET])
    assert is_signed(claim(enhanced(nonce=f"\u00a0{NONCE}\u00a0")), BODY, [SECRET])


def test_the_replay_window_ends_at_the_millisecond() -> None:
    assert claim(enhanced(), now=NOW + 300_000).nonce == NONCE
    assert refused(enhanced(), now=NOW + 300_001) == (401, "X-Webhook-Timestamp is too old")
    assert claim(enhanced(), now=NOW - 30_000).nonce == NONCE
    assert refused(enhanced(), now=NOW - 30_001) == (401, "X-Webhook-Timestamp is in the future")


def test_the_checks_come_in_the_order_of_the_table() -> None:
    nothing = {"X-Webhook-Timestamp": "never", "X-Webhook-Nonce": "\u00a0"}
    assert refused(nothing) == (401, "Missing X-Webhook-Signature header")
    assert refused({**nothing, "X-Webhook-Signature": "x"}) == (401, "Invalid X-Webhook-Timestamp header")
    old = {**nothing, "X-Webhook-Signature": "x", "X-Webhook-Timestamp": "2025-01-15T11:00:00Z"}
    assert refused(old) == (401, "X-Webhook-Timestamp is too old")
    assert refused({**old, "X-Webhook-Timestamp": AT}) == (401, "Missing X-Webhook-Nonce header")


def test_githubs_header_counts_for_its_own_webhooks_alone() -> None:
    headers = {"X-Hub-Signature-256": f"sha256={LEGACY}"}
    read = claim(headers, github=True)
    assert read.by_github
    assert is_signed(read, BODY, [SECRET])
    assert refused(headers) == (401, "Missing X-Webhook-Signature header")
    for other in (LEGACY, f"sha1={LEGACY}", f"xsha256={LEGACY}", "sha256="):
        assert not is_signed(claim({"X-Hub-Signature-256": other}, github=True), BODY, [SECRET])


def test_our_header_wins_over_githubs() -> None:
    headers = {"X-Hub-Signature-256": f"sha256={LEGACY}", "X-Webhook-Signature": "0" * 64}
    assert not is_signed(claim(headers, github=True), BODY, [SECRET])


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-15T12:00:00Z",
        "2025-01-15T12:00:00.000Z",
        "2025-01-15T12:00Z",
        "2025-01-15t12:00:00z",
        "2025-01-15T13:00:00+01:00",
        "2025-01-15T06:30:00-0530",
        "2025-01-15 12:00:00.000000001Z",
        "Wed, 15 Jan 2025 12:00:00 GMT",
        "Wed, 15 Jan 2025 14:00:00 +0200",
        "Wednesday, 15-Jan-25 12:00:00 GMT",
        "Wed Jan 15 12:00:00 2025",
    ],
)
def test_times_that_are_understood(text: str) -> None:
    assert read_timestamp(text) == NOW


@pytest.mark.parametrize(
    "text",
    [
        "1736942400",
        "1736942400000",
        "2025-01-15",
        "2025-01-15T12:00:00",
        "2025-01-15T25:00:00Z",
        "2025-02-30T12:00:00Z",
        "20250115T120000Z",
        "Wed, 15 Foo 2025 12:00:00 GMT",
        "yesterday",
        "２025-01-15T12:00:00Z",
    ],
)
def test_times_that_are_not(text: str) -> None:
    assert read_timestamp(text) is None


@patient
@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - bounds are naive
def test_times_read_as_they_were_written(moment: datetime) -> None:
    assert read_timestamp(moment.isoformat()) == pytest.approx(moment.timestamp() * 1000, abs=0.01)
    assert read_timestamp(format_datetime(moment, usegmt=True)) == int(moment.timestamp()) * 1000


@patient
@given(st.text(alphabet="0123456789-+:.,TZ GMTWedJan", max_size=40) | st.text(max_size=40))
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    assert isinstance(read_timestamp(text), float | None)


@patient
@given(st.binary(max_size=200), st.text(st.characters(codec="ascii"), min_size=1), st.binary(max_size=200))
def test_only_the_signed_bytes_verify(body: bytes, secret: str, other: bytes) -> None:
    read = Claim(sign(secret, body))
    assert is_signed(read, body, [secret])
    assert is_signed(read, other, [secret]) == (other == body)
    assert not is_signed(read, body, [secret + "x"])


@patient
@given(st.dictionaries(st.sampled_from(["X-Webhook-Signature", "X-Webhook-Timestamp", "X-Webhook-Nonce"]), st.text()))
def test_hostile_headers_are_refused_and_never_break(headers: dict[str, str]) -> None:
    wire = {
        name: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") for name, text in headers.items()
    }
    status = 0
    try:
        accepted = is_signed(claim(wire, github=True), BODY, [SECRET])
    except ApiError as error:
        accepted, status = False, error.status
    assert not accepted
    assert status in (0, 401)
