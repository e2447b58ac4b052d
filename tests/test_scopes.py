"""What API keys of each scope may do, on a real relay: REST, sockets, tunnels, attachments, accounts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from relay.app import Application
from relay.app_scopes import RUNNER_CALLS, SECRET_CALLS, scopes_of
from relay.clock import Clock
from relay.config_load import load_settings
from relay.http.identity import Scope
from relay.http.listener import Listener, ListenOptions

SCOPES: Final = ("full", "runner", "read", "webhooks")
#: Calls with the status that each scope gets; 403 is the refusal of the scope, everything else came through.
CALLS: Final[tuple[tuple[str, str, Mapping[str, object] | None, tuple[int, ...]], ...]] = (
    ("GET", "/api/me", None, (200, 200, 200, 200)),
    ("GET", "/api/runners", None, (200, 200, 200, 403)),
    ("POST", "/api/runners/spawn", {"runnerId": "r"}, (404, 404, 403, 403)),
    ("POST", "/api/sessions/s/trigger", {"type": "x:y", "payload": {}}, (404, 404, 403, 403)),
    ("GET", "/api/runners/r/settings", None, (404, 403, 403, 403)),
    ("DELETE", "/api/runners/r", None, (404, 403, 403, 403)),
    ("GET", "/api/sessions", None, (200, 200, 200, 403)),
    ("PUT", "/api/sessions/s/pin", None, (404, 403, 403, 403)),
    ("GET", "/api/webhooks", None, (200, 403, 403, 200)),
    ("POST", "/api/webhooks", {"name": "n", "source": "s"}, (201, 403, 403, 201)),
    ("PUT", "/api/settings/hidden-models", {"hiddenModels": []}, (200, 403, 403, 403)),
    ("GET", "/api/push/subscriptions", None, (200, 403, 403, 403)),
    ("GET", "/api/attachments/none", None, (404, 404, 404, 403)),
    ("GET", "/api/tunnel/runner/r/8080/", None, (404, 403, 403, 403)),
    ("POST", "/api/setup-claim/none/approve", None, (410, 403, 403, 403)),
    ("GET", "/api/auth/get-session", None, (200, 200, 200, 200)),
    ("GET", "/api/auth/api-key/list", None, (200, 403, 403, 403)),
    ("POST", "/api/auth/api-key/create", {"name": "more"}, (200, 403, 403, 403)),
    ("POST", "/api/auth/update-user", {"name": "Jo"}, (200, 403, 403, 403)),
)
#: Namespaces with the scopes that may join besides full.
NAMESPACES: Final = {
    "/runner": {"runner"},
    "/relay": {"runner"},
    "/viewer": {"read"},
    "/hub": {"read"},
    "/runners": {"read"},
    "/terminal": set[str](),
}


@dataclass(frozen=True, slots=True)
class Site:
    """Reach a running relay with one key of each scope."""

    url: str
    http: aiohttp.ClientSession
    keys: dict[str, str]
    application: Application


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A relay with one user who has a key of each scope."""
    settings = load_settings(flags={"data.dir": str(tmp_path / "data")})
    listener = Listener(ListenOptions(host="127.0.0.1", port=0, everywhere=False, tls_cert=None, tls_key=None))
    application = await Application.create(settings, Clock(), port=listener.port, scheme="http")
    await listener.start(application.http.app)
    url = f"http://127.0.0.1:{listener.port}"
    async with aiohttp.ClientSession() as http:
        body = {"name": "Jo", "email": "jo@example.com", "password": "Passw0rd-of-jo"}
        async with http.post(f"{url}/api/register", json=body) as answer:
            full = (await answer.json())["key"]
        keys = {}
        for scope in SCOPES:
            async with http.post(
                f"{url}/api/auth/api-key/create", json={"name": scope, "scope": scope}, headers={"x-api-key": full}
            ) as answer:
                made = await answer.json()
                assert (answer.status, made["scope"]) == (200, scope)
                keys[scope] = made["key"]
        yield Site(url, http, keys, application)
    await listener.stop(application.close)


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_scope_reaches_what_it_is_for_over_rest(site: Site, scope: str) -> None:
    wrong = []
    for method, path, body, statuses in CALLS:
        headers = {"x-api-key": site.keys[scope]}
        async with site.http.request(method, site.url + path, json=body, headers=headers) as answer:
            status = statuses[SCOPES.index(scope)]
            text = await answer.text()
            if answer.status != status:
                wrong.append((method, path, answer.status, text))
            elif status == 403:
                assert json.loads(text)["code"] == "KEY_SCOPE", (method, path, text)
                assert json.loads(text)["message"] == f"This API key may not do that: its scope is {scope}"
    assert wrong == []


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_scope_joins_the_namespaces_that_it_is_for(site: Site, scope: str) -> None:
    async with site.http.ws_connect(f"{site.url}/socket.io/?EIO=4&transport=websocket") as ws:
        await ws.receive_str(timeout=10)
        for namespace, others in NAMESPACES.items():
            await ws.send_str(f"40{namespace}," + json.dumps({"apiKey": site.keys[scope]}))
            answer = await _of(ws, namespace)
            if scope == "full" or scope in others:
                assert answer.startswith(f'40{namespace},{{"sid"'), answer
            else:
                refusal = json.dumps({"message": f"forbidden: the scope of this API key is {scope}"})
                assert answer.replace(" ", "") == f"44{namespace},{refusal}".replace(" ", "")


