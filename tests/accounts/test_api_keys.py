"""Minting and judging API keys: rest-account.md 1.4, 3.3."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from relay.accounts.api_keys import KeyState, digest, is_metered, judge, mint_letters, mint_live, wire
from relay.accounts.records import ApiKey
from relay.clock import iso

NOW = 1_767_225_600_000
KEY = ApiKey(
    id="k", name="n", start=None, prefix=None, digest="d", user_id="u", created_at=iso(NOW), updated_at=iso(NOW)
)


def test_account_03_the_key_vector_verifies() -> None:
    assert digest("pk_live_" + 4 * "0123456789abcdef") == "EmQozce-X02BG4eEXXNeMbeMDyrwhj4z-ZqMBooFHrA"


def test_a_live_key_is_the_prefix_and_64_hex() -> None:
    minted = mint_live()
    assert re.fullmatch(r"pk_live_[0-9a-f]{64}", minted.raw)
    assert minted.start == minted.raw[:16]
    assert minted.prefix == "pk_live_"
    assert mint_live().raw != minted.raw


@pytest.mark.parametrize("prefix", ["ppru", None, "a" * 32])
def test_a_made_key_is_its_prefix_and_64_letters(prefix: str | None) -> None:
    minted = mint_letters(prefix)
    assert re.fullmatch(re.escape(prefix or "") + r"[a-zA-Z]{64}", minted.raw)
    assert minted.start == minted.raw[: len(prefix or "") + 6]


def test_a_plain_key_is_valid_and_its_use_is_noted() -> None:
    verdict = judge(KEY, NOW + 5, limit_enabled=True)
    assert verdict.state is KeyState.VALID
    assert (verdict.key.last_request, verdict.key.updated_at) == (iso(NOW + 5), iso(NOW + 5))
    assert not is_metered(KEY, limit_enabled=True)


def test_disabled_comes_before_expired_and_keeps_the_row() -> None:
    verdict = judge(replace(KEY, enabled=False, expires_at=iso(NOW - 1)), NOW, limit_enabled=False)
    assert (verdict.state, verdict.delete) == (KeyState.DISABLED, False)


@pytest.mark.parametrize(("end", "state"), [(NOW + 1, KeyState.VALID), (NOW, KeyState.EXPIRED), (0, KeyState.EXPIRED)])
def test_a_key_ends_at_its_expiry_and_its_row_goes(end: int, state: KeyState) -> None:
    verdict = judge(replace(KEY, expires_at=iso(end)), NOW, limit_enabled=False)
    assert (verdict.state, verdict.delete) == (state, state is KeyState.EXPIRED)


def test_an_unreadable_expiry_counts_as_past() -> None:
    assert judge(replace(KEY, expires_at="soon"), NOW, limit_enabled=False).state is KeyState.EXPIRED


def test_remaining_uses_run_out_and_the_row_goes_without_a_refill() -> None:
    verdict = judge(replace(KEY, remaining=1), NOW, limit_enabled=False)
    assert (verdict.state, verdict.key.remaining) == (KeyState.VALID, 0)
    verdict = judge(replace(KEY, remaining=0), NOW, limit_enabled=False)
    assert (verdict.state, verdict.delete) == (KeyState.USED_UP, True)
    assert is_metered(replace(KEY, remaining=1), limit_enabled=False)


def test_remaining_uses_are_refilled_after_the_interval() -> None:
    key = replace(KEY, remaining=0, refill_amount=5, refill_interval=1000)
    early = judge(key, NOW + 1000, limit_enabled=False)
    assert (early.state, early.delete) == (KeyState.USED_UP, False)
    late = judge(key, NOW + 1001, limit_enabled=False)
    assert (late.state, late.key.remaining, late.key.last_refill_at) == (KeyState.VALID, 4, iso(NOW + 1001))


def test_the_rate_window_runs_from_the_last_request() -> None:
    key = replace(KEY, rate_limit_enabled=True, rate_limit_time_window=1000, rate_limit_max=2)
    assert is_metered(key, limit_enabled=True)
    assert not is_metered(key, limit_enabled=False)
    first = judge(key, NOW, limit_enabled=True)
    second = judge(first.key, NOW + 900, limit_enabled=True)
    assert (first.key.request_count, second.key.request_count) == (1, 2)
    third = judge(second.key, NOW + 1800, limit_enabled=True)
    assert (third.state, third.try_again_in) == (KeyState.LIMITED, 100)
    assert third.key.last_request == second.key.last_request
    later = judge(third.key, NOW + 1901, limit_enabled=True)
    assert (later.state, later.key.request_count) == (KeyState.VALID, 1)


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, rate_limit_enabled=False, rate_limit_time_window=1000, rate_limit_max=0),
        replace(KEY, rate_limit_enabled=True, rate_limit_time_window=None, rate_limit_max=0),
        replace(KEY, rate_limit_enabled=True, rate_limit_time_window=1000, rate_limit_max=None),
    ],
)
def test_a_key_without_both_numbers_is_not_limited(key: ApiKey) -> None:
    assert judge(key, NOW, limit_enabled=True).state is KeyState.VALID


def test_the_list_object_has_every_field_in_order_and_never_the_key() -> None:
    shown = wire(KEY)
    assert list(shown) == [
        *("id", "name", "start", "prefix", "userId", "refillInterval", "refillAmount", "lastRefillAt", "enabled"),
        *("rateLimitEnabled", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining", "lastRequest"),
        *("expiresAt", "createdAt", "updatedAt", "permissions", "metadata", "scope"),
    ]
    assert "d" not in shown.values()
