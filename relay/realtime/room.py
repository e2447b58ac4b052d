"""Send one packet to many sockets."""

from __future__ import annotations

from collections.abc import Iterator

from relay.realtime.packet import Packet
from relay.realtime.socket import Socket


class Room:
    """Hold a set of sockets of one namespace, in the order in which they came.

    A socket leaves all its rooms in the step in which it disconnects; one that is disconnected already is not taken in.
    """

    __slots__ = ("__weakref__", "_sockets")

    def __init__(self) -> None:
        # A dict keeps the order of joining, which makes deliveries deterministic.
        self._sockets: dict[Socket, None] = {}

    def add(self, socket: Socket) -> None:
        """Take a socket in; nothing happens when it is a member or is disconnected. Raises ValueError for another
        namespace.
        """
        if not socket.connected:
            return
        for member in self._sockets:
            if member.namespace is not socket.namespace:
                raise ValueError(f"a room of {member.namespace.name} takes no socket of {socket.namespace.name}")
            break
        self._sockets[socket] = None
        socket.rooms.add(self)

    def discard(self, socket: Socket) -> None:
        """Let a socket out; nothing happens when it is no member."""
        self._sockets.pop(socket, None)
        socket.rooms.discard(self)

    def clear(self) -> None:
        """Let every socket out."""
        for socket in list(self._sockets):
            self.discard(socket)

    def emit(self, event: str, *args: object) -> None:
        """Encode an event once and send it to every member; an empty room costs no encoding. Raises TypeError as
        ``Packet.event``.
        """
        for member in self._sockets:
            self.send(Packet.event(member.namespace.name, event, *args))
            return

    def send(self, packet: Packet) -> None:
        """Send the same bytes to every member."""
        for socket in self._sockets:
            socket.deliver(packet)
        for socket in self._sockets:
            socket.namespace.deliveries += len(self._sockets)
            return

    def __len__(self) -> int:
        return len(self._sockets)

    def __iter__(self) -> Iterator[Socket]:
        return iter(tuple(self._sockets))

    def __contains__(self, socket: object) -> bool:
        return socket in self._sockets
