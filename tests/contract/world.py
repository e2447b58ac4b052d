"""Set up what one operation needs to succeed: its caller, a runner, a session, and the thing that its path names."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import aiohttp

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.config import AuthSettings, DataSettings, MetricsSettings, Settings
from tests.attachments.forms import FORM_TYPE, form, part
from tests.contract.daemon import Daemon
from tests.sessions.stage import Stage, until
from tests.viewers.house import Agent, Person
from tests.viewers.wire import Json
from tests.webhooks.office import Hook

PASSWORD: Final = "Correct-Horse-1"
CODE: Final = "ABC123"


class Open(Stage):
    """A relay at which anybody may make an account."""

    def __init__(self, directory: Path, tuning: Tuning) -> None:
        super().__init__(directory, Clock(), tuning)
        self._settings = Settings(
            data=DataSettings(dir=str(directory)),
            auth=AuthSettings(signup="open", rate_limit=False),
            metrics=MetricsSettings(enabled=True),
        )


@dataclass
class Wanted:
    """One request that is to succeed; `data` is a body that is no JSON."""

    path: str
    parameters: dict[str, str] = field(default_factory=dict)
    body: Json | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None


class World:
    """Hold what one operation works on; nobody else uses it."""

    def __init__(self, stage: Open, name: str, runner_id: str = "", session_id: str = "") -> None:
        self.stage = stage
        self.runner_id = runner_id or f"runner-{name}"
        self.session_id = session_id or f"session-{name}"
        self.name = name
        self.email = f"{name}@example.com"
        self.person: Person
        self.runner: Daemon
        self.agent: Agent
        self.headers: dict[str, str] = {}
        self.by_cookie: dict[str, str] = {}

    async def open(self, *, password: bool) -> World:
        """Make the account, with a password where one is needed, the runner and a session on it."""
        self.person = await (self._sign_up() if password else self.stage.person(self.name))
        self.headers = {"x-api-key": self.person.key}
        self.by_cookie = {"Cookie": self.person.cookie, "Origin": self.stage.url}
        self.runner = await Daemon(self.stage, self.person, self.runner_id).come()
        self.agent = await self.stage.agent(self.person, self.session_id, collabMode=True)
        await self.runner.emit("session_ready", {"sessionId": self.agent.session_id})
        await until(lambda: self.stage.session(self.agent.session_id).runner_id == self.runner.id)
        return self

    async def close(self) -> None:
        await self.runner.close()
        await self.agent.socket.wire.close()

    async def _sign_up(self) -> Person:
        body = {"name": self.name, "email": self.email, "password": PASSWORD}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.post(f"{self.stage.url}/api/auth/sign-up/email", json=body) as response,
        ):
            assert response.status == 200, await response.text()
            user_id = str((await response.json())["user"]["id"])
            cookie = "; ".join(f"{one.key}={one.coded_value}" for one in response.cookies.values())
        key = await self.stage.app.accounts.mint_cli_key(user_id)
        return Person(user_id, self.name, key, cookie)

    async def wanted(self, method: str, path: str) -> Wanted:
        """Answer a request of this operation that is to succeed."""
        wanted = Wanted(path, headers=dict(self.by_cookie if path.startswith("/api/auth/") else self.headers))
        for name in re.findall(r"\{(\w+)\}", path):
            wanted.parameters[name] = await self._parameter(method, path, name)
        special = SPECIAL.get(f"{method.upper()} {path}")
        if special is not None:
            await special(self, wanted)
        elif (example := BODIES.get(f"{method.upper()} {path}")) is not None:
            wanted.body = cast("Json", self._filled(example))
        wanted.query.update(QUERIES.get(path, {}) if method == "get" else {})
        return wanted

    async def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Make something that another call works on."""
        answer = await self.stage.ask(method, path, self.person, body)
        assert answer.status in (200, 201), answer.body
        return answer.body

    async def _parameter(self, method: str, path: str, name: str) -> str:
        if path == "/api/runners/{runnerId}":
            away = await Daemon(self.stage, self.person, f"away-{self.name}").come()
            await away.close()
            await until(lambda: self.stage.app.runners.registry.get(away.id) is None)
            return away.id
        fixed = {
            "runnerId": self.runner.id,
            "sessionId": self.agent.session_id,
            "name": "deploy",
            "serviceId": "git",
            "n": "1",
        }
        if name in fixed:
            return fixed[name]
        makers: Mapping[str, Callable[[], Awaitable[str]]] = {
            "attachmentId": self.attachment,
            "token": self._claim,
            "routeId": self._subscription,
            "deliveryId": self._delivery,
            "target": self._listener if "trigger-listeners" in path else self._subscription,
            "id": self._webhook if "webhooks" in path else self._link,
        }
        return await makers[name]()

    async def attachment(self) -> str:
        headers = {**self.headers, "Content-Type": FORM_TYPE}
        url = f"{self.stage.url}/api/sessions/{self.agent.session_id}/attachments"
        async with aiohttp.ClientSession() as http, http.post(url, data=upload(), headers=headers) as response:
            body = await response.json()
        assert response.status == 200, body
        return str(body["attachments"][0]["attachmentId"])

    async def _claim(self) -> str:
        return str((await self.call("POST", "/api/setup-claim", {"relayUrl": self.stage.url}))["token"])

    async def _link(self) -> str:
        return str((await self.call("POST", "/api/mobile-link", {"relayUrl": self.stage.url}))["id"])

    async def _subscription(self) -> str:
        path = f"/api/sessions/{self.agent.session_id}/trigger-subscriptions"
        return str((await self.call("POST", path, {"triggerType": "github_push"}))["subscriptionId"])

    async def _listener(self) -> str:
        path = f"/api/runners/{self.runner.id}/trigger-listeners"
        return str((await self.call("POST", path, {"triggerType": "github_push"}))["listenerId"])

    async def _delivery(self) -> str:
        event = cast("Json", self._filled(BODIES["POST /api/events"]))
        asked = {**event, "responseContract": {"escalate": False}, "fireId": f"fire-{self.name}"}
        made = await self.call("POST", "/api/events", asked)
        return str(cast("list[Json]", made["deliveries"])[0]["deliveryId"])

    async def _webhook(self) -> str:
        return (await self.hook()).id

    async def hook(self) -> Hook:
        body = {"name": "Deploy", "source": "ci", "runnerId": self.runner.id}
        made = cast("Json", (await self.call("POST", "/api/webhooks", body))["webhook"])
        return Hook(str(made["id"]), str(made["secret"]))

    def _filled(self, example: object) -> object:
        """Answer an example with the names of this world in it."""
        if isinstance(example, dict):
            return {key: self._filled(value) for key, value in example.items()}
        if isinstance(example, list):
            return [self._filled(value) for value in example]
        names = {"$runner": self.runner.id, "$session": self.agent.session_id, "$email": self.email}
        return names.get(example, example) if isinstance(example, str) else example


