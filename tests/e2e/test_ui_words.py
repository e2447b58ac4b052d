"""Words first: every control of the web UI has a visible word, but for a few icons that everybody knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.transcript import as_objects
from tests.e2e.ui import Size, Ui

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(180)]

#: What may stand as an icon alone (the brief's fourth principle), by what its label begins with.
ICONS: Final = re.compile(
    r"^(Close|More|Back|Search|Send|Attach|Add|Mention|Commands?|Pin|Unpin|Edit|Rename|Remove|New terminal"
    r"|Open a terminal|Hide|Show|Panel|Split|Full width)\b"
)
#: Controls that show no word, with their label, whether they have a tooltip, and how many such stand in one row.
CONTROLS: Final = """() => {
  const seen = (element) => {
    const box = element.getBoundingClientRect();
    const shown = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
    return shown && box.width > 2 && box.height > 2;
  };
  const worded = (element) => [...element.childNodes].some((child) =>
    child.nodeType === Node.TEXT_NODE ? /[\\p{L}\\p{N}]/u.test(child.data)
      : child.nodeType === Node.ELEMENT_NODE && seen(child) && worded(child));
  const bare = [...document.querySelectorAll("button, a[href], [role=button], [role=tab], [role=menuitem], summary")]
    .filter((element) => seen(element) && !worded(element));
  const run = (element) => {
    let count = 1;
    for (let next = element.nextElementSibling; next && bare.includes(next); next = next.nextElementSibling) count += 1;
    return count;
  };
  return bare.map((element) => ({
    label: element.getAttribute("aria-label") || element.textContent.trim() || element.outerHTML.slice(0, 120),
    tip: Boolean(element.dataset.tip || element.title),
    run: run(element),
  }));
}"""


async def wordless(page: Page, *, touch: bool) -> list[str]:
    """Answer what is wrong with the controls of a page that show no word; a finger needs no tooltip."""
    wrong: list[str] = []
    for one in as_objects(await page.evaluate(CONTROLS)):
        label = str(one["label"])
        if not ICONS.match(label):
            wrong.append(f"{label}: has no visible word")
        elif not one["tip"] and not touch:
            wrong.append(f"{label}: has no tooltip")
        if int(str(one["run"])) > 3:
            wrong.append(f"{label}: begins a row of {one['run']} icons")
    return wrong


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_every_control_has_a_visible_word_or_is_an_icon_that_everybody_knows(ui: Ui, size: Size) -> None:
    session_id = await ui.stack.spawn("say something")
    context = await ui.context(size)
    page = await ui.window("/", context=context)
    wrong: dict[str, list[str]] = {}
    session = f"/session/{session_id}"
    for path in (
        "/",
        session,
        *(f"{session}/{view}" for view in ("overview", "changes", "files", "terminal", "preview")),
        "/runners",
        f"/runner/{ui.stack.runner_id}/overview",
        f"/runner/{ui.stack.runner_id}/usage",
        "/usage",
        "/settings/appearance",
        "/settings/keys",
        "/new",
        "/connect",
    ):
        await page.goto(ui.stack.url + path)
        await page.locator("main").first.wait_for()
        await page.locator("h1, h2").first.wait_for()
        await page.wait_for_load_state("networkidle")
        found = await wordless(page, touch=size == "phone")
        if found:
            wrong[path] = found
    assert wrong == {}
