"""Carry `service_message` between browsers, agents and the services of a runner.

Sources: sockets-agents.md 2.15 and 3.7, sockets-browsers.md 6.1 to 6.3. The relay never looks into a payload and
reports no failure; clients use timeouts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay.clock import Clock
from relay.realtime import Ack, Namespace, Packet, Socket
from relay.runners.registry import RunnerRegistry
from relay.services.envelope import Envelope
from relay.services.ownership import owns, sessions_of
from relay.services.rate import SocketRate
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

log = logging.getLogger(__name__)

EVENT: Final = "service_message"
#: Services that repeat all their traffic without an address; nobody reads the repetition (sockets-browsers.md 6.3).
MIRRORED: Final = frozenset(("terminal", "file-explorer"))

#: Answer the session that a viewer's socket watches.
Watched = Callable[[Socket], AgentSession | None]


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """Bound what one socket sends to services: bytes of a stamped envelope, and their rate (sockets-browsers.md 9)."""

    size: int = 262_144
    most: int = 50
    seconds: float = 1.0


class ServiceMessages:
    """Pass envelopes on, stamped with the session they belong to."""

    def __init__(
        self,
        runners: RunnerRegistry,
        sessions: SessionRegistry,
        watched: Watched,
        clock: Clock,
        limits: MessageLimits | None = None,
    ) -> None:
        self._runners = runners
        self._sessions = sessions
        self._watched = watched
        self._limits = limits or MessageLimits()
        self._rate = SocketRate(clock, most=self._limits.most, seconds=self._limits.seconds)

    def attach(self, runner: Namespace, viewer: Namespace, relay: Namespace) -> None:
        """Add the event to `/runner`, `/viewer` and `/relay`."""
        runner.on(EVENT, self._from_runner, raw=True)
        viewer.on(EVENT, self._from_viewer, raw=True)
        relay.on(EVENT, self._from_agent, raw=True)

    async def _from_viewer(self, socket: Socket, text: bytes, ack: Ack) -> None:
        self._to_runner(socket, self._watched(socket), text)

    async def _from_agent(self, socket: Socket, text: bytes, ack: Ack) -> None:
        self._to_runner(socket, self._sessions.by_socket(socket), text)

    async def _from_runner(self, socket: Socket, text: bytes, ack: Ack) -> None:
        runner = self._runners.socket_runner(socket)
        envelope = None if runner is None else Envelope.parse(text)
        if runner is None or envelope is None:
            return
        session_id = envelope.text("sessionId")
        if session_id is None:
            if envelope.text("serviceId") not in MIRRORED:
                for session in sessions_of(runner, self._sessions):
                    _deliver(session, envelope)
            return
        addressed = self._sessions.get(session_id)
        if addressed is None or not owns(runner, addressed):
            log.warning(
                "service message for a session that is not the runner's",
                extra={"runner_id": runner.runner_id, "session_id": session_id},
            )
            return
        _deliver(addressed, envelope)

    def _to_runner(self, socket: Socket, session: AgentSession | None, text: bytes) -> None:
        """Send an envelope to the session's runner; failures are silent, in the order of sockets-browsers.md 6.2."""
        if session is None:
            return
        # The exact limit is on the stamped text; this one keeps a huge text from being taken apart first.
        envelope = Envelope.parse(text) if len(text) <= 2 * self._limits.size else None
        if envelope is None:
            return
        stamped = envelope.stamped(session.id)
        if len(stamped) > self._limits.size:
            log.info("service message is too large", extra={"session_id": session.id, "size": len(stamped)})
            return
        if not self._rate.allows(socket) or not session.collab_mode or session.runner_id is None:
            return
        runner = self._runners.get(session.runner_id)
        if runner is not None and runner.user_id == session.user_id:
            runner.socket.send(Packet.spliced("/runner", EVENT, stamped))


def _deliver(session: AgentSession, envelope: Envelope) -> None:
    """Send a copy stamped with the session's id to its viewers and to its agent."""
    watched = len(session.audience) > 0
    agent = session.socket if session.connected else None
    if not watched and agent is None:
        return
    stamped = envelope.stamped(session.id)
    if watched:
        session.audience.send(Packet.spliced("/viewer", EVENT, stamped))
    if agent is not None:
        agent.send(Packet.spliced("/relay", EVENT, stamped))
