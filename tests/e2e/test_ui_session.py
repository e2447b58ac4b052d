"""Prove the session page in Chromium: writing, streaming, questions, lost connections, files, keys, small screens."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from tests.e2e.middleman import Middleman
from tests.e2e.provider import Say, ask_user, bash
from tests.e2e.ui import WAIT, Ui, serious
from tests.e2e.waiting import poll

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.e2e.ui import Size

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(240)]

STORY: Final = " ".join(f"word{number}" for number in range(40))
#: A picture of one pixel.
PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(autouse=True)
def patience() -> None:
    """Let every expectation wait as long as a slow machine may take."""
    playwright.expect.set_options(timeout=WAIT)


def field(page: Page) -> Locator:
    """Answer the composer's field."""
    return page.locator(".cmp-field")


def log(page: Page) -> Locator:
    """Answer the transcript."""
    return page.get_by_role("log")


async def shows(page: Page, words: str) -> None:
    """Wait until the transcript shows words."""
    await playwright.expect(log(page)).to_contain_text(words)


async def say(page: Page, words: str) -> None:
    """Write a prompt and send it with Enter."""
    await field(page).fill(words)
    await field(page).press("Enter")


async def idle(page: Page) -> None:
    """Wait until the agent has ended its turn."""
    await playwright.expect(field(page)).to_have_attribute("placeholder", "Message the agent…")


async def once(page: Page, words: str) -> None:
    """The transcript has words in it exactly once."""
    text = await log(page).inner_text()
    assert text.count(words) == 1, text


async def test_an_answer_streams_into_two_browsers_and_a_question_closes_in_both(ui: Ui) -> None:
    go_on = asyncio.Event()
    ui.stack.provider.plan("tell a story", Say(STORY, gate=go_on, before=20))
    ui.stack.provider.plan("ask me", ask_user("Which way?", "left — the long way", "right", "back"), Say("thank you"))
    path = f"/session/{await ui.stack.spawn()}"
    first, second = await ui.window(path), await ui.window(path)
    await say(first, "tell a story")
    for page in (first, second):
        await shows(page, "word19")
        await playwright.expect(field(page)).to_have_attribute("placeholder", "Steer the agent…")
        await playwright.expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert "word20" not in await log(second).inner_text()

    await field(first).fill("a thought for later")
    await first.reload()
    await playwright.expect(field(first)).to_have_value("a thought for later")
    await shows(first, "word19")
    go_on.set()
    for page in (first, second):
        await shows(page, "word39")
        await idle(page)
        await once(page, "word7 ")

    await say(second, "ask me")
    for page in (first, second):
        await playwright.expect(page.get_by_role("heading", name="Which way?")).to_be_visible()
        await playwright.expect(field(page)).to_have_count(0)
    await playwright.expect(first.get_by_text("Your draft is kept")).to_be_visible()
    await second.keyboard.press("2")
    await playwright.expect(second.get_by_role("radio", name="right")).to_be_checked()
    await second.keyboard.press("Enter")
    for page in (first, second):
        await shows(page, "thank you")
        await playwright.expect(page.get_by_role("heading", name="Which way?")).to_have_count(0)
    await shows(first, "Answered on another device")
    assert "Answered on another device" not in await log(second).inner_text()
    assert ui.stack.provider.heard("right")
    await playwright.expect(field(first)).to_have_value("a thought for later")


async def test_a_prompt_waits_behind_the_turn_where_it_is_edited_and_removed(ui: Ui) -> None:
    go_on = asyncio.Event()
    ui.stack.provider.plan("number one", Say(STORY, gate=go_on, before=10))
    page = await ui.window(f"/session/{await ui.stack.spawn()}")
    await say(page, "number one")
    await shows(page, "word9")
    await page.get_by_text("After this").click()
    queued = page.get_by_role("list", name="Next").get_by_role("listitem")
    await say(page, "number two")
    await playwright.expect(queued).to_have_count(1)
    await say(page, "number three")
    await playwright.expect(queued).to_have_count(2)
    await field(page).press("ArrowUp")
    await page.get_by_label("Edit what comes next").fill("number three, better")
    await page.keyboard.press("Enter")
    await playwright.expect(queued.nth(1)).to_contain_text("number three, better")
    await queued.nth(0).get_by_label("Remove").click()
    await playwright.expect(queued).to_have_count(1)
    go_on.set()
    await shows(page, "You said: number three, better")
    await idle(page)
    assert not ui.stack.provider.heard("number two")
    await playwright.expect(queued).to_have_count(0)


