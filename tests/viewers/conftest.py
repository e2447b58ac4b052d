"""Fixtures of the viewers' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from tests.clock import ManualClock
from tests.viewers.house import House, Person


@pytest.fixture
def tuning() -> Tuning:
    """The times and bounds of this test's relay."""
    return Tuning()


@pytest.fixture
async def house(tmp_path: Path, clock: ManualClock, tuning: Tuning) -> AsyncIterator[House]:
    """A relay on a loopback port."""
    made = House(tmp_path / "data", clock, tuning)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def ann(house: House) -> Person:
    """Somebody with sessions."""
    return await house.person("ann")


@pytest.fixture
async def bob(house: House) -> Person:
    """Somebody else."""
    return await house.person("bob")
