"""The API reference, example by example in its own order; `tests/contract/reference.py` reads like it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from relay.app_settings import Tuning
from tests.attachments.forms import FORM_TYPE
from tests.contract.reference import BOTH, REFERENCE, RUNNER, SESSION, By, Example
from tests.contract.world import Open, World, upload
from tests.sessions.conftest import QUICK
from tests.viewers.wire import WAIT
from tests.webhooks.conftest import BRISK

ENTRIES = {example.name: example for example in REFERENCE}
PORT = 5173


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A relay with the runner and the session of the reference."""
    async with Open(tmp_path / "data", Tuning(sessions=QUICK, webhooks=BRISK)) as stage:
        world = await World(stage, "jordan", RUNNER, SESSION).open(password=False)
        yield world
        await world.close()


def credentials(world: World, by: By) -> dict[str, str]:
    """Answer the headers of a caller."""
    key = world.person.key
    return {
        By.NOBODY: {},
        By.COOKIE: world.by_cookie,
        By.KEY: {"x-api-key": key},
        By.BEARER: {"Authorization": f"Bearer {key}"},
    }[by]


async def send(world: World, example: Example, by: By) -> tuple[int, object]:
    """Send the request of an entry; answer status and JSON."""
    wanted = await world.wanted(example.method.lower(), example.path)
    path = example.path
    for name, value in wanted.parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    data = wanted.data if example.sends is None else json.dumps(example.sends).encode()
    headers = {"Content-Type": "application/json"} if data is not None else {}
    signed = wanted.headers if by is By.NOBODY else {}
    url = f"{world.stage.url}{path}" + (f"?{example.query}" if example.query else "")
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request(
            example.method, url, data=data, headers={**headers, **signed, **credentials(world, by)}
        ) as response,
    ):
        return response.status, await response.json()


def differences(shown: object, got: object, where: str = "$") -> list[str]:
    """Say where an answer lacks what is shown; texts and numbers may be others, truths may not."""
    if isinstance(shown, dict):
        if not isinstance(got, dict):
            return [f"{where} is no object: {got!r}"]
        missing = [f"{where}.{name} is missing" for name in shown if name not in got]
        return missing + [
            line for name in shown if name in got for line in differences(shown[name], got[name], f"{where}.{name}")
        ]
    if isinstance(shown, list):
        if not isinstance(got, list) or (shown and not got):
            return [f"{where} is no such list: {got!r}"]
        return [
            line
            for index, one in enumerate(got if shown else [])
            for line in differences(shown[0], one, f"{where}[{index}]")
        ]
    if isinstance(shown, bool):
        return [] if got is shown else [f"{where} is {got!r}"]
    kinds = (int, float) if isinstance(shown, int | float) else type(shown)
    return [] if isinstance(got, kinds) and not isinstance(got, bool) else [f"{where} is {got!r}"]


@pytest.mark.parametrize(
    ("example", "by"),
    [pytest.param(example, by, id=f"{example.name} {by.value}") for example in REFERENCE for by in example.by],
)
async def test_the_example_of(world: World, example: Example, by: By) -> None:
    for name in example.after:
        earlier = ENTRIES[name]
        assert (await send(world, earlier, earlier.by[0]))[0] == earlier.status
    status, got = await send(world, example, by)
    assert (status, differences(example.shows, got)) == (example.status, []), got


@pytest.mark.parametrize("example", [one for one in REFERENCE if By.NOBODY not in one.by], ids=lambda one: one.name)
async def test_nobody_is_let_in_without_credentials_to(world: World, example: Example) -> None:
    wanted = await world.wanted(example.method.lower(), example.path)
    wanted.headers.clear()
    path = example.path
    for name, value in wanted.parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    answer = await world.stage.ask(example.method, path, None, example.sends)
    assert (answer.status, answer.body) == (401, {"error": "Missing API key (x-api-key header)"})


def test_the_entries_of_the_reference_are_all_here() -> None:
    assert len(ENTRIES) == len(REFERENCE) == 64


async def test_post_api_register_answers_an_existing_account_without_a_name(world: World) -> None:
    example = ENTRIES["POST /api/register"]
    assert (await send(world, example, By.NOBODY))[0] == 200
    assert example.sends is not None
    again = {name: value for name, value in example.sends.items() if name != "name"}
    answer = await world.stage.ask("POST", "/api/register", None, again)
    assert answer.status == 200
    assert str(answer.body["key"]).startswith("pk_live_")


@pytest.mark.parametrize("text", ["false", "0"])
async def test_get_api_sessions_leaves_stored_ones_out(world: World, text: str) -> None:
    answer = await world.stage.ask("GET", f"/api/sessions?includePersisted={text}", world.person)
    assert (answer.status, answer.body["persistedSessions"]) == (200, [])


