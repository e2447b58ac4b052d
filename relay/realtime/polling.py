"""Carry a connection over HTTP long-polling: one GET that waits, one POST at a time (Engine.IO protocol 4)."""

from __future__ import annotations

import asyncio

from aiohttp import web

from relay.realtime import engine_codec
from relay.realtime.connection import CLOSE, NOOP, Connection
from relay.realtime.engine_codec import SEPARATOR, EnginePacket
from relay.realtime.errors import CodecError
from relay.realtime.packet import Packet


class PayloadTooLarge(Exception):
    """Say that the body of a POST exceeds the connection's limit."""


class PollingLink:
    """The polling transport of one connection; everything sent waits in the connection's backlog for the next GET."""

    name = "polling"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._poll: asyncio.Future[list[bytes]] | None = None
        self._posting = False
        self._inbox: tuple[list[EnginePacket], asyncio.Future[None]] | None = None
        self._arrived = asyncio.Event()
        self._stopped = False
        self._upgrading = False
        self._probing = False

    @property
    def buffered(self) -> int:
        """Answer 0: nothing is held but the backlog."""
        return 0

    def joined(self) -> None:
        """Do nothing: the limit is looked up for every POST."""

    async def run(self) -> None:
        """Handle the packets of one POST after the other."""
        connection = self._connection
        try:
            while connection.reason is None and not self._stopped:
                await self._arrived.wait()
                self._arrived.clear()
                if self._inbox is not None:
                    await self._handle(self._inbox[0])
                    self._release_post()
        finally:
            self._stopped = True
            self._release_post()

    async def _handle(self, packets: list[EnginePacket]) -> None:
        for packet in packets:
            if self._connection.reason is not None:
                break
            if packet.binary:
                await self._connection.receive_binary(packet.data)
            else:
                await self._connection.receive_text(engine_codec.encode_text(packet))

    def _release_post(self) -> None:
        """Let the POST whose packets are handled be answered."""
        inbox, self._inbox = self._inbox, None
        if inbox is not None and not inbox[1].done():
            inbox[1].set_result(None)

    def wake(self) -> None:
        """Make ``run`` look at the state of the connection, and end the waiting GET: the transport is no longer in
        use.
        """
        self._stopped = True
        self._arrived.set()
        self._answer_poll([NOOP.text])

    def write(self, packets: list[Packet]) -> None:
        """Queue packets and hand what is queued to the waiting GET."""
        for packet in packets:
            self._connection.enqueue(packet)
        self._offer()

    def close(self, *, abort: bool, code: int) -> None:
        """End the waiting GET: with what is queued and a close packet, or with a noop when it was the peer who
        closed.
        """
        if self._connection.reason == "transport close":
            self._answer_poll([NOOP.text])
        else:
            self._answer_poll([*self._take(), CLOSE.text])

    async def linger(self, seconds: float) -> None:
        """Do nothing: a request that comes later is told that the session is unknown."""

    def begin_upgrade(self) -> bool:
        """Take note that a WebSocket wants to take over; answer False when another one does so already or did."""
        if self._upgrading or self._stopped:
            return False
        self._upgrading = True
        return True

    def start_probe(self) -> None:
        """Release the waiting GET and let none wait until the upgrade ends, so that the client can pause polling."""
        self._probing = True
        self._answer_poll([NOOP.text])

    def end_upgrade(self) -> None:
        """Let GETs wait again."""
        self._upgrading = self._probing = False

    @property
    def is_polled(self) -> bool:
        """Answer whether a GET waits."""
        return self._poll is not None

    async def poll(self) -> list[bytes]:
        """Answer the parts of the next payload, waiting for the first; the caller has made sure that no other GET
        waits.
        """
        parts = self._take()
        if parts:
            return parts
        if self._probing:
            return [NOOP.text]
        self._poll = asyncio.get_running_loop().create_future()
        try:
            return await self._poll
        finally:
            self._poll = None

    async def post(self, request: web.Request) -> None:
        """Read the body of a POST and have its packets handled before it returns.

        Raises CodecError for a malformed payload or one that overlaps another, PayloadTooLarge for one over the limit.
        """
        if self._posting:
            raise CodecError("POST requests overlap")
        self._posting = True
        try:
            packets = engine_codec.decode_payload(await self._read(request))
            if self._connection.reason is not None or self._stopped:
                return
            handled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._inbox = (packets, handled)
            self._arrived.set()
            await asyncio.shield(handled)
        finally:
            self._posting = False

    async def _read(self, request: web.Request) -> bytes:
        config = self._connection.config
        limit = config.max_payload if self._connection.is_joined else config.unjoined_payload
        if request.content_length is not None and request.content_length > limit:
            raise PayloadTooLarge
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                raise PayloadTooLarge
        return bytes(body)

    def _take(self) -> list[bytes]:
        packets = self._connection.backlog.take_packets(self._connection.config.max_payload)
        parts = [part for packet in packets for part in packet.polling_parts]
        if packets:
            self._connection.note_progress()
        return parts

    def _offer(self) -> None:
        if self._poll is not None and not self._poll.done():
            parts = self._take()
            if parts:
                self._poll.set_result(parts)

    def _answer_poll(self, parts: list[bytes]) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(parts)


def payload(parts: list[bytes]) -> bytes:
    """Join the parts of a payload."""
    return SEPARATOR.join(parts)
