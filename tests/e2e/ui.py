"""Open our own web UI in Chromium: windows of every size, signed in, whose console stays clean."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Literal, cast

import pytest

from tests.e2e.stack import EMAIL, PASSWORD, Stack
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.vite_server import installed

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, StorageState, ViewportSize

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
#: Milliseconds that a page has for anything.
WAIT: Final = 30_000

Size = Literal["desktop", "tablet", "phone"]
SIZES: Final[dict[Size, ViewportSize]] = {
    "desktop": {"width": 1440, "height": 900},
    "tablet": {"width": 834, "height": 1112},
    "phone": {"width": 390, "height": 844},
}
#: What a page may not say without being at fault: the relay is away in some tests.
_EXCUSED: Final = ("net::ERR_", "WebSocket connection to", "the server responded with a status of")


class Ui:
    """Hold a stack and a browser; `errors` are what the consoles of its windows complained about."""

    def __init__(self, stack: Stack, browser: Browser) -> None:
        self.stack = stack
        self.browser = browser
        self.errors: list[str] = []
        self._state: StorageState | None = None

    async def context(
        self, size: Size = "desktop", *, signed_in: bool = True, dark: bool = False, **options: object
    ) -> BrowserContext:
        """Make a browser profile of its own; signed in by the one sign-in of this `Ui`."""
        if signed_in and self._state is None:
            self._state = await self._sign_in()
        touch = size == "phone"
        context = await self.browser.new_context(
            viewport=SIZES[size],
            has_touch=touch,
            is_mobile=touch,
            color_scheme="dark" if dark else "light",
            storage_state=self._state if signed_in else None,
            **options,  # type: ignore[arg-type]  # whatever else Playwright takes
        )
        context.set_default_timeout(WAIT)
        return context

    async def window(
        self,
        path: str = "/",
        size: Size = "desktop",
        *,
        signed_in: bool = True,
        dark: bool = False,
        context: BrowserContext | None = None,
    ) -> Page:
        """Open a page of the web UI in a fresh profile, or in `context`."""
        held = context or await self.context(size, signed_in=signed_in, dark=dark)
        page = await held.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        await page.goto(self.stack.url + path)
        return page

    async def _sign_in(self) -> StorageState:
        context = await self.browser.new_context()
        answer = await context.request.post(
            f"{self.stack.url}/api/auth/sign-in/email",
            data={"email": EMAIL, "password": PASSWORD},
            headers={"Origin": self.stack.url},
        )
        assert answer.ok, await answer.text()
        state = await context.storage_state()
        await context.close()
        return state

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "error" or any(part in message.text for part in _EXCUSED):
            return
        self.errors.append(f"{message.text} ({message.location.get('url', '')})")


async def serious(page: Page) -> list[str]:
    """Answer axe-core's serious and critical findings on a page, each with where it was found."""
    script = installed()
    assert script is not None, "npm cannot install axe-core"
    source = (script.parents[2] / "axe-core" / "axe.min.js").read_text()
    # Through the debugger: the page's own policy forbids foreign scripts.
    await page.evaluate(source)
    found = as_object(await page.evaluate("axe.run(document, {resultTypes: ['violations']})"))
    return [
        f"{one.get('id')}: {_where(one)}"
        for one in as_objects(found.get("violations"))
        if one.get("impact") in ("serious", "critical")
    ]


def _where(finding: JsonObject) -> str:
    return "; ".join(str(node.get("html"))[:200] for node in as_objects(finding.get("nodes"))[:3])


@asynccontextmanager
async def browsing(stack: Stack) -> AsyncIterator[Ui]:
    """Give a browser on a stack; fails at the end when a console complained."""
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    playwright.expect.set_options(timeout=WAIT)
    async with playwright.async_playwright() as engine:
        browser = cast("Browser", await engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]))
        ui = Ui(stack, browser)
        try:
            yield ui
        finally:
            await browser.close()
    assert ui.errors == []
