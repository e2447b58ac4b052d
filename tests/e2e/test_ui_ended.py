"""Read an ended session in the web UI, from its end to its first message."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.stack import Stack
from tests.e2e.ui import Ui, browsing
from tests.e2e.ui_agent import UiAgent, said, text, user

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(120)]


@pytest.fixture
async def ui(bare_stack: Stack) -> AsyncIterator[Ui]:
    """A browser on a relay with an account and no runner."""
    async with browsing(bare_stack) as made:
        yield made


async def test_an_ended_session_opens_at_its_end_and_is_read_to_its_beginning(ui: Ui) -> None:
    stack = ui.stack
    messages = [user("the very first prompt", 1)]
    messages += [said(at, text(f"answer number {at}")) for at in range(2, 160)]
    async with UiAgent(stack.url, stack.key, name="A long talk") as agent:
        await agent.active(messages)
        await agent.heartbeat(active=False)
        await agent.delivered()
    page = await ui.window(f"/session/{agent.session_id}")
    await page.get_by_text("answer number 159", exact=True).wait_for()
    await page.get_by_text("Ended at", exact=False).first.wait_for()
    log = page.get_by_role("log")
    await log.focus()
    first = log.get_by_text("the very first prompt")
    while not await first.count():
        await page.keyboard.press("Home")
        await page.wait_for_timeout(100)
    await first.wait_for()
