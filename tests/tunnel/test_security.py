"""The rules of tunnel.md 6.1, one test for each that has none beside what it is about."""

from __future__ import annotations

import asyncio
import json
import logging
import re

import pytest

from tests.tunnel.desk import BASE, PORT, Desk
from tests.tunnel.test_rfc6455 import shake_hands


@pytest.mark.parametrize("host", [False, True], ids=["path", "host"])
async def test_s1_a_fragment_or_a_foreign_target_never_reaches_the_runner_as_such(desk: Desk, host: bool) -> None:
    lines = (f"Host: {await desk.host()}",) if host else (desk.key,)
    base = "" if host else BASE
    for target in (f"{base}/x#/../y", f"{base}//evil.example/x", f"{base}/http://evil.example/x", f"{base}/\\evil/x"):
        async with desk.raw() as browser:
            await browser.get(target, *lines)
            waiting = asyncio.ensure_future(browser.answer())
            asked = asyncio.ensure_future(desk.runner.request())
            await asyncio.wait({waiting, asked}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                request = asked.result()
                assert str(request["url"]).startswith("/")
                assert "#" not in str(request["url"])
                assert request["port"] == PORT
                await desk.runner.answer(request)
            else:
                asked.cancel()
                assert (await waiting).status in (400, 404)
            await waiting


async def test_s5_credentials_are_asked_to_be_kept_on_a_host_of_its_own_alone(desk: Desk) -> None:
    minted = await desk.mint()
    for path in (BASE, str(minted["url"]), f"/api/tunnel/s1/{PORT}"):
        async with desk.raw() as browser:
            await browser.get(path, desk.key, "preserveAuth: true", "Cookie: preserveAuth=true")
            request = await desk.runner.request()
            assert "preserveAuth" not in request
            await desk.runner.answer(request)
            await browser.answer()


async def test_s10_what_opens_a_tunnel_is_in_no_log_and_in_no_id(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "relay")
    caplog.set_level(logging.DEBUG, "aiohttp")
    minted, host = await desk.mint(), await desk.host()
    token, label = str(minted["token"]), host.split(".")[0]
    for path, *lines in (
        (f"{minted['url']}a?b=c",),
        (f"{str(minted['url']).replace(str(PORT), '3001')}wrong-port",),
        ("/", f"Host: {host}"),
        (f"{BASE}/?apiKey={desk.ann.key}", desk.key),
    ):
        for ended in (True, False):
            async with desk.raw() as browser:
                await browser.get(path, *lines)
                if "wrong-port" in path:
                    assert (await browser.answer()).status == 401
                    continue
                request = await desk.runner.request()
                assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(request["id"]))
                if ended:
                    await desk.runner.answer(request)
                else:
                    # What goes wrong is told to the log.
                    await desk.runner.send({"type": "response-start", "id": request["id"], "statusCode": 99})
                await browser.answer()
    async with desk.raw() as browser:
        await shake_hands(browser, desk)
        opening = await desk.runner.take("ws-open")
        await desk.runner.send({"type": "ws-error", "id": opening["id"], "message": "no"})
        await browser.answer()
    lines_of_log = [json.dumps({name: str(value) for name, value in vars(one).items()}) for one in caplog.records]
    assert any("invalid tunnel frame" in line for line in lines_of_log)
    for secret in (token, token.split(".")[1], label, desk.ann.key):
        assert not any(secret in line for line in lines_of_log), secret