async def test_a_lost_connection_and_a_restarted_relay_leave_no_gap_under_an_open_page(ui: Ui) -> None:
    half, whole = asyncio.Event(), asyncio.Event()
    ui.stack.provider.plan("tell a story", bash("echo one"), Say(STORY, gate=half, before=20))
    ui.stack.provider.plan("and another", Say(STORY.replace("word", "line"), gate=whole, before=20))
    async with Middleman(ui.stack.url) as line:
        session_id = await ui.stack.spawn()
        page = await ui.window()
        await page.goto(f"{line.url}/session/{session_id}")
        await say(page, "tell a story")
        await shows(page, "word19")
        await line.cut()
        await playwright.expect(page.get_by_text("Reconnecting… Your text is kept.")).to_be_visible()
        await field(page).fill("typed while away")
        await field(page).press("Enter")
        await playwright.expect(page.get_by_text("Sends when the connection is back")).to_be_visible()
        half.set()
        line.down = False
        await shows(page, "You said: typed while away")
        await idle(page)
        for words in ("word5 ", "word20 ", "word39"):
            await once(page, words)
        assert page.url.endswith(session_id), "being offline is not being signed out"

        await say(page, "and another")
        await shows(page, "line19")
        await field(page).fill("kept over the restart")
        await ui.stack.relay.kill()
        whole.set()
        await ui.stack.relay.start()
        await shows(page, "line39")
        await playwright.expect(field(page)).to_have_value("kept over the restart")
        await once(page, "line20 ")
        await ui.stack.until_live(session_id, timeout=40)
        await field(page).press("Enter")
        await shows(page, "You said: kept over the restart")


async def test_a_pasted_picture_reaches_the_runner(ui: Ui) -> None:
    session_id = await ui.stack.spawn()
    page = await ui.window(f"/session/{session_id}")
    await field(page).click()
    await page.evaluate(
        """(text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "shot.png", { type: "image/png" }));
            const event = new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(event);
        }""",
        PNG,
    )
    files = page.get_by_role("list", name="Attached files").get_by_role("listitem")
    await playwright.expect(files).to_contain_text(re.compile("shot.png.*B"))
    await page.reload()
    await playwright.expect(files).to_have_count(1)
    await say(page, "look at this")
    await playwright.expect(files).to_have_count(0)
    await shows(page, "You said: look at this")
    folder: Path = ui.stack.folder / "runner-home" / ".pizzapi" / "session-attachments" / session_id
    await poll(lambda: (folder / "shot.png").exists(), "the picture on the runner", 20)


async def test_the_agent_is_in_sight_on_every_view_and_every_screen(ui: Ui) -> None:
    """Principle 2: the mark, what the agent does and a way to stop or steer it, without scrolling."""
    never = asyncio.Event()
    ui.stack.provider.plan("talk for ever", Say(STORY, gate=never, before=10))
    session_id = await ui.stack.spawn("talk for ever")
    few, all_views = ("", "/overview", "/terminal"), ("", "/overview", "/changes", "/files", "/terminal", "/preview")
    shown = {"desktop": (*all_views, "/overview?wide", "/files?beside=terminal"), "tablet": few, "phone": few}
    for size, views in shown.items():
        page = await ui.window(f"/session/{session_id}", cast("Size", size))
        await shows(page, "word9")
        for view in views:
            await page.evaluate(
                "(to) => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate')) }",
                f"/session/{session_id}{view}",
            )
            head = page.get_by_role("main").get_by_role("img", name="Working").first
            await playwright.expect(head).to_be_in_viewport(ratio=1)
            await playwright.expect(page.get_by_role("button", name="Stop").first).to_be_in_viewport(ratio=1)
            doing = page.get_by_text(re.compile("Writing an answer|word9")).first
            await playwright.expect(doing).to_be_in_viewport()
            assert not await sideways(page), f"{size} {view}"
        await page.context.close()


