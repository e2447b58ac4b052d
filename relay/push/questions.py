"""Know which question of each session can be answered from a notification, and take answers (rest-account.md 8.6)."""

from __future__ import annotations

from typing import Final

from relay.clock import Clock
from relay.events import Bus, SessionRemoved
from relay.http.errors import INVALID_JSON, ErrorSpec
from relay.http.errors import SESSION_NOT_FOUND as NOT_FOUND
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.shapes import Ok, Shape
from relay.push import schemas
from relay.push.limits import PushLimits
from relay.push.messages import ASK, call_of
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

MISSING: Final = ErrorSpec(400, "Missing required fields: sessionId, text, toolCallId")
NOT_SHARED: Final = ErrorSpec(403, "Session is not in collab mode")
NONE_PENDING: Final = ErrorSpec(409, "No question is currently pending for this session")
ANOTHER_PENDING: Final = ErrorSpec(409, "This answer does not match the current pending question")
AGENT_AWAY: Final = ErrorSpec(502, "Session runner not connected to this server")
ALREADY_ANSWERED: Final = ErrorSpec(409, "Answer already submitted or question resolved")


class Questions:
    """Own the pending questions: the session holds the call's id, so that it goes with the agent's connection.

    They are in memory only. Client 0.52.0 gives its question up in the moment in which it loses the relay, and takes an
    input that comes later for something new to do; after a restart there is nothing to be answered any more.
    """

    def __init__(self, registry: SessionRegistry, bus: Bus, clock: Clock, limits: PushLimits) -> None:
        self._registry = registry
        self._clock = clock
        self._limits = limits
        self._until: dict[str, float] = {}
        bus.subscribe(SessionRemoved, self._session_removed)

    def observe(self, session: AgentSession, kind: str, event: bytes) -> None:
        """Take note of a question that begins or ends."""
        if kind not in ("tool_execution_start", "tool_execution_end"):
            return
        call = call_of(event)
        if call is None or call.toolName != ASK:
            return
        call_id = call.toolCallId if isinstance(call.toolCallId, str) else ""
        if kind == "tool_execution_start":
            if call_id:
                self._open(session, call_id)
        elif call_id in ("", session.question_call_id):
            self._close(session)

    def pending(self, session: AgentSession) -> str | None:
        """Answer the call id of the question that waits for an answer."""
        if self._until.get(session.id, 0.0) <= self._clock.monotonic():
            return None
        return session.question_call_id

    def take(self, session: AgentSession, call_id: str) -> bool:
        """Close the question if it is this one; answer whether it was."""
        if self.pending(session) != call_id:
            return False
        self._close(session)
        return True

    def route(self) -> Route:
        """Answer the row of `POST /api/push/answer`."""
        return Route(
            "POST",
            "/api/push/answer",
            self._answer,
            "Answer an agent's question from a notification",
            auth=Auth.SESSION,
            body=Body.STRICT,
            errors=(
                INVALID_JSON,
                MISSING,
                NOT_FOUND,
                NOT_SHARED,
                NONE_PENDING,
                ANOTHER_PENDING,
                AGENT_AWAY,
                ALREADY_ANSWERED,
            ),
            shape=Shape(Ok, schemas.PushAnswer),
        )

    async def _answer(self, call: Call) -> Json:
        """Check in the order of 8.6. Nothing is awaited, so that no second answer comes in between."""
        fields = [call.body.get(name) for name in ("sessionId", "toolCallId", "text")]
        session_id, call_id, text = [field if isinstance(field, str) and field.strip() else "" for field in fields]
        if not session_id or not call_id or not text:
            raise MISSING()
        session = self._registry.owned(session_id, call.user.user_id)
        if session is None:
            raise NOT_FOUND()
        if not session.collab_mode:
            raise NOT_SHARED()
        pending = self.pending(session)
        if pending is None:
            raise NONE_PENDING()
        if pending != call_id:
            raise ANOTHER_PENDING()
        if session.socket is None or not session.connected:
            raise AGENT_AWAY()
        if not self.take(session, call_id):
            raise ALREADY_ANSWERED()
        session.socket.emit("input", {"text": text.strip(), "client": "push"})
        return {"ok": True}

    def _open(self, session: AgentSession, call_id: str) -> None:
        session.question_call_id = call_id
        self._until[session.id] = self._clock.monotonic() + self._limits.question_life

    def _close(self, session: AgentSession) -> None:
        session.question_call_id = None
        self._until.pop(session.id, None)

    def _session_removed(self, event: SessionRemoved) -> None:
        self._until.pop(event.session_id, None)
