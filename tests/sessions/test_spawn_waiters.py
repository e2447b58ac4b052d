"""The outcome of a spawn reaches whoever waits for it (rest-runners.md 4.1)."""

from __future__ import annotations

import pytest

from relay.sessions.limits import SessionLimits
from relay.sessions.spawn_waiters import MAX_LATCHED, SpawnOutcome, SpawnWaiters
from tests.clock import ManualClock


@pytest.fixture
def waiters(clock: ManualClock) -> SpawnWaiters:
    return SpawnWaiters(clock, SessionLimits())


async def test_a_report_releases_the_waiter(waiters: SpawnWaiters) -> None:
    waiter = waiters.open("u", "s")
    waiters.report("u", "s", SpawnOutcome(True))
    assert await waiters.outcome("u", "s", waiter, 1) == SpawnOutcome(True)


async def test_an_outcome_before_its_waiter_is_latched_for_30_seconds(
    waiters: SpawnWaiters, clock: ManualClock
) -> None:
    waiters.report("u", "s", SpawnOutcome(False, "no"))
    waiters.report("u", "late", SpawnOutcome(True))
    clock.advance(29)
    assert await waiters.outcome("u", "s", waiters.open("u", "s"), 0.01) == SpawnOutcome(False, "no")
    clock.advance(2)
    assert await waiters.outcome("u", "late", waiters.open("u", "late"), 0.01) == SpawnOutcome(False, timed_out=True)


async def test_a_latched_outcome_is_given_once(waiters: SpawnWaiters) -> None:
    waiters.report("u", "s", SpawnOutcome(True))
    assert (await waiters.outcome("u", "s", waiters.open("u", "s"), 0.01)).ok
    assert (await waiters.outcome("u", "s", waiters.open("u", "s"), 0.01)).timed_out


async def test_a_second_waiter_takes_the_place_of_the_first(waiters: SpawnWaiters) -> None:
    first, second = waiters.open("u", "s"), waiters.open("u", "s")
    waiters.report("u", "s", SpawnOutcome(True))
    assert await waiters.outcome("u", "s", first, 1) == SpawnOutcome(False, timed_out=True)
    assert await waiters.outcome("u", "s", second, 1) == SpawnOutcome(True)


async def test_a_waiter_that_gave_up_leaves_nothing_behind(waiters: SpawnWaiters) -> None:
    await waiters.outcome("u", "s", waiters.open("u", "s"), 0)
    waiters.report("u", "s", SpawnOutcome(True))
    assert (await waiters.outcome("u", "s", waiters.open("u", "s"), 0.01)).ok


async def test_latched_outcomes_are_bounded(waiters: SpawnWaiters) -> None:
    for number in range(MAX_LATCHED + 5):
        waiters.report("u", f"s{number}", SpawnOutcome(True))
    assert (await waiters.outcome("u", "s0", waiters.open("u", "s0"), 0)).timed_out
    newest = f"s{MAX_LATCHED + 4}"
    assert (await waiters.outcome("u", newest, waiters.open("u", newest), 0.01)).ok


async def test_a_report_of_another_users_runner_reaches_nobody(waiters: SpawnWaiters) -> None:
    waiters.report("foe", "s", SpawnOutcome(True))
    waiter = waiters.open("u", "s")
    waiters.report("foe", "s", SpawnOutcome(True))
    assert (await waiters.outcome("u", "s", waiter, 0.01)).timed_out
