"""Answer `/api/setup-claim*` and `/api/mobile-link*` (rest-account.md 1.5, 5, 6)."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from relay.accounts.accounts import Accounts
from relay.accounts.attempts import address_key
from relay.accounts.pairing import schemas
from relay.accounts.pairing.claims import ClaimState, TooManyClaims
from relay.accounts.pairing.mobile_links import AlreadyRedeemed, NotApproved, Scan
from relay.accounts.tokens import well_formed
from relay.http import body as bodies
from relay.http.errors import ApiError, ErrorSpec
from relay.http.identity import Credential, Identity
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.server import json_response
from relay.http.shapes import PREFLIGHT, REFUSAL, Ok, Shape

MISSING_RELAY_URL: Final = ErrorSpec(400, "Missing required field: relayUrl")
RELAY_URL_TOO_LONG: Final = ErrorSpec(400, "relayUrl is too long")
TOO_MANY: Final = ErrorSpec(429, "Too many pairing requests. Please try again later.")
MISSING_TOKEN: Final = ErrorSpec(400, "Missing claim token")
UNKNOWN_CLAIM: Final = ErrorSpec(404, "Unknown or expired claim")
CLAIM_GONE: Final = ErrorSpec(410, "Claim not found, expired, or already processed")
UNKNOWN_LINK: Final = ErrorSpec(404, "Unknown or expired mobile link")
BAD_CODE: Final = ErrorSpec(400, "verificationToken must be 6 uppercase letters/digits")
LINK_NOT_READY: Final = ErrorSpec(410, "Mobile link not found, expired, or not ready")
NOT_APPROVED: Final = ErrorSpec(410, "Mobile link not approved")
ALREADY_REDEEMED: Final = ErrorSpec(410, "Mobile link already redeemed")

_CODE: Final = re.compile(r"[A-Z0-9]{6}")
#: Nobody's address is longer; what is stored for strangers has an end.
_LONGEST_URL: Final = 2048
_LONGEST_DEVICE: Final = 200
_BODY: Final = 1_048_576
#: Pages of the bundled mobile app, which need not be trusted to read a link that they know the id of (6).
_APP_ORIGINS: Final = frozenset({"capacitor://localhost", "http://localhost", "ionic://localhost", "null"})


class ClaimRoutes:
    """Answer the calls about setup claims."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def table(self) -> list[Route]:
        """Answer the rows; each matches one segment exactly, so that no longer path redeems (5)."""
        none, missing = Auth.NONE, (MISSING_TOKEN,)
        return [
            Route(
                "POST",
                "/api/setup-claim",
                self.create,
                "Make a claim that lets a device get a key",
                auth=none,
                body=Body.LENIENT,
                errors=(MISSING_RELAY_URL, RELAY_URL_TOO_LONG, TOO_MANY),
                shape=Shape(schemas.ClaimMade, schemas.NewClaim),
            ),
            Route(
                "GET",
                "/api/setup-claim/",
                self.nameless,
                "Refuse to poll no claim",
                auth=none,
                errors=missing,
                shape=REFUSAL,
            ),
            Route(
                "GET",
                "/api/setup-claim-info/",
                self.nameless,
                "Refuse to show no claim",
                auth=none,
                errors=missing,
                shape=REFUSAL,
            ),
            Route(
                "GET",
                "/api/setup-claim/{token}",
                self.poll,
                "Poll a claim; the first poll after the approval gets the key",
                auth=none,
                errors=(UNKNOWN_CLAIM,),
                shape=Shape(schemas.ClaimPolled),
            ),
            Route(
                "GET",
                "/api/setup-claim-info/{token}",
                self.info,
                "Show a claim to whoever may approve it",
                auth=none,
                errors=(UNKNOWN_CLAIM,),
                shape=Shape(schemas.ClaimShown),
            ),
            Route(
                "POST",
                "/api/setup-claim/{token}/approve",
                self.approve,
                "Approve a claim with a key of one's own account",
                errors=(CLAIM_GONE,),
                shape=Shape(Ok),
            ),
        ]

    async def nameless(self, call: Call) -> Json:
        """Answer a path without a token."""
        raise MISSING_TOKEN()

    async def create(self, call: Call) -> Json:
        """Answer `POST /api/setup-claim`, for anybody, so many times per address."""
        relay_url = _relay_url(call.body)
        key = address_key(self._accounts.address.ip(call.request))
        seconds = self._accounts.pairings.attempt(key)
        if seconds:
            raise TOO_MANY(headers={"Retry-After": str(seconds)})
        try:
            token, ends = await self._accounts.claims.create(relay_url, call.body.get("label"))
        except TooManyClaims as error:
            raise TOO_MANY(headers={"Retry-After": "60"}) from error
        return {"token": token, "expiresAt": ends}

    async def poll(self, call: Call) -> Json:
        """Answer `GET /api/setup-claim/{token}`."""
        state = await self._accounts.claims.poll(call.params["token"])
        if state is None:
            raise UNKNOWN_CLAIM()
        body: dict[str, object] = {"status": state.status, "relayUrl": state.relay_url}
        if state.api_key is not None:
            body["apiKey"] = state.api_key
        return body | _label(state)

    async def info(self, call: Call) -> Json:
        """Answer `GET /api/setup-claim-info/{token}`."""
        state = await self._accounts.claims.info(call.params["token"])
        if state is None:
            raise UNKNOWN_CLAIM()
        return {"status": state.status} | _label(state)

    async def approve(self, call: Call) -> Json:
        """Answer `POST /api/setup-claim/{token}/approve`; no body is needed."""
        cap = key_cap(call.user, self._accounts.clock.now())
        if not await self._accounts.claims.approve(call.params["token"], call.user.user_id, cap):
            raise CLAIM_GONE()
        return {"ok": True}


