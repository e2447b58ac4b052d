"""Revisions of trigger subscriptions grow for ever (sockets-agents.md 3.11)."""

from __future__ import annotations

from relay.runners.subscriptions import SubscriptionRevisions
from tests.clock import ManualClock


def test_revisions_start_at_the_epoch_milliseconds_and_grow_by_at_least_one(clock: ManualClock) -> None:
    revisions = SubscriptionRevisions(clock)
    first = revisions.next()
    assert first == clock.now_ms()
    assert [revisions.next() for _ in range(3)] == [first + 1, first + 2, first + 3]
    clock.advance(10)
    assert revisions.next() == first + 10_000


def test_a_clock_that_goes_back_does_not_take_revisions_back(clock: ManualClock) -> None:
    revisions = SubscriptionRevisions(clock)
    first = revisions.next()
    clock.advance(-3600)
    assert revisions.next() == first + 1


def test_a_new_start_is_above_the_last_revision(clock: ManualClock) -> None:
    before = SubscriptionRevisions(clock)
    last = max(before.next() for _ in range(50))
    clock.advance(1)
    assert SubscriptionRevisions(clock).next() > last
