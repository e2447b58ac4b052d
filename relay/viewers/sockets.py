"""Serve `/viewer` and `/hub`: read what browsers send and hand it to its room (sockets-browsers.md 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay import jsontext
from relay.events import Bus
from relay.realtime import Ack, Authenticator, Namespace, Packet, Socket
from relay.sessions import replay
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.viewers.commands import Commands
from relay.viewers.hub import Hub
from relay.viewers.hydration import Hydration
from relay.viewers.joining import Joining
from relay.viewers.limits import ViewerLimits
from relay.viewers.needs import ViewerNeeds
from relay.viewers.recovery import Recovery
from relay.viewers.state import Switch, ViewerState, ViewerStates, admission, cursor, number

PROTOCOL_MISMATCH: Final = (
    "This page speaks another protocol version than the relay. Until it is reloaded, some live features may fail."
)


class Viewers:
    """Own the browser side of sessions."""

    def __init__(
        self,
        viewer: Namespace,
        hub: Namespace,
        authenticate: Authenticator,
        registry: SessionRegistry,
        bus: Bus,
        needs: ViewerNeeds,
        limits: ViewerLimits | None = None,
    ) -> None:
        """Add every handler to the two namespaces; `authenticate` admits browsers (1.2)."""
        limits = limits or ViewerLimits()
        self._states = ViewerStates()
        self._hydration = Hydration(needs, Recovery(needs, limits))
        self._joining = Joining(registry, self._states, self._hydration, needs, bus)
        self._commands = Commands(self._joining, needs, limits, bus)
        viewer.authenticate(authenticate)
        viewer.on_connect(self._connected)
        viewer.on_disconnect(self._disconnected)
        viewer.on("switch_session", self._switch)
        viewer.on("connected", self._echo)
        viewer.on("viewer_visibility", self._visibility)
        viewer.on("resync", self._resync)
        viewer.on("load_messages", self._load_messages)
        viewer.on("input", self._input, waiting=True)
        viewer.on("model_set", self._model_set)
        viewer.on("exec", self._exec, raw=True)
        viewer.on("mcp_oauth_paste", self._mcp_oauth_paste)
        hub.authenticate(authenticate)
        self._hub = Hub(hub, registry, bus, limits)

    async def close(self) -> None:
        """Stop what runs on its own."""
        await self._joining.close()

    def watched(self, socket: Socket) -> AgentSession | None:
        """Answer the session that a viewer socket watches now."""
        state = self._states.get(socket)
        return None if state is None else self._joining.watched(state)

    def generation(self, socket: Socket) -> object:
        """Answer the generation to echo on what is sent to this viewer alone, None when it has none (2.1)."""
        state = self._states.get(socket)
        return None if state is None else state.generation

    def is_visible(self, session: AgentSession) -> bool:
        """Tell whether a browser said that it shows the session; one that said nothing does not count (2.3)."""
        states = [self._states.get(watcher.socket) for watcher in session.audience]
        return any(state is not None and state.visible is True for state in states)

    def exec_result(self, session: AgentSession, result: Mapping[str, object]) -> None:
        """Take note of an agent's `exec_result`; it is shown to the viewers elsewhere."""
        self._commands.exec_result(session, result)

    async def _connected(self, socket: Socket) -> None:
        state = self._states.open(socket)
        if not admission(socket).protocol_compatible:
            socket.emit("error", {"message": PROTOCOL_MISMATCH})
        session_id = _handshake_session(socket)
        if session_id:
            await self._joining.bootstrap(state, session_id)

    async def _disconnected(self, socket: Socket, _reason: str) -> None:
        state = self._states.close(socket)
        if state is not None:
            self._joining.leave(state)

    async def _switch(self, socket: Socket, payload: object, _ack: Ack) -> None:
        state, switch = self._states.get(socket), Switch.read(payload)
        if state is not None and switch is not None:
            await self._joining.switch(state, switch)

    async def _echo(self, socket: Socket, _payload: object, _ack: Ack) -> None:
        state = self._states.get(socket)
        if state is not None:
            self._hydration.echo(state, self._joining.watched(state))

    async def _visibility(self, socket: Socket, payload: object, _ack: Ack) -> None:
        state = self._states.get(socket)
        if state is not None:
            state.visible = not (isinstance(payload, dict) and payload.get("visible") is False)

    async def _resync(self, socket: Socket, payload: object, _ack: Ack) -> None:
        state, session = await self._current(socket)
        if state is None or session is None:
            return
        last_seq = cursor(payload.get("lastSeq")) if isinstance(payload, dict) else None
        self._hydration.resync(state, session, last_seq)

    async def _load_messages(self, socket: Socket, payload: object, _ack: Ack) -> None:
        """Answer a page of older messages, an empty one if there is no source (3.7)."""
        state = self._states.get(socket)
        if state is None or not isinstance(payload, dict):
            return
        session_id, before, limit = (
            payload.get("sessionId"),
            number(payload.get("before")),
            number(payload.get("limit")),
        )
        if not isinstance(session_id, str) or before is None or limit is None:
            return
        if session_id == state.session_id:
            state, session = await self._current(socket)
            if state is None or session is None:
                return
            page = replay.page(session.transcript, before, limit)
        else:
            stored = await self._joining.ended_page(state, session_id, before, limit)
            if stored is None or state.asked is None or state.asked.session_id != session_id:
                return
            page = stored
        head = {"sessionId": session_id, "hasMore": page.has_more, "oldestIndex": page.oldest}
        body = jsontext.dumps(state.stamped({**head}))[:-1] + b',"messages":' + page.messages + b"}"
        socket.send(Packet.spliced(socket.namespace.name, "session_messages_page", body))

    async def _input(self, socket: Socket, payload: object, ack: Ack) -> None:
        state = self._states.get(socket)
        if state is not None:
            await self._commands.input(state, payload, ack)

    async def _model_set(self, socket: Socket, payload: object, _ack: Ack) -> None:
        state = self._states.get(socket)
        if state is not None:
            await self._commands.model_set(state, payload)

    async def _exec(self, socket: Socket, raw: bytes, _ack: Ack) -> None:
        state = self._states.get(socket)
        if state is not None:
            self._commands.exec(state, raw)

    async def _mcp_oauth_paste(self, socket: Socket, payload: object, ack: Ack) -> None:
        state = self._states.get(socket)
        if state is not None:
            self._commands.mcp_oauth_paste(state, payload, ack)

    async def _current(self, socket: Socket) -> tuple[ViewerState | None, AgentSession | None]:
        """Answer a viewer and its session with the stored state read; no session when it watches none any more."""
        state = self._states.get(socket)
        if state is None or state.session_id is None:
            return state, None
        activation = state.activation
        await self._joining.loaded(state.session_id, state.user_id)
        return state, self._joining.watched(state) if state.is_current(activation) else None


def _handshake_session(socket: Socket) -> str:
    """Answer the session that an older client names when it connects, in `auth` or in the query (1.3)."""
    named = socket.handshake.auth.get("sessionId")
    return named if isinstance(named, str) else socket.handshake.request.query.get("sessionId", "")