class LinkRoutes:
    """Answer the calls about mobile links."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def table(self) -> list[Route]:
        """Answer the rows; what the phone calls has CORS headers, on errors too."""
        path = "/api/mobile-link/{id}"
        return [
            Route(
                "POST",
                "/api/mobile-link",
                self.create,
                "Make a link for a phone",
                body=Body.LENIENT,
                errors=(MISSING_RELAY_URL, RELAY_URL_TOO_LONG, TOO_MANY),
                shape=Shape(schemas.LinkEntry, schemas.NewLink),
            ),
            Route(
                "GET",
                path,
                self._open(self.get),
                "Show a link",
                auth=Auth.NONE,
                errors=(UNKNOWN_LINK,),
                shape=Shape(schemas.LinkEntry),
            ),
            Route(
                "POST",
                f"{path}/scan",
                self._open(self.scan),
                "Tell that a phone has scanned a link",
                auth=Auth.NONE,
                body=Body.RAW,
                errors=(BAD_CODE, UNKNOWN_LINK),
                shape=Shape(schemas.LinkEntry, schemas.LinkScan),
            ),
            Route(
                "POST",
                f"{path}/approve",
                self.approve,
                "Approve the phone that shows a code",
                body=Body.LENIENT,
                errors=(BAD_CODE, LINK_NOT_READY),
                shape=Shape(schemas.LinkEntry, schemas.LinkApproval),
            ),
            Route(
                "POST",
                f"{path}/redeem",
                self._open(self.redeem),
                "Get the key of an approved link, once",
                auth=Auth.NONE,
                errors=(UNKNOWN_LINK, NOT_APPROVED, ALREADY_REDEEMED),
                shape=Shape(schemas.LinkRedeemed),
            ),
            Route(
                "OPTIONS",
                "/api/mobile-link/{rest:tail}",
                self.preflight,
                "Let the app's page ask",
                auth=Auth.NONE,
                shape=PREFLIGHT,
            ),
        ]

    async def create(self, call: Call) -> Json:
        """Answer `POST /api/mobile-link`."""
        relay_url = _relay_url(call.body)
        seconds = self._accounts.pairings.attempt(f"user {call.user.user_id}")
        if seconds:
            raise TOO_MANY(headers={"Retry-After": str(seconds)})
        return await self._accounts.mobile_links.create(relay_url, call.user.user_id)

    async def get(self, call: Call) -> Json:
        """Answer `GET /api/mobile-link/{id}`."""
        return _known(await self._accounts.mobile_links.get(call.params["id"]))

    async def scan(self, call: Call) -> Json:
        """Answer `POST …/scan`; a link that was scanned before is answered unchanged."""
        body = await bodies.read_json(call.request, Body.LENIENT, _BODY)
        scan = Scan(_code(body), _text(body, "deviceName")[:_LONGEST_DEVICE], _text(body, "scannedUrl")[:_LONGEST_URL])
        return _known(await self._accounts.mobile_links.scan(call.params["id"], scan))

    async def approve(self, call: Call) -> Json:
        """Answer `POST …/approve`; the code must be the one that the phone sent."""
        code, cap = _code(call.body), key_cap(call.user, self._accounts.clock.now())
        link = await self._accounts.mobile_links.approve(call.params["id"], call.user.user_id, code, cap)
        if link is None:
            raise LINK_NOT_READY()
        return link

    async def redeem(self, call: Call) -> Json:
        """Answer `POST …/redeem`."""
        try:
            return _known(await self._accounts.mobile_links.redeem(call.params["id"]))
        except NotApproved as error:
            raise NOT_APPROVED() from error
        except AlreadyRedeemed as error:
            raise ALREADY_REDEEMED() from error

    async def preflight(self, call: Call) -> web.Response:
        """Answer what a browser asks before the app's page may call."""
        return web.Response(status=204, headers=self._cors(call.request))

    def _open(self, handler: Callable[[Call], Awaitable[Json]]) -> Callable[[Call], Awaitable[web.Response]]:
        """Wrap a handler so that pages of the mobile app may read its answer."""

        async def answer(call: Call) -> web.Response:
            headers = self._cors(call.request)
            try:
                response = json_response(await handler(call))
            except ApiError as error:
                error.headers.update(headers)
                raise
            response.headers.update(headers)
            return response

        return answer

    def _cors(self, request: web.Request) -> dict[str, str]:
        origins = self._accounts.origins
        origin = request.headers.get("Origin")
        if origin is None or not (origin in _APP_ORIGINS or origins.trusted(request, origin)):
            origin = origins.first or "*"
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type",
            "Vary": "Origin",
        }


def key_cap(identity: Identity, now: float) -> float | None:
    """Answer the most whole seconds that a key may live which this caller approves, None for no bound (1.5).

    No key outlives the key that approved it; a cookie session is a person, who could make any key.
    """
    if identity.via is Credential.COOKIE or identity.expires_at is None:
        return None
    return max(0.0, math.floor(identity.expires_at - now))


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    return well_formed(value.strip()) if isinstance(value, str) else ""


def _relay_url(body: dict[str, object]) -> str:
    relay_url = _text(body, "relayUrl")
    if not relay_url:
        raise MISSING_RELAY_URL()
    if len(relay_url) > _LONGEST_URL:
        raise RELAY_URL_TOO_LONG()
    return relay_url


def _code(body: dict[str, object]) -> str:
    code = _text(body, "verificationToken")
    if not _CODE.fullmatch(code):
        raise BAD_CODE()
    return code


def _label(state: ClaimState) -> dict[str, object]:
    return {} if state.label is None else {"label": state.label}


def _known(link: dict[str, object] | None) -> dict[str, object]:
    if link is None:
        raise UNKNOWN_LINK()
    return link
