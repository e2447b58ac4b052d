"""The frame around every page: keys, palette, the way back, signing in again, a runner that asks to be let in."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import Process
from tests.e2e.stack import EMAIL, PASSWORD
from tests.e2e.test_pairing import claimed, keyless
from tests.e2e.ui import Ui, serious
from tests.e2e.ui_agent import UiAgent

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(180)]

#: More of the page than this lies sideways of the window only by rounding.
_ROUNDING = 1


async def focused(page: Page) -> str:
    """Answer the name or text of what has the focus."""
    return str(
        await page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
    )


async def sideways(page: Page) -> int:
    """Answer by how many pixels the page is wider than its window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


async def test_keys_lead_everywhere_and_the_sheet_lists_them(bare_ui: Ui) -> None:
    stack = bare_ui.stack
    async with AsyncExitStack() as open_agents:
        for name in ("Rotate the backups weekly", "Rename accounts to wallets"):
            agent = await open_agents.enter_async_context(UiAgent(stack.url, stack.key, name=name))
            await agent.heartbeat(active=False)
            await agent.delivered()
        page = await bare_ui.window("/")
        await page.get_by_role("link", name="Rotate the backups weekly").first.wait_for()
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog", name="Keyboard")
        for words in ("Search and commands", "Next session that waits", "Send the other way", "Terminal and back"):
            await sheet.get_by_text(words, exact=True).wait_for()
        assert await serious(page) == []
        await page.keyboard.press("Escape")
        await sheet.wait_for(state="detached")
        for keys, path in (("gr", "/runners"), ("gu", "/usage"), ("g,", "/settings"), ("gs", "/")):
            for key in keys:
                await page.keyboard.press(key)
            await page.wait_for_url(re.compile(f"{re.escape(stack.url + path)}(/.*)?$"))
        # A letter in a field is a letter.
        await page.keyboard.press("/")
        await page.keyboard.type("gr")
        assert page.url == f"{stack.url}/?q=gr" or page.url == f"{stack.url}/"
        await page.keyboard.press("Escape")
        await page.goto(stack.url)
        await page.get_by_role("link", name="Rotate the backups weekly").first.wait_for()
        await page.keyboard.press("ControlOrMeta+k")
        palette = page.get_by_role("dialog", name="Search and commands")
        await page.keyboard.type("back")
        await palette.get_by_role("option", name="Rotate the backups weekly").wait_for()
        assert await palette.get_by_role("option").first.get_attribute("aria-selected") == "true"
        assert await palette.get_by_role("option", name="Go back").count() == 1
        assert await serious(page) == []
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/session/*")
        await palette.wait_for(state="detached")
        assert await page.title() == "Rotate the backups weekly · Relay"
        await page.keyboard.press("ControlOrMeta+b")
        await page.get_by_role("navigation", name="Places").wait_for(state="detached")
        await page.keyboard.press("ControlOrMeta+b")
        await page.get_by_role("navigation", name="Places").wait_for()


async def test_back_closes_a_dialog_first_and_leads_home_then(bare_ui: Ui) -> None:
    page = await bare_ui.window("/runners")
    await page.get_by_role("heading", name="Runners").first.wait_for()
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await page.get_by_role("heading", name="Sessions", exact=True).wait_for()
    await page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    await sheet.wait_for()
    await page.evaluate("history.back()")
    await sheet.wait_for(state="detached")
    await page.get_by_role("heading", name="Sessions", exact=True).wait_for()
    await page.evaluate("history.back()")
    await page.wait_for_url("**/runners")


async def test_an_address_that_leads_nowhere_says_so_with_the_way_home(bare_ui: Ui) -> None:
    page = await bare_ui.window("/nothing/here")
    await page.get_by_text("This page is not here.").first.wait_for()
    await page.get_by_role("main").get_by_role("link", name="All sessions").click()
    await page.get_by_role("heading", name="Sessions", exact=True).wait_for()


