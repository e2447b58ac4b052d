"""Put Engine.IO and Socket.IO together: the server that an application mounts."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from relay.clock import Clock
from relay.realtime.config import RealtimeConfig
from relay.realtime.namespace import Namespace


class Realtime:
    """Serve Socket.IO 5 over Engine.IO 4 on one path."""

    def __init__(
        self,
        config: RealtimeConfig,
        clock: Clock,
        *,
        client_ip: Callable[[web.Request], str],
        allow_origin: Callable[[web.Request, str], bool],
    ) -> None:
        self._config = config
        self._namespaces: dict[str, Namespace] = {}

    def namespace(self, name: str) -> Namespace:
        """Answer the namespace of that name (``/viewer``), made on first use. Raises ValueError for a malformed name."""
        found = self._namespaces.get(name)
        if found is None:
            found = self._namespaces[name] = Namespace(name)
        return found

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request under the path."""
        raise web.HTTPServiceUnavailable

    async def close(self) -> None:
        """Close every transport."""
