"""Route `/_tunnel` and the tunnel addresses of browsers (tunnel.md 1.1, 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiohttp import web

from relay.http.errors import ApiError
from relay.http.routes import Auth, Body, Call, Route
from relay.http.server import error_response
from relay.http.shapes import SOCKET, TUNNEL
from relay.tunnel.access import Doors, port_digits
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.proxy import Proxy
from relay.tunnel.registration import TunnelEndpoint
from relay.tunnel.response_headers import add_security
from relay.tunnel.target import Mode, Target
from relay.tunnel.upgrades import Bridges, is_upgrade, refusal

_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


class _Door(Protocol):
    def __call__(self, call: Call, *, upgrade: bool = False) -> Awaitable[Target]:
        """Check a request and answer where it goes."""


class TunnelRoutes:
    """Serve the runner's tunnel socket and the addresses of browsers."""

    def __init__(
        self, endpoint: TunnelEndpoint, doors: Doors, proxy: Proxy, bridges: Bridges, hosts: TunnelOrigins
    ) -> None:
        self._endpoint = endpoint
        self._doors = doors
        self._proxy = proxy
        self._bridges = bridges
        self._hosts = hosts

    def table(self) -> list[Route]:
        """Answer the rows of this room; those of tunnels' own hosts come first in the router."""
        rows = [
            Route(
                "*",
                "/_tunnel",
                self._socket,
                "Keep a runner's tunnel socket",
                auth=Auth.NONE,
                body=Body.RAW,
                streamed=True,
                origin_checked=False,
                shape=SOCKET,
            ),
            self._row("/{rest:tail}", self._doors.by_host, Mode.HOST, "Reach a port at its host", self._hosts.accepts),
        ]
        for path, door, mode, summary in (
            ("/api/tunnel/runner/{runnerId}/{port}", self._doors.by_runner, Mode.PATH, "Reach a port of a runner"),
            ("/api/tunnel/auth/{token}/{scope}/{port}", self._doors.by_token, Mode.TOKEN, "Reach a port with a token"),
            ("/api/tunnel/{sessionId}/{port}", self._doors.by_session, Mode.PATH, "Reach a port of a session's runner"),
        ):
            rows.extend(self._row(path + suffix, door, mode, summary) for suffix in ("", "/{rest:tail}"))
        return rows

    def _row(
        self,
        path: str,
        door: _Door,
        mode: Mode,
        summary: str,
        host: Callable[[web.Request], bool] | None = None,
    ) -> Route:
        async def handle(call: Call) -> web.StreamResponse:
            return await self._handle(call, door, mode)

        return Route(
            "*",
            path,
            handle,
            summary,
            auth=Auth.NONE,
            body=Body.RAW,
            limit=None,
            streamed=True,
            own_headers=True,
            own_continue=True,
            decoded=False,
            host=host,
            shape=TUNNEL,
        )

    async def _socket(self, call: Call) -> web.StreamResponse:
        return await self._endpoint.serve(call.request)

    async def _handle(self, call: Call, door: _Door, mode: Mode) -> web.StreamResponse:
        """Answer one request; what the relay refuses can be shown in a panel like what the service says (2.2)."""
        request = call.request
        upgrade = is_upgrade(request)
        if mode is not Mode.HOST:
            port_digits(call)
        try:
            if request.method not in _METHODS:
                response: web.StreamResponse = web.Response(
                    status=405, text="Method not allowed", headers={"Allow": ", ".join(_METHODS)}
                )
            else:
                target = await door(call, upgrade=upgrade)
                if upgrade:
                    return await self._bridges.carry(request, target)
                return await self._proxy.carry(request, target)
        except ApiError as error:
            response = refusal(error, mode) if upgrade else error_response(error)
        add_security(response, mode)
        return response