async def test_who_is_signed_out_gets_the_door_with_the_way_back(bare_ui: Ui) -> None:
    page = await bare_ui.window("/settings/keys", signed_in=False)
    await page.wait_for_url("**/sign-in?to=%2Fsettings%2Fkeys")
    assert await serious(page) == []
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill("Wrong-passw0rd")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("The e-mail or password is wrong.").wait_for()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/settings/keys")
    # The relay ends the session: the page says so, and comes back to where it was.
    out = f"{bare_ui.stack.url}/api/auth/sign-out"
    assert (await page.context.request.post(out, data={}, headers={"Origin": bare_ui.stack.url})).ok
    await page.get_by_text("You were signed out. Sign in to go on; your drafts are kept.").wait_for()
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/settings/keys")
    await page.get_by_role("heading", name="API keys").wait_for()


async def test_nobody_is_led_to_another_site_after_signing_in(bare_ui: Ui) -> None:
    for target in ("//example.org/", "https://example.org/", "/\\example.org"):
        page = await bare_ui.window(f"/sign-in?to={target}")
        await page.get_by_role("heading", name="Sessions", exact=True).wait_for()
        assert page.url == f"{bare_ui.stack.url}/"


async def test_a_runner_without_a_key_is_let_in_by_the_link_it_prints(bare_ui: Ui) -> None:
    stack = bare_ui.stack
    env = keyless(stack, stack.folder / "runner-home", PIZZAPI_RUNNER_NAME="attic")
    stack.runner = Process([str(stack.binary), "runner"], env, stack.work, stack.folder / "runner.log")
    stack.runner.start()
    token = await claimed(stack.runner.output)
    page = await bare_ui.window(f"/setup-claim?t={token}", "phone")
    await page.wait_for_url(f"**/link/{token}")
    await page.get_by_role("heading", name="Let attic in?").wait_for()
    assert await serious(page) == []
    await page.get_by_role("button", name="Let it in").click()
    await page.get_by_role("heading", name="attic is connected").wait_for()
    await page.goto(f"{stack.url}/link/{token}")
    await page.get_by_role("heading", name="attic is in").wait_for()
    await page.goto(f"{stack.url}/link/{'0' * 64}")
    await page.get_by_text("The relay does not know this request.").wait_for()


async def test_no_page_of_the_frame_scrolls_sideways_at_320_pixels(bare_ui: Ui) -> None:
    page = await bare_ui.window("/", "phone")
    await page.set_viewport_size({"width": 320, "height": 640})
    for path, heading in (
        ("/", "Sessions"),
        ("/runners", "Runners"),
        ("/usage", "Usage"),
        ("/settings", "Settings"),
        ("/connect", "Connect your first runner"),
        ("/nothing", "This page is not here."),
    ):
        await page.goto(bare_ui.stack.url + path)
        await page.get_by_role("heading", name=heading).first.wait_for()
        assert await sideways(page) <= _ROUNDING, path


async def test_the_page_follows_the_theme_of_the_system(bare_ui: Ui) -> None:
    page = await bare_ui.window("/", dark=True)
    await page.get_by_role("heading", name="Sessions", exact=True).wait_for()
    ground = "getComputedStyle(document.querySelector('main')).backgroundColor"
    assert await page.evaluate(ground) == "rgb(21, 25, 24)"
    await page.emulate_media(color_scheme="light")
    await page.wait_for_function(f"{ground} === 'rgb(252, 253, 251)'")


async def test_tab_begins_with_the_skip_link_and_the_page_has_its_landmarks(bare_ui: Ui) -> None:
    page = await bare_ui.window("/")
    await page.get_by_role("heading", name="Sessions", exact=True).wait_for()
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Tab")
    assert await focused(page) == "To the page"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    assert await page.get_by_role("main").count() == 1
    assert await page.locator("h1").count() == 1
    assert await page.locator("[aria-live=polite]").count() == 1
