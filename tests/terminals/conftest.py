"""Fixtures of the terminals' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.terminals.limits import TerminalLimits
from tests.sessions.stage import Stage
from tests.terminals.desk import Desk
from tests.viewers.house import Person


@pytest.fixture
def limits() -> TerminalLimits:
    """The times and bounds of this test's relay."""
    return TerminalLimits()


@pytest.fixture
async def stage(tmp_path: Path, limits: TerminalLimits) -> AsyncIterator[Stage]:
    """A relay on a loopback port, on the real clock."""
    async with Stage(tmp_path / "data", Clock(), Tuning(terminals=limits)) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    """Somebody with a runner."""
    return await stage.person("ann")


@pytest.fixture
async def bob(stage: Stage) -> Person:
    """Somebody else."""
    return await stage.person("bob")


@pytest.fixture
async def desk(stage: Stage, ann: Person) -> Desk:
    """Ann at her runner."""
    return Desk(stage, ann, await stage.runner(ann))
