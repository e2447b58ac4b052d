"""Fixtures of the tests of triggers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.clock import Clock
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Stage
from tests.viewers.house import Person


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A relay on a loopback port."""
    async with Stage(tmp_path / "data", Clock(), Tuning(sessions=QUICK)) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    """Somebody with sessions."""
    return await stage.person("ann")


@pytest.fixture
async def bob(stage: Stage) -> Person:
    """Somebody else."""
    return await stage.person("bob")