def upload() -> bytes:
    """Write a form with one picture."""
    return form(part("file", b"\x89PNG", filename="screenshot.png", content_type="image/png"))


async def _scanned(world: World, wanted: Wanted) -> None:
    await world.call("POST", f"/api/mobile-link/{wanted.parameters['id']}/scan", {"verificationToken": CODE})
    wanted.body = {"verificationToken": CODE}


async def _approved(world: World, wanted: Wanted) -> None:
    await _scanned(world, wanted)
    await world.call("POST", f"/api/mobile-link/{wanted.parameters['id']}/approve", {"verificationToken": CODE})
    wanted.body = None


async def _key(world: World, wanted: Wanted) -> None:
    headers = {**world.by_cookie}
    url = f"{world.stage.url}/api/auth/api-key/create"
    async with aiohttp.ClientSession() as http, http.post(url, json={"name": "a"}, headers=headers) as response:
        key_id = str((await response.json())["id"])
    if wanted.path.endswith("/get"):
        wanted.query["id"] = key_id
    else:
        wanted.body = {"keyId": key_id, **({"name": "b"} if wanted.path.endswith("update") else {})}


async def _upload(_world: World, wanted: Wanted) -> None:
    wanted.data = upload()
    wanted.headers["Content-Type"] = FORM_TYPE


