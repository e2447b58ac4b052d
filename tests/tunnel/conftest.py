"""Give the tests of tunnels the running relay of the runners' tests, and a runner with a tunnel."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.runners.conftest import options as options
from tests.runners.conftest import rig as rig
from tests.runners.rig import Rig
from tests.tunnel.desk import Desk
from tests.tunnel.runner import Runner


@pytest.fixture
async def desk(rig: Rig) -> AsyncIterator[Desk]:
    """Runner r1 and session s1 of ann's, with a tunnel."""
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.runner(ann)
    rig.add_session(ann, "s1", "r1")
    async with Runner(rig, ann) as runner:
        yield Desk(rig, ann, bob, runner)
