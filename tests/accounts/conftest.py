"""Fixtures of the account tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relay.storage import Storage
from tests.accounts.house import House, open_house
from tests.clock import ManualClock


@pytest.fixture
async def house(storage: Storage, clock: ManualClock) -> AsyncIterator[House]:
    """A fresh server without any account, and without waits."""
    async with open_house(storage, clock) as opened:
        yield opened
