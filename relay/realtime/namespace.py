"""Collect what happens in one namespace: its authentication, its handlers, its sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from relay.realtime.handshake import Handshake
from relay.realtime.json_codec import dumps
from relay.realtime.packet import Packet
from relay.realtime.socket import Ack, Socket

EventHandler: TypeAlias = Callable[[Socket, object, Ack], Awaitable[None]]
RawHandler: TypeAlias = Callable[[Socket, bytes, Ack], Awaitable[None]]
FallbackHandler: TypeAlias = Callable[[Socket, str, list[object], Ack], Awaitable[None]]
Authenticator: TypeAlias = Callable[[Handshake], Awaitable[object]]
ConnectHandler: TypeAlias = Callable[[Socket], Awaitable[None]]
DisconnectHandler: TypeAlias = Callable[[Socket, str], Awaitable[None]]
#: Tell whether a socket may send an event; called before the event's handler, with its name.
EventGuard: TypeAlias = Callable[[Socket, str, Ack], bool]


@dataclass(frozen=True, slots=True)
class Registration:
    """Hold one event's handler and how it wants to be called."""

    event: str
    handler: Callable[..., Awaitable[None]]
    waiting: bool
    raw: bool


class Namespace:
    """One namespace of the server; made by ``Realtime.namespace``. Rooms add the handlers of their own events to it."""

    def __init__(self, name: str) -> None:
        if not name.startswith("/") or any(char in name for char in ",?"):
            raise ValueError(f"not the name of a namespace: {name!r}")
        self.name = name
        self.authenticator: Authenticator | None = None
        self.connect_handlers: list[ConnectHandler] = []
        self.disconnect_handlers: list[DisconnectHandler] = []
        self.fallback: FallbackHandler | None = None
        self.guard: EventGuard | None = None
        #: Packets that rooms of this namespace handed to their members since the start.
        self.deliveries = 0
        self._sockets: dict[str, Socket] = {}
        self._events: dict[bytes, Registration] = {}
        self._names: dict[str, Registration] = {}

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """Answer a live, read-only view of the connected sockets by their id."""
        return MappingProxyType(self._sockets)

    def authenticate(self, fn: Authenticator) -> None:
        """Let ``fn`` decide who may join; its answer becomes ``socket.data``.

        It raises ``Refuse`` for a CONNECT_ERROR and ``Drop`` to close the transport; any other exception is logged and
        drops too. Without an authenticator everybody may join. Raises ValueError when there is one already.
        """
        if self.authenticator is not None:
            raise ValueError(f"{self.name} has an authenticator")
        self.authenticator = fn

    def on_connect(self, fn: ConnectHandler) -> None:
        """Await ``fn`` after the CONNECT answer is queued and before any event of the socket is handled."""
        self.connect_handlers.append(fn)

    def on_disconnect(self, fn: DisconnectHandler) -> None:
        """Await ``fn`` with the reason once a socket's last event is handled and it is out of its rooms.

        Reasons: ``transport close``, ``transport error``, ``ping timeout``, ``parse error``, ``forced close``,
        ``backlog``,
        ``client namespace disconnect``, ``server namespace disconnect``, ``server shutting down``.
        """
        self.disconnect_handlers.append(fn)

    def on(
        self, event: str, handler: Callable[..., Awaitable[None]], *, waiting: bool = False, raw: bool = False
    ) -> None:
        """Call ``handler(socket, argument, ack)`` for an event, with the event's first argument.

        The argument is decoded JSON, None when absent; with ``raw`` it is the text of that JSON as it came, valid
        UTF-8,
        ``b"null"`` when absent. An ordered handler (the default) is awaited before the connection's next event and
        must not wait for another party; of a ``waiting`` one only the part before its first await is in order. Raises
        ValueError when the event has a handler already.
        """
        if event in self._names:
            raise ValueError(f"{self.name} has a handler for {event}")
        registration = Registration(event, handler, waiting, raw)
        self._names[event] = registration
        self._events[dumps(event)] = registration

    def on_other(self, handler: FallbackHandler) -> None:
        """Call ``handler(socket, event, arguments, ack)``, ordered, for every event without a handler of its own.

        Without it such events are ignored and not acknowledged. Raises ValueError when there is one already.
        """
        if self.fallback is not None:
            raise ValueError(f"{self.name} has a handler for other events")
        self.fallback = handler

    def guard_events(self, fn: EventGuard) -> None:
        """Drop events for which ``fn(socket, event, ack)`` is False; it may answer the sender itself.

        Raises ValueError when there is one already.
        """
        if self.guard is not None:
            raise ValueError(f"{self.name} has a guard")
        self.guard = fn

    def emit(self, event: str, *args: object) -> None:
        """Send an event to every socket of the namespace, encoded once."""
        if self._sockets:
            packet = Packet.event(self.name, event, *args)
            for socket in self._sockets.values():
                socket.send(packet)

    def registration(self, encoded_name: bytes) -> Registration | None:
        """Find the handler by the event's name as JSON text in its usual spelling; the layer below calls this."""
        return self._events.get(encoded_name)

    def registration_by_name(self, event: str) -> Registration | None:
        """Find the handler by the event's decoded name."""
        return self._names.get(event)

    def remember(self, socket: Socket) -> None:
        """Take a joined socket in; the layer below calls this."""
        self._sockets[socket.id] = socket

    def forget(self, socket: Socket) -> None:
        """Let a disconnected socket go; the layer below calls this."""
        self._sockets.pop(socket.id, None)
