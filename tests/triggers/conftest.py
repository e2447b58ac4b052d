"""Fixtures of the tests of triggers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.triggers.limits import TriggerLimits
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Stage
from tests.viewers.house import Person

#: Real waits of the relay, shortened.
BRISK = TriggerLimits(
    hold=1.5,
    wake=0.8,
    wake_ack=0.3,
    wake_socket=1.5,
    listener_ack=0.5,
    listener_socket=0.8,
    schedule_ack=0.4,
    schedule_socket=0.6,
    answer_grace=0.02,
)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A relay on a loopback port."""
    async with Stage(tmp_path / "data", Clock(), Tuning(sessions=QUICK, triggers=BRISK)) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    """Somebody with sessions."""
    return await stage.person("ann")


@pytest.fixture
async def bob(stage: Stage) -> Person:
    """Somebody else."""
    return await stage.person("bob")
