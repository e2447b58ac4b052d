"""Prove that a session is started from the keyboard, in seconds, and the next one as the last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.provider import Say
from tests.e2e.ui import Ui, serious

if TYPE_CHECKING:
    from playwright.async_api import FilePayload, Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(240)]


async def answered(page: Page, words: str) -> None:
    await playwright.expect(page.get_by_role("log")).to_contain_text(words)


async def test_a_session_starts_from_the_keyboard_and_the_next_one_with_the_same_settings(ui: Ui) -> None:
    stack = ui.stack
    stack.provider.plan("first of all", Say("The first one."))
    stack.provider.plan("and then", Say("The second one."))
    for name in ("alpha", "beta"):
        (stack.work / name / "inner").mkdir(parents=True)
    page = await ui.window()
    await page.get_by_role("heading", name="Sessions").wait_for()
    await page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New session")
    await playwright.expect(dialog.get_by_label("Prompt")).to_be_focused()
    assert page.url.endswith("/new")
    await playwright.expect(page.get_by_role("heading", name="Sessions")).to_be_attached()
    assert await serious(page) == []

    await page.keyboard.type("first of all, look around")
    folder = dialog.get_by_label("Folder")
    offers = dialog.get_by_role("listbox", name="Folders").get_by_role("option")
    await folder.fill(f"{stack.work}/al")
    await playwright.expect(offers).to_have_text([f"{stack.work}/alpha"])
    await page.keyboard.press("Tab")
    await playwright.expect(offers).to_have_text([f"{stack.work}/alpha/inner"])
    await page.keyboard.press("Enter")
    await playwright.expect(folder).to_have_value(f"{stack.work}/alpha/inner")
    await dialog.get_by_label("Model").select_option("Parrot")
    await page.keyboard.press("ControlOrMeta+Enter")
    await page.wait_for_url(re.compile(r"/session/[^/]+$"))
    await answered(page, "The first one.")
    assert (stack.work / "alpha/inner").is_dir()
    await playwright.expect(page.get_by_role("heading", name="first of all, look around")).to_be_visible()

    await page.locator("main").focus()
    await page.keyboard.press("n")
    await playwright.expect(folder).to_have_value(f"{stack.work}/alpha/inner")
    await playwright.expect(dialog.get_by_label("Model")).to_have_value("standin/parrot-1")
    await page.keyboard.type("and then?")
    await page.keyboard.press("ControlOrMeta+Enter")
    await answered(page, "The second one.")
    rows = [row for row in (await stack.live_sessions()).values() if row["cwd"] == str(stack.work / "alpha/inner")]
    assert len(rows) == 2

    await page.keyboard.press("Alt+1")
    await page.go_back()
    await playwright.expect(page).not_to_have_url(re.compile("/new"))


async def test_what_goes_wrong_is_said_where_it_is_and_files_go_along(ui: Ui) -> None:
    stack = ui.stack
    stack.provider.plan("read the note", Say("I read it."))
    page = await ui.window(f"/new?folder={stack.work}/nowhere", "phone")
    dialog = page.get_by_role("dialog", name="New session")
    await dialog.get_by_label("Prompt").fill("read the note")
    await dialog.get_by_label("Folder").fill(str(stack.work))
    note: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"remember the milk"}
    await dialog.locator("input[type=file]").set_input_files(note)
    await playwright.expect(dialog.get_by_role("list", name="Files")).to_contain_text("note.txt17 B")
    await dialog.get_by_role("button", name="Attach a file").focus()
    assert await serious(page) == []
    await dialog.get_by_role("button", name="Start session").click()
    await page.wait_for_url(re.compile(r"/session/[^/]+$"))
    await answered(page, "I read it.")
    assert stack.provider.heard("remember the milk|note.txt")
    await page.goto(f"{stack.url}/new")
    await dialog.get_by_role("button", name="Close").click()
    await playwright.expect(dialog).to_have_count(0)