async def test_axe_finds_nothing_serious_on_the_session_page(ui: Ui) -> None:
    never = asyncio.Event()
    ui.stack.provider.plan("talk for ever", bash("echo hello; false"), Say(STORY, gate=never, before=10))
    session_id = await ui.stack.spawn("talk for ever")
    for dark in (False, True):
        page = await ui.window(f"/session/{session_id}/overview", dark=dark)
        await shows(page, "word9")
        await playwright.expect(page.get_by_role("heading", name="Usage")).to_be_visible()
        assert await serious(page) == []
        await page.get_by_role("button", name="Model and thinking").click()
        await playwright.expect(page.get_by_role("radio", name="Parrot")).to_be_checked()
        await field(page).fill("/")
        await playwright.expect(page.get_by_role("listbox", name="Commands")).to_be_visible()
        assert await serious(page) == []


async def sideways(page: Page) -> bool:
    """Answer whether the page scrolls sideways."""
    wide: bool = await page.evaluate(
        "document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth"
    )
    return wide


async def test_three_keys_open_a_session_answer_the_next_question_and_start_another(ui: Ui) -> None:
    """Principle 5: typing not counted."""
    ui.stack.provider.plan("ask me", ask_user("Which way?", "left", "right"), Say("thank you"))
    asking = await ui.stack.spawn("ask me about the way")
    named = await ui.stack.spawn("a quiet harbour")
    page = await ui.window(f"/session/{named}")
    await playwright.expect(page.get_by_role("link", name="a quiet harbour").first).to_be_visible()
    await page.goto(ui.stack.url)
    await playwright.expect(page.get_by_text("Which way?").first).to_be_visible()
    await page.keyboard.press("w")
    await playwright.expect(page).to_have_url(re.compile(asking))
    await playwright.expect(page.get_by_role("heading", name="Which way?")).to_be_visible()
    await page.keyboard.press("1")
    await page.keyboard.press("Enter")
    await shows(page, "thank you")

    await page.keyboard.press("Control+k")
    await page.keyboard.type("quiet harb")
    await playwright.expect(page.get_by_role("option", name=re.compile("quiet harbour")).first).to_be_visible()
    await page.keyboard.press("Enter")
    await playwright.expect(page).to_have_url(re.compile(named))

    await page.get_by_role("main").focus()
    await page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New session")
    await playwright.expect(dialog.get_by_role("textbox").first).to_be_focused()
    await page.keyboard.type("begin the next")
    await page.keyboard.press("Control+Enter")
    await playwright.expect(dialog).to_have_count(0)
    await shows(page, "You said: begin the next")
    assert asking not in page.url
    assert named not in page.url


async def test_a_phone_answers_on_a_sheet_and_320_pixels_are_enough(ui: Ui) -> None:
    ui.stack.provider.plan(
        "ask me", ask_user("Which way?", *(f"way {number}" for number in range(9))), Say("thank you")
    )
    path = f"/session/{await ui.stack.spawn('ask me')}"
    page = await ui.window(path, "phone")
    card = page.get_by_role("region", name="Question")
    await playwright.expect(card).to_be_visible()
    box = await card.bounding_box()
    assert box is not None
    assert box["height"] <= 844 * 0.6 + 1
    assert round(box["y"] + box["height"]) == 844
    assert await serious(page) == []
    await page.set_viewport_size({"width": 320, "height": 640})
    await playwright.expect(card.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)
    assert not await sideways(page)
    await card.get_by_label("Fold the card").press("Enter")
    await page.get_by_role("button", name="Show", exact=True).click()
    await card.get_by_text("way 3").click()
    await card.get_by_role("button", name="Send answer").click()
    await shows(page, "thank you")
    await idle(page)
    for part in ("Send", "Attach", "Back to sessions", "More"):
        await playwright.expect(page.get_by_role("button", name=part, exact=True)).to_be_in_viewport(ratio=1)
    assert not await sideways(page)
    await page.goto(f"{ui.stack.url}/session/no-such-session")
    await playwright.expect(page.get_by_text("This session is not here any more.").first).to_be_visible()
