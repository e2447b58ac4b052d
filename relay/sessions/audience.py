"""Know who watches a session; the viewers room puts sockets in, the pipeline sends to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.realtime import Packet, Room, Socket


@dataclass(slots=True, eq=False)
class Watcher:
    """Describe one viewer of one session; `generation` is echoed on what is sent to it alone (2.1)."""

    socket: Socket
    session_id: str
    generation: object = None
    #: The chunk stream whose header it received; another stream's chunks mean nothing to it (3.5).
    stream: str | None = None


class Audience:
    """Hold the viewers of one session."""

    def __init__(self) -> None:
        self.room = Room()
        self._watchers: dict[Socket, Watcher] = {}

    def __len__(self) -> int:
        return len(self.room)

    def __iter__(self) -> Iterator[Watcher]:
        return iter([watcher for socket, watcher in self._watchers.items() if socket in self.room])

    def add(self, watcher: Watcher) -> None:
        """Let a viewer watch; a newer activation of the same socket takes the older one's place."""
        self._watchers[watcher.socket] = watcher
        self.room.add(watcher.socket)

    def discard(self, socket: Socket) -> None:
        """Let a viewer leave; harmless when it does not watch."""
        self._watchers.pop(socket, None)
        self.room.discard(socket)

    def send(self, packet: Packet) -> None:
        """Send one packet to every viewer."""
        self.room.send(packet)

    def emit(self, event: str, *args: object) -> None:
        """Send an event to every viewer, encoded once."""
        if len(self.room):
            self.room.send(Packet.event("/viewer", event, *args))

    def clear(self) -> list[Socket]:
        """Let everybody leave; answer who was there."""
        sockets = list(self.room)
        for socket in sockets:
            self.discard(socket)
        self._watchers.clear()
        return sockets