async def _fired(world: World, wanted: Wanted) -> None:
    hook = await world.hook()
    wanted.parameters["id"] = hook.id
    wanted.data = json.dumps({"type": "push"}).encode()
    wanted.headers = {"Content-Type": "application/json", **hook.legacy(wanted.data)}


async def _replayed(world: World, wanted: Wanted) -> None:
    await _fired(world, wanted)
    url = f"{world.stage.url}/api/webhooks/{wanted.parameters['id']}/fire"
    async with aiohttp.ClientSession() as http, http.post(url, data=wanted.data, headers=wanted.headers) as response:
        assert response.status == 200, await response.text()
    wanted.data, wanted.headers = None, dict(world.headers)


async def _question(world: World, wanted: Wanted) -> None:
    question = {"type": "tool_execution_start", "toolName": "AskUserQuestion", "toolCallId": "tc_abc123", "args": {}}
    await world.agent.send(question)
    wanted.body = {"sessionId": world.agent.session_id, "toolCallId": "tc_abc123", "text": "Yes"}


async def _login(world: World, wanted: Wanted) -> None:
    state = json.dumps({"sessionId": world.agent.session_id, "nonce": "n"}).encode()
    wanted.query = {"code": "c", "state": base64.urlsafe_b64encode(state).decode()}


async def _subscribed(world: World, wanted: Wanted) -> None:
    body = {**cast("Json", BODIES["POST /api/push/subscribe"])}
    await world.call("POST", "/api/push/subscribe", body)
    wanted.body = {"endpoint": body["endpoint"], "suppress": True}


