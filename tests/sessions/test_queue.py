"""The queue of one session: order, exclusion, bounds, and steps that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial

import pytest

from relay.sessions.queue import SessionQueue


async def test_a_step_that_needs_no_waiting_runs_at_once() -> None:
    queue, ran = SessionQueue(100), []
    queue.push(1, lambda: ran.append("a"))
    assert ran == ["a"]
    assert queue.idle


async def test_steps_behind_a_waiting_one_keep_their_order() -> None:
    queue, ran, gate = SessionQueue(100), list[str](), asyncio.Event()

    async def slow() -> None:
        ran.append("slow in")
        await gate.wait()
        ran.append("slow out")

    queue.push(1, slow)
    for name in "abc":
        queue.push(1, partial(ran.append, name))
    await asyncio.sleep(0)
    assert ran == ["slow in"]
    gate.set()
    await queue.run(_nothing)
    assert ran == ["slow in", "slow out", "a", "b", "c"]


async def test_a_step_pushed_by_a_running_step_waits_for_its_end() -> None:
    queue, ran = SessionQueue(100), list[str]()

    def outer() -> Awaitable[None] | None:
        queue.push(1, lambda: ran.append("inner"))
        ran.append("outer")
        return None

    queue.push(1, outer)
    await queue.run(_nothing)
    assert ran == ["outer", "inner"]


async def test_a_failing_step_does_not_stop_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    queue, ran = SessionQueue(100), list[str]()

    async def fails() -> None:
        raise LookupError("boom")

    def fails_at_once() -> Awaitable[None] | None:
        raise LookupError("bang")

    queue.push(1, fails)
    queue.push(1, fails_at_once)
    queue.push(1, lambda: ran.append("after"))
    await queue.run(_nothing)
    assert ran == ["after"]
    assert caplog.text.count("a session step failed") == 2


async def test_run_raises_what_its_step_raised() -> None:
    async def fails() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await SessionQueue(100).run(fails)


async def test_above_the_bound_the_sender_waits_until_enough_was_worked_off() -> None:
    queue, gate = SessionQueue(100), asyncio.Event()

    async def slow() -> None:
        await gate.wait()

    queue.push(1000, slow)
    assert not queue.full
    queue.push(60, lambda: None)
    assert not queue.full
    queue.push(60, lambda: None)
    assert queue.queued_bytes == 120
    waiting = asyncio.ensure_future(queue.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    async with asyncio.timeout(5):
        await waiting
    assert not queue.full


async def test_close_drops_what_waits_and_stops_what_runs() -> None:
    queue, ran, gate = SessionQueue(100), list[str](), asyncio.Event()

    async def slow() -> None:
        await gate.wait()

    queue.push(1, slow)
    queue.push(1, lambda: ran.append("never"))
    await queue.close()
    assert queue.idle
    assert ran == []


async def _nothing() -> None:
    return None
