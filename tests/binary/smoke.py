"""Be the first user of a fresh relay: make the account, open the page, connect a runner, read a streamed answer."""

from __future__ import annotations

import re

import aiohttp

from relay.webui.serving import HOW_TO_GET_IT
from tests.e2e.provider import Say
from tests.e2e.stack import Stack

STORY = " ".join(f"word{number}" for number in range(40))


async def smoke(stack: Stack, *, page: bool) -> None:
    """Do it all; `page` says that the web UI was built."""
    assert stack.key
    assert (await stack.get("/ready"))["ready"] is True
    await open_page(stack.url, page)
    # What is imported only when it is needed has to be there as well.
    assert len(str((await stack.get("/api/push/vapid-public-key"))["publicKey"])) > 80
    await stack.start_runner()
    stack.provider.plan("tell a story", Say(STORY, pace=0.005))
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    await viewer.begin("please tell a story")
    await viewer.until_idle()
    assert viewer.transcript.texts("assistant") == [STORY]
    partials = viewer.transcript.partials
    assert len(partials) > 3, "the answer came in one piece"
    assert partials[0] != STORY


async def open_page(url: str, built: bool) -> None:
    """Read the web UI's page and everything that it names."""
    async with aiohttp.ClientSession(url) as http:
        async with http.get("/") as answer:
            text = await answer.text()
            assert answer.status == (200 if built else 404), text
        if not built:
            assert text == HOW_TO_GET_IT
            return
        files = re.findall(r'(?:src|href)="(/[^"]+)"', text)
        assert any(name.endswith(".js") for name in files)
        for name in files:
            async with http.get(name) as answer:
                assert answer.status == 200, name
                assert len(await answer.read()) > 0
