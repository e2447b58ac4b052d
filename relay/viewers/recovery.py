"""Ask a session's agent for a fresh snapshot (sockets-browsers.md 3.4; sockets-agents.md 2.6.1)."""

from __future__ import annotations

import logging
import uuid
from weakref import WeakKeyDictionary

from relay.realtime import Socket
from relay.sessions.session import AgentSession
from relay.viewers.limits import ViewerLimits
from relay.viewers.needs import ViewerNeeds

log = logging.getLogger(__name__)


class Recovery:
    """Send recovery signals; the agent's answer goes through the pipeline to everybody who watches."""

    def __init__(self, needs: ViewerNeeds, limits: ViewerLimits) -> None:
        self._needs = needs
        self._limits = limits
        self._askers: WeakKeyDictionary[AgentSession, tuple[str, str]] = WeakKeyDictionary()

    def signal(self, session: AgentSession, asker: Socket, *, activation: bool) -> bool:
        """Ask for a snapshot on behalf of a viewer in the audience; answer False when no agent is connected.

        A signal of a moment ago that is not answered yet is shared: its answer will reach this viewer too. Only a new
        `activation` of the viewer that sent it asks again, because that is a browser's retry.
        """
        agent = session.socket
        if agent is None or not agent.connected:
            return False
        now = self._needs.clock.monotonic()
        nonce, first_asker = self._askers.get(session, (None, None))
        pending = session.nonce is not None and session.nonce == nonce
        age = now - (session.nonce_until - self._needs.limits.nonce_life)
        if pending and age < self._limits.recovery_shared_for and not (activation and first_asker == asker.id):
            return True
        session.nonce = str(uuid.uuid4())
        session.nonce_until = now + self._needs.limits.nonce_life
        self._askers[session] = (session.nonce, asker.id)
        agent.emit("connected", {"recoveryNonce": session.nonce})
        log.info("asked the agent for a snapshot", extra={"session_id": session.id})
        return True
