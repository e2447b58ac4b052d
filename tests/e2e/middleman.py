"""Stand between published clients and the relay: lose an answer on its way back, or put in a word of the relay's."""

from __future__ import annotations

import asyncio
import json
from typing import Final, Self

import aiohttp
from aiohttp import WSMsgType, web

from tests.e2e.waiting import Signal

#: Headers that belong to one connection, and those that the next client or server writes itself.
_OF_THE_HOP: Final = frozenset(
    ("connection", "upgrade", "host", "content-length", "content-encoding", "transfer-encoding", "keep-alive")
)
_OF_THE_SOCKET: Final = "sec-websocket-"


class Middleman:
    """Pass requests and sockets on to `target`, an address of a relay.

    `lose` is a text: the answer to the first POST whose body contains it is read, then the connection is cut. `passed`
    are status and answer of every POST with that text in it, the lost one included. A browser may open its page here:
    its requests then look to the relay as if they had come straight.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.lose: str | None = None
        self.passed: list[tuple[dict[str, object], int, object]] = []
        self.changed = Signal()
        self.url = ""
        #: True while nothing gets through; `cut` begins it.
        self.down = False
        self._lost = False
        self._sockets: set[web.WebSocketResponse] = set()
        self._runners: list[web.WebSocketResponse] = []
        self._server: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(self.target, auto_decompress=True)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._server = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
        await self._server.setup()
        await web.TCPSite(self._server, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._server.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            await self._server.cleanup()
        if self._http is not None:
            await self._http.close()

    async def say_to_runner(self, event: str, payload: dict[str, object]) -> None:
        """Send an event of `/runner` to the newest runner, as if the relay had sent it."""
        assert self._runners, "no runner is connected through here"
        await self._runners[-1].send_str("42/runner," + json.dumps([event, payload]))

    async def cut(self) -> None:
        """Break every socket and let nothing through until `down` is False again."""
        self.down = True
        for socket in list(self._sockets):
            await socket.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in _OF_THE_HOP and not name.lower().startswith(_OF_THE_SOCKET)
        }
        if self.down:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=503)
        if "Origin" in headers:
            headers["Origin"] = self.target
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._socket(request, headers)
        return await self._exchange(request, headers)

    async def _exchange(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        assert self._http is not None
        sent = await request.read()
        async with self._http.request(
            request.method, request.rel_url, data=sent or None, headers=headers, allow_redirects=False
        ) as answer:
            got = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_HOP}
            status = answer.status
        if self.lose is not None and request.method == "POST" and self.lose.encode() in sent:
            self.passed.append((json.loads(sent), status, json.loads(got)))
            self.changed.notify()
            if not self._lost:
                self._lost = True
                assert request.transport is not None
                request.transport.abort()
        return web.Response(status=status, headers=kept, body=got)

    async def _socket(self, request: web.Request, headers: dict[str, str]) -> web.WebSocketResponse:
        assert self._http is not None
        near = web.WebSocketResponse(max_msg_size=0)
        await near.prepare(request)
        self._sockets.add(near)
        async with self._http.ws_connect(request.rel_url, headers=headers, max_msg_size=0) as far:
            ways = [asyncio.create_task(self._pump(near, far)), asyncio.create_task(self._pump(far, near))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        self._sockets.discard(near)
        await near.close()
        return near

    async def _pump(
        self,
        source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    ) -> None:
        async for message in source:
            if message.type == WSMsgType.TEXT:
                if isinstance(source, web.WebSocketResponse) and message.data.startswith("40/runner,"):
                    self._runners.append(source)
                await sink.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await sink.send_bytes(message.data)
