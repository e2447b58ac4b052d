"""Keep one Engine.IO connection: its queue, its heartbeat and its end, whatever transport carries it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from relay.realtime import engine_codec
from relay.realtime.backlog import Backlog
from relay.realtime.config import RealtimeConfig
from relay.realtime.errors import CodecError
from relay.realtime.packet import Packet
from relay.realtime.sweeper import Deadline, Sweeper
from relay.realtime.traffic import Traffic

log = logging.getLogger(__name__)

_STALL_CHECKS: Final = 4
"""Looks at a backlog within ``backlog_seconds``; it is stalled when none of them saw progress."""


class Listener(Protocol):
    """What lives on a connection; its coroutines are awaited one at a time, in the order of arrival."""

    async def text(self, data: bytes) -> None:
        """Handle a text message; ``data`` starts with the Engine.IO type. Raises CodecError for a malformed one."""

    async def binary(self, data: bytes) -> None:
        """Handle a binary message. Raises CodecError when none is expected."""

    async def closed(self, reason: str) -> None:
        """Handle the end, after the last message was handled."""

    def overflowed(self) -> None:
        """Take note that the connection is about to be cut because its peer does not read."""


class Link(Protocol):
    """A transport of a connection."""

    name: str

    async def run(self) -> None:
        """Hand arriving packets to the connection until it closes or is upgraded."""

    def write(self, packets: list[Packet]) -> None:
        """Write packets, or put them into the connection's backlog."""

    def close(self, *, abort: bool, code: int) -> None:
        """Say goodbye, or cut the line."""

    def wake(self) -> None:
        """Make ``run`` return, when it only waits for the peer."""

    async def linger(self, seconds: float) -> None:
        """Let the peer take what is left, then give the transport back."""

    def joined(self) -> None:
        """Lift the small payload limit."""

    @property
    def buffered(self) -> int:
        """Answer the bytes that the transport below holds."""


class _Nobody:
    """Listen until the connection has started, when nothing can be heard yet."""

    async def text(self, data: bytes) -> None:
        """Do nothing."""

    async def binary(self, data: bytes) -> None:
        """Do nothing."""

    async def closed(self, reason: str) -> None:
        """Do nothing."""

    def overflowed(self) -> None:
        """Do nothing."""


