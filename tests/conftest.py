"""Fixtures and options that every room's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from relay.storage import Storage
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves by hand."""
    return ManualClock()


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    """A real database file, migrated to the newest version."""
    opened = await Storage.open(tmp_path / "data" / "relay.db")
    yield opened
    await opened.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a long run draw many times the examples of the gate."""
    parser.addoption("--fuzz-factor", type=int, default=1, help="multiply the examples of every hypothesis test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Apply `--fuzz-factor` to the hypothesis tests."""
    factor = config.getoption("--fuzz-factor")
    if factor == 1:
        return
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("hypothesis") is not None:
            test = getattr(item.obj, "__func__", item.obj)
            current = getattr(test, "_hypothesis_internal_use_settings", None) or settings()
            test._hypothesis_internal_use_settings = settings(current, max_examples=current.max_examples * factor)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many slow tests the gate left out."""
    deselected = terminalreporter.stats.get("deselected", [])
    left_out = {item.nodeid for item in deselected if item.get_closest_marker("slow") is not None}
    if left_out:
        terminalreporter.write_line(f"{len(left_out)} slow tests left out; run them with: pytest -m slow")
