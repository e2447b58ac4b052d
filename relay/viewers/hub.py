"""Serve `/hub`: the list of a user's sessions and their meta state (sockets-browsers.md 4)."""

from __future__ import annotations

from collections import OrderedDict

from relay.events import Bus, SessionAdded, SessionRemoved, SessionStatus
from relay.realtime import Ack, Namespace, Room, Socket
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.viewers.limits import ViewerLimits
from relay.viewers.state import admission


class Hub:
    """Own the rooms of `/hub`, one per user, and the meta subscriptions of its sockets."""

    def __init__(self, namespace: Namespace, registry: SessionRegistry, bus: Bus, limits: ViewerLimits) -> None:
        self._registry = registry
        self._limits = limits
        self._rooms: dict[str, Room] = {}
        self._subscriptions: dict[Socket, OrderedDict[str, None]] = {}
        namespace.on_connect(self._connected)
        namespace.on_disconnect(self._disconnected)
        namespace.on("subscribe_session_meta", self._subscribe)
        namespace.on("unsubscribe_session_meta", self._unsubscribe)
        bus.subscribe(SessionAdded, self._added)
        bus.subscribe(SessionRemoved, self._removed)
        bus.subscribe(SessionStatus, self._status)

    async def _connected(self, socket: Socket) -> None:
        """Join the user's room and show the whole list, in one step so that no later change is missed."""
        user_id = admission(socket).user_id
        self._subscriptions[socket] = OrderedDict()
        self._rooms.setdefault(user_id, Room()).add(socket)
        socket.emit("sessions", {"sessions": [session.info() for session in self._registry.of_user(user_id)]})

    async def _disconnected(self, socket: Socket, _reason: str) -> None:
        self._subscriptions.pop(socket, None)
        user_id = admission(socket).user_id
        room = self._rooms.get(user_id)
        if room is not None:
            room.discard(socket)
            if not len(room):
                del self._rooms[user_id]

    async def _subscribe(self, socket: Socket, payload: object, _ack: Ack) -> None:
        """Join a session's meta room and answer its state, every time (4.4); a session not owned is ignored."""
        session_id = _session_id(payload)
        if session_id is None:
            return
        session = self._registry.owned(session_id, admission(socket).user_id)
        remembered = self._subscriptions.get(socket)
        if session is None or remembered is None:
            return
        remembered[session_id] = None
        remembered.move_to_end(session_id)
        if len(remembered) > self._limits.subscriptions:
            oldest, _ = remembered.popitem(last=False)
            self._leave(socket, oldest)
        self._enter(socket, session)

    async def _unsubscribe(self, socket: Socket, payload: object, _ack: Ack) -> None:
        session_id = _session_id(payload)
        remembered = self._subscriptions.get(socket)
        if session_id is not None and remembered is not None and session_id in remembered:
            del remembered[session_id]
            self._leave(socket, session_id)

    @staticmethod
    def _enter(socket: Socket, session: AgentSession) -> None:
        session.meta_audience.add(socket)
        socket.emit("state_snapshot", {"sessionId": session.id, "state": session.meta.snapshot()})

    def _leave(self, socket: Socket, session_id: str) -> None:
        self._registry.meta_room(session_id).discard(socket)

    def _added(self, event: SessionAdded) -> None:
        """Announce a session; who was subscribed to its earlier run learns what is left of its meta state."""
        room = self._rooms.get(event.user_id)
        if room is not None:
            room.emit("session_added", dict(event.info))
        session = self._registry.owned(event.session_id, event.user_id)
        if session is None:
            return
        for socket in session.meta_audience:
            # Should an id change hands, whoever followed its former session must not follow this one.
            if admission(socket).user_id != event.user_id:
                session.meta_audience.discard(socket)
        for socket in room or ():
            if event.session_id in self._subscriptions.get(socket, ()):
                self._enter(socket, session)

    def _removed(self, event: SessionRemoved) -> None:
        room = self._rooms.get(event.user_id)
        if room is not None:
            room.emit("session_removed", {"sessionId": event.session_id})

    def _status(self, event: SessionStatus) -> None:
        room = self._rooms.get(event.user_id)
        if room is not None:
            room.emit("session_status", dict(event.fields))


def _session_id(payload: object) -> str | None:
    if not isinstance(payload, dict):
        return None
    session_id = payload.get("sessionId")
    return session_id if isinstance(session_id, str) and session_id else None
