"""Put Engine.IO and Socket.IO together: the server that an application mounts."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from relay.clock import Clock
from relay.realtime.config import RealtimeConfig
from relay.realtime.connection import Connection
from relay.realtime.engine import Engine
from relay.realtime.namespace import Namespace
from relay.realtime.peer import OverflowHook, Peer
from relay.realtime.traffic import Traffic


class Realtime:
    """Serve Socket.IO 5 over Engine.IO 4 on one path (realtime.md)."""

    def __init__(
        self,
        config: RealtimeConfig,
        clock: Clock,
        *,
        client_ip: Callable[[web.Request], str],
        allow_origin: Callable[[web.Request, str], bool],
    ) -> None:
        """``client_ip`` answers whom the limits count against (rest-account.md 12.5).

        ``allow_origin(request, origin)`` decides whether an answer carries CORS headers; it refuses nothing, since an
        origin is judged when a namespace is joined (sockets-browsers.md 1.2). Times are the event loop's, which
        ``clock`` cannot move.
        """
        self.config = config
        self.clock = clock
        self._namespaces: dict[str, Namespace] = {}
        self._overflow_hooks: list[OverflowHook] = []
        self._engine = Engine(config, self._listener, client_ip=client_ip, allow_origin=allow_origin)

    def namespace(self, name: str) -> Namespace:
        """Answer the namespace of that name (``/viewer``), made on first use. Raises ValueError for a bad one."""
        found = self._namespaces.get(name)
        if found is None:
            found = self._namespaces[name] = Namespace(name)
        return found

    def on_overflow(self, hook: OverflowHook) -> None:
        """Call ``hook`` with each socket of a connection that is about to be cut because its peer does not read."""
        self._overflow_hooks.append(hook)

    @property
    def connections(self) -> int:
        """Answer the number of open connections."""
        return len(self._engine.connections)

    @property
    def traffic(self) -> Traffic:
        """Answer what passed since the start."""
        return self._engine.traffic

    @property
    def namespaces(self) -> list[Namespace]:
        """Answer the namespaces that were made."""
        return list(self._namespaces.values())

    def queued(self) -> int:
        """Count the bytes that wait for the readers of all connections; looks at each of them."""
        return sum(connection.queued for connection in self._engine.connections.values() if connection.started)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request under the path, whatever its method: handshake, long-polling or WebSocket.

        A WebSocket's request lasts as long as its connection. Cancelling it does not end the connection, which then
        ends by itself after what the peer sent is handled.
        """
        return await self._engine.handle(request)

    async def close(self) -> None:
        """Close every transport without Socket.IO packets, so that clients connect again by themselves.

        Disconnect handlers run with the reason ``server shutting down``; takes ``2 * handler_grace`` seconds at most.
        """
        await self._engine.close()

    def _listener(self, connection: Connection) -> Peer:
        return Peer(connection, self._namespaces, self._overflow_hooks)
