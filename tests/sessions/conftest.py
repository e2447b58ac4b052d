"""Fixtures of the tests that need a running relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.sessions.limits import SessionLimits
from tests.sessions.stage import Stage
from tests.viewers.house import Person

#: Real waits of the relay, shortened.
QUICK = SessionLimits(
    rows_behind=0.01,
    spawn_ack=0.4,
    just_spawned=2.0,
    cleanup_wait=0.4,
    delink_ack=0.2,
    disconnect_grace=0.1,
    ask_runner_after=0.05,
    ask_runner_wait=0.3,
    trigger_ack=0.3,
)


@pytest.fixture
def limits() -> SessionLimits:
    """The times of this test's relay."""
    return QUICK


@pytest.fixture
async def stage(tmp_path: Path, limits: SessionLimits) -> AsyncIterator[Stage]:
    """A relay on a loopback port, on the real clock."""
    async with Stage(tmp_path / "data", Clock(), Tuning(sessions=limits)) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    """Somebody with sessions."""
    return await stage.person("ann")


@pytest.fixture
async def bob(stage: Stage) -> Person:
    """Somebody else."""
    return await stage.person("bob")
