"""Give the tests of tunnels the running relay of the runners' tests."""

from __future__ import annotations

from tests.runners.conftest import options as options
from tests.runners.conftest import rig as rig
