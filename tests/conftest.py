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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Apply `--fuzz-factor` to the hypothesis tests, once Hypothesis itself has marked them."""
    factor = config.getoption("--fuzz-factor")
    if factor == 1:
        return
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("hypothesis") is not None:
            test = getattr(item.obj, "__func__", item.obj)
            current = getattr(test, "_hypothesis_internal_use_settings", None) or settings()
            test._hypothesis_internal_use_settings = settings(current, max_examples=current.max_examples * factor)


class LeftOut:
    """Count the slow tests that a run leaves out, in the worker processes too."""

    def __init__(self) -> None:
        self.tests: set[str] = set()

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note what was left out in this process."""
        self.tests |= {item.nodeid for item in items if item.get_closest_marker("slow") is not None}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand it from a worker to the process that prints."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["slow_left_out"] = sorted(self.tests)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take what a worker noted."""
        self.tests |= set(getattr(node, "workeroutput", {}).get("slow_left_out", []))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many slow tests the gate left out."""
        if self.tests:
            terminalreporter.write_line(f"{len(self.tests)} slow tests left out; run them with: pytest -m slow")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.pluginmanager.register(LeftOut(), "left-out")
