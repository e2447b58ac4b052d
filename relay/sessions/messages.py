"""Carry messages from session to session (sockets-agents.md 2.12)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from relay.clock import Clock
from relay.realtime import Ack, Namespace, Socket
from relay.sessions.callers import FOREIGN_TARGET, CallFailed, Payload, answered, sender, text
from relay.sessions.limits import SessionLimits
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

log = logging.getLogger(__name__)

NOT_CONNECTED: Final = "Target session not found or not connected"
NO_LONGER_A_CHILD: Final = "Sender is no longer a child of the target session (linked relationship is broken or stale)"
NOT_A_CHILD: Final = "Target session is not a child of the sender (linked relationship is broken or stale)"
#: What is put into the target's conversation instead of its passive inbox; 0.52.0 reads only the former.
_AS_INPUT: Final = ("input", "steer")
#: Seconds for which the client waits for an error of such a message (2.12).
_ERROR_WINDOW: Final = 3.0

#: Tell whether a session was spawned for a user here and may not have registered yet: `(session_id, user_id)`.
IsRecent = Callable[[str, str], bool]


class Messages:
    """Own `session_message`. There is no positive answer: silence within 3 s is success for the client."""

    def __init__(
        self, registry: SessionRegistry, links: Links, clock: Clock, limits: SessionLimits, is_recent: IsRecent
    ) -> None:
        self._registry = registry
        self._links = links
        self._clock = clock
        self._limits = limits
        self._is_recent = is_recent

    def attach(self, namespace: Namespace) -> None:
        """Add the event to `/relay`."""
        namespace.on("session_message", answered(self.message), waiting=True)

    async def message(self, socket: Socket, payload: Payload, ack: Ack) -> None:
        """Deliver a message to another session of the same user, or tell the sender at once why not."""
        origin = sender(self._registry, socket, payload)
        target_id, message = text(payload, "targetSessionId"), text(payload, "message")
        if not target_id or not message:
            raise CallFailed("session_message requires targetSessionId and message")
        deliver_as = payload.get("deliverAs")
        began = self._clock.monotonic()
        try:
            target = await self._target(origin, target_id)
            self._authorise(origin, target, deliver_as)
            self._deliver(origin, target, message, deliver_as)
        except CallFailed as failure:
            log.info("message not delivered", extra={"session_id": origin.id, "reason": failure.message})
            # By now the client has taken silence for success; a late error would be read as one of its next message.
            if deliver_as not in _AS_INPUT or self._clock.monotonic() - began < _ERROR_WINDOW:
                socket.emit("session_message_error", {"targetSessionId": target_id, "error": failure.message})
            raise

    async def _target(self, origin: AgentSession, target_id: str) -> AgentSession:
        """Answer the live target; one just spawned for the user is waited for."""
        target = self._registry.get(target_id)
        if target is None and self._is_recent(target_id, origin.user_id):
            target = await self._registry.connected(target_id, self._limits.just_spawned)
        if target is None:
            raise CallFailed(NOT_CONNECTED, tell=False)
        if target.user_id != origin.user_id:
            raise CallFailed(FOREIGN_TARGET, tell=False)
        return target

    def _authorise(self, origin: AgentSession, target: AgentSession, deliver_as: object) -> None:
        if origin.links.parent_id == target.id and not self._links.is_child(target.id, origin.id):
            raise CallFailed(NO_LONGER_A_CHILD, tell=False)
        child_only = deliver_as in _AS_INPUT or target.links.parent_id == origin.id
        if child_only and not self._links.is_child(origin.id, target.id):
            raise CallFailed(NOT_A_CHILD, tell=False)

    def _deliver(self, origin: AgentSession, target: AgentSession, message: str, deliver_as: object) -> None:
        if target.socket is None or not target.connected:
            raise CallFailed(NOT_CONNECTED, tell=False)
        if deliver_as in _AS_INPUT:
            target.socket.emit(
                "input",
                {
                    "text": message,
                    "attachments": [],
                    "client": "agent",
                    "deliverAs": "steer" if deliver_as == "steer" else "followUp",
                },
            )
        else:
            target.socket.emit(
                "session_message", {"fromSessionId": origin.id, "message": message, "ts": self._clock.now_iso()}
            )
