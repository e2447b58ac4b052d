"""Fixtures of the push room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.clock import Clock
from tests.push.device import Browser, PushService
from tests.push.office import Office
from tests.viewers.house import Person


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A relay on a loopback port that may push to loopback."""
    async with Office(tmp_path / "data", Clock()) as made:
        yield made


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    """A push service."""
    async with PushService() as made:
        yield made


@pytest.fixture
def browser() -> Browser:
    """A subscribed browser's keys."""
    return Browser()


@pytest.fixture
async def ann(office: Office) -> Person:
    """Somebody with sessions."""
    return await office.person("ann")


@pytest.fixture
async def bob(office: Office) -> Person:
    """Somebody else."""
    return await office.person("bob")