#: Operations that need something done first.
SPECIAL: Final[Mapping[str, Callable[[World, Wanted], Awaitable[None]]]] = {
    "POST /api/mobile-link/{id}/approve": _scanned,
    "POST /api/mobile-link/{id}/redeem": _approved,
    "GET /api/auth/api-key/get": _key,
    "POST /api/auth/api-key/delete": _key,
    "POST /api/auth/api-key/update": _key,
    "POST /api/sessions/{sessionId}/attachments": _upload,
    "POST /api/webhooks/{id}/fire": _fired,
    "POST /api/webhooks/{id}/deliveries/{n}/replay": _replayed,
    "POST /api/push/answer": _question,
    "PUT /api/push/child-notifications": _subscribed,
    "GET /api/mcp-oauth-callback": _login,
}
QUERIES: Final[Mapping[str, dict[str, str]]] = {
    "/api/runners/{runnerId}/providers/login/status": {"loginId": "l1"},
}
_ENDPOINT: Final = "https://fcm.googleapis.com/fcm/send/abc"
#: Bodies that are to succeed, by operation; `$runner`, `$session` and `$email` stand for those of the world.
BODIES: Final[Mapping[str, object]] = {
    "POST /api/auth/sign-up/email": {"name": "Jo", "email": "new.jo@example.com", "password": PASSWORD},
    "POST /api/auth/sign-in/email": {"email": "$email", "password": PASSWORD},
    "POST /api/auth/sign-out": {},
    "POST /api/auth/change-password": {"currentPassword": PASSWORD, "newPassword": PASSWORD + "2"},
    "POST /api/auth/update-user": {"name": "Jo"},
    "POST /api/auth/revoke-session": {"token": "unknown"},
    "POST /api/auth/revoke-sessions": {},
    "POST /api/auth/revoke-other-sessions": {},
    "POST /api/auth/api-key/create": {"name": "cli"},
    "POST /api/register": {"email": "$email", "password": PASSWORD},
    "POST /api/setup-claim": {"relayUrl": "https://relay.example.com", "label": "laptop"},
    "POST /api/mobile-link": {"relayUrl": "https://relay.example.com"},
    "POST /api/mobile-link/{id}/scan": {"verificationToken": CODE, "deviceName": "phone"},
    "POST /api/runners/restart": {"runnerId": "$runner"},
    "POST /api/runners/stop": {"runnerId": "$runner"},
    "POST /api/runners/spawn": {"runnerId": "$runner", "prompt": "Fix all TypeScript errors", "cwd": "/project"},
    "POST /api/runners/{runnerId}/spawn": {"prompt": "Fix all TypeScript errors"},
    "POST /api/runners/terminal": {"runnerId": "$runner", "cols": 80, "rows": 24},
    "DELETE /api/runners/{runnerId}/recent-folders": {"path": "/project"},
    "POST /api/runners/{runnerId}/skills": {"name": "my-skill", "content": "# Skill"},
    "PUT /api/runners/{runnerId}/skills/{name}": {"content": "# Skill"},
    "POST /api/runners/{runnerId}/agents": {"name": "my-agent", "content": "# Agent"},
    "PUT /api/runners/{runnerId}/agents/{name}": {"content": "# Agent"},
    "POST /api/runners/{runnerId}/files": {"path": "/project"},
    "POST /api/runners/{runnerId}/search-files": {"cwd": "/project", "query": "component", "limit": 100},
    "POST /api/runners/{runnerId}/read-file": {"path": "/project/index.ts", "encoding": "utf8"},
    "PUT /api/runners/{runnerId}/sandbox-config": {"mode": "basic", "network": None},
    "PUT /api/runners/{runnerId}/services/{serviceId}/enabled": {"enabled": False},
    "PUT /api/runners/{runnerId}/settings": {"section": "goal", "value": None},
    "POST /api/runners/{runnerId}/providers/login": {"providerId": "anthropic", "authType": "oauth"},
    "POST /api/runners/{runnerId}/providers/login/submit": {"loginId": "l1", "value": "sk"},
    "POST /api/runners/{runnerId}/providers/login/cancel": {"loginId": "l1"},
    "POST /api/runners/{runnerId}/packages/install": {"source": "npm:x", "local": True},
    "POST /api/runners/{runnerId}/packages/remove": {"source": "npm:x"},
    "POST /api/runners/{runnerId}/packages/update": {},
    "POST /api/runners/{runnerId}/trigger-listeners": {"triggerType": "github_push", "params": {"branch": "main"}},
    "PUT /api/runners/{runnerId}/trigger-listeners/{target}": {"prompt": "Review the push"},
    "POST /api/runners/{runnerId}/trigger-broadcast": {"type": "github_push", "payload": {"branch": "main"}},
    "POST /api/sessions/{sessionId}/model": {"provider": "openai", "modelId": "gpt-4o"},
    "POST /api/sessions/{sessionId}/thinking": {"level": "high"},
    "POST /api/sessions/{sessionId}/trigger": {"type": "webhook", "payload": {"repo": "my/repo"}},
    "POST /api/sessions/{sessionId}/trigger-subscriptions": {"triggerType": "github_push"},
    "PUT /api/sessions/{sessionId}/trigger-subscriptions/{target}": {"params": {"branch": "develop"}},
    "POST /api/routes": {"eventType": "github_push", "target": {"kind": "session", "sessionId": "$session"}},
    "PUT /api/routes/{routeId}": {"filterMode": "or"},
    "POST /api/events": {"type": "ci:done", "payload": {"ok": True}, "target": {"sessionId": "$session"}},
    "POST /api/deliveries/{deliveryId}/response": {"response": "yes"},
    "POST /api/webhooks": {"name": "Deploy on push", "source": "github", "runnerId": "$runner"},
    "PUT /api/webhooks/{id}": {"name": "Updated name"},
    "POST /api/webhooks/{id}/rotate": {"overlapSeconds": 60},
    "POST /api/tunnel-token": {"port": 3000, "runnerId": "$runner"},
    "POST /api/push/subscribe": {"endpoint": _ENDPOINT, "keys": {"p256dh": "key", "auth": "auth"}},
    "POST /api/push/unsubscribe": {"endpoint": _ENDPOINT},
    "PUT /api/push/events": {"endpoint": _ENDPOINT, "enabledEvents": "question,error,completion"},
    "PUT /api/push/child-notifications-native": {"suppress": True},
    "PUT /api/settings/hidden-models": {"hiddenModels": ["openai/gpt-4"]},
    "PUT /api/settings/subagent-model": {"model": "openai/gpt-4o"},
}
