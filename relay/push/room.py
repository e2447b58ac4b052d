"""Put the parts of the push room together, once for the application and for its tests."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.push.limits import PushConfig, PushLimits
from relay.push.notify import Notifier
from relay.push.questions import Questions
from relay.push.routes import PushRoutes
from relay.push.sender import Sender
from relay.push.subscriptions import Subscriptions
from relay.push.vapid import Vapid
from relay.secrets_file import SecretsFile
from relay.sessions.room import SessionRoom
from relay.sessions.session import AgentSession
from relay.storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PushNeeds:
    """Gather what the room needs from below and from the composition root; `secrets` keeps the VAPID key."""

    storage: Storage
    clock: Clock
    bus: Bus
    sessions: SessionRoom
    secrets: SecretsFile
    config: PushConfig
    limits: PushLimits


class PushRoom:
    """Own every part of the room."""

    def __init__(self, needs: PushNeeds) -> None:
        storage, clock, bus, sessions = needs.storage, needs.clock, needs.bus, needs.sessions
        self.subscriptions = Subscriptions(storage, clock, bus, needs.limits)
        self.questions = Questions(sessions.registry, bus, clock, needs.limits)
        self.vapid = Vapid(needs.config, needs.secrets, clock)
        self.sender = Sender(
            self.vapid, needs.limits, self.subscriptions.drop, allow_private=needs.config.allow_private
        )
        self._notifier = Notifier(sessions.registry, sessions.links, self.subscriptions, self.sender.send, bus)
        self._routes = PushRoutes(self.subscriptions, self.vapid, allow_private=needs.config.allow_private)
        sessions.pipeline.observe(self._observe)

    def routes(self) -> list[Route]:
        """Answer the room's rows."""
        return [*self._routes.table(), self.questions.route()]

    async def start(self) -> None:
        """Read what is stored; call it before the first event. Raises StorageError."""
        await self.subscriptions.load()

    async def close(self) -> None:
        """Finish what is under way; call it before the storage closes."""
        await self.sender.close()
        await self.subscriptions.close()

    def _observe(self, session: AgentSession, kind: str, event: bytes) -> None:
        """Take an event of the pipeline's; what fails here is no business of the session."""
        try:
            # The question comes first: a push may be answered before the next line runs (8.6).
            self.questions.observe(session, kind, event)
            self._notifier.observe(session, kind, event)
        except Exception:
            log.exception("an event was not looked at for push", extra={"session_id": session.id, "type": kind})
