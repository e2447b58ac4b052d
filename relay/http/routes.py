"""Describe HTTP routes as rows of a table: router, authorisation, body parsing and API document all come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import web

from relay.http.errors import UNAUTHORIZED, ErrorSpec
from relay.http.identity import Identity, Scope
from relay.http.shapes import Outside, Shape

Json = Mapping[str, object] | list[object] | None


class Auth(Enum):
    """Say who may call a route (rest-runners.md 1.1)."""

    NONE = "none"
    SESSION = "cookie or key"
    KEY = "key"


class Body(Enum):
    """Say how a request body is read (rest-runners.md 1.2)."""

    NONE = "ignored"
    LENIENT = "JSON object; anything else counts as {}"
    STRICT = "JSON object; anything else is 400"
    RAW = "left to the handler, which reads it with relay.http.body within the route's limit"


@dataclass(slots=True)
class Call:
    """Hand one authorised request to its handler.

    `params` are the percent-decoded path parameters, `raw_params` the same as they stand in the path; `body` is the
    parsed JSON object (empty unless the route reads JSON).
    """

    request: web.Request
    params: Mapping[str, str]
    identity: Identity | None = None
    body: dict[str, object] = field(default_factory=dict)
    raw_params: Mapping[str, str] = field(default_factory=dict)

    @property
    def user(self) -> Identity:
        """Answer the caller; raises ApiError 401 on a route that anybody may call."""
        if self.identity is None:
            raise UNAUTHORIZED()
        return self.identity

    @property
    def query(self) -> Mapping[str, str]:
        """Answer the query parameters, the first value of each."""
        return self.request.query


#: Answer a request: a response of its own, or JSON that is sent with status 200.
Handler = Callable[[Call], Awaitable[web.StreamResponse | Json]]


@dataclass(frozen=True, slots=True)
class Route:
    """Describe one row of the table.

    `path` has `{name}` for one segment; a last segment `{name:path}` takes the rest, `{name:tail}` also an empty rest.
    `method` "*" takes every method that no other row of the same place names.
    `host` limits the row to requests whose Host it accepts; such rows are tried first (tunnel origins).
    `streamed` routes end with their client, all others are shielded from its leaving. `limit` is the most bytes a body
    may have, None for no limit. `origin_checked` False leaves the cross-origin gate to the handler. `own_headers` True
    leaves the security headers of the handler's responses to the handler (tunnel responses, rest-account.md 12.6).
    `own_continue` True leaves `Expect: 100-continue` to the handler, which authorises the caller itself.
    `decoded` False leaves the path parameters as they stand in the path: a service behind a tunnel wants its own bytes.
    `guard` is called before the body is read and raises ApiError for a caller whose body is none of our business.
    `scopes` are the scopes of keys that may call the row; None stands for full keys, and for GET and HEAD also
    read-only ones. It counts where the table authorises, not for `Auth.NONE`.
    `shape` and `errors` are what the API document says about the row; each row of the whole table has a shape.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    auth: Auth = Auth.SESSION
    body: Body = Body.NONE
    limit: int | None = 1_048_576
    streamed: bool = False
    origin_checked: bool = True
    own_headers: bool = False
    own_continue: bool = False
    decoded: bool = True
    guard: Callable[[Call], object] | None = None
    host: Callable[[web.Request], bool] | None = None
    scopes: frozenset[Scope] | None = None
    shape: Shape | Outside | None = None
    errors: tuple[ErrorSpec, ...] = ()

    def admits(self, scope: Scope, method: str) -> bool:
        """Tell whether a credential of this scope may call the row with this method."""
        if self.scopes is not None:
            return scope.within(self.scopes)
        return scope.within((Scope.READ,) if method in {"GET", "HEAD"} else ())
