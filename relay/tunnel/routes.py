"""Route `/_tunnel` and the tunnel addresses of browsers (tunnel.md 1.1, 2.1, 2.2)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from relay.http.errors import (
    INVALID_PORT,
    INVALID_TUNNEL_TOKEN,
    NOT_FOUND,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SESSION_HAS_NO_RUNNER,
    SESSION_NOT_FOUND,
    TUNNEL_UNAVAILABLE,
)
from relay.http.identity import IdentityResolver
from relay.http.routes import Auth, Body, Call, Route
from relay.runners.identities import RunnerIdentities
from relay.runners.registry import RunnerRegistry
from relay.sessions.registry import SessionRegistry
from relay.tunnel.registration import TunnelEndpoint

_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_MAX_PORT: Final = 65_535


class TunnelRoutes:
    """Serve the runner's tunnel socket, and answer the addresses of browsers in the order of tunnel.md 2.2.

    Exchanges are not carried: once every check is passed, the answer is that of a runner without a tunnel.
    """

    def __init__(
        self,
        endpoint: TunnelEndpoint,
        runners: RunnerRegistry,
        identities: RunnerIdentities,
        sessions: SessionRegistry,
        resolve_identity: IdentityResolver,
    ) -> None:
        self._endpoint = endpoint
        self._runners = runners
        self._identities = identities
        self._sessions = sessions
        self._resolve_identity = resolve_identity

    def table(self) -> list[Route]:
        """Answer the rows of this room."""
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
            )
        ]
        for path, handler, summary in (
            ("/api/tunnel/runner/{runnerId}/{port}", self._runner, "Reach a port of a runner"),
            ("/api/tunnel/auth/{token}/{scope}/{port}", self._token, "Reach a port with a tunnel token"),
            ("/api/tunnel/{sessionId}/{port}", self._session, "Reach a port of a session's runner"),
        ):
            rows.extend(
                Route("*", path + suffix, handler, summary, auth=Auth.NONE, body=Body.RAW, limit=None)
                for suffix in ("", "/{rest:tail}")
            )
        return rows

    async def _socket(self, call: Call) -> web.StreamResponse:
        return await self._endpoint.serve(call.request)

    async def _runner(self, call: Call) -> web.StreamResponse:
        port = _digits(call)
        if (refusal := _bad_method(call)) is not None:
            return refusal
        user_id = (await self._resolve_identity(call.request)).user_id
        _check_port(port)
        runner_id = call.params["runnerId"]
        runner = self._runners.get(runner_id)
        if runner is None:
            # The caller's own runner is known though it is away; somebody else's is nobody's business.
            if await self._identities.owner_of(runner_id) != user_id:
                raise RUNNER_NOT_FOUND()
        elif runner.user_id != user_id:
            raise RUNNER_FORBIDDEN()
        raise TUNNEL_UNAVAILABLE()

    async def _session(self, call: Call) -> web.StreamResponse:
        port = _digits(call)
        if (refusal := _bad_method(call)) is not None:
            return refusal
        user_id = (await self._resolve_identity(call.request)).user_id
        _check_port(port)
        session = self._sessions.get(call.params["sessionId"])
        if session is None:
            raise SESSION_NOT_FOUND()
        if session.user_id != user_id:
            raise RUNNER_FORBIDDEN()
        if session.runner_id is None:
            raise SESSION_HAS_NO_RUNNER()
        raise TUNNEL_UNAVAILABLE()

    async def _token(self, call: Call) -> web.StreamResponse:
        _digits(call)
        if (refusal := _bad_method(call)) is not None:
            return refusal
        # No token was ever minted, so none is valid.
        raise INVALID_TUNNEL_TOKEN()


def _digits(call: Call) -> str:
    """Answer the port as it stands in the path; what is no number makes the address none of a tunnel (2.1)."""
    port = call.params["port"]
    if not (port.isascii() and port.isdigit()):
        raise NOT_FOUND()
    return port


def _check_port(port: str) -> None:
    digits = port.lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > _MAX_PORT:
        raise INVALID_PORT()


def _bad_method(call: Call) -> web.Response | None:
    if call.request.method in _METHODS:
        return None
    return web.Response(status=405, text="Method not allowed", headers={"Allow": ", ".join(_METHODS)})
