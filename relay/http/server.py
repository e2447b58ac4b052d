"""Serve the route table: match, guard, authorise, read, call, answer.

One catch-all handler does the work of a router and a stack of middlewares, in the order of rest-account.md 12.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from relay import jsontext
from relay.http import body as bodies
from relay.http.catch_all import catch_all
from relay.http.client_address import ClientAddress
from relay.http.client_ip import client_ip
from relay.http.errors import (
    CROSS_ORIGIN,
    EXPECTATION_FAILED,
    INTERNAL,
    INVALID_KEY,
    KEY_SCOPE,
    MISSING_KEY,
    NOT_FOUND,
    SHUTTING_DOWN,
    ApiError,
    ErrorSpec,
)
from relay.http.identity import Credential, Identity, IdentityResolver
from relay.http.origins import OriginPolicy
from relay.http.request_id import RequestIds, request_id
from relay.http.router import Found, Router, decode, target_path
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.security import SecurityHeaders

log = logging.getLogger(__name__)

#: Answers what no row matches (the static UI); raises ApiError 404 for what it does not have either.
Fallback = Callable[[web.Request, str], Awaitable[web.StreamResponse]]

JSON_TYPE: Final = "application/json; charset=utf-8"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON_HEADERS: Final = {"Content-Type": JSON_TYPE}
#: Requests keys: the response that has begun, and that a handler sets its own security headers.
_BEGUN: Final = web.RequestKey("begun", web.StreamResponse)
_OWN_HEADERS: Final = web.RequestKey("own_headers", bool)
#: Request key of what a handler still has to change about its response once aiohttp has added its own headers.
ON_PREPARE: Final[web.RequestKey[Callable[[web.StreamResponse], None]]] = web.RequestKey("on_prepare")
_TUNNELS: Final = "/api/tunnel/"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bound what a request may take; the body limit of an unknown path is that of rest-account.md 12.4."""

    body: int = 1_048_576
    body_timeout: float = bodies.READ_TIMEOUT
    #: Shielded handlers get this long to finish at shutdown before they are cancelled.
    finish: float = 0.5


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Gather what decides about a request before its handler does."""

    resolve_identity: IdentityResolver
    address: ClientAddress
    origins: OriginPolicy
    security: SecurityHeaders
    #: Exceptions of the rooms that mean a catalogue entry, for example the storage's errors.
    errors: Mapping[type[Exception], ErrorSpec] = field(default_factory=dict)
    limits: HttpLimits = HttpLimits()


class HttpServer:
    """Answer every request of the relay from one route table."""

    def __init__(self, routes: Sequence[Route], policy: HttpPolicy, fallback: Fallback | None = None) -> None:
        """Build the table; raises ValueError for rows that contradict each other."""
        self.routes = tuple(routes)
        self._router = Router(self.routes)
        self._policy = policy
        self._fallback = fallback
        self._ids = RequestIds()
        #: Responses that began since the start, by the first digit of their status.
        self.statuses = [0] * 6
        self._closing = False
        self._running: set[asyncio.Task[web.StreamResponse]] = set()
        #: Serve this with `AppRunner(handler_cancellation=True)`.
        self.app = catch_all(self._dispatch)
        self.app.on_response_prepare.append(self._prepare)

    def refuse(self) -> None:
        """Answer 503 to what still comes over open connections."""
        self._closing = True

    async def close(self) -> None:
        """Refuse what still comes, let shielded handlers finish for a moment, cancel the rest."""
        self.refuse()
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._policy.limits.finish)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._policy.limits.finish)

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        request[_BEGUN] = response
        self.statuses[response.status // 100] += 1
        if _OWN_HEADERS not in request:
            self._policy.security.apply(request, response)
        elif (change := request.get(ON_PREPARE)) is not None:
            change(response)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        self._ids.next()
        client_ip.set(self._policy.address.ip(request))
        path = target_path(request)
        found = self._router.find(request, path)
        streamed = found is None or found.route.streamed
        if streamed:
            return await self._answer(request, path, found)
        # A handler that writes must not be torn off by a client that leaves (../design.md, State and durability).
        task = asyncio.get_running_loop().create_task(self._answer(request, path, found))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _answer(self, request: web.Request, path: str, found: Found | None) -> web.StreamResponse:
        """Turn every outcome of a request into a response; cancellation alone passes through."""
        try:
            return await self._outcome(request, path, found)
        except ApiError as error:
            return self._failed(request, error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            # aiohttp's own refusals (a bad WebSocket handshake, a body over its limit) in the shape of the contract.
            return self._failed(request, ApiError(error.status, error.text or error.reason))
        except Exception as error:
            if isinstance(error, ConnectionError) and _BEGUN in request:
                log.debug("client left a stream", extra={"route": _name(found), "reason": str(error)})
                return self._failed(request, INTERNAL())
            known = self._known(error)
            if known is not None:
                log.warning("request failed", extra={"route": _name(found), "reason": str(error)})
                return self._failed(request, known())
            log.exception("request handler failed", extra={"route": _name(found)})
            return self._failed(request, INTERNAL(headers={"X-Request-Id": request_id.get()}))

    async def _outcome(self, request: web.Request, path: str, found: Found | None) -> web.StreamResponse:
        if self._closing:
            raise SHUTTING_DOWN(headers={"Connection": "close"})
        self._guard(request, path, found)
        if found is None:
            if self._fallback is None:
                raise NOT_FOUND()
            return await self._fallback(request, path)
        route, raw = found.route, found.raw
        params = {name: decode(value) for name, value in raw.items()} if raw and route.decoded else raw
        identity = None if route.auth is Auth.NONE else await self._authorise(request, route)
        call = Call(request, params, identity, raw_params=raw)
        if route.guard is not None:
            route.guard(call)
        if "Expect" in request.headers and not route.own_continue:
            await send_continue(request)
        if route.body is Body.LENIENT or route.body is Body.STRICT:
            limits = self._policy.limits
            limit = limits.body if route.limit is None else route.limit
            call.body = await bodies.read_json(request, route.body, limit, limits.body_timeout)
        if route.own_headers:
            request[_OWN_HEADERS] = True
        answer = await route.handler(call)
        return answer if isinstance(answer, web.StreamResponse) else json_response(answer)

    def _guard(self, request: web.Request, path: str, found: Found | None) -> None:
        """Apply the body limit and the cross-origin gate; host-scoped rows are outside of both (12.1)."""
        route = None if found is None else found.route
        if route is not None and route.host is not None:
            return
        bodies.check_length(request, self._policy.limits.body if route is None else route.limit)
        if request.method in _SAFE_METHODS or "Cookie" not in request.headers:
            return
        if route.origin_checked if route is not None else path.startswith("/api/"):
            self._check_origin(request)

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is None:
            if request.headers.get("Sec-Fetch-Site", "").strip().lower() == "cross-site":
                raise CROSS_ORIGIN()
        elif not self._policy.origins.trusted(request, origin):
            raise CROSS_ORIGIN()
        if not request.path.startswith(_TUNNELS) and _from_tunnel(request.headers.get("Referer", "")):
            raise CROSS_ORIGIN()

    async def _authorise(self, request: web.Request, route: Route) -> Identity:
        identity = await self._policy.resolve_identity(request)
        if route.auth is Auth.KEY and identity.via is Credential.COOKIE:
            bearer = request.headers.get("Authorization", "").lower().startswith("bearer ")
            raise (INVALID_KEY if bearer else MISSING_KEY)()
        if not route.admits(identity.scope, request.method):
            raise KEY_SCOPE(scope=identity.scope.value)
        return identity

    def _known(self, error: Exception) -> ErrorSpec | None:
        for kind, spec in self._policy.errors.items():
            if isinstance(error, kind):
                return spec
        return None

    def _failed(self, request: web.Request, error: ApiError) -> web.StreamResponse:
        if _BEGUN in request:
            # Too late for a status: a cut connection is all that tells the client that the body is not whole.
            if request.transport is not None:
                request.transport.abort()
            return request[_BEGUN]
        with contextlib.suppress(KeyError):
            del request[_OWN_HEADERS]
        return error_response(error)


def json_response(value: Json, status: int = 200) -> web.Response:
    """Answer `value` as JSON."""
    return web.Response(body=jsontext.dumps(value), status=status, headers=_JSON_HEADERS)


def error_response(error: ApiError) -> web.Response:
    """Answer an error in the shape of the contract: `{"error": text}`, and `code` and `message` where it has a code."""
    response = json_response(error.body(), error.status)
    if error.headers:
        for name, value in error.headers.items():
            response.headers[name] = value
        if error.headers.get("Connection", "").lower() == "close":
            response.force_close()
    return response


async def send_continue(request: web.Request) -> None:
    """Tell a client that waits for it to send its body, now that the guards have let it in (RFC 9110 10.1.1).

    Raises ApiError 417 for any other expectation.
    """
    if request.headers["Expect"].strip().lower() != "100-continue":
        raise EXPECTATION_FAILED()
    if request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The interim response is not part of the answer's body.
        request.writer.output_size = 0


def _from_tunnel(referer: str) -> bool:
    """Tell whether a tunnelled page asks, which shares the relay's origin but not its owner's trust (tunnel.md 6.2)."""
    try:
        return urlsplit(referer).path.startswith(_TUNNELS)
    except ValueError:
        return False


def _name(found: Found | None) -> str:
    return "none" if found is None else f"{found.route.method} {found.route.path}"
