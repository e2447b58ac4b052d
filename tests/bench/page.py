"""Measure the web UI in Chromium: work per frame while an answer streams, and how fast a long session opens."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from tests.bench.report import Report, percentile
from tests.bench.target import ACCOUNT, Target
from tests.e2e.ui_agent import UiAgent
from tests.e2e.ui_stream import AT_END, ROW, Streaming, chunked, conversation, finish, seen, stream, until, watch

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

_CATEGORIES: Final = ("toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline")
#: Callbacks of one frame begin within this time of each other, microseconds.
_SAME_FRAME: Final = 2_000
_TURNS: Final = 1_000

_OPEN: Final = f"""async (path) => {{
  const link = [...document.querySelectorAll('a')].find((one) => one.getAttribute('href') === path);
  const began = performance.now();
  link.click();
  const shown = () => [...document.querySelectorAll('{ROW}')].at(-1)?.textContent.includes('turn {_TURNS - 1} is done');
  while (!shown()) await new Promise((go) => requestAnimationFrame(go));
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  return performance.now() - began;
}}"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Say how long an answer streams, at how many updates per second, and how often the long session is opened."""

    seconds: float
    rate: float
    opens: int


async def page(target: Target, plan: Plan) -> list[Report]:
    """Measure streaming and opening; raises ImportError without Playwright."""
    from playwright.async_api import async_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    async with (
        async_playwright() as engine,
        UiAgent(target.url, target.key, name="Long") as long,
        UiAgent(target.url, target.key, name="Streams") as busy,
    ):
        browser = await engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            window = await _window(browser, target)
            streaming = await _streaming(browser, window, target, busy, plan)
            return [streaming, await _opening(window, target, long, f"/session/{busy.session_id}", plan)]
        finally:
            await browser.close()


async def _window(browser: Browser, target: Target) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    login = {"email": ACCOUNT["email"], "password": ACCOUNT["password"]}
    answer = await context.request.post(
        f"{target.url}/api/auth/sign-in/email", data=login, headers={"Origin": target.url}
    )
    if not answer.ok:
        raise RuntimeError(await answer.text())
    return await context.new_page()


async def _streaming(browser: Browser, window: Page, target: Target, agent: UiAgent, plan: Plan) -> Report:
    await agent.active(conversation(20))
    await agent.heartbeat(active=True)
    await agent.delivered()
    await window.goto(f"{target.url}/session/{agent.session_id}")
    await window.locator(ROW).first.wait_for()
    await until(window, AT_END)
    # The first answer loads what colours code; the second is measured, from 4 kB to 12 kB, 8 kB on average.
    first = Streaming(2, plan.rate, 0, 4_000)
    await stream(agent, first)
    await finish(agent, first)
    await watch(window)
    measured = Streaming(plan.seconds, plan.rate, 4_000, 12_000)
    await browser.start_tracing(page=window, categories=list(_CATEGORIES))
    sent = await stream(agent, measured)
    await agent.delivered()
    trace = json.loads(await browser.stop_tracing())
    shown = await seen(window)
    work = frames(trace["traceEvents"])
    numbers = {
        "updates sent": float(sent),
        "frames with work": float(len(work)),
        "main thread per frame, median ms": percentile(work, 50),
        "main thread per frame, p95 ms": percentile(work, 95),
        "main thread per frame, most ms": max(work, default=0.0),
        "layout-shift score": shown.shift,
    }
    return Report(f"a page at {plan.rate:g} updates/s of an answer of 4 to 12 kB", numbers, wrong=len(shown.shifted))


async def _opening(window: Page, target: Target, agent: UiAgent, beside: str, plan: Plan) -> Report:
    path = f"/session/{agent.session_id}"
    await agent.active(conversation(2))
    await agent.delivered()
    await window.goto(target.url + path)
    await window.locator(ROW).first.wait_for()
    # Whoever is there while a snapshot comes in chunks holds all of it.
    await chunked(agent, conversation(_TURNS))
    await window.get_by_text(f"In short, turn {_TURNS - 1} is done.").wait_for()
    kept: list[float] = []
    for _open in range(plan.opens):
        await window.get_by_role("link", name="All sessions").click()
        await window.get_by_role("heading", name="Sessions").wait_for()
        kept.append(cast("float", await window.evaluate(_OPEN, path)))
    fresh: list[float] = []
    for _open in range(plan.opens):
        # From another session, on a page that holds nothing of this one.
        await window.goto(target.url + beside)
        await window.locator(ROW).first.wait_for()
        await window.locator(f"a[href='{path}']").first.wait_for()
        await asyncio.sleep(1)  # what the page loads when it is idle is there then
        fresh.append(cast("float", await window.evaluate(_OPEN, path)))
    numbers = {
        "messages": 5.0 * _TURNS,
        "from memory, median ms": percentile(kept, 50),
        "from memory, slowest ms": max(kept),
        "from the relay, median ms": percentile(fresh, 50),
        "from the relay, slowest ms": max(fresh),
    }
    return Report("opening a session of 5,000 messages at its end", numbers)


def frames(events: list[Mapping[str, object]]) -> list[float]:
    """Answer the main thread's work of each frame in ms of its own time, from a trace of `_CATEGORIES`.

    A frame goes from its animation callbacks to those of the next; everything that ran in between counts.
    """
    mains = {_thread(one) for one in events if one.get("name") == "thread_name" and _named(one) == "CrRendererMain"}
    tasks: defaultdict[tuple[object, object], list[tuple[float, float]]] = defaultdict(list)
    begins: defaultdict[tuple[object, object], list[float]] = defaultdict(list)
    for one in events:
        if _thread(one) not in mains:
            continue
        if one.get("name") == "RunTask" and one.get("ph") == "X":
            spent = one.get("tdur", one.get("dur", 0))
            tasks[_thread(one)].append((float(str(one["ts"])), float(str(spent))))
        elif one.get("name") == "FireAnimationFrame":
            begins[_thread(one)].append(float(str(one["ts"])))
    if not begins:
        return []
    busiest = max(begins, key=lambda thread: len(begins[thread]))
    starts: list[float] = []
    for begin in sorted(begins[busiest]):
        if not starts or begin - starts[-1] > _SAME_FRAME:
            starts.append(begin)
    work = [0.0] * max(0, len(starts) - 1)
    at = 0
    for when, spent in sorted(tasks[busiest]):
        # A task that holds the callbacks begins a little before them.
        while at < len(work) and when >= starts[at + 1] - _SAME_FRAME / 2:
            at += 1
        if at < len(work) and when >= starts[at] - _SAME_FRAME / 2:
            work[at] += spent / 1000
    return work


def _thread(event: Mapping[str, object]) -> tuple[object, object]:
    return event.get("pid"), event.get("tid")


def _named(event: Mapping[str, object]) -> object:
    args = event.get("args")
    return args.get("name") if isinstance(args, Mapping) else None
