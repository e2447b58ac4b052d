"""Prove the preview in Chromium: a page of the runner's machine beside the conversation, hot reload included."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.relay_process import free_port
from tests.e2e.ui import Ui, serious
from tests.e2e.vite_server import installed, vite

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(240)]


async def test_a_vite_page_reloads_hot_in_the_preview(ui: Ui, tmp_path: Path) -> None:
    script = installed()
    if script is None:
        pytest.skip("Vite can't be installed")
    project = tmp_path / "project"
    project.mkdir()
    session_id = await ui.stack.spawn()
    async with vite(script, project) as port:
        page = await ui.window(f"/session/{session_id}/preview")
        await page.get_by_label("Port", exact=True).fill("70000")
        await page.get_by_role("button", name="Open port").click()
        await playwright.expect(page.get_by_text("A port is a number from 1 to 65535.")).to_be_visible()
        assert await serious(page) == []
        await page.get_by_label("Port", exact=True).fill(str(port))
        await page.get_by_role("button", name="Open port").click()
        inside = page.frame_locator("iframe.prev-frame")
        text = inside.locator("#text")
        await playwright.expect(text).to_have_text("before")
        assert page.url.endswith(f"/session/{session_id}/preview/{port}")
        await playwright.expect(text).to_have_css("color", "rgb(1, 2, 3)")
        (project / "src" / "text.js").write_text('export const text = "after"\n')
        await playwright.expect(text).to_have_text("after")
        await playwright.expect(page.get_by_role("textbox", name="Message the agent")).to_be_visible()
        await page.reload()
        await playwright.expect(text).to_have_text("after")
        own = await page.locator("iframe.prev-frame").get_attribute("src")
        assert own is not None
        assert ".t.localhost" in own


async def test_a_port_is_waited_for_until_something_answers(ui: Ui) -> None:
    session_id = await ui.stack.spawn()
    port = free_port()
    page = await ui.window(f"/session/{session_id}/preview/{port}", "phone")
    await playwright.expect(page.get_by_text(f"Nothing answers on port {port} yet.")).to_be_visible()
    assert await serious(page) == []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<!doctype html><p>good day</p>"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", port)
    async with server:
        inside = page.frame_locator("iframe.prev-frame")
        await playwright.expect(inside.get_by_text("good day")).to_be_visible()
