"""Measure fired webhooks whose event the filter drops: the relay verifies, notes the delivery, answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tests.bench.report import Report
from tests.bench.rest import HttpClient, Reads, load
from tests.bench.target import Target

#: As large as what CI systems send to say that a build failed.
_BODY: Final = json.dumps({"type": "push", "repo": "a/b", "commits": ["0123456789abcdef" * 2] * 20}).encode()
_FILTERED: Final = b'{"ok":true,"filtered":true}'


@dataclass(frozen=True, slots=True)
class Fires:
    """Describe a run: connections, seconds."""

    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Hook:
    """Name a webhook and the key of its signatures."""

    id: str
    secret: bytes

    def sign(self, message: bytes) -> str:
        return hmac.digest(self.secret, message, hashlib.sha256).hex()


class _Sender(HttpClient):
    """Fire with a fresh nonce each time, as the enhanced mode wants it."""

    def __init__(self, target: Target, hook: _Hook) -> None:
        super().__init__(b"")
        self._target = target
        self._hook = hook

    def _send(self) -> None:
        at, nonce = datetime.now(UTC).isoformat(), secrets.token_hex(8)
        signature = self._hook.sign(f"{at}.{nonce}.".encode() + _BODY)
        headers = f"X-Webhook-Timestamp: {at}\r\nX-Webhook-Nonce: {nonce}\r\n"
        self._request = _request(self._target, self._hook, signature, headers)
        super()._send()


async def webhook(target: Target, plan: Fires) -> list[Report]:
    """Measure both ways of signing; each connection has a webhook of its own, since nonces are counted per webhook."""
    hooks = [_make(target) for _ in range(plan.connections)]
    how = Reads(plan.connections, plan.seconds, 0)
    legacy = [HttpClient(_request(target, hook, hook.sign(_BODY))) for hook in hooks]
    enhanced: list[HttpClient] = [_Sender(target, hook) for hook in hooks]
    title = f"filtered webhooks of {len(_BODY):,} bytes, {{}}, {plan.connections} connections"
    reports = [
        await load(target, legacy, how, title.format("signed over the body")),
        await load(target, enhanced, how, title.format("signed over time, nonce and body")),
    ]
    for report, clients in zip(reports, (legacy, enhanced), strict=True):
        report.wrong += sum(client.answer_bytes != len(_FILTERED) for client in clients)
    return reports


def _make(target: Target) -> _Hook:
    """Make a webhook that drops what is sent here."""
    body = json.dumps({"name": "bench", "source": "bench", "eventFilter": ["other"]}).encode()
    headers = {"content-type": "application/json", "x-api-key": target.key}
    with urllib.request.urlopen(
        urllib.request.Request(f"{target.url}/api/webhooks", body, headers), timeout=10
    ) as answer:
        made = json.load(answer)["webhook"]
    return _Hook(str(made["id"]), str(made["secret"]).encode())


def _request(target: Target, hook: _Hook, signature: str, more: str = "") -> bytes:
    head = (
        f"POST /api/webhooks/{hook.id}/fire HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n"
        f"X-Webhook-Signature: {signature}\r\n{more}\r\n"
    )
    return head.encode() + _BODY
