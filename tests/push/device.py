"""Be a browser with a push subscription, and the push service that reaches it, written from the RFCs alone."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WAIT = 15.0
Json = dict[str, object]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """Hold the keys of one subscription and read what is encrypted for them (RFC 8291, RFC 8188)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._secret = os.urandom(16)

    @property
    def _point(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": b64(self._point), "auth": b64(self._secret)}

    def read(self, body: bytes) -> Json:
        """Decrypt one message."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._key.exchange(ec.ECDH(), public)
        context = b"WebPush: info\x00" + self._point + sender
        secret = HKDF(hashes.SHA256(), 32, self._secret, context).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
        text = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\x00")
        assert text.endswith(b"\x02")
        value = json.loads(text[:-1])
        assert isinstance(value, dict)
        return value


def claims(authorization: str, public_key: str) -> Json:
    """Verify a VAPID header against the key that the relay names; answer the token's claims (RFC 8292 3)."""
    scheme, _, parameters = authorization.partition(" ")
    assert scheme == "vapid"
    fields = dict(part.strip().split("=", 1) for part in parameters.split(","))
    assert set(fields) == {"t", "k"}
    assert fields["k"] == public_key
    head, body, signature = fields["t"].split(".")
    raw = unb64(signature)
    assert len(raw) == 64
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public_key))
    pair = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(pair, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    value = json.loads(unb64(body))
    assert isinstance(value, dict)
    return value


@dataclass(frozen=True)
class Received:
    """One request to the push service."""

    path: str
    headers: dict[str, str]
    body: bytes


class PushService:
    """Listen on a loopback port; `answers` are the statuses (and headers) to give, 201 when there is none left."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        #: While it is set requests are answered; clear it to let them hang.
        self.open = asyncio.Event()
        self.open.set()
        self._news = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{name:.*}", self._push)
        app.router.add_get("/{name:.*}", self._push)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._runner.cleanup()

    def endpoint(self, name: str = "a") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def until(self, count: int, where: Callable[[Received], bool] = lambda _one: True) -> list[Received]:
        """Wait until so many requests came; answer them."""
        async with asyncio.timeout(WAIT):
            while len(found := [one for one in self.received if where(one)]) < count:
                self._news.clear()
                await self._news.wait()
        return found

    async def _push(self, request: web.Request) -> web.Response:
        self.received.append(Received(request.path.lstrip("/"), dict(request.headers), await request.read()))
        self._news.set()
        await self.open.wait()
        status, headers = self.answers.pop(0) if self.answers else (201, {})
        return web.Response(status=status, headers=headers)


__all__ = ["Browser", "InvalidSignature", "PushService", "Received", "claims"]
