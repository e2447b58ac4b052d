"""From nothing to a streamed answer in the browser: account, runner, session, with the published client."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import Process
from tests.e2e.provider import Say
from tests.e2e.stack import Stack
from tests.e2e.ui import Size, Ui, browsing, serious

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(180)]


@pytest.fixture
async def empty(tmp_path: Path, client_binary: Path) -> AsyncIterator[Ui]:
    """A browser on a relay that nobody has used yet."""
    async with Stack(tmp_path, client_binary, account=False) as stack, browsing(stack) as made:
        yield made


async def make_account(page: Page) -> None:
    await page.get_by_label("E-mail").fill("ann@example.com")
    await page.get_by_label("Password").fill("Short1")
    await page.get_by_role("button", name="Make the account").click()
    await page.get_by_text("This is too short").wait_for()
    await page.get_by_label("Password").fill("Long-enough-1")
    await page.get_by_role("button", name="Make the account").click()


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_a_new_user_gets_from_an_empty_relay_to_a_streamed_answer(empty: Ui, size: Size) -> None:
    stack = empty.stack
    page = await empty.window("/", size, signed_in=False)
    await page.wait_for_url("**/set-up")
    assert await serious(page) == []
    await make_account(page)
    await page.wait_for_url("**/connect")
    await page.get_by_role("heading", name="Connect your first runner").wait_for()
    command = await page.locator("[data-command]").get_attribute("data-command")
    assert command is not None
    assert await serious(page) == []
    # The very line that the page shows, with the published client under its own name.
    *settings, name, verb = shlex.split(command)
    assert (name, verb) == ("pizza", "runner")
    given = dict(one.split("=", 1) for one in settings)
    assert set(given) == {"PIZZAPI_RELAY_URL", "PIZZAPI_API_KEY"}
    env = {**stack.client_env(stack.folder / "home"), **given, "PIZZAPI_RUNNER_NAME": "studio"}
    stack.runner = Process([str(stack.binary), verb], env, stack.work, stack.folder / "runner.log")
    stack.runner.start()
    await page.get_by_role("heading", name="studio is connected").wait_for()
    stack.provider.plan("^say hello", Say("Hello from the **agent**, all is well."))
    await page.get_by_text("Start your first session").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").first.fill("say hello")
    folder = dialog.get_by_label("Folder", exact=False).first
    await folder.wait_for()
    if await folder.evaluate("element => element.tagName") == "INPUT":
        await folder.fill(str(stack.work))
    await dialog.get_by_role("button", name="Start session").click()
    await page.wait_for_url("**/session/*")
    await page.get_by_text("Hello from the agent, all is well.").wait_for()
    await page.get_by_role("log").get_by_text("say hello").wait_for()
    assert await page.get_by_role("log").locator("strong", has_text="agent").count() == 1
    assert await serious(page) == []
