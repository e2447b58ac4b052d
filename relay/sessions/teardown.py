"""End live sessions: the order in which viewers, runner, database and hub hear of it (sockets-agents.md 2.10)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from relay.clock import Clock, iso
from relay.events import Bus, SessionEndedForGood, SessionRemoved
from relay.realtime import Socket
from relay.sessions.limits import SessionLimits
from relay.sessions.persistence import Persistence
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.store import SessionEnd, SessionStore
from relay.storage import StorageError

log = logging.getLogger(__name__)

RECONNECTED: Final = "Session reconnected"
ENDED: Final = "Session ended"
EXPIRED: Final = "Session expired"
ORPHANED: Final = "Session orphaned (no active relay connection)"
ACKNOWLEDGED: Final = "Parent acknowledged completion"
_CODES: Final = {RECONNECTED: "session_reconnected", ENDED: "session_ended"}


class Teardown:
    """Take sessions down; every teardown is an item of the session's queue."""

    def __init__(
        self,
        registry: SessionRegistry,
        store: SessionStore,
        persistence: Persistence,
        bus: Bus,
        clock: Clock,
        limits: SessionLimits,
    ) -> None:
        self._registry = registry
        self._store = store
        self._persistence = persistence
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._to_runner: Callable[[str, str, dict[str, object]], bool] = lambda _runner, _event, _body: False
        self._unlink: Callable[[AgentSession], Awaitable[None]] | None = None
        self._drop_pending_link: Callable[[str], None] = lambda _session_id: None

    def connect(
        self,
        to_runner: Callable[[str, str, dict[str, object]], bool],
        unlink: Callable[[AgentSession], Awaitable[None]],
        drop_pending_link: Callable[[str], None],
    ) -> None:
        """Wire the neighbours: send to a runner, leave the parent's children set, delete a pending runner link."""
        self._to_runner = to_runner
        self._unlink = unlink
        self._drop_pending_link = drop_pending_link

    async def end(
        self,
        session: AgentSession,
        reason: str,
        *,
        terminal: bool,
        ended_by: str | None = None,
        token: str | None = None,
    ) -> None:
        """Queue the end of a session and wait for it; `token` limits it to the registration that holds it.

        `terminal` says that it will not come back, `ended_by` how (`deliberate` or `other`, rest-runners.md 10.1).
        Must not be called from a step of the session's own queue.
        """

        async def step() -> None:
            if token is not None and session.token != token:
                return
            await self.run(session, reason, _CODES.get(reason), terminal=terminal, ended_by=ended_by)

        await session.queue.run(step)

    async def run(
        self,
        session: AgentSession,
        reason: str,
        code: str | None = None,
        *,
        terminal: bool = False,
        ended_by: str | None = None,
    ) -> None:
        """Take a session down inside its queue; harmless when another registration owns the id already."""
        self._drop_pending_link(session.id)
        if self._registry.get(session.id) is not session:
            return
        if terminal and self._unlink is not None:
            try:
                await self._unlink(session)
            except StorageError:
                # Memory knows it already; the row expires within a day.
                log.exception("could not note that a child left its parents", extra={"session_id": session.id})
        self._dismiss(session, reason, code)
        if session.socket is not None:
            self._registry.detach(session.socket)
        session.token = ""
        if session.links.runner_id is not None:
            body: dict[str, object] = {"sessionId": session.id, "reason": reason}
            if session.session_file is not None:
                body["sessionFile"] = session.session_file
            self._to_runner(session.links.runner_id, "session_ended", body)
        session.thinking.clear()
        session.transcript.chunks = None
        session.question_call_id = None
        await self._persistence.finish(session)
        self._registry.remove(session.id)
        if reason != RECONNECTED:
            await self._note_end(session, ended_by)
        self._bus.publish(SessionRemoved(session.user_id, session.id, reason))
        if terminal:
            self._bus.publish(SessionEndedForGood(session.user_id, session.id, ended_by or "other"))
        log.info("session ended", extra={"session_id": session.id, "reason": reason})

    def _dismiss(self, session: AgentSession, reason: str, code: str | None) -> None:
        """Tell the viewers, then end their namespace; the event comes before the DISCONNECT (2.10, trap)."""
        body: dict[str, object] = {"reason": reason, "sessionId": session.id}
        if code is not None:
            body["code"] = code
        session.audience.emit("disconnected", body)
        viewers: list[Socket] = session.audience.clear()
        for viewer in viewers:
            viewer.disconnect()

    async def _note_end(self, session: AgentSession, ended_by: str | None) -> None:
        now = self._clock.now_ms()
        end = SessionEnd(
            id=session.id,
            user_id=session.user_id,
            generation=session.generation,
            ended_at=iso(now),
            keep_until=iso(now + self._limits.retention * 1000),
            ended_by=ended_by,
        )
        try:
            await self._store.end(end)
        except StorageError:
            log.exception("could not note the end of a session", extra={"session_id": session.id})
