"""Prove the terminal in Chromium: a shell survives a reload, is found by another browser, ends, and starts again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.shells import ShellStack
from tests.e2e.ui import Ui, browsing, serious

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(240)]


@pytest.fixture
async def shells(tmp_path: Path, client_binary: Path) -> AsyncIterator[Ui]:
    """A browser on a relay whose runner can open terminals here."""
    async with ShellStack(tmp_path, client_binary) as stack:
        await stack.start_runner(name="studio")
        async with browsing(stack) as made:
            yield made


def screen(page: Page) -> Locator:
    """Answer what the emulator shows."""
    return page.locator(".xterm-rows")


async def until_shown(page: Page, keys: str, text: str) -> None:
    """Type until a text is shown: with Debian's C library the published client now and then loses a burst of output."""
    for _ in range(5):
        if keys:
            await page.keyboard.type(keys)
        try:
            await playwright.expect(screen(page)).to_contain_text(text, timeout=6_000)
        except AssertionError:
            keys = keys or "\n"
        else:
            return
    await playwright.expect(screen(page)).to_contain_text(text)


async def test_a_shell_survives_a_reload_and_another_browser_attaches_to_it(shells: Ui) -> None:
    stack = shells.stack
    session_id = await stack.spawn()
    page = await shells.window(f"/session/{session_id}/terminal")
    await playwright.expect(page.get_by_text("No terminal is open here.")).to_be_visible()
    assert await serious(page) == []
    await page.get_by_role("button", name="Open a terminal").click()
    await until_shown(page, "", "work")
    await until_shown(page, "export WORD=still-here; echo first-$((40+2))\n", "first-42")
    shown = (await screen(page).inner_text()).count("first-42")
    terminal = page.url.rsplit("/", 1)[1]
    [row] = [row for row in await listed(shells) if row["terminalId"] == terminal]
    assert (row["spawned"], row["exited"], row["cwd"]) == (True, False, str(stack.work))

    await page.reload()
    await playwright.expect(screen(page)).to_contain_text("first-42")
    await until_shown(page, "echo $WORD-yes\n", "still-here-yes")
    assert (await screen(page).inner_text()).count("first-42") == shown
    assert page.url.endswith(terminal)
    # The keys that stay with the page: the conversation and back, without a word to the shell.
    await page.keyboard.press("Alt+1")
    await page.wait_for_url(f"**/session/{session_id}")
    await page.keyboard.press("Alt+5")
    await playwright.expect(screen(page)).to_contain_text("still-here")

    other = await shells.window(f"/session/{session_id}/terminal", "phone", dark=True)
    await other.get_by_role("button", name="Attach work").click()
    await playwright.expect(screen(other)).to_contain_text("first-42")
    keys = other.get_by_role("toolbar", name="Keys")
    await other.locator(".xterm-helper-textarea").focus()
    await other.keyboard.type("sleep 1000")
    await other.keyboard.press("Enter")
    await playwright.expect(screen(page)).to_contain_text("sleep 1000")
    await keys.get_by_role("button", name="Ctrl").tap()
    await other.keyboard.type("c")
    await playwright.expect(screen(page)).to_contain_text("^C")
    assert await serious(other) == []

    await page.locator(".xterm-helper-textarea").focus()
    await page.keyboard.type("exit 3\n")
    await playwright.expect(page.get_by_text("The shell ended (exit 3).")).to_be_visible()
    await playwright.expect(other.get_by_text("The shell ended (exit 3).")).to_be_visible()
    await page.get_by_role("button", name="Start again").click()
    # The new shell, not what the old one left on the screen.
    await page.wait_for_url(lambda url: terminal not in url)
    await playwright.expect(page.get_by_text("The shell ended (exit 3).")).to_have_count(0)
    await until_shown(page, "", "work")
    await playwright.expect(page.get_by_role("tab")).to_have_count(1)
    assert page.url.rsplit("/", 1)[1] != terminal
    await page.get_by_role("button", name="Close terminal").click()
    await page.get_by_role("dialog").get_by_role("button", name="Close terminal").click()
    await playwright.expect(page.get_by_text("No terminal is open here.")).to_be_visible()


async def listed(ui: Ui) -> list[dict[str, object]]:
    """Answer the runner's terminals."""
    answer = await ui.stack.get(f"/api/runners/{ui.stack.runner_id}/terminals")
    rows = answer["terminals"]
    assert isinstance(rows, list)
    return rows
