"""Answer the HTTP requests of Engine.IO 4: handshakes, polling, upgrades, limits and CORS (realtime.md, Protocol)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from aiohttp import WSMsgType, web

from relay.realtime import engine_codec
from relay.realtime.config import RealtimeConfig
from relay.realtime.connection import Connection, Listener
from relay.realtime.errors import CodecError
from relay.realtime.packet import Packet
from relay.realtime.polling import PayloadTooLarge, PollingLink, payload
from relay.realtime.sweeper import Sweeper
from relay.realtime.traffic import Traffic
from relay.realtime.websocket import WebSocketLink, open_websocket

log = logging.getLogger(__name__)

ListenerFactory: TypeAlias = Callable[[Connection], Listener]

# The error answers of the reference server: code, message.
_UNKNOWN_TRANSPORT: Final = (0, "Transport unknown")
_UNKNOWN_SESSION: Final = (1, "Session ID unknown")
_BAD_METHOD: Final = (2, "Bad handshake method")
_BAD_REQUEST: Final = (3, "Bad request")
_FORBIDDEN: Final = (4, "Forbidden")
_WRONG_VERSION: Final = (5, "Unsupported protocol version")


class Engine:
    """Keep all Engine.IO connections and the counts per client address."""

    def __init__(
        self,
        config: RealtimeConfig,
        listener: ListenerFactory,
        *,
        client_ip: Callable[[web.Request], str],
        allow_origin: Callable[[web.Request, str], bool],
    ) -> None:
        """``listener`` makes what lives on a new connection; ``allow_origin`` decides about CORS headers alone."""
        self._config = config
        self._listener = listener
        self._client_ip = client_ip
        self._allow_origin = allow_origin
        self._sweeper = Sweeper()
        self.traffic = Traffic()
        self._connections: dict[str, Connection] = {}
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        self._per_address: Counter[str] = Counter()
        self._unjoined: Counter[str] = Counter()
        self._closing = False

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Answer a live, read-only view of the open connections by session id."""
        return MappingProxyType(self._connections)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request under the path; errors are 4xx with ``{"code", "message"}``, 503 while closing."""
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=self._cors(request, preflight=True))
        if self._closing:
            return self._refuse(request, (*_FORBIDDEN[:1], "Server is shutting down"), 503)
        query = request.query
        transport = query.get("transport")
        if transport not in ("polling", "websocket"):
            return self._refuse(request, _UNKNOWN_TRANSPORT)
        sid = query.get("sid")
        upgrade = "websocket" in request.headers.get("Upgrade", "").lower()
        if sid is None:
            return await self._handshake(request, transport, upgrade=upgrade)
        connection = self._connections.get(sid)
        if connection is None:
            return self._refuse(request, _UNKNOWN_SESSION)
        if transport == "websocket" and upgrade:
            return await self._upgrade(request, connection)
        link = connection.link
        if transport != "polling" or not isinstance(link, PollingLink):
            return self._refuse(request, _BAD_REQUEST)
        if request.method == "GET":
            return await self._poll(request, connection, link)
        if request.method == "POST":
            return await self._post(request, connection, link)
        return self._refuse(request, _BAD_REQUEST)

    async def close(self) -> None:
        """Close every connection without Socket.IO packets and wait until their listeners were told.

        A handler that still runs after ``handler_grace`` seconds is cancelled; all in all it takes twice that at most.
        """
        self._closing = True
        for connection in list(self._connections.values()):
            connection.linger_seconds = min(connection.linger_seconds, 0.1)
            connection.close("server shutting down", code=1001)
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._config.handler_grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=self._config.handler_grace)
        self._sweeper.close()

    async def _handshake(self, request: web.Request, transport: str, *, upgrade: bool) -> web.StreamResponse:
        if request.method != "GET":
            return self._refuse(request, _BAD_METHOD)
        if (transport == "websocket") is not upgrade:
            return self._refuse(request, _BAD_REQUEST)
        if request.query.get("EIO") != "4":
            return self._refuse(request, _WRONG_VERSION)
        address = self._client_ip(request)
        if (
            self._per_address[address] >= self._config.max_connections_per_address
            or self._unjoined[address] >= self._config.max_unjoined_per_address
        ):
            log.warning("too many connections of one address", extra={"address": address})
            return self._refuse(request, (*_FORBIDDEN[:1], "Too many connections"), 429)
        if transport == "polling":
            return await self._open_polling(request, address)
        return await self._open_websocket(request, address)

    async def _open_polling(self, request: web.Request, address: str) -> web.StreamResponse:
        connection = self._connect(request, address)
        link = PollingLink(connection)
        self._start(connection, link)
        return await self._send_payload(request, connection, self._open_packet(connection, ["websocket"]))

    async def _open_websocket(self, request: web.Request, address: str) -> web.StreamResponse:
        # Counted before the first await, so that a burst cannot pass the limits together.
        connection = self._connect(request, address)
        try:
            socket, writer = await open_websocket(request, self._config.max_payload)
            link = WebSocketLink(connection, request, socket, writer)
        except ConnectionError:
            # The client is gone; nobody reads this answer.
            self._discard(connection)
            return self._refuse(request, _BAD_REQUEST)
        except BaseException:
            self._discard(connection)
            raise
        task = self._start(connection, link)
        connection.send(Packet(self._open_packet(connection, [])))
        # The connection outlives a cancelled request: what the peer sent before it left is still to be handled.
        await asyncio.shield(task)
        return socket

    def _connect(self, request: web.Request, address: str) -> Connection:
        sid = secrets.token_urlsafe(15)
        connection = Connection(
            sid, request, address, self._config, self._sweeper, self._ended, self._joined, self.traffic
        )
        self.traffic.opened += 1
        self._connections[sid] = connection
        self._per_address[address] += 1
        self._unjoined[address] += 1
        return connection

    def _start(self, connection: Connection, link: PollingLink | WebSocketLink) -> asyncio.Task[None]:
        task = connection.start(link, self._listener(connection))
        self._tasks[task] = connection
        task.add_done_callback(self._finished)
        return task

    def _open_packet(self, connection: Connection, upgrades: list[str]) -> bytes:
        config = self._config
        return engine_codec.encode_open(
            connection.sid, upgrades, config.ping_interval, config.ping_timeout, config.max_payload
        )

    def _joined(self, connection: Connection) -> None:
        _decrement(self._unjoined, connection.address)

    def _ended(self, connection: Connection) -> None:
        """Forget a connection in the step in which it closes: its session id is unknown from here on."""
        self._connections.pop(connection.sid, None)

    def _finished(self, task: asyncio.Task[None]) -> None:
        connection = self._tasks.pop(task)
        self._release(connection)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection ended badly", exc_info=error, extra={"sid": connection.sid})

    def _discard(self, connection: Connection) -> None:
        """Undo ``_connect`` for a connection that never got a transport; ``close`` may have been quicker."""
        connection.close("transport error")
        self._release(connection)

    def _release(self, connection: Connection) -> None:
        _decrement(self._per_address, connection.address)
        if not connection.is_joined:
            _decrement(self._unjoined, connection.address)

    async def _poll(self, request: web.Request, connection: Connection, link: PollingLink) -> web.StreamResponse:
        if link.is_polled:
            connection.close("transport error")
            return self._refuse(request, _BAD_REQUEST)
        try:
            parts = await link.poll()
        except asyncio.CancelledError:
            # The client gave up the request, and what was meant for it would be lost.
            connection.close("transport error")
            raise
        return await self._send_payload(request, connection, payload(parts))

    async def _post(self, request: web.Request, connection: Connection, link: PollingLink) -> web.StreamResponse:
        try:
            await link.post(request)
        except PayloadTooLarge:
            connection.close("transport error")
            return web.Response(status=413, headers=self._cors(request))
        except CodecError:
            connection.close("parse error")
            return self._refuse(request, _BAD_REQUEST)
        return web.Response(body=b"ok", content_type="text/html", headers=self._cors(request))

    async def _send_payload(self, request: web.Request, connection: Connection, body: bytes) -> web.StreamResponse:
        """Send a payload; a client that does not get it has lost packets, so its connection ends."""
        response = web.Response(
            body=body,
            content_type="text/plain",
            charset="UTF-8",
            headers={**self._cors(request), "Cache-Control": "no-store"},
        )
        try:
            await response.prepare(request)
            await response.write_eof()
        except (ConnectionError, asyncio.CancelledError):
            connection.close("transport error")
            raise
        return response

    async def _upgrade(self, request: web.Request, connection: Connection) -> web.StreamResponse:
        """Let a WebSocket prove itself with a probe, then move the connection to it."""
        socket, writer = await open_websocket(request, self._config.max_payload)
        link = connection.link
        if not isinstance(link, PollingLink) or not link.begin_upgrade():
            await socket.close()
            return socket
        try:
            new = WebSocketLink(connection, request, socket, writer)
            async with asyncio.timeout(self._config.upgrade_timeout):
                upgraded = await self._probe(socket, link)
        except (TimeoutError, ConnectionError):
            upgraded = False
        finally:
            link.end_upgrade()
        if not upgraded or connection.reason is not None or connection.task is None:
            await socket.close()
            return socket
        connection.upgrade(new)
        await asyncio.shield(connection.task)
        return socket

    async def _probe(self, socket: web.WebSocketResponse, link: PollingLink) -> bool:
        """Answer whether the client probed and then asked to upgrade."""
        if await _receive_text(socket) != b"2probe":
            return False
        await socket.send_str("3probe")
        link.start_probe()
        return await _receive_text(socket) == b"5"

    def _refuse(self, request: web.Request, error: tuple[int, str], status: int = 400) -> web.Response:
        code, message = error
        return web.json_response({"code": code, "message": message}, status=status, headers=self._cors(request))

    def _cors(self, request: web.Request, *, preflight: bool = False) -> dict[str, str]:
        origin = request.headers.get("Origin")
        if origin is None or not self._allow_origin(request, origin):
            return {"Vary": "Origin"}
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }
        if preflight:
            headers["Access-Control-Allow-Methods"] = "GET,POST"
            headers["Access-Control-Max-Age"] = "600"
            asked = request.headers.get("Access-Control-Request-Headers")
            if asked:
                headers["Access-Control-Allow-Headers"] = asked
        return headers


async def _receive_text(socket: web.WebSocketResponse) -> bytes | None:
    """Answer the next text message, None for anything else."""
    message = await socket.receive()
    return cast("bytes", message.data) if message.type is WSMsgType.TEXT else None


def _decrement(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
