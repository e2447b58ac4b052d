"""Prove that devices get their keys as people do it: set-up in a terminal, by QR code, and runners without a key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.e2e.peer import Credentials
from tests.e2e.processes import Process
from tests.e2e.stack import EMAIL, PASSWORD, Stack
from tests.e2e.terminal import Terminal
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.waiting import poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

_CLAIM = re.compile(r"/setup-claim\?t=([0-9a-f]{64})")


def keyless(stack: Stack, home: Path, **more: str) -> dict[str, str]:
    """Answer the environment of a client that nobody gave a key; CI makes it poll quickly."""
    env = {name: value for name, value in stack.client_env(home).items() if name != "PIZZAPI_API_KEY"}
    return {**env, "CI": "1", **more}


def config(home: Path) -> Mapping[str, object]:
    """Answer what the client saved."""
    found = json.loads((home / ".pizzapi" / "config.json").read_text())
    assert isinstance(found, dict)
    return found


async def claimed(text: Callable[[], str]) -> str:
    """Wait for the address that the client prints and answer the token in it."""
    await poll(lambda: _CLAIM.search(text()) is not None, "the address to approve at", 20)
    found = _CLAIM.search(text())
    assert found is not None
    return found[1]


async def approve(stack: Stack, token: str) -> None:
    """Do what the page of that address does."""
    assert (await stack.get(f"/api/setup-claim-info/{token}"))["status"] == "pending"
    assert await stack.post(f"/api/setup-claim/{token}/approve", {}) == {"ok": True}


async def keys(stack: Stack) -> dict[str, JsonObject]:
    """Answer the owner's keys by name."""
    status, body = await stack.request("GET", "/api/auth/api-key/list")
    assert status == 200
    return {str(row["name"]): row for row in as_objects(body)}


async def opens(stack: Stack, key: object) -> bool:
    """Tell whether a key is good for the API."""
    kept, stack.key = stack.key, str(key)
    try:
        return (await stack.request("GET", "/api/me"))[0] == 200
    finally:
        stack.key = kept


async def test_setup_by_qr_code_in_a_terminal(bare_stack: Stack) -> None:
    stack, home = bare_stack, bare_stack.folder / "phone-home"
    argv = [str(stack.binary), "setup", "--scan"]
    async with Terminal(argv, keyless(stack, home), stack.work) as terminal:
        await terminal.until_drawn("Relay server URL")
        terminal.type(f"{stack.url}\r")
        token = await claimed(terminal.text)
        await terminal.until_drawn("Waiting for approval")
        await approve(stack, token)
        await terminal.until_drawn("Device approved")
        await poll(lambda: not terminal.running, "the end of the set-up", 15)
    saved = config(home)
    assert saved["relayUrl"] == stack.url.replace("http:", "ws:")
    assert await opens(stack, saved["apiKey"])
    assert f"setup-claim-{token[:8]}" in await keys(stack)
    status, claim = await stack.request("GET", f"/api/setup-claim/{token}", authorised=False)
    assert (status, claim) == (200, {"status": "redeemed", "relayUrl": stack.url})


async def test_setup_with_e_mail_and_password_in_a_terminal(bare_stack: Stack) -> None:
    stack, home = bare_stack, bare_stack.folder / "setup-home"
    async with Terminal([str(stack.binary), "setup"], keyless(stack, home), stack.work) as terminal:
        await terminal.until_drawn("Relay server URL")
        terminal.type(f"{stack.url}\r")
        await terminal.until_drawn("Your name")
        terminal.type("\r")
        await terminal.until_drawn("Email:")
        terminal.type(f"{EMAIL}\r")
        await terminal.until_drawn("Password")
        terminal.type(f"{PASSWORD}\r")
        await poll(lambda: not terminal.running, "the end of the set-up", 20)
    assert PASSWORD not in stack.relay.process.output()
    saved = config(home)
    assert saved["relayUrl"] == stack.url.replace("http:", "ws:")
    assert await opens(stack, saved["apiKey"])
    # The set-up keeps one key per user, so the one from before is gone.
    assert not await opens(stack, stack.key)


async def test_a_runner_without_a_key_pairs_itself_and_connects(bare_stack: Stack) -> None:
    stack, home = bare_stack, bare_stack.folder / "box-home"
    env = keyless(stack, home, PIZZAPI_RUNNER_NAME="box <1>")
    stack.runner = Process([str(stack.binary), "runner"], env, stack.work, stack.folder / "runner.log")
    stack.runner.start()
    await approve(stack, await claimed(stack.runner.output))
    row = await stack.until_runner("box <1>")
    assert row["name"] == "box <1>"
    saved = config(home)
    key = (await keys(stack))["runner-box 1"]
    assert str(saved["apiKey"]).startswith(str(key["start"]))
    stack.runner_id = str(row["runnerId"])
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    assert await viewer.tell("hello")
    await viewer.until_idle()
    assert viewer.credentials == Credentials(key=stack.key)


