"""Endurance: whoever comes and goes, memory, file descriptors and tasks of the relay come back to where they were."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.soak.relay import EVENTS, Numbers, Relay

#: Minutes of the long version; `RELAY_SOAK_MINUTES` makes it longer.
MINUTES = float(os.environ.get("RELAY_SOAK_MINUTES", "10"))
#: What the allocator keeps and what is remembered on purpose, in bounded tables; a leak of 1 kB per client is more.
SLACK = 12 * 2**20


async def soak(folder: Path, seconds: float, crowd: int, lives: int, vanishing: float) -> list[tuple[Numbers, Numbers]]:
    """Churn through so many lives of one relay; answer the calm numbers after each life's warm-up and at its end."""
    dice = random.Random(5)
    seen: list[tuple[Numbers, Numbers]] = []
    relay = Relay(folder, vanishing)
    async with relay.running():
        loop = asyncio.get_running_loop()
        for life in range(lives):
            share = seconds / lives
            await relay.churn(loop.time() + share / 3, crowd)
            before = await relay.calm()
            await relay.churn(loop.time() + share * 2 / 3, crowd)
            after = await relay.calm()
            seen.append((before, after))
            if life < lives - 1:
                # Somebody is always in the middle of something.
                churning = asyncio.create_task(relay.churn(loop.time() + 2, crowd))
                await asyncio.sleep(1)
                await relay.restart(dice.choice((signal.SIGTERM, signal.SIGKILL)))
                await churning
        assert relay.process.tracebacks() == ""
        await relay.process.terminate()
        assert relay.process.process.returncode == 0
    return seen


def check(seen: list[tuple[Numbers, Numbers]], slack: float) -> None:
    """Compare the ends of the lives with their beginnings, and the lives with each other."""
    for before, after in seen:
        assert after.events - before.events >= EVENTS, "nothing happened"
        assert after.exchanges > before.exchanges
        assert after.connections > before.connections
        assert after.files <= before.files, (before, after)
        assert after.tasks <= before.tasks, (before, after)
        assert after.memory <= before.memory + slack, (before, after)
    assert len({end.files for _, end in seen}) == 1, seen
    assert len({end.tasks for _, end in seen}) == 1, seen


@pytest.mark.timeout(240)
async def test_a_short_churn_leaves_nothing_behind(tmp_path: Path) -> None:
    check(await soak(tmp_path, seconds=6, crowd=4, lives=2, vanishing=0), SLACK)


@pytest.mark.slow(gate="tests/soak/test_soak.py::test_a_short_churn_leaves_nothing_behind")
@pytest.mark.timeout(MINUTES * 60 * 3 + 600)
async def test_a_long_churn_leaves_nothing_behind(tmp_path: Path) -> None:
    check(await soak(tmp_path, seconds=MINUTES * 60, crowd=24, lives=5, vanishing=0.05), SLACK)