async def test_post_trigger_broadcast_does_not_take_a_cookie(world: World) -> None:
    example = ENTRIES["POST /api/runners/{runnerId}/trigger-broadcast"]
    assert (await send(world, example, By.COOKIE))[0] == 401


# Attachments


async def test_post_attachments_takes_files_and_describes_them(world: World) -> None:
    url = f"{world.stage.url}/api/sessions/{SESSION}/attachments"
    headers = {**credentials(world, By.COOKIE), "Content-Type": FORM_TYPE}
    async with aiohttp.ClientSession() as http, http.post(url, data=upload(), headers=headers) as response:
        got = await response.json()
    shown = {
        "attachments": [
            {
                "attachmentId": "att_uuid",
                "filename": "screenshot.png",
                "mimeType": "image/png",
                "size": 54321,
                "expiresAt": "2025-01-15T12:00:00Z",
            }
        ]
    }
    assert (response.status, differences(shown, got)) == (200, []), got
    assert got["attachments"][0]["filename"] == "screenshot.png"


@pytest.mark.parametrize("by", [*BOTH, "?apiKey="])
async def test_get_attachment_answers_the_file_with_its_headers(world: World, by: By | str) -> None:
    attachment = await world.attachment()
    query = f"?apiKey={world.person.key}" if by == "?apiKey=" else ""
    url = f"{world.stage.url}/api/attachments/{attachment}{query}"
    headers = credentials(world, by) if isinstance(by, By) else {}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        assert (response.status, await response.read()) == (200, b"\x89PNG")
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Content-Disposition"].startswith('inline; filename="screenshot.png"')
        assert response.headers["X-Attachment-Id"] == attachment
        assert response.headers["X-Attachment-Filename"] == "screenshot.png"


# Webhooks


async def test_post_fire_of_a_filtered_type_says_so(world: World) -> None:
    body = {"name": "Deploy on push", "source": "ci", "runnerId": RUNNER, "eventFilter": ["push"]}
    made = (await world.call("POST", "/api/webhooks", body))["webhook"]
    assert isinstance(made, dict)
    raw = b'{"type": "star"}'
    signature = hmac.new(str(made["secret"]).encode(), raw, hashlib.sha256).hexdigest()
    headers = {"X-Webhook-Signature": signature, "Content-Type": "application/json"}
    url = f"{world.stage.url}/api/webhooks/{made['id']}/fire"
    async with aiohttp.ClientSession() as http, http.post(url, data=raw, headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"ok": True, "filtered": True})


# Tunnel


class Service:
    """A runner's tunnel socket with a service behind it, which answers every request with a page."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.asked: list[Mapping[str, object]] = []

    async def serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            frame = json.loads(message.data)
            if frame["type"] != "request-start":
                continue
            self.asked.append(frame)
            page = b'<html><head></head><body><a href="/next">next</a></body></html>'
            head = {"statusCode": 200, "statusMessage": "OK", "headers": {"content-type": "text/html"}}
            await socket.send_json({"type": "response-start", "id": frame["id"], **head})
            await socket.send_json({"type": "response-data", "id": frame["id"], "data": page.decode("latin-1")})
            await socket.send_json({"type": "response-data-end", "id": frame["id"]})


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    made = Service(world)
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{world.stage.url}/_tunnel") as socket:
        await socket.send_json({"type": "register", "runnerId": RUNNER, "apiKey": world.person.key})
        assert (await socket.receive_json(timeout=WAIT))["type"] == "registered"
        task = asyncio.create_task(made.serve(socket))
        yield made
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("where", [SESSION, f"runner/{RUNNER}"])
async def test_tunnel_takes_every_method_to_the_port_and_keeps_credentials_to_itself(
    world: World, service: Service, where: str, method: str
) -> None:
    prefix = f"/api/tunnel/{where}/{PORT}"
    headers = {**credentials(world, By.COOKIE), "Authorization": "Bearer x", "x-api-key": ""}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{world.stage.url}{prefix}/app?a=1", headers=headers) as response,
    ):
        text = await response.text()
    assert response.status == 200, text
    [asked] = service.asked
    assert (asked["method"], asked["url"], asked["port"]) == (method, "/app?a=1", PORT)
    sent = asked["headers"]
    assert isinstance(sent, dict)
    assert {"cookie", "authorization", "x-api-key"}.isdisjoint(name.lower() for name in sent)
    if method != "HEAD":
        assert f'href="{prefix}/next"' in text


@pytest.mark.parametrize("where", [SESSION, f"runner/{RUNNER}"])
async def test_tunnel_is_for_its_owner_alone(world: World, service: Service, where: str) -> None:
    bob = await world.stage.person("bob")
    assert (await world.stage.ask("GET", f"/api/tunnel/{where}/{PORT}/", bob)).status in (403, 404)
    assert (await world.stage.ask("GET", f"/api/tunnel/{where}/{PORT}/", None)).status == 401
    assert service.asked == []
