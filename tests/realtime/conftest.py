"""Run every asynchronous test of the room on the default event loop and on uvloop (realtime.md, Speed and memory)."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable

import pytest


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Answer the loops to test on; RELAY_TEST_LOOP (``asyncio`` or ``uvloop``) picks one."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if importlib.util.find_spec("uvloop") is not None:
        loops["uvloop"] = _uvloop
    only = os.environ.get("RELAY_TEST_LOOP")
    return {only: loops[only]} if only else loops
