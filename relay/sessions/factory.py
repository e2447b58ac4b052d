"""Make live sessions, from a registration or from a stored row."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from relay import jsontext
from relay.clock import Clock, iso, parse_iso
from relay.sessions.agent import Agent, new_token
from relay.sessions.limits import SessionLimits
from relay.sessions.meta import MetaState
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionRow
from relay.sessions.transcript import EventCache, Transcript

#: Counters of a stored session go on this far above what was stored, since rows are written behind: more events than a
#: relay can publish in that time (sockets-browsers.md 3.1, rule 8).
COUNTER_GAP: Final = 1_000_000


class SessionFactory:
    """Build sessions with the right counters, times and owners."""

    def __init__(self, registry: SessionRegistry, clock: Clock, limits: SessionLimits) -> None:
        self._registry = registry
        self._clock = clock
        self._limits = limits

    def register(
        self, agent: Agent, session_id: str, live: AgentSession | None, row: SessionRow | None
    ) -> AgentSession:
        """Make the session of a registration; it continues `live` or `row`, whose counters go on (2.3, step 6)."""
        now = self._clock.now_ms()
        session = self._make(session_id, agent.user_id, agent.user_name, live, row)
        session.token = new_token()
        session.generation = str(uuid4())
        session.cwd = agent.cwd
        session.share_url = f"{agent.share_base}/session/{session_id}"
        session.collab_mode = agent.collab_mode
        session.is_ephemeral = agent.ephemeral
        session.acks_trigger = agent.acks_trigger
        session.name = agent.name or (live.name if live is not None else row.session_name if row is not None else None)
        session.first_prompt = live.first_prompt if live is not None else row.first_prompt if row is not None else None
        session.turned_at = live.turned_at if live is not None else None
        session.session_file = agent.session_file or (live.session_file if live is not None else None)
        session.started_at = live.started_at if live is not None else row.started_at if row is not None else iso(now)
        session.last_active_ms = now
        session.expires_at_ms = now + int(self._limits.silent_timeout * 1000) if agent.ephemeral else None
        return session

    def restore(self, row: SessionRow) -> AgentSession:
        """Make the awaited session of a row that had not ended when the relay stopped (4.4)."""
        session = self._make(row.id, row.user_id, row.user_name or row.user_id, None, row)
        session.meta = MetaState(session.meta.version, _fields(row))
        session.generation = row.generation or ""
        session.cwd = row.cwd
        session.share_url = row.share_url
        session.collab_mode = row.collab_mode
        session.is_ephemeral = row.is_ephemeral
        session.name = row.session_name
        session.first_prompt = row.first_prompt
        session.session_file = row.session_file
        session.started_at = row.started_at
        session.last_active_ms = parse_iso(row.last_active_at) or self._clock.now_ms()
        session.expires_at_ms = parse_iso(row.expires_at) if row.expires_at is not None else None
        session.links.runner_id, session.links.runner_name = row.runner_id, row.runner_name
        session.links.parent_id, session.links.linked_parent_id = row.parent_session_id, row.linked_parent_id
        return session

    def row(self, session: AgentSession) -> SessionRow:
        """Answer the durable row of a session that registers now (2.16)."""
        return SessionRow(
            id=session.id,
            user_id=session.user_id,
            user_name=session.user_name,
            cwd=session.cwd,
            share_url=session.share_url,
            started_at=session.started_at,
            last_active_at=iso(session.last_active_ms),
            ended_at=None,
            ended_by=None,
            is_ephemeral=session.is_ephemeral,
            expires_at=iso(session.expires_at_ms) if session.expires_at_ms is not None else None,
            is_pinned=False,
            collab_mode=session.collab_mode,
            runner_id=session.links.runner_id,
            runner_name=session.links.runner_name,
            session_name=session.name,
            session_file=session.session_file,
            parent_session_id=session.links.parent_id,
            linked_parent_id=session.links.linked_parent_id,
            generation=session.generation,
            viewer_seq=session.transcript.seq,
            meta_version=session.meta.version,
            meta=session.meta.stored().decode(),
            first_prompt=session.first_prompt,
        )

    def _make(
        self, session_id: str, user_id: str, user_name: str, live: AgentSession | None, row: SessionRow | None
    ) -> AgentSession:
        if live is not None:
            transcript = live.transcript
            transcript.start_over()
            meta = MetaState(live.meta.version + 1)
        else:
            cache = EventCache(self._limits.cache_entries, self._limits.cache_bytes)
            transcript = Transcript(row.viewer_seq + COUNTER_GAP if row is not None else 0, cache)
            meta = MetaState(row.meta_version + COUNTER_GAP if row is not None else 0)
        session = AgentSession(
            session_id,
            user_id,
            user_name,
            queue=self._registry.queue(session_id),
            transcript=transcript,
            meta=meta,
        )
        session.meta_audience = self._registry.meta_room(session_id)
        session.state_loaded = live.state_loaded if live is not None else row is None
        return session


def _fields(row: SessionRow) -> dict[str, object] | None:
    if row.meta is None:
        return None
    fields = jsontext.loads(row.meta)
    return fields if isinstance(fields, dict) else None
