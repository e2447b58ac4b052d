"""Represent one client in one namespace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from relay.realtime.errors import AckTimeout, SocketGone
from relay.realtime.handshake import Handshake
from relay.realtime.packet import Packet

if TYPE_CHECKING:
    from relay.realtime.namespace import Namespace


class Carrier(Protocol):
    """What a socket needs from the connection that it lives on."""

    def send(self, packet: Packet) -> None:
        """Queue a packet; it leaves at the end of this turn of the event loop."""

    def end(self, socket: Socket) -> None:
        """Run the rest of the end of a socket that the server disconnected."""

    def close_transport(self) -> None:
        """Close the whole connection without Socket.IO packets."""

    def in_ordered_handler(self, socket: Socket) -> bool:
        """Answer whether the running task is an ordered handler of this socket."""

    async def drained(self, below: int, within: float) -> None:
        """Wait until at most ``below`` bytes are queued."""

    @property
    def backlog(self) -> int:
        """Answer the bytes that are queued and not yet written."""


class Membership(Protocol):
    """What a socket knows of a room that it is in."""

    def discard(self, socket: Socket) -> None:
        """Let the socket out."""


class Socket:
    """One client that has joined one namespace; its methods do nothing once it is disconnected.

    ``id`` is the Socket.IO session id, ``data`` what the authenticator answered, ``rooms`` the rooms it is in,
    ``deliver`` is
    ``send`` for callers that know that the socket is connected.
    """

    __slots__ = (
        "__weakref__",
        "_calls",
        "_carrier",
        "_next_call",
        "connected",
        "data",
        "deliver",
        "handshake",
        "id",
        "namespace",
        "rooms",
    )

    def __init__(self, sid: str, namespace: Namespace, carrier: Carrier, handshake: Handshake, data: object) -> None:
        self.id = sid
        self.namespace = namespace
        self.handshake = handshake
        self.data = data
        self.connected = True
        self.rooms: set[Membership] = set()
        self._carrier = carrier
        # Rooms call this directly: their members are connected, and one call less per delivery counts.
        self.deliver = carrier.send
        self._calls: dict[int, asyncio.Future[list[object]]] = {}
        self._next_call = 0

    def __repr__(self) -> str:
        return f"<Socket {self.namespace.name} {self.id}>"

    def emit(self, event: str, *args: object) -> None:
        """Send an event with JSON-able arguments; bytes in them become binary attachments. Raises TypeError for other
        values.
        """
        if self.connected:
            self._carrier.send(Packet.event(self.namespace.name, event, *args))

    def send(self, packet: Packet) -> None:
        """Send a packet that was encoded for this socket's namespace."""
        if self.connected:
            self._carrier.send(packet)

    async def call(self, event: str, *args: object, timeout: float) -> list[object]:
        """Send an event and answer the arguments of the client's acknowledgement, waiting ``timeout`` seconds at most.

        Raises AckTimeout, SocketGone when the socket is or becomes disconnected, and RuntimeError from an ordered
        handler of this same socket: the acknowledgement could not be read while that handler runs.
        """
        if self._carrier.in_ordered_handler(self):
            raise RuntimeError("an ordered handler waits for its own client: declare the handler with waiting=True")
        answer = self.ask(event, *args)
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError as error:
            raise AckTimeout(f"no acknowledgement of {event} within {timeout} s") from error
        finally:
            answer.cancel()

    def ask(self, event: str, *args: object) -> asyncio.Future[list[object]]:
        """Send an event and answer the future of its acknowledgement, for callers that wait for many at once.

        It fails with SocketGone. Whoever does not wait any longer cancels it.
        """
        answer: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()
        if not self.connected:
            answer.set_exception(SocketGone(f"{self!r} is disconnected"))
            # A caller that does not look is no error of its own.
            answer.exception()
            return answer
        number, self._next_call = self._next_call, self._next_call + 1
        packet = Packet.call(self.namespace.name, number, event, args)
        self._calls[number] = answer
        answer.add_done_callback(lambda _: self._calls.pop(number, None))
        self._carrier.send(packet)
        return answer

    def disconnect(self) -> None:
        """End this namespace with a DISCONNECT packet; other namespaces of the connection stay (sockets-browsers.md
        1.1).
        """
        if self.connected:
            self._carrier.send(Packet.disconnect(self.namespace.name))
            self.detach()
            self._carrier.end(self)

    def close_transport(self) -> None:
        """Close the whole connection without packets: the client's library connects again by itself."""
        self._carrier.close_transport()

    async def drained(self, below: int = 0, *, timeout: float) -> None:
        """Wait until at most ``below`` bytes are queued for the connection, or it ends.

        Raises TimeoutError after ``timeout`` seconds. Pace a long series of packets with it, so that they do not count
        as backlog.
        """
        await self._carrier.drained(below, timeout)

    @property
    def backlog(self) -> int:
        """Answer the bytes that are queued for the connection and not yet written."""
        return self._carrier.backlog

    def settle(self, number: int, args: list[object]) -> None:
        """Hand the arguments of an acknowledgement to the call that waits for it; a late or unknown one is ignored."""
        answer = self._calls.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(args)

    def detach(self) -> None:
        """Leave the namespace and every room and fail the waiting calls, in one step; the layer below calls this."""
        self.connected = False
        self.namespace.forget(self)
        for room in list(self.rooms):
            room.discard(self)
        calls, self._calls = self._calls, {}
        for answer in calls.values():
            if not answer.done():
                answer.set_exception(SocketGone(f"{self!r} disconnected"))
                # A caller that was cancelled never looks; that is no error of its own.
                answer.exception()


class Ack:
    """Acknowledge one event, at most once; nothing is ever acknowledged automatically."""

    __slots__ = ("_number", "_socket")

    def __init__(self, socket: Socket, number: int | None) -> None:
        self._socket = socket
        self._number = number

    @property
    def wanted(self) -> bool:
        """Answer whether the client waits for an acknowledgement that was not sent yet."""
        return self._number is not None

    def __call__(self, *args: object) -> None:
        """Send the acknowledgement; nothing happens when none is wanted, or a second time. Raises TypeError as
        ``emit``.
        """
        number = self._number
        if number is not None:
            self._number = None
            self._socket.send(Packet.ack(self._socket.namespace.name, number, args))
