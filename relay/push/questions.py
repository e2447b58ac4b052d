"""Know which question of each session can be answered from a notification, and take answers (rest-account.md 8.6)."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from relay.clock import Clock, iso, parse_iso
from relay.events import Bus, SessionAdded, SessionRemoved
from relay.http.errors import INVALID_JSON, ErrorSpec
from relay.http.errors import SESSION_NOT_FOUND as NOT_FOUND
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.push.limits import PushLimits
from relay.push.messages import ASK, call_of
from relay.push.store import PushStore, StoredQuestion
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.teardown import RECONNECTED
from relay.storage import Storage, StorageError

log = logging.getLogger(__name__)

MISSING: Final = ErrorSpec(400, "Missing required fields: sessionId, text, toolCallId")
NOT_SHARED: Final = ErrorSpec(403, "Session is not in collab mode")
NONE_PENDING: Final = ErrorSpec(409, "No question is currently pending for this session")
ANOTHER_PENDING: Final = ErrorSpec(409, "This answer does not match the current pending question")
AGENT_AWAY: Final = ErrorSpec(502, "Session runner not connected to this server")
ALREADY_ANSWERED: Final = ErrorSpec(409, "Answer already submitted or question resolved")
#: Ids of tool calls have some dozen characters; a longer one is not kept for after a restart.
_LONGEST_ID: Final = 1000
#: A write of a few rows at shutdown.
_LAST_WRITE: Final = 2.0


class Questions:
    """Own the pending questions.

    The session holds the call's id, so that it goes with the session; a row mirrors it, written behind, so that a
    notification can still be answered after the relay was started again (sockets-agents.md 4.3).
    """

    def __init__(self, storage: Storage, registry: SessionRegistry, bus: Bus, clock: Clock, limits: PushLimits) -> None:
        self._store = PushStore(storage)
        self._registry = registry
        self._clock = clock
        self._limits = limits
        self._until: dict[str, int] = {}
        self._restored: dict[str, StoredQuestion] = {}
        self._changes: dict[str, StoredQuestion | None] = {}
        self._writing: asyncio.Task[None] | None = None
        bus.subscribe(SessionAdded, self._session_added)
        bus.subscribe(SessionRemoved, self._session_removed)

    async def load(self) -> None:
        """Give the awaited sessions their questions back; call once, after they were restored.

        Raises StorageError.
        """
        for session_id, question in (await self._store.questions(self._clock.now_iso())).items():
            session = self._registry.get(session_id)
            if session is None:
                self._changed(session_id, None)
                continue
            self._restored[session_id] = question
            self._give_back(session, question)

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
        if self._until.get(session.id, 0) <= self._clock.now_ms():
            return None
        return session.question_call_id

    def take(self, session: AgentSession, call_id: str) -> bool:
        """Close the question if it is this one; answer whether it was."""
        if self.pending(session) != call_id:
            return False
        self._close(session)
        return True

    async def close(self) -> None:
        """Write what is still to be written; call it before the storage closes."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_LAST_WRITE)

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
        until = self._clock.now_ms() + int(self._limits.question_life * 1000)
        self._until[session.id] = until
        self._restored.pop(session.id, None)
        keepable = len(call_id) <= _LONGEST_ID and not any("\ud800" <= char <= "\udfff" for char in call_id)
        self._changed(session.id, StoredQuestion(call_id, iso(until)) if keepable else None)

    def _close(self, session: AgentSession) -> None:
        session.question_call_id = None
        self._forget(session.id)

    def _forget(self, session_id: str) -> None:
        self._restored.pop(session_id, None)
        if self._until.pop(session_id, None) is not None:
            self._changed(session_id, None)

    def _give_back(self, session: AgentSession, question: StoredQuestion) -> None:
        session.question_call_id = question.tool_call_id
        self._until[session.id] = parse_iso(question.expires_at) or 0

    def _session_added(self, event: SessionAdded) -> None:
        """Let the question of an awaited session outlive the first registration after a start."""
        question = self._restored.pop(event.session_id, None)
        session = self._registry.get(event.session_id)
        if question is not None and session is not None:
            self._give_back(session, question)

    def _session_removed(self, event: SessionRemoved) -> None:
        if event.reason != RECONNECTED or event.session_id not in self._restored:
            self._forget(event.session_id)

    def _changed(self, session_id: str, question: StoredQuestion | None) -> None:
        self._changes[session_id] = question
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="push questions")

    async def _write(self) -> None:
        try:
            while self._changes:
                changes, self._changes = self._changes, {}
                await self._store.save_questions(changes, self._clock.now_iso())
        except StorageError:
            log.exception("open questions not stored; after a restart they can't be answered from a notification")
        finally:
            self._writing = None
