"""Prove home and sidebar in Chromium: answers from the list, finding, pins, what is new, keys, and a phone's hands."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.provider import Call, Say, ask_user
from tests.e2e.ui import WAIT, Ui, serious
from tests.e2e.ui_agent import UiAgent

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(240)]

QUESTION: Final = "Should the old files still load?"
PLAN: Final = Call("plan_mode", {"title": "Split the parser", "steps": [{"title": "Collect"}, {"title": "Resolve"}]})


def group(page: Page, name: str) -> Locator:
    """Answer a group of the list by its heading."""
    return page.locator(".home").get_by_role("region", name=name, exact=True)


def names(where: Locator) -> Locator:
    """Answer the names of the sessions in a part of the page."""
    return where.locator("[data-row]")


async def heard(ui: Ui, words: str) -> None:
    """Wait until the agent has heard words."""
    provider = ui.stack.provider
    await provider.changed.until(lambda: provider.heard(words), f"{words!r} at the provider", 30)


async def test_questions_and_plans_are_answered_from_the_list(ui: Ui) -> None:
    ui.stack.provider.plan("move the settings", ask_user(QUESTION, "Yes, warn", "No", "Fail"), Say("I'll warn."))
    ui.stack.provider.plan("which colour", ask_user("Which colour?", "Red", "Blue"), Say("A fine one."))
    ui.stack.provider.plan("split the parser", PLAN, Say("Splitting."))
    page = await ui.window()
    await playwright.expect(page.get_by_text("No sessions yet. Start one with N.").first).to_be_visible()
    for prompt in ("move the settings", "which colour", "split the parser"):
        await ui.stack.spawn(prompt)
    waiting = group(page, "Waiting for you")
    await playwright.expect(names(waiting)).to_have_count(3)
    await playwright.expect(page).to_have_title(re.compile(r"^\(3\) "))
    assert await serious(page) == []

    question = waiting.get_by_role("article").filter(has_text=QUESTION)
    await playwright.expect(question.get_by_role("button")).to_have_text(
        ["Yes, warn", "No", "Fail", "Write an answer…"]
    )
    await question.get_by_role("button", name="Yes, warn").click()
    await playwright.expect(question).to_have_count(0)
    await heard(ui, "Yes, warn")

    colour = waiting.get_by_role("article").filter(has_text="Which colour?")
    await colour.get_by_role("button", name="Write an answer…").click()
    await colour.get_by_role("textbox").fill("green, if you have it")
    await page.keyboard.press("Enter")
    await playwright.expect(colour).to_have_count(0)
    await heard(ui, "green, if you have it")

    plan = waiting.get_by_role("article").filter(has_text="A plan is ready: 2 steps.")
    await plan.get_by_role("button", name="Start now").click()
    await playwright.expect(waiting).to_have_count(0)
    await playwright.expect(page).to_have_title(re.compile(r"^Sessions"))


async def test_sessions_are_found_pinned_renamed_marked_and_ended(ui: Ui) -> None:
    page = await ui.window()
    first, second = await ui.stack.spawn(), await ui.stack.spawn()
    rows = names(page.locator(".home"))
    await playwright.expect(rows).to_have_count(2)

    async def row(session_id: str) -> Locator:
        item = page.locator(".home-item", has=page.locator(f'a[href="/session/{session_id}"]'))
        await item.hover()
        return item

    async def choose(session_id: str, words: str) -> None:
        item = await row(session_id)
        await item.get_by_role("button", name=re.compile("^More for ")).click()
        await page.get_by_role("menuitem", name=words).click()

    for session_id, name in ((first, "Port the client"), (second, "Read the logs")):
        await choose(session_id, "Rename…")
        await page.get_by_role("dialog").get_by_label("Name").fill(name)
        await page.keyboard.press("Enter")
        await playwright.expect(page.locator(".home").get_by_role("link", name=name)).to_be_visible()
    await playwright.expect(page.get_by_role("dialog")).to_have_count(0)

    await page.keyboard.press("/")
    await page.keyboard.type("port cli")
    await playwright.expect(rows).to_have_text(["Port the client"])
    assert page.url.endswith("?q=port+cli")
    await page.get_by_label("Find a session").fill("no such thing")
    await playwright.expect(page.get_by_text("Nothing matches “no such thing”.")).to_be_visible()
    await page.keyboard.press("Escape")
    await playwright.expect(rows).to_have_count(2)

    await (await row(first)).get_by_role("button", name="Pin", exact=True).click()
    sidebar = page.get_by_role("navigation", name="Sessions")
    await playwright.expect(names(sidebar.get_by_role("region", name="Pinned"))).to_have_text(["Port the client"])
    await page.get_by_role("link", name="Pinned 1").click()
    await playwright.expect(rows).to_have_text(["Port the client"])
    assert page.url.endswith("?show=pinned")
    await page.reload()
    await playwright.expect(rows).to_have_text(["Port the client"])
    await page.get_by_role("link", name=re.compile(r"^All \d")).click()

    for session_id in (first, second):
        await choose(session_id, "Mark as read")
    await playwright.expect(names(group(page, "Earlier"))).to_have_count(2)
    await choose(second, "Mark as new")
    fresh = group(page, "New since you looked").get_by_role("link", name="Read the logs")
    await playwright.expect(fresh).to_be_visible()
    await page.reload()
    await playwright.expect(fresh).to_be_visible()
    await page.mouse.move(700, 890)
    await page.keyboard.press("j")
    await playwright.expect(fresh).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/session/{second}")
    await playwright.expect(page.get_by_role("textbox", name="Message the agent")).to_be_visible()
    await page.go_back()
    await playwright.expect(group(page, "Earlier").get_by_role("link", name="Read the logs")).to_be_visible()

    await choose(second, "End session…")
    await page.get_by_role("dialog").get_by_role("button", name="End session").click()
    await page.goto(f"{ui.stack.url}/?show=ended")
    await playwright.expect(rows).to_have_text([re.compile("Read the logs|New session")])
    assert await serious(page) == []


async def test_a_phone_shows_two_lines_opens_by_touch_and_has_the_menu_under_a_long_press(ui: Ui) -> None:
    ui.stack.provider.plan("move the settings", ask_user(QUESTION, "Yes", "No"), Say("Done."))
    session_id = await ui.stack.spawn("move the settings")
    page = await ui.window("/", "phone", dark=True)
    waiting = group(page, "Waiting for you")
    await playwright.expect(waiting.get_by_text(QUESTION)).to_be_visible()
    await playwright.expect(waiting.get_by_role("button")).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await serious(page) == []
    link = waiting.get_by_role("link")
    box = await link.bounding_box()
    assert box is not None
    finger = {"clientX": box["x"] + 40, "clientY": box["y"] + 8, "identifier": 0}
    touch = """([element, finger]) => element.dispatchEvent(new TouchEvent("touchstart", {
        bubbles: true, cancelable: true, touches: [new Touch({...finger, target: element})]}))"""
    await page.evaluate(touch, [await link.element_handle(), finger])
    await playwright.expect(page.get_by_role("menuitem", name="Pin")).to_be_visible()
    await page.keyboard.press("Escape")
    await link.tap()
    await page.wait_for_url(f"**/session/{session_id}")
    await page.get_by_text(QUESTION).first.wait_for(timeout=WAIT)


async def test_the_sidebar_groups_by_place_and_nothing_moves_under_the_pointer(bare_ui: Ui) -> None:
    async with AsyncExitStack() as agents:
        made: list[UiAgent] = []
        for number in range(1, 9):
            agent = UiAgent(bare_ui.stack.url, bare_ui.stack.key, name=f"Job {number}")
            made.append(await agents.enter_async_context(agent))
            await agent.heartbeat(active=False)
        other = UiAgent(bare_ui.stack.url, bare_ui.stack.key, name="Sums", cwd="/home/me/ledger")
        await agents.enter_async_context(other)
        await other.heartbeat(active=False)
        page = await bare_ui.window()
        sidebar = page.get_by_role("navigation", name="Sessions")
        jobs = sidebar.get_by_role("region", name="fetchkit")
        await playwright.expect(names(jobs)).to_have_count(5)
        await playwright.expect(names(sidebar.get_by_role("region", name="ledger"))).to_have_text(["Sums"])
        await jobs.get_by_role("button", name="Show 3 more").click()
        await playwright.expect(names(jobs)).to_have_count(8)

        # Lists may settle in the first moments of a page.
        await page.evaluate("new Promise((done) => setTimeout(done, 4000 - performance.now()))")
        rows = names(page.locator(".home"))
        last = page.locator(".home-item").last
        await last.hover()
        before = await last.bounding_box()
        order = await rows.all_inner_texts()
        busy = next(agent for agent in made if agent.name == order[3])
        await busy.heartbeat(active=True)
        item = page.locator(".home-item").filter(has_text=busy.name)
        await playwright.expect(item.get_by_role("img", name="Working")).to_be_visible()
        assert await rows.all_inner_texts() == order
        assert await last.bounding_box() == before
        await page.mouse.move(700, 20)
        await playwright.expect(names(group(page, "Working"))).to_have_text([busy.name])
        assert await serious(page) == []
