"""What the conversation promises while it streams, in Chromium on a scripted agent (the UI's brief, 1, 5 and 7)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.ui import Size, Ui, serious
from tests.e2e.ui_agent import UiAgent, call, now, result, said, text, user
from tests.e2e.ui_pixels import amber
from tests.e2e.ui_stream import (
    AT_END,
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

#: Marks what is at the upper edge of the log, so that it can be watched.
_LOOK_AT_TOP: Final = f"""() => {{
  const edge = document.querySelector('{SCROLL}').getBoundingClientRect().top + 40;
  const parts = [...document.querySelectorAll('{ROW} p, {ROW} .log-line, {ROW} .log-you-text')];
  for (const one of document.querySelectorAll('[data-looked]')) one.removeAttribute('data-looked');
  parts.find((one) => one.getBoundingClientRect().top > edge).setAttribute('data-looked', '');
}}"""


#: Selects some words of the text that grows.
_SELECT: Final = """(words) => {
  const found = [...document.querySelectorAll('.log-seg p')].at(-1).firstChild;
  getSelection().setBaseAndExtent(found, 0, found, words.length);
}"""
#: The number of the turn whose prompt stands at the upper edge of the log; null when none does.
_TURN_AT_TOP: Final = f"""() => {{
  const edge = document.querySelector('{SCROLL}').getBoundingClientRect().top;
  const near = (one) => Math.abs(one.querySelector('.log-blk').getBoundingClientRect().top - edge - 20) < 20;
  const words = [...document.querySelectorAll('.log-is-you')].find(near)?.textContent;
  return words ? Number(/Turn (\\d+)/.exec(words)[1]) : null;
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
    await until(page, AT_END)
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
    await until(page, AT_END)
    following = await seen(page)
    assert (following.shift, following.shifted) == (0, [])
    assert sent == 200

    await wheel(page, -900)
    await until(page, f"!({AT_END})")
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
    await until(page, AT_END)
    # Text that is selected stays selected while its paragraph grows, and the end goes on without it.
    await agent.grow(said(None, text("Some words that are")))
    await page.get_by_text("Some words that are").wait_for()
    await page.evaluate(_SELECT, "Some words")
    await agent.grow(said(None, text("Some words that are growing. " * 200)))
    await page.get_by_text("are growing.").last.wait_for()
    await until(page, f"!({AT_END})")
    assert await page.evaluate("getSelection().toString()") == "Some words"
    endless = "document.getAnimations().filter((one) => one.effect.getTiming().iterations === Infinity)"
    assert set(await page.evaluate(f"{endless}.map((one) => one.animationName)")) == {"spin"}


async def test_older_pages_load_before_the_top_and_keep_what_is_looked_at(bare_ui: Ui, agent: UiAgent) -> None:
    await agent.active(conversation(60))
    page = await opened(bare_ui, agent)
    height = f"document.querySelector('{SCROLL}').scrollHeight"
    before = await page.evaluate(height)
    # Near the beginning of what is loaded, and from the same frame on watched.
    scrolled = f"document.querySelector('{SCROLL}').scrollTop = 700"
    await page.evaluate(f"(() => {{ {scrolled}; ({_LOOK_AT_TOP})() }})()")
    await watch(page, "[data-looked]")
    await until(page, f"{height} > {before} + 500")
    looked = await seen(page)
    assert (looked.shift, looked.shifted, len(looked.tops)) == (0, [], 1), looked
    # All pages one after another, and then the first message of all.
    for _page in range(12):
        await page.evaluate(f"document.querySelector('{SCROLL}').scrollTop = 0")
        if await page.get_by_text("Turn 0: what is wrong").count():
            break
        await until(
            page, f"document.querySelector('{SCROLL}').scrollTop > 100 || !document.querySelector('.log-older')"
        )
    await page.get_by_text("Turn 0: what is wrong").wait_for()


async def test_five_thousand_messages_open_at_their_end_and_keep_few_rows(bare_ui: Ui, agent: UiAgent) -> None:
    await agent.active(conversation(2))
    page = await opened(bare_ui, agent)
    # Whoever is there while it comes in chunks holds all of it; later visitors get its end and load pages.
    await chunked(agent, conversation(1_000))
    await page.get_by_text("In short, turn 999 is done.").wait_for()
    await until(page, AT_END)
    rows = f"document.querySelectorAll('{ROW}').length"
    assert await page.evaluate(rows) < 80
    assert await page.evaluate(f"document.querySelector('{SCROLL}').scrollHeight") > 100_000
    # From prompt to prompt, to the very first, and back to the end.
    turns: list[int] = []
    for key in "[[[]":
        await page.keyboard.press(key)
        await until(page, f"({_TURN_AT_TOP})() !== null && ({_TURN_AT_TOP})() !== {turns[-1] if turns else 1_000}")
        turns.append(await page.evaluate(_TURN_AT_TOP))
    assert turns == [turns[0], turns[0] - 1, turns[0] - 2, turns[0] - 1]
    await page.locator(SCROLL).focus()
    await page.keyboard.press("Home")
    await page.get_by_text("Turn 0: what").wait_for()
    assert await page.evaluate(rows) < 80
    await page.keyboard.press("End")
    await until(page, AT_END)
    await page.get_by_text("In short, turn 999 is done.").wait_for()


async def _running(agent: UiAgent, ran: str, output: str) -> None:
    partial = {"content": [text(output)]}
    what = {"toolCallId": ran, "toolName": "bash", "args": {"command": "pytest -q"}}
    await agent.send({"type": "tool_execution_update", **what, "partialResult": partial})


async def test_lines_and_boxes_have_the_height_that_was_promised(bare_ui: Ui, agent: UiAgent) -> None:
    messages = conversation(3)
    await agent.active(messages)
    await agent.heartbeat(active=True)
    page = await opened(bare_ui, agent)
    started = said(now(), call("live", "bash", command="pytest -q"), stop="toolUse")
    await agent.send({"type": "message_start", "message": started})
    await agent.send({"type": "message_end", "message": started})
    await agent.send({"type": "tool_execution_start", "toolCallId": "live", "toolName": "bash", "args": {}})
    running = page.locator(ROW, has_text="Running")
    await running.wait_for()
    height = "(one) => one.getBoundingClientRect().height"
    line = running.locator(".log-line")
    assert await line.evaluate(height) == 30
    assert await running.get_by_role("button", name="Stop").is_visible()
    heights: list[float] = []
    for count in range(1, 14):
        await _running(agent, "live", "".join(f"line {at}\n" for at in range(1, count + 1)))
        await running.locator(".log-out", has_text=re.compile(rf"line {count}$")).wait_for()
        heights.append(await running.locator(".log-out").evaluate(height))
    assert heights[7:] == [heights[7]] * 6
    assert heights == sorted(heights)
    # The result leaves the box as it is; the next block closes it.
    done = result(now(), "live", "bash", "".join(f"line {at}\n" for at in range(1, 14)) + "13 passed in 2s\n")
    await agent.send({"type": "tool_execution_end", "toolCallId": "live", "toolName": "bash", "isError": False})
    await agent.send({"type": "message_end", "message": done})
    ran = page.locator(ROW, has_text="Ran").last
    await ran.get_by_text("13 passed", exact=True).wait_for()
    assert await ran.locator(".log-out").evaluate(height) == heights[-1]
    await agent.grow(said(None, text("All green")))
    await page.get_by_text("All green").wait_for()
    await ran.locator(".log-out").wait_for(state="detached")
    assert await ran.locator(".log-line").evaluate(height) == 30
    # What a person opens stays where the pointer is, and is found open again after it left the screen.
    top = "(one) => one.getBoundingClientRect().top"
    button = ran.locator("button.log-line-in")
    before = await button.evaluate(top)
    await button.click()
    await ran.locator(".log-whole").wait_for()
    assert await button.evaluate(top) == before


def _every_kind() -> list[dict[str, object]]:
    at = now() - 60_000
    code = "x = 'a rather long line of code' + " + " + ".join(["'more of it'"] * 12)
    hostile = "A [link](javascript:alert(1)), <img src=x onerror='window.hurt=1'> and ![x](https://example.com/x.png)"
    return [
        user("Show me **everything** <b>here</b>", at),
        said(at + 1, *(call(f"r{one}", "read", path=f"src/part{one}.py") for one in range(3)), stop="toolUse"),
        *(result(at + 2 + one, f"r{one}", "read", "x\n" * 9) for one in range(3)),
        said(
            at + 9,
            call("e", "edit", path="src/retry.py", oldText="a = 1\nb = 2", newText="a = 1\nb = 3"),
            stop="toolUse",
        ),
        result(at + 10, "e", "edit", "ok"),
        said(at + 11, call("f", "bash", command="git push"), call("m", "mcp_thing", path="x"), stop="toolUse"),
        result(at + 12, "f", "bash", "one\nrejected: fetch first\n\nCommand exited with code 1", failed=True),
        result(at + 13, "m", "mcp_thing", "done"),
        said(at + 14, text(f"{hostile}\n\n```python\n{code}\n```\n\n| a | b |\n|-|-|\n| 1 | 2 |")),
        {"role": "compactionSummary", "timestamp": at + 15, "summary": "It was **red**.", "tokensBefore": 182_000},
        said(at + 16, text("I was about to"), stop="aborted"),
        user("<!-- trigger:t1 source:external:github -->\nCI finished: 2 jobs failed", at + 17),
        said(at + 18, text("Too long"), stop="length"),
    ]


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_every_kind_of_block_reads_well_and_only_a_question_is_amber(
    bare_ui: Ui, agent: UiAgent, size: Size
) -> None:
    await agent.active(_every_kind())
    await agent.heartbeat(active=False)
    page = await opened(bare_ui, agent, size, dark=size == "phone")
    for words in ("Read", "3 files", "rejected: fetch first", "mcp_thing", "You stopped this answer"):
        await page.get_by_text(words, exact=True).first.wait_for(state="attached")
    for words in ("The answer hit the length limit", "CI finished: 2 jobs failed", "Earlier messages were summarised"):
        await page.get_by_text(words).first.wait_for()
    assert await page.get_by_text("Show me **everything** <b>here</b>").count() == 1
    assert await page.evaluate("[window.hurt, document.querySelectorAll('.log-md img').length]") == [None, 0]
    links = await page.locator(".log-md a[href]").evaluate_all("(all) => all.map((one) => [one.protocol, one.rel])")
    assert links == [["https:", "noopener noreferrer"]]
    await page.locator(".log-md .hljs-string").first.wait_for()
    assert await page.locator(SCROLL).get_attribute("aria-live") == "off"
    await page.get_by_role("button", name="Edited").click()
    await page.get_by_text("Read", exact=True).first.click()
    await page.get_by_text("part2.py").last.wait_for()
    assert await page.locator(".log-diff-add, .log-diff-del").count() == 2
    # No sideways scrolling of the page, whatever the code; the switch wraps it and is remembered.
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    code = page.locator(".log-code").first
    await code.hover()
    await code.get_by_role("button", name="Wrap").click()
    assert await code.locator("pre").evaluate("(one) => one.scrollWidth <= one.clientWidth")
    assert await serious(page) == []
    assert await amber(page) == 0
    asked = {"toolCallId": "q", "questions": [{"question": "Which way?", "options": ["Left", "Right"]}]}
    await agent.send({"type": "question_pending", "question": asked})
    await page.get_by_text("Waiting for you").first.wait_for()
    assert await amber(page) > 50
    assert await serious(page) == []


async def _used(page: Page) -> tuple[float, float]:
    """Answer what the page holds after a collection: megabytes of objects, and nodes; the least of a few looks."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    looks: list[tuple[float, float]] = []
    for _look in range(4):
        await page.evaluate("new Promise((go) => setTimeout(go, 60))")
        await devtools.send("HeapProfiler.collectGarbage")
        told = await devtools.send("Performance.getMetrics")
        named = {str(one["name"]): float(one["value"]) for one in told["metrics"]}
        looks.append((named["JSHeapUsedSize"] / 1e6, named["Nodes"]))
    await devtools.detach()
    return min(size for size, _nodes in looks), min(nodes for _size, nodes in looks)


async def _memory_stays_flat(ui: Ui, agent: UiAgent, answers: int, plan: Streaming) -> None:
    """Stream answer upon answer into a transcript that is summarised each time; compare the middle with the end."""
    messages = conversation(8)
    await agent.active(messages)
    await agent.heartbeat(active=True)
    page = await opened(ui, agent)
    middle = (0.0, 0.0)
    for answer in range(answers):
        await stream(agent, plan)
        last = await finish(agent, plan)
        await agent.active([*messages, last])
        await agent.delivered()
        await until(page, AT_END)
        if answer == answers // 2:
            middle = await _used(page)
    end = await _used(page)
    assert end[0] < middle[0] * 1.1 + 2, (middle, end)
    # What was taken from the page last may still be held.
    assert end[1] < middle[1] * 1.2 + 1_500, (middle, end)


async def test_memory_is_flat_over_some_answers(bare_ui: Ui, agent: UiAgent) -> None:
    await _memory_stays_flat(bare_ui, agent, 6, Streaming(seconds=1.5))


@pytest.mark.slow(gate="tests/e2e/test_ui_conversation.py::test_memory_is_flat_over_some_answers")
@pytest.mark.timeout(1_200)
async def test_memory_is_flat_over_ten_minutes_of_streaming(bare_ui: Ui, agent: UiAgent) -> None:
    await _memory_stays_flat(bare_ui, agent, 200, Streaming(seconds=3))