class Connection:
    """One Engine.IO session.

    ``reason`` is None while it is open. ``busy`` says that a message is being handled: reading stands still then, so
    the peer cannot be blamed for silence.
    """

    def __init__(
        self,
        sid: str,
        request: web.Request,
        address: str,
        config: RealtimeConfig,
        sweeper: Sweeper,
        closing: Callable[[Connection], None],
        joined: Callable[[Connection], None],
        traffic: Traffic,
    ) -> None:
        """``closing`` is called in the step in which the connection ends, ``joined`` when its first namespace is
        joined.
        """
        self.sid = sid
        self.request = request
        self.address = address
        self.config = config
        self.sweeper = sweeper
        self.backlog = Backlog(config.backlog_bytes, traffic)
        self._traffic = traffic
        self.reason: str | None = None
        self.busy = False
        self.is_joined = False
        self.task: asyncio.Task[None] | None = None
        self.linger_seconds = config.close_timeout
        self._closing = closing
        self._joined = joined
        self._listener: Listener = _Nobody()
        self._link: Link | None = None
        self._next_link: Link | None = None
        self._loop = asyncio.get_running_loop()
        self._turn: list[Packet] = []
        self._drained: list[asyncio.Future[None]] = []
        self._stall: Deadline | None = None
        self._progress = (0, 0)
        self._idle_checks = 0
        self._cut = False
        self._hold: asyncio.TimerHandle | None = None
        now = self._loop.time()
        self._beat_due = now + config.ping_interval
        self._awaiting_pong = False
        self._beat = sweeper.at(self._beat_due, self._ping)
        self._connect = sweeper.at(now + config.connect_timeout, self._no_namespace)

    @property
    def link(self) -> Link:
        """Answer the transport that carries the connection now."""
        if self._link is None:
            raise RuntimeError("the connection has no transport yet")
        return self._link

    @property
    def started(self) -> bool:
        """Tell whether the connection has a transport yet."""
        return self._link is not None

    @property
    def is_open(self) -> bool:
        """Answer whether the connection has not ended."""
        return self.reason is None

    def start(self, link: Link, listener: Listener) -> asyncio.Task[None]:
        """Begin to read; answer the task that lives until the end of the connection and everything it owes."""
        self._link = link
        self._listener = listener
        self.task = self._loop.create_task(self._run())
        return self.task

    def send(self, packet: Packet) -> None:
        """Queue a packet; everything of one turn of the loop leaves in one write."""
        turn = self._turn
        if not turn:
            self._loop.call_soon(self._flush_turn)
        turn.append(packet)

    def flush(self) -> None:
        """Write what is queued for this turn now."""
        if self._link is None:
            return
        turn, self._turn = self._turn, []
        if turn and self.reason is None:
            self._traffic.sent += len(turn)
            self._link.write(turn)
            if self._drained:
                self.note_progress()

    def hold(self, seconds: float) -> None:
        """Write what is queued now, and keep back what comes within the next ``seconds``."""
        self.flush()
        if self.reason is None:
            if self._hold is not None:
                self._hold.cancel()
            self._hold = self._loop.call_later(seconds, self._release)

    def upgrade(self, link: Link) -> None:
        """Let ``link`` carry the connection from here on; what is queued goes over it."""
        old = self.link
        self._link = self._next_link = link
        old.wake()
        if self.is_joined:
            link.joined()
        link.write([])

    def close(self, reason: str, *, abort: bool = False, code: int = 1000) -> None:
        """End the connection: no further message is handled, then the listener is told. Later calls change nothing.

        ``abort`` cuts the line; otherwise what is queued is still offered to the peer, and ``code`` (RFC 6455 7.4)
        says why.
        """
        if self.reason is not None:
            return
        self.flush()
        if not self.is_open:  # the flush itself cut the connection
            return
        self.reason = reason
        self._beat.cancel()
        self._connect.cancel()
        if self._hold is not None:
            self._hold.cancel()
        if self._stall is not None:
            self._stall.cancel()
        self._closing(self)
        if self._link is not None:
            self._link.close(abort=abort, code=code)
            if not self.busy:
                self._link.wake()
        self.note_progress()

    def mark_joined(self) -> None:
        """Take note that a namespace was joined: the limits for strangers no longer hold."""
        if not self.is_joined:
            self.is_joined = True
            self._connect.cancel()
            self._joined(self)
            self.link.joined()

    @property
    def queued(self) -> int:
        """Answer the bytes that are queued here or in the transport and not yet handed to the kernel."""
        return self.backlog.size + self.link.buffered + sum(len(packet.wire) for packet in self._turn)

    async def drained(self, below: int, within: float) -> None:
        """Wait until at most ``below`` bytes are queued or the connection ends; TimeoutError after ``within``
        seconds.
        """
        async with asyncio.timeout(within):
            while self.reason is None and self.queued > below:
                waiter: asyncio.Future[None] = self._loop.create_future()
                self._drained.append(waiter)
                await waiter

    def enqueue(self, packet: Packet) -> None:
        """Put a packet into the backlog; over the bound, the connection is cut."""
        if self._cut:
            return
        if not self.backlog.add(packet):
            self._overflow("too many bytes")
        elif self._stall is None:
            self.watch_backlog()

    def watch_backlog(self) -> None:
        """Begin to look whether the backlog moves, unless that is done already."""
        if self._stall is None and self.reason is None:
            self._idle_checks = 0
            self._progress = (self.backlog.written, self.link.buffered)
            self._watch()

    def note_progress(self) -> None:
        """Wake who waits for the backlog to shrink; they look again themselves."""
        waiters, self._drained = self._drained, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def receive_text(self, data: bytes) -> None:
        """Handle one text packet from the peer."""
        kind = data[0] if data else 0
        if kind == engine_codec.MESSAGE:
            self._traffic.received += 1
            self.busy = True
            try:
                await self._listener.text(data)
            except CodecError as error:
                self._malformed(error)
            finally:
                self.busy = False
        elif kind == engine_codec.PONG:
            self._pong()
        elif kind == engine_codec.CLOSE:
            self.close("transport close")
        elif kind not in (engine_codec.UPGRADE, engine_codec.NOOP):
            self._malformed(CodecError("unknown Engine.IO packet type"))

    async def receive_binary(self, data: bytes) -> None:
        """Handle one binary message from the peer."""
        self._traffic.received += 1
        self.busy = True
        try:
            await self._listener.binary(data)
        except CodecError as error:
            self._malformed(error)
        finally:
            self.busy = False

    def _malformed(self, error: CodecError) -> None:
        log.info("malformed packet", extra={"sid": self.sid, "error": str(error)})
        self.close("parse error", code=1002)

    async def _run(self) -> None:
        """Read over one link after the other, then end the connection."""
        try:
            await self.link.run()
            while self._next_link is not None and self.reason is None:
                link, self._next_link = self._next_link, None
                await link.run()
        except Exception:
            log.exception("a connection failed", extra={"sid": self.sid})
            self.close("transport error", abort=True)
        finally:
            self.close("transport close")
            try:
                await self._listener.closed(self.reason or "transport close")
            finally:
                await self.link.linger(self.linger_seconds)

    def _flush_turn(self) -> None:
        if self._hold is None:
            self.flush()

    def _release(self) -> None:
        self._hold = None
        self.flush()

    def _ping(self) -> None:
        self._awaiting_pong = True
        self._beat_due += self.config.ping_timeout
        self._beat = self.sweeper.at(self._beat_due, self._no_pong)
        self.send(PING)

    def _pong(self) -> None:
        if self._awaiting_pong and self.reason is None:
            self._awaiting_pong = False
            self._beat.cancel()
            self._beat_due = self._loop.time() + self.config.ping_interval
            self._beat = self.sweeper.at(self._beat_due, self._ping)

    def _no_pong(self) -> None:
        if self.busy:
            # The pong may stand behind the message that is being handled: it was us who stopped reading.
            self._beat_due = self._loop.time() + self.config.ping_timeout
            self._beat = self.sweeper.at(self._beat_due, self._no_pong)
        else:
            self.close("ping timeout", abort=True)

    def _no_namespace(self) -> None:
        self.close("forced close")

    def _watch(self) -> None:
        delay = self.config.backlog_seconds / _STALL_CHECKS
        self._stall = self.sweeper.at(self._loop.time() + delay, self._check_stall)

    def _check_stall(self) -> None:
        """Cut the connection when nothing left its backlog for ``backlog_seconds``."""
        self._stall = None
        if not self.backlog and not self.link.buffered:
            return
        progress = (self.backlog.written, self.link.buffered)
        if progress != self._progress:
            self._progress = progress
            self._idle_checks = 0
        else:
            self._idle_checks += 1
            if self._idle_checks >= _STALL_CHECKS:
                self._overflow("no progress")
                return
        self._watch()

    def _overflow(self, why: str) -> None:
        if self.reason is None:
            log.warning("a connection does not read", extra={"sid": self.sid, "why": why, "queued": self.backlog.size})
            self._listener.overflowed()
            self._cut = True
            self._traffic.cut += 1
            self.backlog.clear()
            self.close("backlog", abort=True)


PING: Final = Packet(b"2")
NOOP: Final = Packet(b"6")
CLOSE: Final = Packet(b"1")
