"""Mint tunnel tokens and host names: `POST /api/tunnel-token` (tunnel.md 2.8)."""

from __future__ import annotations

import logging

from aiohttp import web

from relay import jsontext
from relay.clock import iso
from relay.http import body as bodies
from relay.http.errors import (
    INVALID_PORT,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SESSION_HAS_NO_RUNNER,
    SESSION_NOT_FOUND,
    TUNNEL_JSON_INVALID,
    TUNNEL_SCOPE_MISSING,
    TUNNEL_UNAVAILABLE,
)
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.shapes import REFUSAL, Shape
from relay.storage import StorageError
from relay.tunnel import schemas
from relay.tunnel.access import RUNNER_SCOPE, Doors, checked_port
from relay.tunnel.labels import Labels
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.target import encode_component
from relay.tunnel.tokens import Claims, TunnelTokens

log = logging.getLogger(__name__)

_BODY_LIMIT = 1_048_576


class TokenRoutes:
    """Serve the mint."""

    def __init__(self, doors: Doors, tokens: TunnelTokens, labels: Labels, hosts: TunnelOrigins) -> None:
        self._doors = doors
        self._tokens = tokens
        self._labels = labels
        self._hosts = hosts

    def table(self) -> list[Route]:
        """Answer the rows."""
        return [
            Route(
                "POST",
                "/api/tunnel-token",
                self._mint,
                "Mint a tunnel token",
                body=Body.RAW,
                limit=_BODY_LIMIT,
                errors=(
                    TUNNEL_JSON_INVALID,
                    TUNNEL_SCOPE_MISSING,
                    INVALID_PORT,
                    SESSION_NOT_FOUND,
                    SESSION_HAS_NO_RUNNER,
                    RUNNER_NOT_FOUND,
                    RUNNER_FORBIDDEN,
                    TUNNEL_UNAVAILABLE,
                ),
                shape=Shape(schemas.TunnelToken, schemas.TokenWish),
            ),
            Route("*", "/api/tunnel-token", _other, "Refuse other methods", auth=Auth.NONE, shape=REFUSAL),
        ]

    async def _mint(self, call: Call) -> Json:
        user_id = call.user.user_id
        wanted = await _read(call.request)
        session_id, runner_id = _text(wanted, "sessionId"), _text(wanted, "runnerId")
        if not session_id and not runner_id:
            raise TUNNEL_SCOPE_MISSING()
        port = _port(wanted.get("port"))
        if session_id:
            self._doors.runner_of_session(session_id, user_id)
        else:
            await self._doors.check_runner(runner_id, user_id)
        claims = Claims(user_id, session_id or RUNNER_SCOPE + runner_id, port)
        token, expires = self._tokens.mint(claims)
        answer: dict[str, object] = {
            "token": token,
            "expiresAt": iso(expires * 1000),
            "url": f"/api/tunnel/auth/{encode_component(token)}/{encode_component(claims.scope)}/{port}/",
        }
        host_url = await self._host_url(call.request, claims)
        if host_url is not None:
            answer["hostUrl"] = host_url
        return answer

    async def _host_url(self, request: web.Request, claims: Claims) -> str | None:
        """Answer a new host's address; None when there is no domain for this caller or the label can't be stored."""
        if self._hosts.frame_source(request) is None:
            return None
        try:
            label = await self._labels.mint(claims)
        except StorageError as error:
            log.warning("could not store a tunnel label", extra={"reason": str(error)})
            return None
        return self._hosts.url(request, label)


async def _other(call: Call) -> web.StreamResponse:
    return web.json_response({"error": "Method not allowed"}, status=405, headers={"Allow": "POST"})


async def _read(request: web.Request) -> dict[str, object]:
    try:
        wanted = jsontext.loads(await bodies.read(request, _BODY_LIMIT))
    except ValueError as error:
        raise TUNNEL_JSON_INVALID() from error
    if not isinstance(wanted, dict):
        raise TUNNEL_JSON_INVALID()
    return wanted


def _text(wanted: dict[str, object], name: str) -> str:
    value = wanted.get(name)
    return value if isinstance(value, str) else ""


def _port(value: object) -> int:
    """Read a port, a number or a text of digits; raises ApiError 400."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise INVALID_PORT()
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise INVALID_PORT()
    return checked_port(text)
