"""Answer the events of namespace `/relay` that concern the session itself (sockets-agents.md 2).

Triggers, services and links add their own events to the namespace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

from relay import jsontext
from relay.accounts.handshake import Admission, AgentHandshake
from relay.events import Bus, HiddenModelsChanged, SubagentModelChanged
from relay.realtime import Ack, Namespace, Packet, Socket
from relay.sessions.agent import Agent
from relay.sessions.callers import same_token
from relay.sessions.ended import EndWatch
from relay.sessions.heads import read_packet
from relay.sessions.pipeline import Pipeline
from relay.sessions.registration import Registration
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.teardown import ENDED, Teardown
from relay.storage import StorageError

log = logging.getLogger(__name__)

SUBAGENT_MODEL = "subagent_model_update"
INVALID_TOKEN = {"message": "Invalid token"}


class AgentSockets:
    """Own the connects, registrations and events of agents."""

    def __init__(
        self,
        registry: SessionRegistry,
        registration: Registration,
        pipeline: Pipeline,
        teardown: Teardown,
        public_base: Callable[[web.Request], str],
        ends: EndWatch,
        bus: Bus,
    ) -> None:
        """`public_base` answers the origin of share links; `ends` hears of agents that closed without an end."""
        self._registry = registry
        self._registration = registration
        self._pipeline = pipeline
        self._teardown = teardown
        self._public_base = public_base
        self._ends = ends
        self._acked: dict[Socket, float] = {}
        self._exec_results: list[Callable[[AgentSession, dict[str, object]], None]] = []
        bus.subscribe(HiddenModelsChanged, self._hidden_models_changed)
        bus.subscribe(SubagentModelChanged, self._subagent_model_changed)

    def attach(self, namespace: Namespace, handshake: AgentHandshake) -> None:
        """Add authentication, disconnect and the events of this room to the namespace."""
        namespace.authenticate(handshake)
        namespace.on_disconnect(self._disconnected)
        namespace.on("register", self._register)
        namespace.on("event", self._event, raw=True)
        namespace.on("session_end", self._session_end)
        namespace.on("exec_result", self._exec_result)

    def on_exec_result(self, hook: Callable[[AgentSession, dict[str, object]], None]) -> None:
        """Let `hook` see every answer to an `exec`, before the viewers get it."""
        self._exec_results.append(hook)

    async def _register(self, socket: Socket, body: object, ack: Ack) -> None:
        if not isinstance(socket.data, Admission):
            return
        base = self._public_base(socket.handshake.request)
        agent = Agent.read(socket.data.user_id, socket.data.user_name, base, body if isinstance(body, dict) else {})
        self._acked.pop(socket, None)
        try:
            await self._registration.register(socket, agent)
        except StorageError as error:
            # An agent comes back after a transport loss and after nothing else (1.3).
            log.warning("registration put off", extra={"reason": str(error)})
            socket.close_transport()

    async def _event(self, socket: Socket, data: object, ack: Ack) -> None:
        """Acknowledge an event at once, then queue it (2.4)."""
        packet = read_packet(data) if isinstance(data, bytes) else None
        session = self._registry.by_socket(socket)
        if packet is None or session is None or not _holds(session, packet.token):
            socket.emit("error", INVALID_TOKEN)
            return
        seq = jsontext.finite(packet.seq)
        if seq is not None:
            acked = max(self._acked.get(socket, 0), seq)
            self._acked[socket] = acked
            socket.send(_event_ack(session.id, acked))
        event = bytes(packet.event)
        if not event.startswith(b"{"):
            return
        self._pipeline.push(session, session.token, event)
        if session.queue.full:
            await session.queue.room()

    async def _session_end(self, socket: Socket, body: object, ack: Ack) -> None:
        session = self._registry.by_socket(socket)
        if session is None or not isinstance(body, dict) or not _holds(session, body.get("token")):
            socket.emit("error", INVALID_TOKEN)
            return
        token = session.token
        self._registry.detach(socket)
        await self._teardown.end(session, ENDED, terminal=True, ended_by=self._ends.how(session), token=token)

    async def _exec_result(self, socket: Socket, body: object, ack: Ack) -> None:
        session = self._registry.by_socket(socket)
        if session is None or not isinstance(body, dict):
            return
        for hook in self._exec_results:
            hook(session, body)
        session.audience.emit("exec_result", {**body, "sessionId": session.id})

    async def _disconnected(self, socket: Socket, reason: str) -> None:
        """End the session of a closed agent at once, unless the relay itself stops (2.10)."""
        self._acked.pop(socket, None)
        session = self._registry.detach(socket)
        if session is None or reason == "server shutting down":
            return
        token = session.token
        await self._teardown.end(session, ENDED, terminal=False, token=token)
        self._ends.agent_left(session)

    def _hidden_models_changed(self, event: HiddenModelsChanged) -> None:
        self._tell(event.user_id, "hidden_models_update", {"hiddenModels": list(event.hidden_models)})

    def _subagent_model_changed(self, event: SubagentModelChanged) -> None:
        self._tell(event.user_id, SUBAGENT_MODEL, {"model": event.model})

    def _tell(self, user_id: str, event: str, body: dict[str, object]) -> None:
        packet = Packet.event("/relay", event, body)
        for session in self._registry.of_user(user_id):
            if session.socket is not None:
                session.socket.send(packet)


def _holds(session: AgentSession, token: object) -> bool:
    """Tell whether a token is the session's; one that is being replaced has none that anybody could hold."""
    return isinstance(token, str) and same_token(session.token, token)


def _event_ack(session_id: str, seq: float) -> Packet:
    number = b"%d" % seq if isinstance(seq, int) else jsontext.dumps(seq)
    return Packet(
        (b'42/relay,["event_ack",{"sessionId":', jsontext.dumps(session_id), b',"seq":', number, b"}]"),
    )
