"""Fixtures of the tests that send and fetch files over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.attachments.limits import AttachmentLimits
from tests.attachments.depot import Depot
from tests.clock import ManualClock
from tests.viewers.house import Person


@pytest.fixture
async def stage(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Depot]:
    """A relay that soon gives up a client that falls silent."""
    async with Depot(tmp_path / "data", clock, Tuning(attachments=AttachmentLimits(idle=0.2))) as made:
        yield made


@pytest.fixture
async def ann(stage: Depot) -> Person:
    """A person with a live session, `s1`."""
    person = await stage.person("ann")
    await stage.agent(person)
    return person
