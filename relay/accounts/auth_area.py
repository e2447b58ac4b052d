"""Apply the rules that all of `/api/auth/*` shares (rest-account.md 2.1, 2.4, 2.5).

An endpoint is a row with its schema; this module runs, in order: sign-up gate, pace, content type, body, origin, key,
schema, handler inside aiohttp-session. Answers have the auth library's shape: `{"code", "message"}`.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp_session import session_middleware

from relay import jsontext
from relay.accounts.accounts import Accounts, bearer_key
from relay.accounts.api_keys import MIN_LENGTH, KeyState
from relay.accounts.auth_body import read_fields
from relay.accounts.auth_errors import AuthError, denied, signed_out, too_many
from relay.accounts.auth_origin import OriginGate
from relay.accounts.keys import KeyCheck
from relay.accounts.passwords import PasswordsBusy
from relay.accounts.records import ApiKey, CookieSession, User
from relay.accounts.schemas import AuthFailure, fields_type
from relay.accounts.session_storage import SessionRows
from relay.accounts.users import TooManyAttempts
from relay.accounts.validation import Field, Fields, problems
from relay.http.errors import KEY_SCOPE, ApiError, ErrorSpec
from relay.http.identity import Scope
from relay.http.routes import Auth, Body, Call, Route
from relay.http.shapes import REFUSAL, Shape
from relay.storage import StorageError

log = logging.getLogger(__name__)

BASE: Final = "/api/auth"
_JSON: Final = {"Content-Type": "application/json"}
#: What every endpoint may answer, for the API document; the texts on the wire say more.
INVALID_FIELDS: Final = ErrorSpec(400, "The body is no JSON object, or a field of it is not as it should be")
UNKNOWN_CALLER: Final = ErrorSpec(401, "Nobody is signed in (then without a body), or the API key is not good")
SHORT_KEY: Final = ErrorSpec(403, "Invalid API key.")
UNTRUSTED: Final = ErrorSpec(403, "The request comes from a site that is not trusted")
UNSUPPORTED_TYPE: Final = ErrorSpec(415, "The content type is not allowed")
TOO_MANY: Final = ErrorSpec(429, "Too many requests. Please try again later.")
BUSY: Final = ErrorSpec(503, "Too many sign-ins at once. Please try again.")
_KEY_MESSAGES: Final = {
    KeyState.UNKNOWN: "Invalid API key.",
    KeyState.DISABLED: "API Key is disabled",
    KeyState.EXPIRED: "API Key has expired",
    KeyState.LIMITED: "Rate limit exceeded.",
    KeyState.USED_UP: "API Key has reached its usage limit",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Name who calls an auth endpoint: a browser with a session, or the owner of a key."""

    user: User
    session: CookieSession | None = None
    key: ApiKey | None = None
    raw_key: str = ""


@dataclass(frozen=True, slots=True)
class AuthCall:
    """Hand a checked request to an auth endpoint."""

    request: web.Request
    fields: Fields
    query: Mapping[str, str]
    key: KeyCheck | None
    raw_key: str
    accounts: Accounts

    async def caller(self) -> Caller | None:
        """Answer who calls, None for nobody; raises StorageError."""
        if self.key is not None and self.key.key is not None:
            user = await self.accounts.users.get(self.key.key.user_id)
            return None if user is None else Caller(user, key=self.key.key, raw_key=self.raw_key)
        token = self.accounts.sessions.token_of(self.request)
        live = None if token is None else await self.accounts.sessions.find(token)
        user = None if live is None else await self.accounts.users.get(live.session.user_id)
        return None if live is None or user is None else Caller(user, session=live.session)

    async def required(self) -> Caller:
        """Answer who calls; raises AuthError 401 with an empty body for nobody."""
        caller = await self.caller()
        if caller is None:
            raise signed_out()
        return caller


