"""Apply what heartbeats, metadata and meta events say to a session, and tell the hub (sockets-agents.md 2.6.3, 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay import jsontext
from relay.clock import Clock, iso
from relay.events import Bus, SessionStatus
from relay.realtime import Packet
from relay.sessions.broadcast import broadcast
from relay.sessions.limits import SessionLimits
from relay.sessions.meta import NEED_SNAPSHOT, PATCHES
from relay.sessions.persistence import Persistence
from relay.sessions.session import AgentSession

#: A name is a line in a list.
MAX_NAME: Final = 1000
#: The longest path of any system that runs agents.
MAX_PATH: Final = 32_767


class Effects:
    """Change sessions as their events say; owns no state."""

    def __init__(self, clock: Clock, bus: Bus, persistence: Persistence, limits: SessionLimits) -> None:
        self._clock = clock
        self._bus = bus
        self._persistence = persistence
        self._limits = limits

    def touch(self, session: AgentSession) -> None:
        """Note activity, at most every 2 s: it keeps a silent session from expiring (2.10)."""
        now = self._clock.now_ms()
        if now - session.last_active_ms < self._limits.touch_every * 1000:
            return
        self._alive(session, now)
        self._persistence.mark_row(session)

    def _alive(self, session: AgentSession, now: int) -> None:
        """Put off the end that silence brings."""
        session.last_active_ms = now
        if session.is_ephemeral:
            session.expires_at_ms = now + int(self._limits.silent_timeout * 1000)

    def heartbeat(self, session: AgentSession, event: bytes) -> None:
        """Take a heartbeat (2.7.1): liveness, model, name, meta fields; then show it to the viewers."""
        beat = _object(event)
        slim = beat.get("_slim") is True
        before = (session.heartbeat.active, _model_key(session.heartbeat.model), session.name)
        now = self._clock.now_ms()
        session.heartbeat.active = beat.get("active") is True
        if session.heartbeat.active is not before[0]:
            session.turned_at = iso(now)
        session.heartbeat.at_ms, session.heartbeat.at = now, iso(now)
        session.heartbeat.raw = event
        self._alive(session, now)
        if not slim:
            if "model" in beat:
                model = beat["model"]
                session.heartbeat.model = model if isinstance(model, dict) else None
            if "sessionName" in beat:
                session.name = clean_name(beat["sessionName"])
        if (session.heartbeat.active, _model_key(session.heartbeat.model), session.name) != before:
            status = session.status()
            if slim:
                del status["model"]
            self._bus.publish(SessionStatus(session.user_id, session.id, status))
        if not slim:
            changed = session.meta.apply_heartbeat(beat)
            if changed or (changed is not None and session.meta.prompt_pending):
                self._meta_snapshot(session)
        self._persistence.mark_row(session)
        broadcast(session, event)

    def metadata(self, session: AgentSession, event: bytes) -> None:
        """Take a `session_metadata_update`: overlay, meta state, name; then show it to the viewers (2.6.3)."""
        metadata = _object(event).get("metadata")
        if isinstance(metadata, dict):
            if session.transcript.patch(metadata):
                self._persistence.mark_overlay(session)
            session.meta.apply_metadata(metadata)
            self.session_file(session, metadata.get("sessionFile"))
            if "sessionName" in metadata:
                self.rename(session, metadata["sessionName"])
            self._persistence.mark_row(session)
        broadcast(session, event)

    def capabilities(self, session: AgentSession, event: bytes) -> None:
        """Lay the models and commands that the agent offers over the stored state."""
        offered = _object(event)
        patch = {
            target: offered[source]
            for source, target in (("models", "availableModels"), ("commands", "availableCommands"))
            if source in offered
        }
        if session.transcript.patch(patch):
            self._persistence.mark_overlay(session)

    def meta_event(self, session: AgentSession, event: bytes) -> None:
        """Take a meta event: it goes to the hub's meta room and never to viewers (2.7.2)."""
        body = _object(event)
        kind = str(body.get("type"))
        session.meta.apply(PATCHES[kind](body))
        self._persistence.mark_row(session)
        if len(session.meta_audience):
            version = session.meta.version
            packet = Packet.event("/hub", "meta_event", {**body, "sessionId": session.id, "version": version})
            session.meta_audience.send(packet)
            if kind in NEED_SNAPSHOT:
                self._meta_snapshot(session)

    @staticmethod
    def has_report(event: bytes) -> bool:
        """Tell whether an `mcp_startup_report` has the nested form."""
        return isinstance(_object(event).get("report"), dict)

    def rename(self, session: AgentSession, name: object) -> None:
        """Store a session's name; the hub hears of a change from any source (sockets-browsers.md 4.3)."""
        cleaned = clean_name(name)
        if cleaned == session.name:
            return
        session.name = cleaned
        self._persistence.mark_row(session)
        self._bus.publish(SessionStatus(session.user_id, session.id, session.status()))

    def prompted(self, session: AgentSession, prompt: str | None) -> None:
        """Note the first prompt of a session when it is found; the hub hears of it."""
        if prompt is None or session.first_prompt is not None:
            return
        session.first_prompt = prompt
        self._persistence.mark_row(session)
        self._bus.publish(SessionStatus(session.user_id, session.id, session.status()))

    def session_file(self, session: AgentSession, path: object) -> None:
        """Note the agent's local transcript path, which a runner needs to adopt the session (2.4)."""
        if isinstance(path, str) and path:
            session.session_file = storable(path)[:MAX_PATH]

    @staticmethod
    def _meta_snapshot(session: AgentSession) -> None:
        if len(session.meta_audience):
            body = {"sessionId": session.id, "state": session.meta.snapshot()}
            session.meta_audience.send(Packet.event("/hub", "state_snapshot", body))


def clean_name(name: object) -> str | None:
    """Normalise a name or an id: text that a database takes, trimmed, bounded; empty is none."""
    return (storable(name).strip()[:MAX_NAME] or None) if isinstance(name, str) else None


def storable(text: str) -> str:
    """Replace lone surrogates, which neither UTF-8 nor a database can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _model_key(model: object) -> object:
    return (model.get("provider"), model.get("id")) if isinstance(model, Mapping) else None


def _object(event: bytes) -> dict[str, object]:
    try:
        value = jsontext.loads(event)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
