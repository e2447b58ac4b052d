"""Fixtures of the end-to-end tests: the published client, one stack per test, its output when a test fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.e2e.client import ClientUnavailable, published_client, required
from tests.e2e.stack import Stack
from tests.e2e.ui import Ui, browsing

_STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="session")
def client_binary() -> Path:
    """The published client; skips without it, unless RELAY_E2E=require."""
    try:
        return published_client()
    except ClientUnavailable as exc:
        if required():
            pytest.fail(f"the published client is required: {exc}")
        pytest.skip(str(exc))


@pytest.fixture
async def bare_stack(request: pytest.FixtureRequest, tmp_path: Path, client_binary: Path) -> AsyncIterator[Stack]:
    """A relay with its first account and a provider stand-in; no runner yet."""
    stack = Stack(tmp_path, client_binary)
    request.node.stash[_STACK] = stack
    async with stack:
        yield stack
    tracebacks = stack.relay.tracebacks()
    if tracebacks:
        pytest.fail(f"the relay logged a traceback:\n{tracebacks}")


@pytest.fixture
async def stack(bare_stack: Stack) -> Stack:
    """The same with the published runner connected."""
    await bare_stack.start_runner()
    return bare_stack


@pytest.fixture
async def ui(stack: Stack) -> AsyncIterator[Ui]:
    """Chromium on a relay whose runner is connected."""
    async with browsing(stack) as made:
        yield made


@pytest.fixture
async def bare_ui(bare_stack: Stack) -> AsyncIterator[Ui]:
    """Chromium on a relay with an account and without a runner."""
    async with browsing(bare_stack) as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what relay, runner and provider said beside the failure."""
    report = yield
    if report.failed and call.when != "teardown":
        stack = item.stash.get(_STACK, None)
        if stack is not None:
            report.sections.extend(stack.report())
    return report
