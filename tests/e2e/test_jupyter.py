"""Compute through the tunnel: JupyterLab behind the published client, at its own origin and below a path."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.e2e.jupyter_server import TOKEN, JupyterUnavailable, jupyter
from tests.e2e.stack import Stack
from tests.e2e.test_tunnel import expose
from tests.e2e.transcript import as_object

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(1200)]

#: Seconds; a kernel starts, on a busy machine.
WAIT: Final = 120.0
AUTHORISED: Final = {"Authorization": f"token {TOKEN}"}
NOTEBOOK: Final = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "one",
            "metadata": {},
            "outputs": [],
            "source": "print(6 * 7)",
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@dataclass(frozen=True)
class Lab:
    """Hold a JupyterLab with one notebook behind the published client."""

    stack: Stack
    http: aiohttp.ClientSession
    port: int
    host_url: str

    @property
    def host(self) -> dict[str, str]:
        """Answer the header that leads to its own origin; names under localhost do not resolve everywhere."""
        return {"Host": urlsplit(self.host_url).netloc}

    @property
    def path(self) -> str:
        """Answer its address below the relay's origin."""
        return f"{self.stack.url}/api/tunnel/runner/{self.stack.runner_id}/{self.port}"

    @property
    def key(self) -> dict[str, str]:
        """Answer the header that opens the path."""
        return {"x-api-key": self.stack.key}


@asynccontextmanager
async def laboratory(stack: Stack, folder: Path) -> AsyncIterator[Lab]:
    """Start JupyterLab and expose its port; skips where it cannot be had."""
    folder.mkdir()
    (folder / "one.ipynb").write_text(json.dumps(NOTEBOOK))
    try:
        async with jupyter(folder) as port, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            await expose(stack, await stack.spawn(), port)
            minted = await stack.post("/api/tunnel-token", {"runnerId": stack.runner_id, "port": port})
            yield Lab(stack, http, port, str(minted["hostUrl"]).rstrip("/"))
    except JupyterUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def lab(stack: Stack, tmp_path: Path) -> AsyncIterator[Lab]:
    """JupyterLab behind the runner."""
    async with laboratory(stack, tmp_path / "notebooks") as made:
        yield made


def execute(code: str) -> dict[str, object]:
    """Answer a request to run code, as JupyterLab sends it."""
    header = {"msg_id": uuid.uuid4().hex, "session": uuid.uuid4().hex, "username": "u", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
    return {
        "header": {**header, "msg_type": "execute_request"},
        "parent_header": {},
        "metadata": {},
        "content": {**content, "user_expressions": {}},
        "channel": "shell",
        "buffers": [],
    }


@pytest.mark.slow(
    gate="tests/e2e/test_tunnel.py::test_credentials_stay_at_the_relay_unless_the_tunnel_has_its_own_host"
)
async def test_a_kernel_runs_a_cell_through_its_own_origin(lab: Lab) -> None:
    url, headers = f"{lab.stack.url}/api/kernels", {**lab.host, **AUTHORISED}
    async with lab.http.get(url, headers=lab.host) as answer:
        assert answer.status == 403
    async with lab.http.post(url, headers=headers, json={"name": "python3"}) as answer:
        assert answer.status == 201, await answer.text()
        kernel = as_object(await answer.json())["id"]
    socket = lab.http.ws_connect(f"{url}/{kernel}/channels", headers=headers, origin=lab.host_url, max_msg_size=0)
    async with asyncio.timeout(WAIT), socket as ws:
        request = execute("import sys\nprint('x' * 500_000)\nprint(6 * 7)")
        await ws.send_json(request)
        printed, status = "", None
        while status is None or len(printed) < 500_004:
            message = as_object(await ws.receive_json())
            content = as_object(message["content"])
            if message["msg_type"] == "stream":
                printed += str(content["text"])
            elif message["msg_type"] == "execute_reply":
                status = content["status"]
        assert (status, printed) == ("ok", "x" * 500_000 + "\n42\n")
    async with lab.http.delete(f"{url}/{kernel}", headers=headers) as answer:
        assert answer.status == 204


@pytest.mark.slow(gate="tests/e2e/test_vite.py::test_a_change_reaches_the_open_page_without_a_reload")
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_a_notebook_runs_in_a_browser_through_its_own_origin(lab: Lab) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    async with playwright.async_playwright() as engine:
        chromium = await engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await chromium.new_page()
        await page.goto(f"{lab.host_url}/lab/tree/one.ipynb?token={TOKEN}")
        cell = page.locator(".jp-Notebook .jp-CodeCell").first
        await cell.wait_for(timeout=WAIT * 1000)
        # A cell that is run before its kernel is there is not run.
        await page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=WAIT * 1000)
        await cell.locator(".cm-content").click()
        await page.keyboard.press("Shift+Enter")
        output = cell.locator(".jp-OutputArea-output")
        await playwright.expect(output).to_have_text("42", timeout=WAIT * 1000)
        cookies = {cookie["domain"] for cookie in await page.context.cookies()}
        assert cookies == {urlsplit(lab.host_url).hostname}
        await chromium.close()


@pytest.mark.slow(
    gate="tests/e2e/test_tunnel.py::test_credentials_stay_at_the_relay_unless_the_tunnel_has_its_own_host"
)
async def test_below_a_path_jupyterlab_says_that_nobody_signed_in(lab: Lab) -> None:
    # Its `Authorization` stays at the relay.
    headers = {**lab.key, **AUTHORISED}
    async with lab.http.get(f"{lab.path}/api/kernels", headers=headers) as answer:
        assert (answer.status, (await answer.json())["message"]) == (403, "Forbidden")
    # A token in the address signs in, but the cookie that would remember it is dropped.
    url = f"{lab.path}/lab?token={TOKEN}"
    async with lab.http.get(url, headers=lab.key, allow_redirects=False) as answer:
        assert answer.headers.getall("Set-Cookie", []) == []
    async with lab.http.get(f"{lab.path}/lab", headers=lab.key, allow_redirects=False) as answer:
        assert answer.status == 302
        assert urlsplit(answer.headers["Location"]).path == f"{urlsplit(lab.path).path}/login"
    # Its sockets are refused: the answer is no hanging connection but an error at once.
    socket = lab.http.ws_connect(f"{lab.path}/api/events/subscribe", headers=headers, origin=lab.stack.url)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with asyncio.timeout(WAIT):
            await socket
    assert refused.value.status == 502
