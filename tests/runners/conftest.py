"""Fixtures of the tests that need a running relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.runners.rig import Options, Rig


@pytest.fixture
def options() -> Options:
    """What this test wants different."""
    return Options()


@pytest.fixture
async def rig(tmp_path: Path, options: Options) -> AsyncIterator[Rig]:
    """A relay on a loopback port."""
    made = Rig(tmp_path / "relay.db", options)
    await made.open()
    yield made
    await made.close()
