"""Decide who reaches which port, in the order of tunnel.md 2.2 and 2.7, for requests and upgrades alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from relay.accounts.accounts import Accounts
from relay.http import scopes
from relay.http.errors import (
    CROSS_ORIGIN,
    INVALID_KEY,
    INVALID_PORT,
    INVALID_TUNNEL_TOKEN,
    NOT_FOUND,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SESSION_HAS_NO_RUNNER,
    SESSION_NOT_FOUND,
    TUNNEL_HOST_REVOKED,
    TUNNEL_HOST_UNKNOWN,
    TUNNEL_RUNNER_MISSING,
    TUNNEL_SESSION_MISSING,
    TUNNEL_TOKEN_REVOKED,
    TUNNEL_TOKEN_UNREADABLE,
    ApiError,
    ErrorSpec,
)
from relay.http.identity import Identity
from relay.http.origins import OriginPolicy
from relay.http.router import decode, target_path
from relay.http.routes import Call
from relay.runners.identities import RunnerIdentities
from relay.runners.registry import RunnerRegistry
from relay.sessions.registry import SessionRegistry
from relay.sessions.store import SessionRow
from relay.tunnel.access_record import Access
from relay.tunnel.labels import Labels
from relay.tunnel.origins import TunnelOrigins
from relay.tunnel.query import without_credentials
from relay.tunnel.target import Mode, Target, encode_component, raw_query, service_url
from relay.tunnel.tokens import MAX_PORT, TunnelTokens

#: What a scope of a runner begins with (5.1).
RUNNER_SCOPE: Final = "runner:"


@dataclass(frozen=True, slots=True)
class AccessNeeds:
    """Gather what decides about access."""

    accounts: Accounts
    origins: OriginPolicy
    runners: RunnerRegistry
    identities: RunnerIdentities
    sessions: SessionRegistry
    #: Answers the durable row of a session.
    session_row: Callable[[str], Awaitable[SessionRow | None]]


class Doors:
    """Check requests and answer where they go; every method raises ApiError with the contract's answer."""

    def __init__(self, needs: AccessNeeds, tokens: TunnelTokens, labels: Labels, hosts: TunnelOrigins) -> None:
        self._needs = needs
        self._tokens = tokens
        self._labels = labels
        self._hosts = hosts

    async def by_runner(self, call: Call, *, upgrade: bool = False) -> Target:
        """Check `/api/tunnel/runner/{runnerId}/{port}`."""
        digits = port_digits(call)
        identity = await self._caller(call.request, upgrade=upgrade)
        runner_id = _id(call, "runnerId", TUNNEL_RUNNER_MISSING)
        port = checked_port(digits)
        await self.check_runner(runner_id, identity.user_id)
        access = Access(identity.user_id, RUNNER_SCOPE + runner_id, identity.credential_id)
        return _below(call, Mode.PATH, runner_id, access, port, f"/api/tunnel/runner/{encode_component(runner_id)}")

    async def by_session(self, call: Call, *, upgrade: bool = False) -> Target:
        """Check `/api/tunnel/{sessionId}/{port}`."""
        digits = port_digits(call)
        identity = await self._caller(call.request, upgrade=upgrade)
        session_id = _id(call, "sessionId", TUNNEL_SESSION_MISSING)
        port = checked_port(digits)
        runner_id = self.runner_of_session(session_id, identity.user_id)
        access = Access(identity.user_id, session_id, identity.credential_id)
        return _below(call, Mode.PATH, runner_id, access, port, f"/api/tunnel/{encode_component(session_id)}")

    async def by_token(self, call: Call, *, upgrade: bool = False) -> Target:
        """Check `/api/tunnel/auth/{token}/{scope}/{port}`; the token alone decides."""
        del upgrade
        digits = port_digits(call)
        token = _id(call, "token", TUNNEL_TOKEN_UNREADABLE)
        scope = _id(call, "scope", TUNNEL_TOKEN_UNREADABLE)
        claims = self._tokens.verify(token)
        if claims is None or claims.scope != scope or str(claims.port) != (digits.lstrip("0") or "0"):
            raise INVALID_TUNNEL_TOKEN()
        if not await self.still_owned(claims.scope, claims.user_id):
            raise TUNNEL_TOKEN_REVOKED()
        runner_id = self._runner_of_scope(claims.scope, claims.user_id)
        access = Access(claims.user_id, claims.scope)
        stem = f"/api/tunnel/auth/{encode_component(token)}/{encode_component(scope)}"
        return _below(call, Mode.TOKEN, runner_id, access, claims.port, stem)

    async def by_host(self, call: Call, *, upgrade: bool = False) -> Target:
        """Check a request to a tunnel's own host; the name alone decides."""
        del upgrade
        request = call.request
        name = self._hosts.label(request)
        label = None if name is None else self._labels.get(name)
        if label is None:
            raise TUNNEL_HOST_UNKNOWN()
        if not await self.still_owned(label.scope, label.user_id):
            raise TUNNEL_HOST_REVOKED()
        runner_id = self._runner_of_scope(label.scope, label.user_id)
        self._labels.touch(label)
        return Target(
            mode=Mode.HOST,
            runner_id=runner_id,
            access=Access(label.user_id, label.scope),
            port=label.port,
            url=service_url(target_path(request), raw_query(request)),
            host=request.headers["Host"].strip(),
            scheme=self._hosts.scheme(request),
        )

    async def check_runner(self, runner_id: str, user_id: str) -> None:
        """Raise ApiError unless the runner is the user's; it may be away."""
        runner = self._needs.runners.get(runner_id)
        if runner is None:
            # The caller's own runner is known though it is away; somebody else's is nobody's business.
            if await self._needs.identities.owner_of(runner_id) != user_id:
                raise RUNNER_NOT_FOUND()
        elif runner.user_id != user_id:
            raise RUNNER_FORBIDDEN()

    def runner_of_session(self, session_id: str, user_id: str) -> str:
        """Answer the runner of a live session of the user; raises ApiError."""
        session = self._needs.sessions.get(session_id)
        if session is None:
            raise SESSION_NOT_FOUND()
        if session.user_id != user_id:
            raise RUNNER_FORBIDDEN()
        if session.runner_id is None:
            raise SESSION_HAS_NO_RUNNER()
        return session.runner_id

    async def still_owned(self, scope: str, user_id: str) -> bool:
        """Tell whether what a token or label was made for is still its user's; an ended session is not (5.3)."""
        if scope.startswith(RUNNER_SCOPE):
            runner_id = scope.removeprefix(RUNNER_SCOPE)
            runner = self._needs.runners.get(runner_id)
            owner = await self._needs.identities.owner_of(runner_id) if runner is None else runner.user_id
            return owner == user_id
        row = await self._needs.session_row(scope)
        return row is not None and row.ended_at is None and row.user_id == user_id

    def _runner_of_scope(self, scope: str, user_id: str) -> str:
        if scope.startswith(RUNNER_SCOPE):
            return scope.removeprefix(RUNNER_SCOPE)
        return self.runner_of_session(scope, user_id)

    async def _caller(self, request: web.Request, *, upgrade: bool) -> Identity:
        """Answer the caller; upgrades by cookie pass the origin gate first, and may carry a key in the query (4)."""
        has_key = bool(request.headers.get("x-api-key"))
        if upgrade and not has_key and "Cookie" in request.headers:
            self._check_origin(request)
        try:
            return scopes.require(await self._needs.accounts.resolve(request))
        except ApiError as error:
            key = request.query.get("apiKey") if upgrade and not has_key else None
            if error.status != 401 or not key:
                raise
            identity = await self._needs.accounts.verify_key(key)
            if identity is None:
                raise INVALID_KEY() from error
            return scopes.require(identity)

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is None:
            if request.headers.get("Sec-Fetch-Site", "").strip().lower() == "cross-site":
                raise CROSS_ORIGIN()
        elif not self._needs.origins.trusted(request, origin):
            raise CROSS_ORIGIN()


def checked_port(digits: str) -> int:
    """Read a port, leading zeros and all; raises ApiError 400 outside 1 to 65535."""
    digits = digits.lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > MAX_PORT:
        raise INVALID_PORT()
    return int(digits)


def port_digits(call: Call) -> str:
    """Answer the port as it stands in the path; what is no number makes the address none of a tunnel (2.1).

    Raises ApiError 404.
    """
    port = call.raw_params["port"]
    if not (port.isascii() and port.isdigit()):
        raise NOT_FOUND()
    return port


def _id(call: Call, name: str, refusal: ErrorSpec) -> str:
    try:
        value = decode(call.raw_params[name])
    except ApiError as error:
        raise refusal() from error
    if not value:
        raise refusal()
    return value


def _below(call: Call, mode: Mode, runner_id: str, access: Access, port: int, stem: str) -> Target:
    """Answer the target of an address below `stem`, which ends before the port."""
    rest = call.raw_params.get("rest")
    query = without_credentials(raw_query(call.request))
    return Target(
        mode=mode,
        runner_id=runner_id,
        access=access,
        port=port,
        url=service_url("/" + (rest or ""), query),
        base=f"{stem}/{port}",
        bare=rest is None,
    )
