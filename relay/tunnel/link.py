"""Speak with one runner over one `/_tunnel` WebSocket (tunnel.md 1.1 to 1.3)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import WSCloseCode, web

from relay.clock import Clock
from relay.jsontext import dumps, loads

if TYPE_CHECKING:
    from relay.tunnel.channel import Channel

log = logging.getLogger(__name__)

PING: Final = dumps({"type": "ping"})
#: Frames that begin with more are no JSON (binary.py).
_NO_ASCII: Final = 0x80
#: Bytes of a frame that is worth gathering, and bytes that may wait in the transport before senders wait as well.
_SMALL: Final = 4096
_WAITING: Final = 64 * 1024
#: RFC 6455 5.2: the end of a message, and the lengths that say how the length is written.
_FIN: Final = 0x80
_LENGTH_16: Final = 126


@dataclass(frozen=True, slots=True)
class TunnelLimits:
    """State the times (seconds) and bounds (bytes, counts) of the runner's tunnel socket; numbers of tunnel.md 1.

    `register_frame` bounds the first frame. `per_address` counts sockets that have not registered.
    """

    max_frame: int = 100 * 1024 * 1024
    register_within: float = 10.0
    register_frame: int = 16 * 1024
    per_address: int = 16
    ping_every: float = 30.0
    silent_for: float = 90.0
    #: For one frame or a closing handshake to leave; a runner that reads nothing for so long is as good as gone.
    send_within: float = 10.0
    close_within: float = 1.0
    #: At shutdown: for requests under way to finish, and then for the sockets' closing handshakes; with all the rest
    #: the process has 3 s (sockets-agents.md 4.4).
    drain_for: float = 2.0
    shut_within: float = 0.3
    #: Before the key check is tried again after a failure of the database; doubles up to the second number.
    retry_after: float = 0.25
    retry_at_most: float = 2.0


@dataclass(frozen=True, slots=True)
class TunnelHolder:
    """Say for which runner a socket speaks, and by whose key."""

    runner_id: str
    user_id: str
    credential_id: str


class TunnelLink:
    """Hold one tunnel socket; `holder` and `channel` are None until it registers."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse, address: str, clock: Clock) -> None:
        self.address = address
        self.holder: TunnelHolder | None = None
        self.channel: Channel | None = None
        self.heard_at = clock.monotonic()
        self._request = request
        self._ws = ws
        self._closing = asyncio.Event()
        self._closing.set()
        self._clock = clock
        self._gathered: list[bytes] = []
        self._gathered_size = 0

    @property
    def registered(self) -> bool:
        """Tell whether the socket speaks for a runner."""
        return self.holder is not None

    @property
    def runner_id(self) -> str:
        """Answer the runner's id, empty before the registration."""
        return "" if self.holder is None else self.holder.runner_id

    @property
    def user_id(self) -> str:
        """Answer the owner of the key that registered the socket, empty before the registration."""
        return "" if self.holder is None else self.holder.user_id

    @property
    def closed(self) -> bool:
        """Tell whether the socket was closed, by either end."""
        return self._ws.closed

    def admit(self, holder: TunnelHolder, channel: Channel) -> None:
        """Bind the socket to a runner id, on behalf of the owner of a key."""
        self.holder = holder
        self.channel = channel
        self.heard()

    def heard(self) -> None:
        """Note that the runner is alive: any frame counts, not only `pong` (1.3)."""
        self.heard_at = self._clock.monotonic()

    async def receive(self) -> bytes | None:
        """Answer the content of the next text or binary frame, None once the socket is closed or broken."""
        message = await self._ws.receive()
        data = message.data
        if message.type in (web.WSMsgType.TEXT, web.WSMsgType.BINARY):
            return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
        return None

    async def send(self, frame: dict[str, object], within: float) -> bool:
        """Send one JSON frame; answer False, with the socket cut, when it did not leave within so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self.write(dumps(frame))
        except (TimeoutError, ConnectionError):
            self.cut()
            return False
        return True

    async def write(self, frame: bytes) -> None:
        """Send a ready frame, JSON as text; waits while the runner takes nothing. Raises ConnectionError.

        Small frames of one turn of the loop leave in one write: on a busy relay the system calls cost the most. A frame
        leaves whole even if the wait is cancelled.
        """
        transport = self._request.transport
        if transport is None or self._ws.closed:
            raise ConnectionResetError("the tunnel socket is closed")
        if len(frame) <= _SMALL and transport.get_write_buffer_size() + self._gathered_size < _WAITING:
            if not self._gathered:
                asyncio.get_running_loop().call_soon(self._flush)
            self._gathered.append(_whole(frame))
            self._gathered_size += len(frame)
            return
        self._flush()
        await self._ws.send_frame(frame, _opcode(frame))

    def _flush(self) -> None:
        """Hand over what was gathered; what a closed socket loses fails with the socket."""
        if self._gathered:
            gathered = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_size = 0
            transport = self._request.transport
            if transport is not None and not transport.is_closing() and not self._ws.closed:
                transport.write(gathered)

    async def close(self, code: WSCloseCode, within: float) -> None:
        """Close the socket with a code; cut it when the other end does not answer in time."""
        self._closing.clear()
        self._flush()
        try:
            async with asyncio.timeout(within):
                await self._ws.close(code=code)
        except (TimeoutError, ConnectionError):
            self.cut()
        finally:
            self._closing.set()

    async def settle(self) -> None:
        """Wait for the end of a `close` under way: who leaves earlier drops the connection before it is answered."""
        await self._closing.wait()

    def cut(self) -> None:
        """Drop the connection at once."""
        if self._request.transport is not None:
            self._request.transport.abort()


def _opcode(frame: bytes) -> web.WSMsgType:
    return web.WSMsgType.BINARY if frame[0] >= _NO_ASCII else web.WSMsgType.TEXT


def _whole(frame: bytes) -> bytes:
    """Answer a small message as a WebSocket frame of a server's, unmasked."""
    size = len(frame)
    if size < _LENGTH_16:
        return bytes((_FIN | _opcode(frame), size)) + frame
    return bytes((_FIN | _opcode(frame), _LENGTH_16)) + size.to_bytes(2, "big") + frame


def parse_frame(data: bytes) -> dict[str, object] | None:
    """Read one frame: a JSON object in UTF-8; None for anything else, which is ignored."""
    try:
        frame = loads(data)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None
