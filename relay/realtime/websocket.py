"""Carry a connection over a WebSocket: one write per turn of the loop, and a reader that outlives failed writes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import WebSocketReader

from relay.realtime import frames
from relay.realtime.connection import Connection
from relay.realtime.packet import Packet

log = logging.getLogger(__name__)

_JOIN_BELOW: Final = 32 * 1024
"""Bytes up to which copying the frames of a turn together is cheaper than handing them over one by one."""
_MAX_PIECES: Final = 512
"""Pieces of one vectored write; Linux and macOS take 1,024 (IOV_MAX)."""
_SLICE: Final = 1024 * 1024
"""Bytes of a backlog that are offered to the kernel at a time."""
_HANDOVER: Final = 128 * 1024
"""Bytes that the transport keeps while the kernel takes no more; all of a backlog that nothing can supersede."""
_TURN: Final = 64
"""Messages of one peer that are handled before others get a turn of the loop."""

_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY


class _Gate:
    """Stand before aiohttp's frame parser and count what a stranger sends, since its own limit cannot change later."""

    def __init__(self, parser: WebSocketReader, allowance: int, exceeded: Callable[[], None]) -> None:
        self.parser = parser
        self._left = allowance
        self._exceeded = exceeded

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass data on as long as the allowance lasts."""
        self._left -= len(data)
        if self._left < 0:
            self._exceeded()
            return False, b""
        return self.parser.feed_data(data)

    def feed_eof(self) -> None:
        """Pass the end on."""
        self.parser.feed_eof()


async def open_websocket(request: web.Request, max_payload: int) -> tuple[web.WebSocketResponse, AbstractStreamWriter]:
    """Answer 101 without compression; text stays bytes, control frames come to the reader. Raises HTTPBadRequest."""
    # aiohttp refuses a message that reaches its limit, the protocol one that exceeds it.
    socket = web.WebSocketResponse(
        autoping=False, autoclose=False, compress=False, max_msg_size=max_payload + 1, decode_text=False, timeout=1.0
    )
    writer = await socket.prepare(request)
    return socket, writer


class WebSocketLink:
    """One WebSocket.

    While nothing is queued, frames go to the kernel directly and not through asyncio's transport: the transport would
    close itself, and with it the reading side, as soon as a write fails, and what the peer sent before it left would
    be lost (sockets-agents.md 2.9). What the kernel does not take waits in the connection's backlog, which one task
    empties.
    """

    name = "websocket"

    def __init__(
        self, connection: Connection, request: web.Request, socket: web.WebSocketResponse, writer: AbstractStreamWriter
    ) -> None:
        """Take over a prepared WebSocket; raises ConnectionResetError when its transport is gone already."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the connection is lost")
        self._connection = connection
        self._socket = socket
        self._writer = writer
        self._transport = transport
        self._protocol = request.protocol
        self._fd = _direct_descriptor(transport)
        self._write_failed = False
        self._receiving = False
        self._peer_closed = False
        self._drain_task: asyncio.Task[None] | None = None
        # With no slack, "paused" means exactly that the transport still holds bytes.
        transport.set_write_buffer_limits(high=0)
        self._gate: _Gate | None = None
        parser = self._protocol._payload_parser
        if parser is not None:
            self._gate = _Gate(parser, connection.config.unjoined_payload, self._too_much)
            self._protocol._payload_parser = cast("WebSocketReader", self._gate)

    @property
    def buffered(self) -> int:
        """Answer the bytes in the transport."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def joined(self) -> None:
        """Put aiohttp's parser back into its place."""
        gate, self._gate = self._gate, None
        if gate is not None and cast("object", self._protocol._payload_parser) is gate:
            self._protocol._payload_parser = gate.parser

    def _too_much(self) -> None:
        self._connection.close("transport error", abort=True)

    async def run(self) -> None:
        """Read until either side closes; a peer's close is answered by ``linger``."""
        connection = self._connection
        socket = self._socket
        handled = 0
        while connection.is_open:
            self._receiving = True
            try:
                message = await socket.receive()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if connection.reason is None or task is None:
                    raise
                task.uncancel()
                return
            finally:
                self._receiving = False
            kind = message.type
            if kind is _TEXT:
                # decode_text=False: the static type of the response does not know it.
                await connection.receive_text(cast("bytes", message.data))
            elif kind is _BINARY:
                await connection.receive_binary(cast("bytes", message.data))
            elif kind is WSMsgType.PING:
                connection.send(Packet.control(frames.frame(frames.PONG, cast("bytes", message.data))))
            elif kind is not WSMsgType.PONG:
                self._peer_closed = True
                connection.close("transport error" if kind is WSMsgType.ERROR else "transport close")
                return
            handled += 1
            if handled == _TURN:
                handled = 0
                await asyncio.sleep(0)

    def wake(self) -> None:
        """Interrupt a wait for the peer."""
        task = self._connection.task
        if self._receiving and task is not None:
            task.cancel()

    def write(self, packets: list[Packet]) -> None:
        """Write the frames of one turn at once; what the kernel does not take goes to the backlog."""
        if self._write_failed or self._transport.is_closing():
            self._fail()
            return
        connection = self._connection
        if connection.backlog or self._transport.get_write_buffer_size():
            for packet in packets:
                connection.enqueue(packet)
        elif packets:
            chunks = [packet.wire for packet in packets]
            total = sum(map(len, chunks))
            sent = self._send(chunks, total)
            if sent == total:
                return
            if sent < 0:
                self._fail()
                return
            self._queue_rest(packets, sent)
        if connection.backlog and self._drain_task is None:
            connection.watch_backlog()
            self._drain_task = asyncio.get_running_loop().create_task(self._drain())

    def _queue_rest(self, packets: list[Packet], sent: int) -> None:
        """Put what the kernel left of a turn's packets into the backlog; the first ``sent`` bytes are gone."""
        for packet in packets:
            length = len(packet.wire)
            if sent >= length:
                sent -= length
            elif sent:
                self._connection.backlog.put_back(memoryview(packet.wire)[sent:])
                sent = 0
            else:
                self._connection.enqueue(packet)

    def _send(self, chunks: list[bytes] | list[memoryview], total: int) -> int:
        """Write to the kernel; answer the number of bytes it took, -1 after an error that ends writing for good."""
        if self._fd < 0:
            return self._send_by_transport(chunks)
        try:
            if len(chunks) == 1:
                return os.write(self._fd, chunks[0])
            if total <= _JOIN_BELOW:
                return os.write(self._fd, b"".join(chunks))
            return os.writev(self._fd, chunks[:_MAX_PIECES])
        except BlockingIOError:
            return 0
        except OSError as error:
            log.debug("a write failed", extra={"sid": self._connection.sid, "error": str(error)})
            return -1

    def _send_by_transport(self, chunks: list[bytes] | list[memoryview]) -> int:
        """Write through asyncio where there is no descriptor to write to (TLS, Windows), a bounded piece at a time."""
        data = b"".join(chunks)[:_HANDOVER]
        self._transport.write(data)
        return len(data)

    async def _drain(self) -> None:
        """Empty the backlog at the peer's pace."""
        backlog = self._connection.backlog
        try:
            while backlog and not self._write_failed and not self._transport.is_closing():
                if self._transport.get_write_buffer_size() == 0:
                    pieces = backlog.gather(_SLICE)
                    total = sum(map(len, pieces))
                    sent = self._send(pieces, total)
                    if sent < 0:
                        self._fail()
                        break
                    backlog.advance(sent)
                    self._connection.note_progress()
                    if sent == total:
                        await asyncio.sleep(0)
                        continue
                    # Only the transport learns when the kernel takes more, so it gets something to wait with.
                    rest = b"".join(backlog.gather(_HANDOVER))
                    self._transport.write(rest)
                    backlog.advance(len(rest))
                await self._writer.drain()
                self._connection.note_progress()
        except ConnectionError:
            self._fail()
        finally:
            self._drain_task = None

    def _fail(self) -> None:
        """Give up writing; reading goes on to the end."""
        self._write_failed = True
        self._connection.backlog.clear()
        self._connection.note_progress()

    def close(self, *, abort: bool, code: int) -> None:
        """Send a close frame after everything queued, or cut the line."""
        if abort:
            self._fail()
            self._transport.abort()
        else:
            self.write([Packet.control(frames.close_frame(code))])

    async def linger(self, seconds: float) -> None:
        """Wait for the peer's close frame, while the rest of the backlog leaves; then close, or cut what does not
        move.
        """
        transport = self._transport
        try:
            if not transport.is_closing():
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        if not self._peer_closed:
                            await self._read_to_close()
                        elif self._drain_task is not None:
                            await asyncio.shield(self._drain_task)
        finally:
            if self._drain_task is not None:
                self._drain_task.cancel()
            if not transport.is_closing():
                if transport.get_write_buffer_size():
                    transport.abort()
                else:
                    transport.close()

    async def _read_to_close(self) -> None:
        ends = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
        while True:
            message = await self._socket.receive()
            if message.type in ends:
                return
            await asyncio.sleep(0)


def _direct_descriptor(transport: asyncio.Transport) -> int:
    """Answer the descriptor to write to, -1 where bytes must go through the transport."""
    if not hasattr(os, "writev") or transport.get_extra_info("sslcontext") is not None:
        return -1
    socket = transport.get_extra_info("socket")
    return socket.fileno() if socket is not None else -1
