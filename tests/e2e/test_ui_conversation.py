"""What the conversation promises while it streams, in Chromium on a scripted agent (the UI's brief, 1, 5 and 7)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.ui import Size, Ui, serious
from tests.e2e.ui_agent import UiAgent, call, now, result, said, text, user
from tests.e2e.ui_pixels import amber
from tests.e2e.ui_stream import (
    ROW,
    SCROLL,
    Streaming,
    chunked,
    conversation,
    distance,
    finish,
    seen,
    stream,
    until,
    watch,
    wheel,
)

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(180)]

_AT_END: Final = f"(() => {{ const b = document.querySelector('{SCROLL}'); return b.scrollHeight - b.clientHeight - b.scrollTop < 2 }})()"
#: Marks what is at the upper edge of the log, so that it can be watched.
_LOOK_AT_TOP: Final = f"""() => {{
  const edge = document.querySelector('{SCROLL}').getBoundingClientRect().top + 40;
  const parts = [...document.querySelectorAll('{ROW} p, {ROW} .log-line, {ROW} .log-you-text')];
  for (const one of document.querySelectorAll('[data-looked]')) one.removeAttribute('data-looked');
  parts.find((one) => one.getBoundingClientRect().top > edge).setAttribute('data-looked', '');
}}"""


@pytest.fixture
async def agent(bare_ui: Ui) -> AsyncIterator[UiAgent]:
    """A session whose worker the test plays."""
    async with UiAgent(bare_ui.stack.url, bare_ui.stack.key, name="Backoff") as made:
        yield made


async def opened(ui: Ui, agent: UiAgent, size: Size = "desktop", *, dark: bool = False) -> Page:
    """Open the session of an agent and wait until its end is on screen."""
    await agent.delivered()
    page = await ui.window(f"/session/{agent.session_id}", size, dark=dark)
    await page.locator(ROW).first.wait_for()
    await until(page, _AT_END)
    return page


async def test_streaming_shifts_nothing_and_what_was_scrolled_to_keeps_its_pixel(bare_ui: Ui, agent: UiAgent) -> None:
    messages = conversation(12)
    await agent.active(messages)
    await agent.heartbeat(active=True)
    page = await opened(bare_ui, agent)
    plan = Streaming(seconds=2, begin=0, end=8_000)
    # The first answer brings colours for its code; from then on everything is there.
    await watch(page)
    sent = await stream(agent, plan)
    messages.append(await finish(agent, plan))
    await page.get_by_text("I keep half of the delay").last.wait_for()
    await until(page, _AT_END)
    following = await seen(page)
    assert (following.shift, following.shifted) == (0, [])
    assert sent == 200

    await wheel(page, -900)
    await until(page, f"!({_AT_END})")
    await page.get_by_role("button", name="Jump to latest").wait_for()
    await page.evaluate(_LOOK_AT_TOP)
    await watch(page, "[data-looked]")
    await stream(agent, plan)
    messages.append(await finish(agent, plan))
    await agent.active(messages)
    await agent.delivered()
    await page.get_by_role("button", name=re.compile(r"Jump to latest\s*\d+ new")).wait_for()
    away = await seen(page)
    assert (away.shift, away.shifted, away.tops) == (0, [], away.tops[:1])
    assert len(away.tops) == 1, away.tops
    assert await distance(page) > 500

    await page.get_by_role("button", name="Jump to latest").click()
    await until(page, _AT_END)
