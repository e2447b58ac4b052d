"""Develop through the tunnel: Vite behind the published client, hot reload in a real browser (tunnel.md 3.3)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.stack import EMAIL, PASSWORD, Stack
from tests.e2e.test_tunnel import expose
from tests.e2e.vite_server import installed, vite

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-b"),
    pytest.mark.timeout(180),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
#: Milliseconds.
WAIT: Final = 20_000


@pytest.fixture
async def browser() -> AsyncIterator[BrowserContext]:
    """A fresh profile of Chromium."""
    async with playwright.async_playwright() as engine:
        chromium = await engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await chromium.new_context()
        yield context
        await chromium.close()


@pytest.mark.parametrize("mode", ["path", "token", "host"])
async def test_a_change_reaches_the_open_page_without_a_reload(
    stack: Stack, browser: BrowserContext, tmp_path: Path, mode: str
) -> None:
    script = installed()
    if script is None:
        pytest.skip("Vite can't be installed")
    project = tmp_path / "project"
    project.mkdir()
    async with vite(script, project) as port:
        session_id = await stack.spawn()
        await expose(stack, session_id, port)
        minted = await stack.post("/api/tunnel-token", {"runnerId": stack.runner_id, "port": port})
        signed_in = await browser.request.post(
            f"{stack.url}/api/auth/sign-in/email",
            data={"email": EMAIL, "password": PASSWORD},
            headers={"Origin": stack.url},
        )
        assert signed_in.ok
        url = {
            "path": f"{stack.url}/api/tunnel/runner/{stack.runner_id}/{port}/",
            "token": stack.url + str(minted["url"]),
            "host": str(minted["hostUrl"]),
        }[mode]
        page = await browser.new_page()
        console: list[str] = []
        page.on("console", lambda message: console.append(message.text))
        await page.goto(url)
        text = page.locator("#text")
        await playwright.expect(text).to_have_text("before", timeout=WAIT)
        await playwright.expect(text).to_have_css("color", "rgb(1, 2, 3)", timeout=WAIT)
        await page.evaluate("window.here = 1")
        await page.wait_for_function("true")
        for _ in range(100):
            if any("connected" in line for line in console):
                break
            await page.wait_for_timeout(100)
        assert any("connected" in line for line in console), console
        (project / "src" / "text.js").write_text('export const text = "after"\n')
        await playwright.expect(text).to_have_text("after", timeout=WAIT)
        (project / "src" / "style.css").write_text("#text { color: rgb(4, 5, 6) }\n")
        await playwright.expect(text).to_have_css("color", "rgb(4, 5, 6)", timeout=WAIT)
        assert await page.evaluate("window.here") == 1, console
