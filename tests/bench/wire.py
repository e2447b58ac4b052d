"""Speak WebSocket (RFC 6455) as a client, with as little work per frame as Python allows.

Outgoing frames carry the masking key 0, which leaves the payload as it is, so that whole frames can be made ahead.
"""

from __future__ import annotations

import asyncio
import base64
import os
from typing import Final, TypeVar, cast

#: RFC 6455 5.2.
_TEXT, _PONG = 1, 10
_FIN: Final = 0x80
_MASKED: Final = 0x80
_ZERO_KEY: Final = b"\0\0\0\0"
_SMALL, _MEDIUM = 126, 127


_AnySocket = TypeVar("_AnySocket", bound="WebSocket")


class WireError(Exception):
    """Say what the server did that the load generator does not understand."""


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """Answer one whole masked frame."""
    size = len(payload)
    if size < _SMALL:
        head = bytes((_FIN | opcode, _MASKED | size))
    elif size < 65536:
        head = bytes((_FIN | opcode, _MASKED | _SMALL)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, _MASKED | _MEDIUM)) + size.to_bytes(8, "big")
    return head + _ZERO_KEY + payload


class WebSocket(asyncio.Protocol):
    """Hold one WebSocket connection.

    Subclasses take text frames in `on_text`, which gets the chunk that the frame lies in and its bounds, and learn of
    the end of each chunk in `on_chunk_end`. `closed` completes when the connection is gone.
    """

    def __init__(self, host: str, port: int, path: str) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        )
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._upgraded = False
        self._writable: asyncio.Event = asyncio.Event()
        self._writable.set()

    def on_text(self, data: bytes, start: int, end: int) -> None:
        """Take in the text frame at data[start:end]."""

    def on_chunk_end(self) -> None:
        """Learn that all complete frames of a read were handed over."""

    def send_text(self, payload: bytes) -> None:
        """Send one text frame."""
        self.write(frame(payload))

    def write(self, frames: bytes) -> None:
        """Send finished frames."""
        if self._transport is None:
            raise WireError("not connected")
        self._transport.write(frames)

    async def drain(self) -> None:
        """Wait until the transport takes more."""
        await self._writable.wait()

    def close(self) -> None:
        """Close the connection without a handshake, as a vanishing peer does."""
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """Close the connection when all that was sent has left."""
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports have the methods but not the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._writable.set()
        if not self.opened.done():
            self.opened.set_exception(exc or WireError("closed before the upgrade"))
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """Let `drain` wait."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let `drain` go on."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Cut a chunk into frames."""
        if self._rest:
            data = self._rest + data
        if not self._upgraded:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(head.split(b"\r\n", 1)[0].decode(errors="replace"))
                return
            self._upgraded = True
            self.opened.set_result(None)
        at, size = 0, len(data)
        while size - at >= 2:
            length = data[at + 1]
            body = at + 2
            if length == _SMALL:
                length = int.from_bytes(data[at + 2 : at + 4], "big")
                body = at + 4
            elif length == _MEDIUM:
                length = int.from_bytes(data[at + 2 : at + 10], "big")
                body = at + 10
            end = body + length
            if end > size:
                break
            if data[at] == _FIN | _TEXT:
                self.on_text(data, body, end)
            else:
                self._control(data[at], data[body:end])
            at = end
        self._rest = data[at:]
        self.on_chunk_end()

    def _control(self, first: int, payload: bytes) -> None:
        match first & 0x0F:
            case 9:
                self.write(frame(payload, _PONG))
            case 8:
                self.close()
            case 10:
                pass
            case _:
                self._fail(f"unexpected frame with first byte {first:#x}")

    def _fail(self, why: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(WireError(why))
        self.close()


async def open_socket(socket: _AnySocket, host: str, port: int, timeout: float = 20.0) -> _AnySocket:
    """Connect a WebSocket; raises OSError, TimeoutError or WireError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout):
        await loop.create_connection(lambda: socket, host, port)
        await socket.opened
    return socket
