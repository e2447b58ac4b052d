"""Send webhooks to a relay as other machines do: raw bytes, their own signatures, their own headers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from relay.clock import Clock
from tests.sessions.stage import Answer, Runner, Stage
from tests.viewers.house import Agent, Person
from tests.viewers.wire import WAIT, Json


class ShiftedClock(Clock):
    """Run as clocks do, from a wall time that tests move."""

    def __init__(self) -> None:
        self.shift = 0.0

    def now(self) -> float:
        return super().now() + self.shift


@dataclass(frozen=True)
class Hook:
    """A webhook as its sender knows it."""

    id: str
    secret: str

    def sign(self, message: bytes) -> str:
        return hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()

    def legacy(self, body: bytes) -> dict[str, str]:
        """Answer the headers of a signature over the body alone."""
        return {"X-Webhook-Signature": self.sign(body)}

    def enhanced(self, body: bytes, *, at: str | None = None, nonce: str | None = None) -> dict[str, str]:
        """Answer the headers of a signature over time, nonce and body."""
        at = datetime.now(UTC).isoformat() if at is None else at
        nonce = secrets.token_hex(8) if nonce is None else nonce
        return {
            "X-Webhook-Timestamp": at,
            "X-Webhook-Nonce": nonce,
            "X-Webhook-Signature": self.sign(f"{at}.{nonce.strip()}.".encode() + body),
        }

    def github(self, body: bytes, event: str) -> dict[str, str]:
        """Answer the headers that GitHub sends."""
        return {"X-Hub-Signature-256": f"sha256={self.sign(body)}", "X-GitHub-Event": event}


class Office(Stage):
    """A relay, its owners and the senders."""

    def wind(self, seconds: float) -> None:
        """Move the relay's wall clock."""
        assert isinstance(self.clock, ShiftedClock)
        self.clock.shift += seconds

    async def made(self, person: Person, **fields: object) -> Json:
        """Make a webhook and answer its object."""
        answer = await self.ask("POST", "/api/webhooks", person, {"name": "Deploy", "source": "ci", **fields})
        assert answer.status == 201, answer.body
        webhook = answer.body["webhook"]
        assert isinstance(webhook, dict)
        return webhook

    async def hook(self, person: Person, **fields: object) -> Hook:
        """Make a webhook for its sender."""
        webhook = await self.made(person, **fields)
        return Hook(str(webhook["id"]), str(webhook["secret"]))

    async def post(self, hook_id: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post bytes to the fire address of a webhook; nobody is signed in."""
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.post(
                f"{self.url}/api/webhooks/{hook_id}/fire",
                data=io.BytesIO(body),
                headers={"Content-Type": "application/json", **headers},
            ) as response,
        ):
            parsed = json.loads(await response.text())
            return Answer(response.status, parsed, dict(response.headers))

    async def fire(self, hook: Hook, body: Mapping[str, object] | bytes | None = None, *, nonce: str = "") -> Answer:
        """Fire with a good signature; with a nonce in the enhanced mode."""
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return await self.post(hook.id, raw, hook.enhanced(raw, nonce=nonce) if nonce else hook.legacy(raw))

    async def firing(
        self, hook: Hook, runner: Runner, body: Mapping[str, object] | None = None
    ) -> tuple[asyncio.Task[Answer], Json]:
        """Begin to fire; answer the request under way and what the runner was told."""
        task = asyncio.create_task(self.fire(hook, body))
        return task, await runner.socket.take("new_session")

    async def delivered(
        self, hook: Hook, runner: Runner, person: Person, body: Mapping[str, object] | None = None
    ) -> tuple[Answer, Json, Agent]:
        """Fire, let the runner and the worker do their part; answer the sender's answer, the order and the worker."""
        task, order = await self.firing(hook, runner, body)
        await runner.ready(str(order["sessionId"]))
        agent = await self.agent(person, str(order["sessionId"]))
        return await task, order, agent

    async def deliveries(self, person: Person, hook: Hook, query: str = "") -> list[Json]:
        """Answer the entries of a webhook's log."""
        answer = await self.ask("GET", f"/api/webhooks/{hook.id}/deliveries{query}", person)
        assert answer.status == 200, answer.body
        entries = answer.body["deliveries"]
        assert isinstance(entries, list)
        return entries

    async def outcome(self, person: Person, hook: Hook) -> object:
        """Answer what became of a webhook's only delivery, once that is known."""
        async with asyncio.timeout(WAIT):
            while True:
                [entry] = await self.deliveries(person, hook)
                if entry["outcome"] != "pending":
                    return entry["outcome"]
                await asyncio.sleep(0.01)


def told(answer: Answer) -> tuple[int, Json]:
    """Answer status and body."""
    return answer.status, answer.body
