"""Speak Socket.IO 5 on one connection: join namespaces, dispatch events, collect attachments, end sockets."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from relay.realtime import socket_codec
from relay.realtime.connection import Connection
from relay.realtime.errors import CodecError, Drop, Refuse
from relay.realtime.handshake import Handshake
from relay.realtime.json_codec import check_utf8, loads, split_array
from relay.realtime.namespace import Namespace, Registration
from relay.realtime.packet import Packet
from relay.realtime.socket import Ack, Socket
from relay.realtime.socket_codec import Head

log = logging.getLogger(__name__)

OverflowHook: TypeAlias = Callable[[Socket], None]


class Peer:
    """The Socket.IO side of one connection; it is the listener of the connection and the carrier of its sockets."""

    def __init__(
        self, connection: Connection, namespaces: Mapping[str, Namespace], overflow_hooks: list[OverflowHook]
    ) -> None:
        self._connection = connection
        self._namespaces = namespaces
        self._overflow_hooks = overflow_hooks
        self._sockets: dict[bytes, Socket] = {}
        self._partial: Head | None = None
        self._attachments: list[bytes] = []
        self._running: Socket | None = None
        self._deferred: Socket | None = None
        self._waiting: dict[asyncio.Task[None], Socket] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self.send = connection.send

    # What the connection calls.

    async def text(self, data: bytes) -> None:
        """Handle one packet; raise CodecError when it is malformed."""
        if self._partial is not None:
            raise CodecError("a packet came before the attachments of the one before")
        head = socket_codec.decode(data, 1)
        kind = head.kind
        if kind == socket_codec.EVENT:
            socket = self._sockets.get(head.namespace)
            if socket is not None:
                await self._event(socket, head, ())
            else:
                self._astray()
        elif kind == socket_codec.ACK:
            check_utf8(head.body)
            self._acknowledged(head, ())
        elif kind == socket_codec.CONNECT:
            await self._join(head)
        elif kind == socket_codec.DISCONNECT:
            await self._leave(head)
        elif kind == socket_codec.CONNECT_ERROR:
            raise CodecError("CONNECT_ERROR from a client")
        else:
            await self._begin_binary(head)

    async def binary(self, data: bytes) -> None:
        """Take an attachment; raise CodecError when none is expected."""
        head = self._partial
        if head is None:
            raise CodecError("an attachment without a packet")
        self._attachments.append(data)
        if len(self._attachments) == head.attachments:
            attachments, self._attachments = self._attachments, []
            self._partial = None
            await self._complete(head, attachments)

    async def closed(self, reason: str) -> None:
        """End every socket: first all leave their rooms, then their disconnect handlers run one after the other."""
        sockets = list(self._sockets.values())
        self._sockets.clear()
        for socket in sockets:
            if socket.connected:
                socket.detach()
        for socket in sockets:
            await self._finish(socket, reason)
        if self._endings:
            await asyncio.wait(self._endings)

    def overflowed(self) -> None:
        """Tell the hooks about every socket of a connection that is about to be cut."""
        for socket in self._sockets.values():
            for hook in self._overflow_hooks:
                try:
                    hook(socket)
                except Exception:
                    log.exception("an overflow hook failed", extra={"namespace": socket.namespace.name})

    # What sockets call.

    def end(self, socket: Socket) -> None:
        """Finish a socket that the server disconnected: after its ordered handler if one runs, else in a task."""
        self._forget(socket)
        if self._running is socket:
            self._deferred = socket
        else:
            task = asyncio.get_running_loop().create_task(self._finish(socket, "server namespace disconnect"))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

    def close_transport(self) -> None:
        """Close the connection without Socket.IO packets."""
        self._connection.close("forced close")

    def in_ordered_handler(self, socket: Socket) -> bool:
        """Answer whether the running task is the one that reads this connection."""
        return asyncio.current_task() is self._connection.task

    async def drained(self, below: int, within: float) -> None:
        """Wait until at most ``below`` bytes are queued."""
        await self._connection.drained(below, within)

    @property
    def backlog(self) -> int:
        """Answer the queued bytes."""
        return self._connection.queued

    # Joining and leaving.

    async def _join(self, head: Head) -> None:
        name = _decode(head.namespace)
        check_utf8(head.body)
        auth = socket_codec.decode_auth(head.body)
        if head.namespace in self._sockets:
            # The JavaScript library sends CONNECT twice when `connect()` is called before the first answer came, as the
            # PizzaPi UI does; a second answer would make it connect twice.
            log.debug("CONNECT for a joined namespace", extra={"namespace": name})
            return
        if len(self._sockets) >= self._connection.config.max_namespaces:
            raise CodecError("too many namespaces")
        namespace = self._namespaces.get(name)
        if namespace is None:
            self.send(Packet.connect_error(name, "Invalid namespace"))
            return
        request = self._connection.request
        handshake = Handshake(request, auth, self._connection.address, request.headers.get("Origin"))
        try:
            data = await self._authenticate(namespace, handshake)
        except Refuse as refusal:
            self.send(Packet.connect_error(name, refusal.message, refusal.data))
            return
        except Drop:
            self._connection.close("forced close")
            return
        except Exception:
            log.exception("authentication failed", extra={"namespace": name})
            self._connection.close("forced close")
            return
        if self._connection.reason is not None:
            return
        socket = Socket(secrets.token_urlsafe(15), namespace, self, handshake, data)
        self.send(Packet.connect(name, socket.id))
        self._sockets[head.namespace] = socket
        namespace.remember(socket)
        self._connection.mark_joined()
        # The answer arrives alone: a client that looks at one message per read, as the protocol's own test suite
        # does, would
        # miss what a handler emits right behind it.
        self._connection.hold(self._connection.config.connect_gap)
        for handler in namespace.connect_handlers:
            if socket.connected:
                await self._run_ordered(socket, handler(socket))

    async def _authenticate(self, namespace: Namespace, handshake: Handshake) -> object:
        if namespace.authenticator is None:
            return None
        async with asyncio.timeout(self._connection.config.connect_timeout):
            return await namespace.authenticator(handshake)

    async def _leave(self, head: Head) -> None:
        socket = self._sockets.get(head.namespace)
        if socket is not None:
            self._forget(socket)
            socket.detach()
            await self._finish(socket, "client namespace disconnect")

    def _astray(self) -> None:
        """Ignore a packet for a namespace that was just left; refuse it from a stranger, as the reference does."""
        if not self._connection.is_joined:
            raise CodecError("an event for a namespace that was not joined")

    def _forget(self, socket: Socket) -> None:
        self._sockets.pop(socket.namespace.name.encode(), None)

    # Events and acknowledgements.

    async def _begin_binary(self, head: Head) -> None:
        if head.attachments > self._connection.config.max_attachments:
            raise CodecError("too many attachments")
        if head.namespace not in self._sockets:
            self._astray()
        if head.attachments:
            self._partial = head
        else:
            await self._complete(head, [])

    async def _complete(self, head: Head, attachments: list[bytes]) -> None:
        if head.kind == socket_codec.BINARY_ACK:
            check_utf8(head.body)
            self._acknowledged(head, attachments)
            return
        socket = self._sockets.get(head.namespace)
        if socket is not None:
            await self._event(socket, head, attachments)

    def _acknowledged(self, head: Head, attachments: list[bytes] | tuple[()]) -> None:
        socket = self._sockets.get(head.namespace)
        if socket is None:
            self._astray()
        elif head.ack_id is None:
            raise CodecError("an acknowledgement without a number")
        else:
            socket.settle(head.ack_id, socket_codec.decode_array(head.body, attachments))

    async def _event(self, socket: Socket, head: Head, attachments: list[bytes] | tuple[()]) -> None:
        body = head.body
        check_utf8(body)
        parts = split_array(body)
        if not parts:
            raise CodecError("an event without a name")
        encoded_name = bytes(parts[0])
        namespace = socket.namespace
        ack = Ack(socket, head.ack_id)
        registration = namespace.registration(encoded_name)
        if registration is None:
            name = loads(encoded_name)
            if not isinstance(name, str):
                raise CodecError("the name of an event is no string")
            registration = namespace.registration_by_name(name)
            if registration is None:
                if namespace.fallback is not None and (namespace.guard is None or namespace.guard(socket, name, ack)):
                    arguments = socket_codec.decode_array(body, attachments)[1:]
                    await self._run_ordered(socket, namespace.fallback(socket, name, arguments, ack))
                return
        if namespace.guard is not None and not namespace.guard(socket, registration.event, ack):
            return
        argument: object
        if registration.raw:
            argument = bytes(parts[1]) if len(parts) > 1 else b"null"
        elif len(parts) < 2:
            argument = None
        else:
            argument = loads(bytes(parts[1]))
            if attachments:
                argument = socket_codec.fill_placeholders(argument, attachments)
        if registration.waiting:
            await self._run_waiting(socket, registration, argument, ack)
        else:
            await self._run_ordered(socket, registration.handler(socket, argument, ack))

    async def _run_ordered(self, socket: Socket, call: Awaitable[None]) -> None:
        """Await a handler in the receive loop; a failure is logged and ends nothing."""
        self._running = socket
        try:
            await call
        except Exception:
            log.exception("a handler failed", extra={"namespace": socket.namespace.name})
        finally:
            self._running = None
            if self._deferred is not None:
                self._deferred = None
                await self._finish(socket, "server namespace disconnect")

    async def _run_waiting(self, socket: Socket, registration: Registration, argument: object, ack: Ack) -> None:
        """Start a handler as a task and come back when it has run to its first await."""
        limit = self._connection.config.waiting_tasks
        while len(self._waiting) >= limit:
            await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
        if socket.connected:
            call = registration.handler(socket, argument, ack)
            task = asyncio.get_running_loop().create_task(self._guard(socket, call))
            self._waiting[task] = socket
            task.add_done_callback(lambda done: self._waiting.pop(done, None))
            # The loop is first in, first out: the task's first step runs before this coroutine goes on.
            await asyncio.sleep(0)

    async def _guard(self, socket: Socket, call: Awaitable[None]) -> None:
        try:
            await call
        except Exception:
            log.exception("a waiting handler failed", extra={"namespace": socket.namespace.name})

    async def _finish(self, socket: Socket, reason: str) -> None:
        """Cancel what a detached socket left running, then run its disconnect handlers."""
        left = [task for task, owner in self._waiting.items() if owner is socket]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=self._connection.config.handler_grace)
        for handler in socket.namespace.disconnect_handlers:
            try:
                await handler(socket, reason)
            except Exception:
                log.exception("a disconnect handler failed", extra={"namespace": socket.namespace.name})


def _decode(name: bytes) -> str:
    """Answer the name of a namespace; raise CodecError when it is not UTF-8."""
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise CodecError("the name of a namespace is not UTF-8") from error
