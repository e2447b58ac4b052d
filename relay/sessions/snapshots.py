"""Take full and chunked snapshots from agents (sockets-agents.md 2.6; sockets-browsers.md 3.1, 3.5)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Final, Literal, Protocol

import msgspec

from relay import jsontext
from relay.clock import Clock
from relay.sessions import prompts
from relay.sessions.audience import Watcher
from relay.sessions.broadcast import broadcast, event_packet, repeat_cumulative
from relay.sessions.chunks import ChunkAssembly
from relay.sessions.effects import Effects
from relay.sessions.heads import (
    NULL,
    ActiveEvent,
    ActiveState,
    ChunkEvent,
    MessagesEvent,
    join_object,
    read,
)
from relay.sessions.persistence import Persistence
from relay.sessions.replay import REPLAY_BYTES
from relay.sessions.session import AgentSession

log = logging.getLogger(__name__)

#: Larger states come in chunks (2.6.2).
_CHUNKED_BYTES: Final = 5 * 2**20
#: Who has less than this waiting is not behind, however large a snapshot is: one large packet always passes.
_QUICK_BYTES: Final = 256 * 2**10


class Images(Protocol):
    """Move large inline images out of an event into the attachment store (2.8)."""

    def needs(self, event: bytes) -> bool:
        """Tell cheaply whether the event may carry an image."""

    async def extract(self, user_id: str, session_id: str, event: bytes, where: Literal["state", "messages"]) -> bytes:
        """Answer the event with its images stored and replaced by references; the original when that fails."""


class Snapshots:
    """Keep the newest complete state of a session up to date."""

    def __init__(self, clock: Clock, effects: Effects, persistence: Persistence, images: Images) -> None:
        self._clock = clock
        self._effects = effects
        self._persistence = persistence
        self._images = images

    def active(self, session: AgentSession, event: bytes) -> Awaitable[None] | None:
        """Take a `session_active`: a full state, or the header of a chunk stream."""
        if self._images.needs(event):
            return self._active_with_images(session, event)
        self._active(session, event)
        return None

    def chunk(self, session: AgentSession, event: bytes) -> Awaitable[None] | None:
        """Take a `session_messages_chunk`; the assembly sees it before the viewers do (3.5)."""
        if self._images.needs(event):
            return self._chunk_with_images(session, event)
        self._chunk(session, event)
        return None

    def agent_end(self, session: AgentSession, event: bytes) -> Awaitable[None] | None:
        """Take an `agent_end`; that of an old client carries the whole transcript (sockets-browsers.md 7.1)."""
        self._persistence.mark_turn_end(session)
        if self._images.needs(event):
            return self._agent_end_with_images(session, event)
        self._agent_end(session, event)
        return None

    async def _active_with_images(self, session: AgentSession, event: bytes) -> None:
        self._active(session, await self._images.extract(session.user_id, session.id, event, "state"))

    async def _chunk_with_images(self, session: AgentSession, event: bytes) -> None:
        self._chunk(session, await self._images.extract(session.user_id, session.id, event, "messages"))

    async def _agent_end_with_images(self, session: AgentSession, event: bytes) -> None:
        self._agent_end(session, await self._images.extract(session.user_id, session.id, event, "messages"))

    def _active(self, session: AgentSession, event: bytes) -> None:
        active = read(ActiveEvent, event)
        state = read(ActiveState, active.state) if active is not None else None
        if active is None or state is None:
            broadcast(session, event, session.transcript.publish(event))
            return
        self._effects.session_file(session, state.sessionFile)
        nonce = active.recoveryNonce if isinstance(active.recoveryNonce, str) else None
        if state.chunked:
            # A header never is the state itself, not even one that no chunk can refer to (2.6.2).
            if isinstance(state.snapshotId, str):
                self._header(session, event, active.state, state.snapshotId, nonce)
            return
        session.transcript.chunks = None
        seq = self._store(session, event, active.state, nonce)
        if state.sessionName is not msgspec.UNSET:
            self._effects.rename(session, state.sessionName)
        self._show(session, event, seq)
        repeat_cumulative(session)

    def _store(self, session: AgentSession, event: bytes, state: bytes | msgspec.Raw, nonce: str | None) -> int:
        """Make a complete state the newest one; the answer to a recovery signal is not written again (2.6.1)."""
        seq = session.transcript.publish_snapshot(event, state)
        session.state_loaded = True
        snapshot = session.transcript.snapshot
        if session.first_prompt is None and snapshot is not None:
            self._effects.prompted(session, prompts.in_snapshot(snapshot))
        now = self._clock.monotonic()
        if nonce is not None and nonce == session.nonce and now < session.nonce_until:
            session.nonce = None
        else:
            self._persistence.mark_state(session)
        return seq

    def _header(self, session: AgentSession, event: bytes, state: msgspec.Raw, stream: str, nonce: str | None) -> None:
        """Begin a chunk stream; the stored state stays until it is complete."""
        session.transcript.chunks = ChunkAssembly(stream, state, nonce, self._clock.monotonic())
        held = session.transcript.snapshot
        size = max(_CHUNKED_BYTES, 0 if held is None else len(held.event))
        for watcher in session.audience:
            watcher.stream = None if _is_behind(watcher, size) else stream
        self._to_stream(session, event, stream, None)

    def _chunk(self, session: AgentSession, event: bytes) -> None:
        chunk = read(ChunkEvent, event)
        assembly = session.transcript.chunks
        if chunk is None or assembly is None or chunk.snapshotId != assembly.snapshot_id:
            return
        index, total = chunk.chunkIndex, chunk.totalChunks
        if not isinstance(index, int) or index < 0:
            return
        assembly.add(
            index,
            total if isinstance(total, int) else 0,
            chunk.messages,
            final=chunk.final is True,
            now=self._clock.monotonic(),
        )
        if not assembly.complete:
            self._to_stream(session, event, assembly.snapshot_id, None)
            return
        state = assembly.assembled()
        full = b'{"type":"session_active","state":' + state + b"}"
        seq = self._store(session, full, state, assembly.nonce)
        session.transcript.chunks = None
        name = read(ActiveState, state)
        if name is not None and name.sessionName is not msgspec.UNSET:
            self._effects.rename(session, name.sessionName)
        self._to_stream(session, event, assembly.snapshot_id, seq)
        self._to_late(session, full, assembly.snapshot_id, seq)
        repeat_cumulative(session)

    @staticmethod
    def _to_stream(session: AgentSession, event: bytes, stream: str, seq: int | None) -> None:
        """Send a chunk to the viewers that saw the stream's header."""
        watchers = [watcher for watcher in session.audience if watcher.stream == stream]
        if watchers:
            packet = event_packet(session.id, event, seq=seq)
            for watcher in watchers:
                watcher.socket.send(packet)

    @staticmethod
    def _show(session: AgentSession, event: bytes, seq: int) -> None:
        """Send the newest snapshot whole, to viewers that are behind only its tail (realtime.md, Speed and memory)."""
        if not len(session.audience):
            return
        packet, tail = event_packet(session.id, event, seq=seq), b""
        for watcher in session.audience:
            if _is_behind(watcher, len(event)):
                tail = tail or _tail(session)
                _send_directly(watcher, tail, seq)
            else:
                watcher.socket.send(packet)

    @staticmethod
    def _to_late(session: AgentSession, full: bytes, stream: str, seq: int) -> None:
        """Send the assembled snapshot to viewers that joined after the header (3.1, rule 2) or were behind then."""
        tail = b""
        for watcher in session.audience:
            if watcher.stream == stream:
                continue
            if _is_behind(watcher, len(full)):
                tail = tail or _tail(session)
                _send_directly(watcher, tail, seq)
            else:
                _send_directly(watcher, full, seq)

    def _agent_end(self, session: AgentSession, event: bytes) -> None:
        end = read(MessagesEvent, event)
        if end is None or end.messages is NULL or not bytes(end.messages).startswith(b"["):
            broadcast(session, event, session.transcript.publish(event))
            return
        snapshot = session.transcript.snapshot
        head = {} if snapshot is None else dict(snapshot.head)
        state = join_object({**head, "messages": end.messages})
        full = b'{"type":"session_active","state":' + state + b"}"
        overlay = session.transcript.overlay
        seq = self._store(session, full, state, None)
        session.transcript.overlay = overlay
        broadcast(session, event, seq)


def _is_behind(watcher: Watcher, size: int) -> bool:
    """Tell whether a viewer has so much waiting that `size` more bytes could get it cut."""
    waiting = watcher.socket.backlog
    return waiting > _QUICK_BYTES and waiting + size > REPLAY_BYTES


def _tail(session: AgentSession) -> bytes:
    """Write the newest snapshot as a joining viewer gets it: its last messages, the rest is paged (3.3)."""
    snapshot = session.transcript.snapshot
    assert snapshot is not None
    return b'{"type":"session_active","state":' + snapshot.tail(session.transcript.overlay) + b"}"


def _send_directly(watcher: Watcher, event: bytes, seq: int) -> None:
    """Send a snapshot to one viewer, which moves its cursor to `seq` without a gap check (3.9, 4)."""
    generation = b"" if watcher.generation is None else b',"generation":' + jsontext.dumps(watcher.generation)
    extra = b',"deltaReplay":true' + generation
    watcher.socket.send(event_packet(watcher.session_id, event, seq=seq, extra=extra))