async def test_a_runner_pairs_on_demand_and_not_over_a_key_it_has(bare_stack: Stack) -> None:
    stack, home = bare_stack, bare_stack.folder / "pair-home"
    env = keyless(stack, home, PIZZAPI_RUNNER_NAME="pair-box")
    argv = [str(stack.binary), "runner", "pair"]
    first = Process(argv, env, stack.work, stack.folder / "pair.log")
    first.start()
    await approve(stack, await claimed(first.output))
    await first.ended(20)
    assert first.returncode == 0, first.tail()
    saved = config(home)
    assert await opens(stack, saved["apiKey"])

    second = Process(argv, env, stack.work, stack.folder / "again.log")
    second.start()
    await second.ended(20)
    assert second.returncode == 1, second.tail()

    forced = Process([*argv, "--force"], env, stack.work, stack.folder / "forced.log")
    forced.start()
    await approve(stack, await claimed(forced.output))
    await forced.ended(20)
    assert forced.returncode == 0, forced.tail()
    assert config(home)["apiKey"] != saved["apiKey"]
    assert await opens(stack, config(home)["apiKey"])


async def test_a_pairing_outlives_a_restart_of_the_relay(bare_stack: Stack) -> None:
    stack, home = bare_stack, bare_stack.folder / "patient-home"
    waiting = Process([str(stack.binary), "runner", "pair"], keyless(stack, home), stack.work, stack.folder / "p.log")
    waiting.start()
    token = await claimed(waiting.output)
    await stack.relay.kill()
    await stack.relay.start()
    await approve(stack, token)
    await waiting.ended(20)
    assert waiting.returncode == 0, waiting.tail()
    assert await opens(stack, config(home)["apiKey"])


class Phone:
    """Stand in for the mobile app, of which there is no build to run: scan the code, post one back, poll, redeem."""

    def __init__(self, http: aiohttp.ClientSession, scanned: str) -> None:
        self._http = http
        self._scanned = scanned
        parts = urlsplit(scanned)
        self._link = f"{parts.scheme}://{parts.netloc}/api/mobile-link/{parse_qs(parts.query)['id'][0]}"

    async def scan(self, code: str) -> JsonObject:
        """Tell the relay which code is on the phone's screen."""
        sent = {"verificationToken": code, "deviceName": "Pixel", "scannedUrl": self._scanned}
        return await self._ask("POST", "/scan", sent)

    async def poll(self) -> JsonObject:
        """Ask how the link stands."""
        return await self._ask("GET", "")

    async def redeem(self) -> JsonObject:
        """Fetch the key."""
        return await self._ask("POST", "/redeem")

    async def _ask(self, method: str, path: str, body: object = None) -> JsonObject:
        # The page of the app comes from the phone itself.
        async with self._http.request(
            method, self._link + path, json=body, headers={"Origin": "capacitor://localhost"}
        ) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "capacitor://localhost"
            return {"httpStatus": answer.status, **as_object(await answer.json())}


async def test_a_phone_is_linked_and_watches_a_session_with_its_key(stack: Stack) -> None:
    link = await stack.post("/api/mobile-link", {"relayUrl": stack.url})
    path = f"/api/mobile-link/{link['id']}"
    async with aiohttp.ClientSession() as http:
        phone = Phone(http, f"{stack.url}/mobile-link?id={link['id']}")
        assert (await phone.redeem())["httpStatus"] == 410
        assert (await phone.scan("AB12CD"))["status"] == "scanned"
        # What the person compares with the phone's screen.
        shown = await stack.get(path)
        assert (shown["verificationToken"], shown["deviceName"]) == ("AB12CD", "Pixel")
        assert (await stack.request("POST", f"{path}/approve", {"verificationToken": "AAAAAA"}))[0] == 410
        assert (await stack.post(f"{path}/approve", {"verificationToken": "AB12CD"}))["status"] == "approved"
        waiting = await phone.poll()
        assert (waiting["status"], "apiKey" in waiting) == ("approved", False)
        key = (await phone.redeem())["apiKey"]
        assert (await phone.redeem())["httpStatus"] == 410
    assert f"mobile-link-{str(link['id'])[:8]}" in await keys(stack)
    session_id = await stack.spawn()
    stack.key = str(key)
    viewer = await stack.viewer(session_id)
    assert await viewer.tell("hello")
    await viewer.until_said("You said: hello")
    assert str(key) not in stack.relay.process.output()
