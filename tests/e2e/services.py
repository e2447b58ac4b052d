"""Be the services on the runner's machine: pages, a clock, downloads with ranges, uploads, a WebSocket echo."""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import WSMsgType, web

#: What a download holds: every byte value, no repetition.
CONTENT: Final = random.Random(11).randbytes(4 * 2**20)
PAGE: Final = '<!doctype html><html><head><title>x</title></head><body><img src="/file"></body></html>'
#: The published client swells when its service is quicker (tunnel.md 8.2).
BYTES_PER_SECOND: Final = 40_000_000
_PIECE: Final = 256 * 1024
_ETAG: Final = '"v1"'


class Services:
    """Answer on one loopback port; `big_bytes` is the length of `/big`."""

    def __init__(self) -> None:
        self.port = 0
        self.big_bytes = 64 * 2**20
        self.left = asyncio.Event()
        self.tick = asyncio.Event()

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application(client_max_size=2**40)
        app.router.add_get("/", self._page)
        app.router.add_get("/file", self._file)
        app.router.add_get("/big", self._big)
        app.router.add_get("/clock", self._clock)
        app.router.add_get("/cut", self._cut)
        app.router.add_get("/echo", self._echo)
        app.router.add_get("/mirror", self._mirror)
        app.router.add_route("*", "/hash", self._hash)
        app.router.add_route("*", "/headers", self._headers)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        """Answer the content, whole or a part of it, as static servers do."""
        headers = {"Accept-Ranges": "bytes", "ETag": _ETAG, "Content-Type": "application/octet-stream"}
        wanted = request.http_range
        if wanted.start is None or request.headers.get("If-Range", _ETAG) != _ETAG:
            return web.Response(body=CONTENT, headers=headers)
        part = CONTENT[wanted.start : wanted.stop]
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.start + len(part) - 1}/{len(CONTENT)}"
        return web.Response(status=206, body=part, headers=headers)

    async def _big(self, request: web.Request) -> web.StreamResponse:
        """Answer many bytes at a bounded rate."""
        response = web.StreamResponse(headers={"Content-Length": str(self.big_bytes)})
        await response.prepare(request)
        begun, sent = asyncio.get_running_loop().time(), 0
        try:
            while sent < self.big_bytes:
                at = sent % len(CONTENT)
                piece = CONTENT[at : at + min(_PIECE, self.big_bytes - sent)]
                await response.write(piece)
                sent += len(piece)
                ahead = sent / BYTES_PER_SECOND - (asyncio.get_running_loop().time() - begun)
                if ahead > 0:
                    await asyncio.sleep(ahead)
        except ConnectionError:
            self.left.set()
            raise
        return response

    def big_hash(self) -> str:
        """Answer the SHA-256 of `/big`."""
        digest = hashlib.sha256()
        for at in range(0, self.big_bytes, len(CONTENT)):
            digest.update(CONTENT[: self.big_bytes - at])
        return digest.hexdigest()

    async def _clock(self, request: web.Request) -> web.StreamResponse:
        """Send each event only when the test asks for it, the first one too.

        A head and a first piece at once now and then stop the published client's reader for ever (4 of 100).
        """
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        number = 0
        try:
            while True:
                await self._ticked()
                await response.write(b"data: %d\n\n" % number)
                number += 1
        finally:
            self.left.set()

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        """Send the half of a chunked body when the test asks for it, and break off when it asks again."""
        response = web.StreamResponse()
        await response.prepare(request)
        await self._ticked()
        await response.write(b"half")
        await self._ticked()
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _ticked(self) -> None:
        """Wait until the test asks for more."""
        await self.tick.wait()
        self.tick.clear()

    async def _hash(self, request: web.Request) -> web.Response:
        digest, size = hashlib.sha256(), 0
        async for piece in request.content.iter_any():
            digest.update(piece)
            size += len(piece)
        return web.json_response({"sha256": digest.hexdigest(), "size": size, "method": request.method})

    async def _headers(self, request: web.Request) -> web.Response:
        headers = [[name.decode("latin-1").lower(), value.decode("latin-1")] for name, value in request.raw_headers]
        answer = web.json_response({"headers": headers, "target": request.raw_path})
        answer.headers.add("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/; Domain=example.com")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    async def _echo(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=("b",), max_msg_size=0)
        await ws.prepare(request)
        await ws.send_str("hello")
        async for message in ws:
            if message.type is WSMsgType.TEXT and message.data.startswith("close "):
                _, code, reason = message.data.split(" ")
                await ws.close(code=int(code), message=reason.encode())
            elif message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
        return ws

    async def _mirror(self, request: web.Request) -> web.WebSocketResponse:
        """Send back what comes, and nothing else."""
        ws = web.WebSocketResponse(max_msg_size=0, compress=False)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
        return ws


@asynccontextmanager
async def services(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[Services]:
    """Serve on a loopback port for the length of the block."""
    made = Services()
    runner = web.AppRunner(made.app(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    server = site._server
    assert isinstance(server, asyncio.Server)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        await runner.cleanup()
