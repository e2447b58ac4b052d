"""The credential cache never serves what was dropped."""

from __future__ import annotations

import asyncio

import pytest

from relay.accounts.cache import Cache
from relay.accounts.steps import Steps


def test_the_bound_holds_and_the_least_recently_used_leaves() -> None:
    cache: Cache[int] = Cache(3)
    for number in range(3):
        cache.put(str(number), number, cache.ticket)
    assert cache.get("0") == 0
    cache.put("3", 3, cache.ticket)
    assert len(cache) == 3
    assert cache.get("1") is None
    assert cache.get("0") == 0


def test_a_row_that_was_read_before_a_drop_is_not_kept() -> None:
    cache: Cache[int] = Cache(3)
    ticket = cache.ticket
    cache.drop(lambda value: value == 7)
    cache.put("a", 7, ticket)
    assert cache.get("a") is None
    ticket = cache.ticket
    cache.drop_key("b")
    cache.put("b", 8, ticket)
    assert cache.get("b") is None


def test_a_drop_takes_only_what_meets_the_condition() -> None:
    cache: Cache[int] = Cache(3)
    for number in range(3):
        cache.put(str(number), number, cache.ticket)
    cache.drop(lambda value: value == 1)
    assert [cache.get(str(number)) for number in range(3)] == [0, None, 2]


async def test_a_step_runs_to_its_end_when_its_caller_leaves() -> None:
    steps, go, done = Steps(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    caller = asyncio.create_task(steps.run(work()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    await asyncio.wait_for(steps.close(), 5)
    assert done.is_set()
