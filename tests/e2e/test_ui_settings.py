"""Drive the settings of the web UI: what they change is changed on the relay, and shows in the browser at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.stack import EMAIL, PASSWORD, Stack
from tests.e2e.ui import CHROMIUM, Size, Ui, browsing, serious

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(120)]

PARTS = ("appearance", "notifications", "account", "devices", "models", "keys", "relay", "about")


@pytest.fixture
async def ui(bare_stack: Stack) -> AsyncIterator[Ui]:
    """A browser on a relay with an account and no runner."""
    async with browsing(bare_stack) as made:
        yield made


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_every_part_of_the_settings_opens_without_a_serious_finding(ui: Ui, size: Size) -> None:
    page = await ui.window("/settings", size)
    for part in PARTS:
        words = page.get_by_role("navigation", name="Settings").locator(f'a[href="/settings/{part}"]')
        await words.click()
        await page.wait_for_url(f"**/settings/{part}")
        assert await serious(page) == []
        if size == "phone":
            await page.get_by_role("link", name="Back").click()


async def test_an_api_key_is_shown_once_works_for_its_scope_and_is_revoked(ui: Ui) -> None:
    page = await ui.window("/settings/keys")
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("nightly script")
    await dialog.get_by_label("Used for").select_option("read")
    await dialog.get_by_role("button", name="Make the key").click()
    await page.get_by_text("This key is shown once. Copy it now.").wait_for()
    key = await page.get_by_role("textbox", name="The new key").inner_text()
    row = page.get_by_role("row").filter(has_text="nightly script")
    await row.get_by_text("Reading only").wait_for()
    assert await _status(page, key, "GET", "/api/sessions") == 200
    assert await _status(page, key, "PUT", "/api/settings/hidden-models") == 403
    await page.get_by_role("button", name="I have it").click()
    await page.reload()
    await row.wait_for()
    assert key not in await page.content()
    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await row.wait_for(state="detached")
    assert await _status(page, key, "GET", "/api/sessions") == 401


async def _status(page: Page, key: str, method: str, path: str) -> int:
    """Answer how the relay answers a script with that key and no cookie."""
    script = """async ([method, path, key]) => (await fetch(path, {
        method, credentials: "omit", headers: {"x-api-key": key, "Content-Type": "application/json"},
        body: method === "GET" ? undefined : JSON.stringify({hiddenModels: []}),
    })).status"""
    return int(await page.evaluate(script, [method, path, key]))


async def test_a_signed_in_device_is_signed_out_from_another(ui: Ui) -> None:
    page = await ui.window("/settings/devices")
    other = await ui.window("/sign-in", signed_in=False)
    await other.get_by_label("E-mail").fill(EMAIL)
    await other.get_by_label("Password").fill(PASSWORD)
    await other.get_by_role("button", name="Sign in").click()
    await other.get_by_role("heading", name="Sessions").wait_for()
    await page.reload()
    devices = page.get_by_role("main").get_by_role("listitem")
    await devices.nth(1).wait_for()
    await devices.nth(1).get_by_role("button", name="Sign out").click()
    await devices.nth(1).wait_for(state="detached")
    await other.get_by_text("You were signed out.", exact=False).wait_for()
    assert other.url.partition("?")[0].endswith("/sign-in")
    assert await page.get_by_text("This browser").count() == 1


async def test_the_password_is_changed_and_a_wrong_one_is_named_at_its_field(ui: Ui) -> None:
    context = await ui.context(signed_in=False)
    page = await ui.window("/sign-in", context=context)
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Sessions").wait_for()
    await page.goto(ui.stack.url + "/settings/account")
    await page.get_by_label("Present password").fill("Not-my-passw0rd")
    await page.get_by_label("New password").fill("Another-Passw0rd")
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_text("This is not your present password.").wait_for()
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_text("The password is changed.", exact=False).first.wait_for()
    again = await context.request.post(
        f"{ui.stack.url}/api/auth/sign-in/email",
        data={"email": EMAIL, "password": "Another-Passw0rd"},
        headers={"Origin": ui.stack.url},
    )
    assert again.status == 200


async def test_appearance_is_applied_at_once_and_kept_in_this_browser(ui: Ui) -> None:
    page = await ui.window("/settings/appearance")
    root = page.locator("html")
    await page.get_by_role("group", name="Theme").get_by_text("Dark").click()
    await page.get_by_role("group", name="Text size").get_by_text("115 %").click()
    await page.locator("html[data-theme=dark]").wait_for()
    assert await root.evaluate("element => element.style.getPropertyValue('--text-scale')") == "1.15"
    await page.reload()
    await page.locator("html[data-theme=dark]").wait_for()
    assert await page.get_by_role("radio", name="Dark").is_checked()


async def test_a_page_without_encryption_says_what_is_missing_and_copies_all_the_same(ui: Ui) -> None:
    """A name of the local network is no secure context; 127.0.0.1 is one, so the name is mapped."""
    port = ui.stack.url.rpartition(":")[2]
    browser = await ui.browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=["--no-sandbox", f"--host-resolver-rules=MAP relay.lan 127.0.0.1:{port}"],
    )
    try:
        context = await browser.new_context()
        context.set_default_timeout(30_000)
        page = await context.new_page()
        await page.goto(f"http://relay.lan:{port}/sign-in")
        assert await page.evaluate("isSecureContext") is False
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="Sessions").wait_for()
        await page.goto(f"http://relay.lan:{port}/settings/notifications")
        await page.get_by_role("heading", name="This page came without encryption").wait_for()
        await page.goto(f"http://relay.lan:{port}/settings/relay")
        await page.get_by_role("button", name="Copy").first.click()
        await page.get_by_role("button", name="Copied").first.wait_for()
    finally:
        await browser.close()