@pytest.mark.parametrize("scope", SCOPES)
async def test_only_full_and_runner_keys_register_a_tunnel(site: Site, scope: str) -> None:
    async with site.http.ws_connect(f"{site.url}/_tunnel") as ws:
        await ws.send_json({"type": "register", "runnerId": "r-1", "apiKey": site.keys[scope]})
        answer = await ws.receive_json(timeout=10)
    if scope in {"full", "runner"}:
        assert answer["type"] == "registered"
    else:
        assert answer == {"type": "error", "message": "This API key may not register a runner"}


async def test_a_read_only_viewer_is_told_that_it_may_only_watch(site: Site) -> None:
    async with site.http.ws_connect(f"{site.url}/socket.io/?EIO=4&transport=websocket") as ws:
        await ws.receive_str(timeout=10)
        await ws.send_str("40/viewer," + json.dumps({"apiKey": site.keys["read"]}))
        assert (await _of(ws, "/viewer")).startswith('40/viewer,{"sid"')
        message = "This API key may not do that: its scope is read"
        viewer = site.application.realtime.namespace("/viewer")
        for event in ("input", "exec", "model_set", "mcp_oauth_paste", "trigger_response", "service_message"):
            assert viewer.registration_by_name(event) is not None, event
            await ws.send_str("42/viewer," + json.dumps([event, {"text": "rm"}]))
            assert json.loads((await _of(ws, "/viewer")).partition(",")[2]) == ["error", {"message": message}]
        await ws.send_str("42/viewer,7" + json.dumps(["input", {"text": "rm"}]))
        assert "error" in await _of(ws, "/viewer")
        acknowledged = await _of(ws, "/viewer")
        assert json.loads(acknowledged.removeprefix("43/viewer,7")) == [{"ok": False, "error": message}]


async def test_a_scope_that_does_not_exist_is_refused(site: Site) -> None:
    headers = {"x-api-key": site.keys["full"]}
    body = {"name": "x", "scope": "root"}
    async with site.http.post(f"{site.url}/api/auth/api-key/create", json=body, headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == "VALIDATION_ERROR"


async def test_a_narrow_key_passes_on_none_wider_than_itself(site: Site) -> None:
    for path in ("/api/mobile-link", "/api/setup-claim/none/approve", "/api/auth/api-key/create"):
        for scope in SCOPES[1:]:
            headers = {"x-api-key": site.keys[scope]}
            async with site.http.post(site.url + path, json={}, headers=headers) as answer:
                assert answer.status == 403, (path, scope)


async def test_the_list_of_scopes_names_rows_that_exist(site: Site) -> None:
    rows = {(route.method, route.path): route for route in site.application.http.routes}
    assert set(rows) >= RUNNER_CALLS | SECRET_CALLS
    for route in rows.values():
        assert route.scopes == scopes_of(route)
        assert route.scopes is not None
        assert Scope.FULL in route.scopes
        if route.method not in {"GET", "HEAD"}:
            assert Scope.READ not in route.scopes, route.path


async def _of(ws: aiohttp.ClientWebSocketResponse, namespace: str) -> str:
    """Answer the next packet of a namespace that is not about lists; pings are answered."""
    while True:
        text = await ws.receive_str(timeout=10)
        if text == "2":
            await ws.send_str("3")
        elif text.startswith((f"40{namespace},", f"43{namespace},", f"44{namespace},")) or (
            text.startswith(f"42{namespace},") and '["error"' in text
        ):
            return text
