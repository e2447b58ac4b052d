"""Prove that one timer serves all deadlines."""

from __future__ import annotations

import asyncio
import logging

import pytest

from relay.realtime.sweeper import Sweeper


async def test_deadlines_fire_in_order_and_cancelled_ones_never() -> None:
    sweeper = Sweeper()
    fired: list[str] = []
    done = asyncio.Event()
    now = sweeper.now()
    sweeper.at(now + 0.06, lambda: fired.append("late"))
    sweeper.at(now + 0.07, done.set)
    sweeper.at(now + 0.02, lambda: fired.append("early"))
    sweeper.at(now + 0.04, lambda: fired.append("cancelled")).cancel()
    async with asyncio.timeout(5):
        await done.wait()
    assert fired == ["early", "late"]


async def test_a_deadline_set_while_sweeping_is_served() -> None:
    sweeper = Sweeper()
    done = asyncio.Event()

    def again() -> None:
        sweeper.at(sweeper.now() + 0.01, done.set)

    sweeper.at(sweeper.now(), again)
    async with asyncio.timeout(5):
        await done.wait()


async def test_a_failing_deadline_is_logged_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    sweeper = Sweeper()
    done = asyncio.Event()

    def fail() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        sweeper.at(sweeper.now(), fail)
        sweeper.at(sweeper.now() + 0.01, done.set)
        async with asyncio.timeout(5):
            await done.wait()
    assert "a deadline of a connection failed" in caplog.text


async def test_nothing_fires_after_close() -> None:
    sweeper = Sweeper()
    fired: list[int] = []
    sweeper.at(sweeper.now() + 0.01, lambda: fired.append(1))
    sweeper.close()
    sweeper.at(sweeper.now(), lambda: fired.append(2))
    await asyncio.sleep(0.05)  # the point is that nothing happens in this time
    assert fired == []