AuthHandler = Callable[[AuthCall], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Describe one auth endpoint; `path` is below `/api/auth`.

    `form` also takes `application/x-www-form-urlencoded`; `login` holds the fetch metadata rule of 2.4; `gate` runs
    before everything else, `precheck` before the schema; both may raise. `answers` is the type of the answer, `errors`
    are those of the endpoint alone, `open` says that nobody needs to be signed in: all three for the API document.
    `any_scope` takes keys of every scope; elsewhere only full ones will do.
    """

    method: str
    path: str
    handler: AuthHandler
    summary: str
    fields: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    answers: object = None
    errors: tuple[ErrorSpec, ...] = ()
    open: bool = False
    form: bool = False
    login: bool = False
    gate: Callable[[Call], None] | None = None
    precheck: Callable[[Mapping[str, object]], None] | None = None
    any_scope: bool = False


def answer(value: object, status: int = 200) -> web.Response:
    """Answer JSON as the auth library does, without a charset."""
    return web.Response(body=jsontext.dumps(value), status=status, headers=_JSON)


class AuthArea:
    """Turn endpoints into rows of the route table."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._gate = OriginGate(accounts.origins, accounts.config.auth_origins)
        # aiohttp-session keeps its state under plain strings, which aiohttp 3.14 warns about at each request.
        warnings.filterwarnings("ignore", category=web.NotAppKeyWarning, module=r"aiohttp_session(\.|$)")
        self._with_session = session_middleware(SessionRows(accounts.sessions, accounts.address))

    def table(self, endpoints: list[Endpoint]) -> list[Route]:
        """Answer the rows of the endpoints, and those that answer 404 with an empty body for everything else."""
        rows = [
            Route(
                endpoint.method,
                BASE + endpoint.path,
                self._handler(endpoint),
                endpoint.summary,
                auth=Auth.NONE,
                body=Body.RAW,
                origin_checked=False,
                shape=_shape(endpoint),
                errors=_errors(endpoint),
            )
            for endpoint in endpoints
        ]
        unknown = [
            Route(
                "*",
                path,
                _unknown,
                "No such auth endpoint",
                auth=Auth.NONE,
                body=Body.RAW,
                origin_checked=False,
                shape=REFUSAL,
            )
            for path in (BASE, BASE + "/{rest:tail}")
        ]
        return rows + unknown

    def _handler(self, endpoint: Endpoint) -> Callable[[Call], Awaitable[web.StreamResponse]]:
        async def handle(call: Call) -> web.StreamResponse:
            try:
                return await self._run(endpoint, call)
            except AuthError as error:
                return error.response()
            except TooManyAttempts as error:
                return too_many(error.seconds).response()
            except PasswordsBusy:
                return denied(
                    503, "Too many sign-ins at once. Please try again.", headers={"Retry-After": "1"}
                ).response()
            except (ApiError, StorageError, web.HTTPException):
                raise
            except Exception:
                log.exception("auth endpoint failed", extra={"path": endpoint.path})
                return answer({"error": "Auth error"}, 500)

        return handle

    async def _run(self, endpoint: Endpoint, call: Call) -> web.StreamResponse:
        request = call.request
        if endpoint.gate is not None:
            endpoint.gate(call)
        if self._accounts.config.auth_rate_limit:
            address = self._accounts.address.ip(request)
            # Without an address there is nobody to limit (2.5).
            seconds = self._accounts.pace.attempt(address, endpoint.path) if address else 0
            if seconds:
                raise too_many(seconds)
        writes = endpoint.method != "GET"
        body = await read_fields(request, form=endpoint.form) if writes else {}
        if writes:
            self._gate.check(request, body, login=endpoint.login)
        raw_key, key = await self._key(request)
        if not (endpoint.open or endpoint.any_scope):
            _check_scope(key)
        if endpoint.precheck is not None:
            endpoint.precheck(body)
        for fields, values, where in ((endpoint.fields, body, "body"), (endpoint.query, request.query, "query")):
            complaint = problems(fields, values, where)
            if complaint is not None:
                raise denied(400, complaint, code="VALIDATION_ERROR")
        auth_call = AuthCall(request, Fields(body), request.query, key, raw_key, self._accounts)

        async def inner(_request: web.Request) -> web.StreamResponse:
            return await endpoint.handler(auth_call)

        return await self._with_session(request, inner)

    async def _key(self, request: web.Request) -> tuple[str, KeyCheck | None]:
        """Check `x-api-key` before the endpoint runs; a bad Bearer key is passed over (1.2)."""
        raw = request.headers.get("x-api-key")
        if not raw:
            bearer = bearer_key(request)
            if bearer is None:
                return "", None
            check = await self._accounts.keys.check(bearer)
            return (bearer, check) if check.state is KeyState.VALID else ("", None)
        check = await self._accounts.keys.check(raw)
        state = check.state
        if state is KeyState.VALID:
            return raw, check
        message = _KEY_MESSAGES[state]
        if state is KeyState.UNKNOWN and len(raw) < MIN_LENGTH:
            raise denied(403, message)
        if state is KeyState.LIMITED:
            details = {"details": {"tryAgainIn": check.try_again_in}}
            raise denied(401, message, code=state.value, extra=details)
        raise denied(429 if state is KeyState.USED_UP else 401, message, code=state.value)


def _check_scope(key: KeyCheck | None) -> None:
    """Refuse a key that was made for something else than an account."""
    if key is not None and key.key is not None and key.key.scope is not Scope.FULL:
        scope = key.key.scope.value
        raise denied(KEY_SCOPE.status, KEY_SCOPE.message.format(scope=scope), code=KEY_SCOPE.code)


def _shape(endpoint: Endpoint) -> Shape:
    """Describe an endpoint by the fields that it is validated with."""
    name = "".join(word.capitalize() for word in re.findall(r"[a-z]+", endpoint.path))
    return Shape(
        endpoint.answers,
        fields_type(f"{name}Body", endpoint.fields) if endpoint.method != "GET" else None,
        fields_type(f"{name}Query", endpoint.query) if endpoint.query else None,
        error=AuthFailure,
        any_auth=not endpoint.open,
    )


def _errors(endpoint: Endpoint) -> tuple[ErrorSpec, ...]:
    """Answer what an endpoint may refuse with, for the API document."""
    writes = (UNTRUSTED, UNSUPPORTED_TYPE) if endpoint.method != "GET" else ()
    return (*endpoint.errors, INVALID_FIELDS, UNKNOWN_CALLER, SHORT_KEY, KEY_SCOPE, *writes, TOO_MANY, BUSY)


async def _unknown(_call: Call) -> web.StreamResponse:
    """Answer 404 without a body or a content type (2.1)."""
    return web.Response(status=404)
