"""Write what live sessions changed behind the hot path (../design.md, State and durability).

Small rows are at most 250 ms behind. Snapshots are 1 s behind below 256 KiB; larger ones are written after `agent_end`
and at most every 30 s, one at a time, because a 50 MB row holds the writer for 0.4 s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass

from relay import jsontext
from relay.clock import Clock, iso
from relay.sessions.limits import SessionLimits
from relay.sessions.session import AgentSession
from relay.sessions.store import LiveRow, SessionStore
from relay.sessions.transcript import Snapshot
from relay.storage import StorageError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _PendingState:
    session: AgentSession
    due: float
    finished_turn: bool = False


class Persistence:
    """Own the write-behind of live sessions."""

    def __init__(self, store: SessionStore, clock: Clock, limits: SessionLimits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._rows: dict[str, AgentSession] = {}
        self._overlays: dict[str, AgentSession] = {}
        self._states: dict[str, _PendingState] = {}
        self._saved: dict[str, Snapshot] = {}
        self._last_large: dict[str, float] = {}
        self._rows_since = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write behind."""
        self._task = asyncio.create_task(self._run(), name="session write-behind")

    async def close(self) -> None:
        """Write everything that is dirty and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        # One that fails must not keep the others, nor the rest of the shutdown, from being done.
        await self._last(self._flush_rows())
        for pending in list(self._states.values()):
            await self._last(self._write_state(pending.session))
        await self._last(self._flush_overlays())

    @property
    def pending(self) -> dict[str, int]:
        """Answer how many sessions have small columns, overlays and states that are not written yet."""
        return {"rows": len(self._rows), "overlays": len(self._overlays), "states": len(self._states)}

    @property
    def lag(self) -> float:
        """Answer in seconds how old the oldest small change is, or how long the latest state is overdue if longer."""
        now = self._clock.monotonic()
        rows = now - self._rows_since if self._rows else 0.0
        return max(0.0, rows, *(now - pending.due for pending in self._states.values()))

    def mark_row(self, session: AgentSession) -> None:
        """Note that small columns of the session changed."""
        if session.id not in self._rows:
            if not self._rows:
                self._rows_since = self._clock.monotonic()
            self._rows[session.id] = session
            self._wake.set()

    def mark_overlay(self, session: AgentSession) -> None:
        """Note that metadata was laid over the stored state."""
        self._overlays[session.id] = session
        self._wake.set()

    def mark_state(self, session: AgentSession) -> None:
        """Note that the session has a new complete state."""
        self._overlays.pop(session.id, None)
        snapshot = session.transcript.snapshot
        if snapshot is None:
            return
        now = self._clock.monotonic()
        large = len(snapshot.event) > self._limits.large_state
        due = now + self._limits.states_behind
        if large:
            due = max(due, self._last_large.get(session.id, -1e9) + self._limits.large_state_every)
        pending = self._states.get(session.id)
        if pending is None:
            self._states[session.id] = _PendingState(session, due)
        else:
            pending.session = session
            # A small state does not wait for the time of the large one whose place it takes.
            pending.due = min(pending.due, now if pending.finished_turn and large else due)
        self._wake.set()

    def mark_turn_end(self, session: AgentSession) -> None:
        """Note `agent_end`: the snapshot that follows is written soon however large it is."""
        due = self._clock.monotonic() + self._limits.states_behind
        pending = self._states.get(session.id)
        if pending is None:
            self._states[session.id] = _PendingState(session, due, True)
        else:
            pending.finished_turn = True
            pending.due = min(pending.due, due)
        self._last_large.pop(session.id, None)
        self._wake.set()

    async def finish(self, session: AgentSession) -> None:
        """Write a session that ends: its small columns and its state with the overlay folded in."""
        self._rows.pop(session.id, None)
        self._overlays.pop(session.id, None)
        self._states.pop(session.id, None)
        self._last_large.pop(session.id, None)
        try:
            await self._store.write_rows([self._row(session)])
            await self._write_state(session)
        except Exception:
            # Whatever it is, the session has ended and must not stay listed.
            log.exception("could not save a session that ended", extra={"session_id": session.id})
        self._saved.pop(session.id, None)

    def saved(self, session: AgentSession) -> None:
        """Note that the session's state is what the database holds."""
        if session.transcript.snapshot is not None:
            self._saved[session.id] = session.transcript.snapshot

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self._limits.rows_behind)
            try:
                await self._flush_rows()
                await self._flush_overlays()
                await self._flush_states()
            except StorageError:
                # Nothing is dropped: what could not be written stays dirty and is tried again with the next change.
                log.exception("write-behind failed; it is tried again")
                await asyncio.sleep(1)
                self._wake.set()
            except Exception:
                # A value that the database cannot hold; the sessions of everybody else are still to be written.
                log.exception("write-behind failed")
                self._wake.set()

    @staticmethod
    async def _last(write: Awaitable[None]) -> None:
        try:
            await write
        except Exception:
            log.exception("a session was not written")

    async def _flush_rows(self) -> None:
        dirty, self._rows = self._rows, {}
        if not dirty:
            return
        since = self._rows_since
        try:
            await self._store.write_rows([self._row(session) for session in dirty.values()])
        except StorageError:
            self._rows, self._rows_since = {**dirty, **self._rows}, since
            raise
        except Exception:
            if len(dirty) == 1:
                raise
            # One of them cannot be written: one by one, so that it takes no other along.
            for session in dirty.values():
                await self._last(self._store.write_rows([self._row(session)]))

    async def _flush_overlays(self) -> None:
        dirty, self._overlays = self._overlays, {}
        if not dirty:
            return
        overlays = [(key, jsontext.dumps(session.transcript.overlay)) for key, session in dirty.items()]
        try:
            await self._store.write_overlays(overlays, self._clock.now_iso())
        except StorageError:
            self._overlays = {**dirty, **self._overlays}
            raise

    async def _flush_states(self) -> None:
        now = self._clock.monotonic()
        for key, pending in list(self._states.items()):
            if pending.due > now:
                self._wake.set()
                continue
            del self._states[key]
            try:
                await self._write_state(pending.session)
            except StorageError:
                self._states.setdefault(key, pending)
                raise

    async def _write_state(self, session: AgentSession) -> None:
        transcript = session.transcript
        snapshot = transcript.snapshot
        if snapshot is None or (self._saved.get(session.id) is snapshot and not transcript.overlay):
            return
        overlay = dict(transcript.overlay)
        state = snapshot.full(overlay)
        await self._store.write_state(session.id, session.user_id, state, self._clock.now_iso())
        self._saved[session.id] = snapshot
        if len(state) > self._limits.large_state:
            self._last_large[session.id] = self._clock.monotonic()

    def _row(self, session: AgentSession) -> LiveRow:
        return LiveRow(
            id=session.id,
            user_id=session.user_id,
            generation=session.generation,
            last_active_at=iso(session.last_active_ms),
            expires_at=iso(session.expires_at_ms) if session.expires_at_ms is not None else None,
            runner_id=session.links.runner_id,
            runner_name=session.links.runner_name,
            session_name=session.name,
            session_file=session.session_file,
            parent_session_id=session.links.parent_id,
            linked_parent_id=session.links.linked_parent_id,
            viewer_seq=session.transcript.seq,
            meta_version=session.meta.version,
            meta=session.meta.stored().decode(),
            first_prompt=session.first_prompt,
        )
