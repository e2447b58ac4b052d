"""Fixtures of the tests of webhooks: a relay with a runner, on short times."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.webhooks.limits import WebhookLimits
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Runner
from tests.viewers.house import Person
from tests.webhooks.office import Office, ShiftedClock

#: Real waits of the relay, shortened.
BRISK = WebhookLimits(ack=1.6, socket=1.5, github_answer=0.8, behind=0.02, nonces=8, at_once=3, webhooks=6, rows=12)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A relay on a loopback port, on a clock that can be set."""
    async with Office(tmp_path / "data", ShiftedClock(), Tuning(sessions=QUICK, webhooks=BRISK)) as made:
        yield made


@pytest.fixture
async def ann(office: Office) -> Person:
    """Somebody with webhooks."""
    return await office.person("ann")


@pytest.fixture
async def bob(office: Office) -> Person:
    """Somebody else."""
    return await office.person("bob")


@pytest.fixture
async def runner(office: Office, ann: Person) -> Runner:
    """The first person's runner."""
    return await office.runner(ann)
