"""Let a scripted agent stream into a page, and watch in the page that nothing moves."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from tests.e2e.ui_agent import Json, UiAgent, call, now, result, said, text, thought, user
from tests.e2e.waiting import NotReached

if TYPE_CHECKING:
    from playwright.async_api import Page

#: Where the log scrolls, and its rows.
SCROLL: Final = "[role=log]"
ROW: Final = ".log-row"
#: Messages of one chunk of a snapshot, as the published client sends them (sockets-browsers.md 3.5).
_CHUNK: Final = 200
_WORDS: Final = (
    "The delay is capped before the jitter is added, so a capped delay can still grow by half of its own length; ",
    "with the cap applied last every client waits exactly as long as the others, and all of them come back in step. ",
    "I keep half of the delay **fixed** and draw the other half at random, see `backoff()` in `retry.py`. ",
)


def conversation(turns: int, began: int | None = None) -> list[Json]:
    """Make a transcript of so many turns, five messages each."""
    at = itertools.count(began if began is not None else now() - turns * 60_000, 7_000)
    messages: list[Json] = []
    for turn in range(turns):
        ran = f"call-{turn}"
        messages += [
            user(f"Turn {turn}: what is wrong with the backoff test?", next(at)),
            said(
                next(at),
                thought("The cap comes first.", 3),
                call(ran, "bash", command=f"pytest -q {turn}"),
                stop="toolUse",
            ),
            result(next(at), ran, "bash", f"....\n{turn + 1} passed in 1.2s\n"),
            said(next(at), text(f"Answer {turn}. " + _WORDS[turn % 3] * (1 + turn % 4) + _code(turn))),
            said(next(at), text(f"In short, turn {turn} is done.")),
        ]
    return messages


def _code(turn: int) -> str:
    return (
        f"\n\n```python\ndef turn_{turn}(cap: float) -> float:\n    return min(cap, {turn})\n```\n"
        if turn % 3 == 0
        else ""
    )


async def chunked(agent: UiAgent, messages: Sequence[Mapping[str, object]]) -> None:
    """Publish a long snapshot in chunks; browsers then hold all of it."""
    state = {"chunked": True, "snapshotId": "long", "totalMessages": len(messages), "messages": [], "cwd": agent.cwd}
    await agent.send({"type": "session_active", "state": state})
    chunks = [messages[at : at + _CHUNK] for at in range(0, len(messages), _CHUNK)]
    for index, chunk in enumerate(chunks):
        body = {"snapshotId": "long", "chunkIndex": index, "totalChunks": len(chunks), "totalMessages": len(messages)}
        final = index == len(chunks) - 1
        await agent.send({"type": "session_messages_chunk", **body, "messages": list(chunk), "final": final})


def growth(size: int) -> str:
    """Make a text of so many characters: paragraphs, a list and code."""
    parts: list[str] = []
    length = 0
    for index in itertools.count():
        part = _WORDS[index % 3] * 2 + "\n\n"
        if index % 5 == 3:
            part = "- first point\n- second point of the list\n- third\n\n"
        elif index % 5 == 4:
            part = "```python\n" + "delay = min(cap, base * 2**attempt)\n" * 8 + "```\n\n"
        parts.append(part)
        length += len(part)
        if length >= size:
            return "".join(parts)[:size]
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class Streaming:
    """Say how an answer grows: `rate` updates per second for `seconds`, from `begin` to `end` characters."""

    seconds: float
    rate: float = 100.0
    begin: int = 0
    end: int = 8_000


async def stream(agent: UiAgent, plan: Streaming) -> int:
    """Let one answer grow; answer how many updates were sent. It stays open."""
    loop = asyncio.get_running_loop()
    steps = max(1, round(plan.seconds * plan.rate))
    whole = growth(plan.end)
    await agent.send({"type": "message_start", "message": said(None, text(""))})
    began = loop.time()
    for step in range(1, steps + 1):
        length = plan.begin + round((plan.end - plan.begin) * step / steps)
        await agent.grow(said(None, text(whole[:length])))
        ahead = began + step / plan.rate - loop.time()
        if ahead > 0:
            await asyncio.sleep(ahead)
    return steps


async def finish(agent: UiAgent, plan: Streaming) -> Json:
    """End the answer that `stream` left open; answer the message that it became."""
    message = said(now(), text(growth(plan.end)))
    await agent.send({"type": "message_end", "message": message})
    return message


_PROBE: Final = """(selector) => {
  const probe = {shift: 0, shifted: [], tops: [], frames: 0};
  window.probe = probe;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      probe.shift += entry.value;
      for (const {node, previousRect: a, currentRect: b} of entry.sources)
        probe.shifted.push(`${node?.nodeName} ${node?.className ?? node?.data?.slice(0, 30)} ${a.y}->${b.y}`);
    }
  }).observe({type: 'layout-shift', buffered: false});
  const looked = selector ? document.querySelector(selector) : null;
  const look = () => {
    probe.frames += 1;
    if (looked) {
      const top = looked.isConnected ? looked.getBoundingClientRect().top : 'gone';
      if (probe.tops.at(-1) !== top) probe.tops.push(top);
    }
    requestAnimationFrame(look);
  };
  look();
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what a probe saw: layout-shift score with its sources, the tops that an element had, frames drawn."""

    shift: float
    shifted: list[str]
    tops: list[object]
    frames: int


async def watch(page: Page, selector: str | None = None) -> None:
    """Begin to watch layout shifts, and in each frame the upper edge of an element."""
    await page.evaluate(_PROBE, selector)


async def seen(page: Page) -> Seen:
    """Answer what the probe saw so far."""
    found = cast("dict[str, object]", await page.evaluate("window.probe"))
    return Seen(
        cast("float", found["shift"]),
        cast("list[str]", found["shifted"]),
        cast("list[object]", found["tops"]),
        cast("int", found["frames"]),
    )


#: Whether the end of the log is in sight.
AT_END: Final = (
    f"(() => {{ const b = document.querySelector('{SCROLL}'); "
    "return b.scrollHeight - b.clientHeight - b.scrollTop < 2 })()"
)


async def distance(page: Page) -> float:
    """Answer how far the end of the log is below its lower edge, px."""
    return cast(
        "float",
        await page.evaluate(
            f"(() => {{ const b = document.querySelector('{SCROLL}'); "
            "return b.scrollHeight - b.clientHeight - b.scrollTop })()"
        ),
    )


async def until(page: Page, condition: str, timeout: float = 30.0) -> None:
    """Wait until a JavaScript expression holds; Playwright's own way needs `eval`, which the page's policy forbids."""
    try:
        async with asyncio.timeout(timeout):
            while not await page.evaluate(condition):
                await page.evaluate("new Promise((go) => setTimeout(go, 30))")
    except TimeoutError as exc:
        raise NotReached(f"{condition}: not within {timeout:g} s") from exc


async def wheel(page: Page, down: float) -> None:
    """Turn the wheel over the log, px; up when negative."""
    box = await page.locator(SCROLL).bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.wheel(0, down)
