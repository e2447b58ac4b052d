"""Prove the runner pages in Chromium: list, state, warnings, usage with its plot and numbers, models."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.e2e.ui import Ui, serious

if TYPE_CHECKING:
    from playwright.async_api import Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(240)]


async def counted(page: Page) -> None:
    """Let the runner have counted two days; the published one counts again only after minutes."""
    today = datetime.now(UTC).date()
    days = [
        {"date": str(today - timedelta(days=ago)), "sessions": 1, "cost": cost, "costInput": cost / 4,
         "costOutput": cost / 2, "costCacheRead": cost / 4, "inputTokens": 1000, "outputTokens": 500}
        for ago, cost in ((3, 1.0), (0, 3.0))
    ]  # fmt: skip
    summary = {"totalSessions": 2, "totalCost": 4.0, "totalInputTokens": 2000, "totalOutputTokens": 1000,
               "totalCacheReadTokens": 18000}  # fmt: skip
    parts = {"sessions": 2, "cost": 4.0, "inputTokens": 2000, "outputTokens": 1000}
    started = datetime.now(UTC).isoformat()
    body = {
        "summary": summary,
        "daily": days,
        "byModel": [{"model": "parrot-1", "provider": "standin", **parts}],
        "byProject": [{"project": "/home/jo/code/fetchkit", **parts}],
        "recentSessions": [{"id": "x", "project": "/home/jo/code/fetchkit", "startedAt": started, "totalCost": 3.0}],
    }
    await page.route(
        re.compile(r"/usage\?range="),
        lambda route: route.fulfill(body=json.dumps(body), content_type="application/json"),
    )


async def test_a_runner_shows_its_state_usage_sessions_and_models_until_it_leaves(ui: Ui) -> None:
    stack = ui.stack
    session_id = await stack.spawn()
    page = await ui.window("/runners")
    await counted(page)
    await playwright.expect(page.get_by_text(re.compile(r"1 session · Linux · \d"))).to_be_visible()
    assert await serious(page) == []
    await page.get_by_role("link", name="e2e-runner").click()
    await playwright.expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await playwright.expect(page.get_by_text("file-explorer")).to_be_visible()
    parts = page.get_by_role("navigation", name="Runner")
    await playwright.expect(parts.get_by_role("link")).to_have_text(["Overview", "Usage", "Sessions1", "Models"])
    await parts.get_by_role("link", name="Models").click()
    await playwright.expect(page.get_by_role("row", name=re.compile("Parrot standin .*128k tokens"))).to_be_visible()
    await parts.get_by_role("link", name="Sessions").click()
    await playwright.expect(page.locator(f'main a[href="/session/{session_id}"]')).to_be_visible()
    assert await serious(page) == []

    await parts.get_by_role("link", name="Usage").click()
    figures = page.locator(".use-figures > div")
    await playwright.expect(figures).to_have_text(
        ["Cost$4.00", "Tokens read, 90 % from cache20k", "Tokens written1k", "Sessions, $2.00 each2"]
    )
    plot = page.get_by_role("img", name=re.compile(r"Cost per day, 30 days. Highest: \$3.00 on "))
    await plot.focus()
    await page.keyboard.press("End")
    await playwright.expect(page.locator(".plot-tip")).to_contain_text("Written$1.50Read$0.75From cache$0.75All$3.00")
    await page.keyboard.press("Escape")
    await page.get_by_text("The numbers of each day").click()
    await playwright.expect(page.locator(".plot-numbers tbody tr")).to_have_count(2)
    await playwright.expect(page.get_by_role("table", name="By project")).to_contain_text("~/code/fetchkit2$4.00")
    await page.get_by_text("7 days", exact=True).click()
    await page.wait_for_url("**/usage?range=7d")
    async with page.expect_download() as waited:
        await page.get_by_role("button", name="Export CSV").click()
    text = (await (await waited.value).path()).read_bytes().decode()
    assert re.fullmatch(r"date,runner,[^\r]+\r\n(\d{4}-\d\d-\d\d,e2e-runner,1,[13],[^\r]+\r\n){2}", text), text
    assert await serious(page) == []
    await page.goto(f"{stack.url}/usage")
    await playwright.expect(figures.first).to_have_text("Cost$4.00")
    assert await serious(page) == []

    narrow = await ui.window(f"/runner/{stack.runner_id}", "phone", dark=True)
    await counted(narrow)
    await narrow.get_by_role("navigation", name="Runner").get_by_role("link", name="Usage").tap()
    await playwright.expect(narrow.get_by_role("img", name=re.compile("per day, 30 days"))).to_be_visible()
    assert await narrow.evaluate("document.documentElement.scrollWidth") <= 390
    assert await serious(narrow) == []

    await page.goto(f"{stack.url}/runners")
    await page.get_by_role("button", name="More for e2e-runner").click()
    await page.get_by_role("menuitem", name="Stop…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop runner").click()
    await playwright.expect(page.get_by_text("Last here")).to_be_visible()
    await page.get_by_role("button", name="Forget…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Forget runner").click()
    await playwright.expect(page.get_by_text("No runner is connected. Connect one to start a session.")).to_be_visible()
