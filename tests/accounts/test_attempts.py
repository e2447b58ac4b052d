"""Counting attempts: rest-account.md 2.5, 4.3, and nobody locks the owner out."""

from __future__ import annotations

import pytest

from relay.accounts.attempts import AuthPace, FixedWindow, SignInAttempts, address_key
from relay.accounts.limits import SignInLimits
from tests.clock import ManualClock

LIMITS = SignInLimits(
    free_failures=3, first_delay=0.25, most_delay=2.0, forget_after=900, address_failures=5, address_window=60
)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_an_address_is_reduced_to_what_one_party_controls(address: str, key: str) -> None:
    assert address_key(address) == key


def test_a_fixed_window_starts_with_the_first_attempt_and_ends_strictly_after_it(clock: ManualClock) -> None:
    window = FixedWindow(clock, 5, 900.0, 100)
    assert [window.attempt("a") for _ in range(5)] == [0] * 5
    assert window.attempt("a") == 900
    assert window.attempt("b") == 0
    clock.advance(899.5)
    assert window.attempt("a") == 1
    clock.advance(0.5)
    assert window.attempt("a") == 1
    clock.advance(0.01)
    assert window.attempt("a") == 0


def test_a_window_remembers_a_bounded_number_of_keys(clock: ManualClock) -> None:
    window = FixedWindow(clock, 1, 900.0, 10)
    for number in range(100):
        assert window.attempt(str(number)) == 0
    assert len(window._counts) == 10


def test_the_auth_window_runs_from_the_last_counted_request(clock: ManualClock) -> None:
    pace = AuthPace(clock, 100)
    path = "/sign-in/email"
    assert pace.attempt("192.0.2.1", path) == 0
    clock.advance(9)
    assert pace.attempt("192.0.2.1", path) == 0
    clock.advance(9)
    assert pace.attempt("192.0.2.1", path) == 0
    clock.advance(9)
    assert pace.attempt("192.0.2.1", path) == 1
    # Refused requests are not counted, so they do not prolong the wait.
    clock.advance(1.1)
    assert pace.attempt("192.0.2.1", path) == 0


def test_the_auth_pace_is_per_address_and_path(clock: ManualClock) -> None:
    pace = AuthPace(clock, 100)
    for path, most in (("/sign-in/email", 3), ("/sign-up/email", 3), ("/change-password", 3), ("/get-session", 100)):
        assert [pace.attempt("2001:db8::1", path) for _ in range(most)] == [0] * most
        assert pace.attempt("2001:db8::2", path) == 10
        assert pace.attempt("192.0.2.1", path) == 0


def test_an_account_is_slowed_down_but_never_for_longer_than_the_most(clock: ManualClock) -> None:
    attempts = SignInAttempts(clock, LIMITS, 100)
    delays = []
    for number in range(100):
        delays.append(attempts.delay("jo@example.com"))
        attempts.failed("jo@example.com", f"192.0.2.{number}")
    assert delays[:8] == [0, 0, 0, 0.25, 0.5, 1.0, 2.0, 2.0]
    assert max(delays) == 2.0
    assert attempts.delay("other@example.com") == 0
    # However many strangers failed, no address but theirs is blocked.
    assert attempts.blocked("198.51.100.1") == 0


def test_an_accounts_failures_are_forgotten_by_success_and_by_time(clock: ManualClock) -> None:
    attempts = SignInAttempts(clock, LIMITS, 100)
    for _ in range(4):
        attempts.failed("jo@example.com", "192.0.2.1")
    assert attempts.delay("jo@example.com") > 0
    attempts.succeeded("jo@example.com")
    assert attempts.delay("jo@example.com") == 0
    for _ in range(4):
        attempts.failed("jo@example.com", "192.0.2.2")
    clock.advance(901)
    assert attempts.delay("jo@example.com") == 0


def test_an_address_is_blocked_whatever_the_accounts(clock: ManualClock) -> None:
    attempts = SignInAttempts(clock, LIMITS, 100)
    for number in range(5):
        assert attempts.blocked("192.0.2.1") == 0
        attempts.failed(f"{number}@example.com", "192.0.2.1")
    assert attempts.blocked("192.0.2.1") == 60
    assert attempts.blocked("192.0.2.2") == 0
    clock.advance(60.1)
    assert attempts.blocked("192.0.2.1") == 0


def test_an_address_may_have_only_so_many_checks_at_a_time(clock: ManualClock) -> None:
    attempts = SignInAttempts(clock, LIMITS, 100)
    for _ in range(LIMITS.address_pending):
        assert attempts.blocked("192.0.2.1") == 0
        attempts.enter("192.0.2.1")
    assert attempts.blocked("192.0.2.1") == 1
    assert attempts.blocked("192.0.2.2") == 0
    for _ in range(LIMITS.address_pending):
        attempts.leave("192.0.2.1")
    assert attempts.blocked("192.0.2.1") == 0
    assert attempts._pending == {}
