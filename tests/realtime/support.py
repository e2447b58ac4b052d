"""Serve a Realtime on a loopback port and talk to it byte by byte."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import WSMsgType, web

from relay.clock import Clock
from relay.realtime import Realtime, RealtimeConfig
from relay.realtime.connection import Connection
from relay.realtime.engine import Engine
from relay.realtime.packet import Packet

WAIT = 5.0
"""Seconds that a test waits for anything; reached only by a failure."""

SUITE = RealtimeConfig(ping_interval=0.3, ping_timeout=0.2, max_payload=1_000_000, connect_timeout=1.0)
"""What both official protocol suites ask for."""
CALM = RealtimeConfig(handler_grace=0.5, close_timeout=0.5)
"""The defaults, without their long waits at the end."""


@dataclass
class Served:
    """A running server, the HTTP session of its test, and what the loop's exception handler saw."""

    realtime: Realtime
    port: int
    http: aiohttp.ClientSession
    path: str = "/socket.io/"
    complaints: list[dict[str, object]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def connection(self, sid: str) -> Connection:
        """Look a connection up by its Engine.IO session id, or by being the only one."""
        connections = self.realtime._engine.connections
        return connections[sid] if sid else next(iter(connections.values()))

    async def get(self, query: str) -> tuple[int, str]:
        """GET and answer status and text."""
        return await self.request("GET", query)

    async def request(
        self, method: str, query: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Request and answer status and text."""
        async with asyncio.timeout(WAIT):
            async with self.http.request(method, f"{self.url}?{query}", data=body, headers=headers) as answer:
                return answer.status, await answer.text()

    async def open_polling(self) -> str:
        """Open a polling session and answer its id."""
        status, text = await self.get("EIO=4&transport=polling")
        assert status == 200, text
        opened = json.loads(text[1:])
        assert isinstance(opened["sid"], str)
        return str(opened["sid"])

    async def websocket(self, query: str = "EIO=4&transport=websocket", headers: dict[str, str] | None = None) -> Wire:
        """Open a WebSocket without reading anything from it."""
        url = f"ws://127.0.0.1:{self.port}{self.path}?{query}"
        return Wire(await self.http.ws_connect(url, headers=headers, max_msg_size=0, autoclose=True))

    async def joined(self, namespace: str = "/", auth: object = None) -> Wire:
        """Open a WebSocket and join one namespace."""
        wire = await self.websocket()
        assert (await wire.receive_any()).startswith("0")
        await wire.join(namespace, auth)
        return wire


class Wire:
    """A WebSocket of a test."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self.ws.send_str(message)
        else:
            await self.ws.send_bytes(message)

    async def receive_message(self) -> str | bytes | None:
        """Answer the next message, pings included; None when the connection closed."""
        message = await self.ws.receive(WAIT)
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            assert isinstance(message.data, (str, bytes))
            return message.data
        return None

    async def receive_any(self) -> str:
        """Answer the next text message, pings included."""
        message = await self.receive_message()
        assert isinstance(message, str), message
        return message

    async def receive(self) -> str | bytes:
        """Answer the next message that is no ping."""
        while True:
            message = await self.receive_message()
            assert message is not None, "the connection closed"
            if message != "2":
                return message

    async def text(self) -> str:
        """Answer the next text message that is no ping."""
        message = await self.receive()
        assert isinstance(message, str)
        return message

    async def join(self, namespace: str = "/", auth: object = None) -> str:
        """Join a namespace and answer the socket's id."""
        prefix = "" if namespace == "/" else f"{namespace},"
        await self.send(f"40{prefix}" + ("" if auth is None else json.dumps(auth)))
        answer = await self.text()
        assert answer.startswith("40" + prefix), answer
        sid = json.loads(answer[2 + len(prefix) :])["sid"]
        assert isinstance(sid, str)
        return sid

    async def closed(self) -> None:
        """Wait until the connection closes, whatever comes before."""
        async with asyncio.timeout(WAIT):
            while await self.receive_message() is not None:
                pass

    async def close(self) -> None:
        await self.ws.close()


def _remote(request: web.Request) -> str:
    return request.remote or ""


def _allow(request: web.Request, origin: str) -> bool:
    return True


@asynccontextmanager
async def mounted(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], realtime: Realtime, path: str = "/socket.io/"
) -> AsyncIterator[Served]:
    """Run an application with one catch-all handler, as the relay does: handlers are cancelled with their client."""
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    app = web.Application()
    app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        try:
            yield Served(realtime, port, http, path, complaints)
        finally:
            await realtime.close()
            await http.close()
            await runner.cleanup()
    assert complaints == []


@asynccontextmanager
async def serving(
    setup: Callable[[Realtime], object] | None = None,
    config: RealtimeConfig = CALM,
    allow_origin: Callable[[web.Request, str], bool] = _allow,
    client_ip: Callable[[web.Request], str] = _remote,
) -> AsyncIterator[Served]:
    """Serve Socket.IO."""
    realtime = Realtime(config, Clock(), client_ip=client_ip, allow_origin=allow_origin)
    if setup is not None:
        setup(realtime)
    async with mounted(realtime.handle, realtime, config.path) as served:
        yield served


class Echo:
    """Send every Engine.IO message back: what the Engine.IO suite asks for."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def text(self, data: bytes) -> None:
        self.connection.send(Packet(data))

    async def binary(self, data: bytes) -> None:
        self.connection.send(Packet.binary(data))

    async def closed(self, reason: str) -> None:
        pass

    def overflowed(self) -> None:
        pass


@asynccontextmanager
async def serving_engine(config: RealtimeConfig = SUITE) -> AsyncIterator[Served]:
    """Serve bare Engine.IO that echoes."""
    engine = Engine(config, Echo, client_ip=_remote, allow_origin=_allow)
    realtime = Realtime(config, Clock(), client_ip=_remote, allow_origin=_allow)
    async with mounted(engine.handle, realtime, "/engine.io/") as served:
        try:
            yield served
        finally:
            await engine.close()


class RawSocket:
    """A WebSocket client made of a bare TCP socket: reads when told, masks with zeros, can close with a reset."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    @classmethod
    async def open(cls, port: int, receive_buffer: int | None = None) -> RawSocket:
        """Connect and finish the upgrade, up to and without the open packet."""
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        raw = cls(sock)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await raw.send_bytes(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await raw.read_until(b"maxPayload")
        return raw

    async def join(self, namespace: str) -> None:
        await self.send(f"40{namespace},".encode())
        await self.read_until(b'"sid"')

    async def send_bytes(self, data: bytes) -> None:
        async with asyncio.timeout(WAIT):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def send(self, text: bytes, opcode: int = 1) -> None:
        """Send one masked frame."""
        await self.send_bytes(client_frame(text, opcode))

    async def read(self, limit: int = 65536) -> bytes:
        async with asyncio.timeout(WAIT):
            return await asyncio.get_running_loop().sock_recv(self.sock, limit)

    async def read_until(self, mark: bytes) -> bytes:
        """Read until ``mark`` came; answer everything read."""
        data = b""
        while mark not in data:
            piece = await self.read()
            assert piece, data[-200:]
            data += piece
        return data

    async def read_to_end(self) -> bytes:
        """Read until the server closes, by EOF or reset."""
        data = b""
        try:
            while piece := await self.read():
                data += piece
        except ConnectionError:
            pass
        return data

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()


def client_frame(payload: bytes, opcode: int = 1) -> bytes:
    """Answer a final frame masked with zeros."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, looking once per turn of the loop and every few milliseconds."""
    try:
        async with asyncio.timeout(WAIT):
            while not condition():
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None
