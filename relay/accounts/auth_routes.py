"""Sign up, in and out, and say who is signed in (rest-account.md 2.2)."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp_session import get_session

from relay.accounts import emails, schemas
from relay.accounts.accounts import Accounts
from relay.accounts.auth_area import AuthCall, Caller, Endpoint, answer
from relay.accounts.auth_errors import denied
from relay.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from relay.accounts.session_storage import sign_in
from relay.accounts.signup import SIGNUP_REFUSALS, SIGNUPS_DISABLED
from relay.accounts.tokens import utf16_length, well_formed
from relay.accounts.users import EmailTaken, SignupClosed
from relay.accounts.validation import Field, Kind, not_empty
from relay.clock import iso
from relay.http.errors import ErrorSpec
from relay.http.routes import Call
from relay.http.shapes import Ok

#: What a key's synthetic session lives when the key never ends, in milliseconds (rest-account.md 2.2).
_KEY_SESSION_MS: Final = 604_800_000


def _is_email(value: object) -> str | None:
    return None if isinstance(value, str) and emails.is_library_email(value) else "Invalid email address"


_SIGN_UP: Final = (
    Field("name", Kind.STRING, required=True),
    Field("email", Kind.STRING, required=True, checks=(_is_email,)),
    Field("password", Kind.STRING, required=True, checks=(not_empty,)),
    Field("image", Kind.STRING),
    Field("callbackURL", Kind.STRING),
    Field("rememberMe", Kind.BOOLEAN),
    Field("setupCode", Kind.ANY),
)
EMAIL_TAKEN: Final = ErrorSpec(422, "User already exists. Use another email.")

_GET_SESSION: Final = (Field("disableRefresh", Kind.STRING),)
_SIGN_IN: Final = (
    Field("email", Kind.STRING, required=True),
    Field("password", Kind.STRING, required=True),
    Field("callbackURL", Kind.STRING),
    Field("rememberMe", Kind.BOOLEAN),
)


def check_length(password: str) -> None:
    """Raise AuthError 400 for a new password outside of 8..128 UTF-16 units."""
    length = utf16_length(password)
    if length < MIN_LENGTH:
        raise denied(400, "Password too short")
    if length > MAX_LENGTH:
        raise denied(400, "Password too long")


class SignIn:
    """Answer the endpoints with which a browser comes and goes."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def endpoints(self) -> list[Endpoint]:
        """Answer the rows."""
        return [
            Endpoint(
                "POST",
                "/sign-up/email",
                self.sign_up,
                "Make an account and sign in",
                fields=_SIGN_UP,
                form=True,
                login=True,
                gate=self._sign_up_gate,
                answers=schemas.SignedUp,
                errors=(SIGNUPS_DISABLED, *SIGNUP_REFUSALS, EMAIL_TAKEN),
                open=True,
            ),
            Endpoint(
                "POST",
                "/sign-in/email",
                self.sign_in,
                "Sign in with e-mail and password",
                fields=_SIGN_IN,
                form=True,
                login=True,
                answers=schemas.SignedIn,
                open=True,
            ),
            Endpoint("POST", "/sign-out", self.sign_out, "End the cookie session", answers=schemas.Success),
            Endpoint(
                "GET",
                "/get-session",
                self.get_session,
                "Say who is signed in, null for nobody",
                answers=schemas.SessionAndUser | None,
                query=_GET_SESSION,
                any_scope=True,
            ),
            Endpoint("GET", "/ok", self.ok, "Say that the auth endpoints answer", answers=Ok, open=True),
        ]

    def _sign_up_gate(self, call: Call) -> None:
        """Refuse a closed sign-up before anything of the request is read (rest-account.md 2.2)."""
        self._accounts.signup.check_closed(call.request)

    async def sign_up(self, call: AuthCall) -> web.Response:
        """Answer `POST /sign-up/email`."""
        fields = call.fields
        grant = await self._accounts.signup.grant(call.request, fields.raw("setupCode"))
        password = fields.text("password")
        check_length(password)
        try:
            user = await self._accounts.users.create(
                email=fields.text("email"),
                name=fields.text("name"),
                password=password,
                grant=grant,
                image=fields.text_or_none("image"),
            )
        except SignupClosed as error:
            raise SIGNUPS_DISABLED() from error
        except EmailTaken as error:
            raise denied(EMAIL_TAKEN.status, EMAIL_TAKEN.message) from error
        token = await sign_in(call.request, user.id, remember=fields.flag("rememberMe", default=True))
        return answer({"token": token, "user": user.wire()})

    async def sign_in(self, call: AuthCall) -> web.Response:
        """Answer `POST /sign-in/email`; `redirect` stays false unless a callback URL was sent."""
        fields = call.fields
        email = fields.text("email")
        if not emails.is_sign_in_email(email):
            raise denied(400, "Invalid email")
        address = self._accounts.address.ip(call.request)
        user = await self._accounts.users.authenticate(email, fields.text("password"), address)
        if user is None:
            raise denied(401, "Invalid email or password")
        token = await sign_in(call.request, user.id, remember=fields.flag("rememberMe", default=True))
        url = fields.text("callbackURL")
        body: dict[str, object] = {"redirect": bool(url), "token": token}
        if not url:
            return answer(body | {"user": user.wire()})
        response = answer(body | {"url": url, "user": user.wire()})
        response.headers["Location"] = url
        return response

    async def sign_out(self, call: AuthCall) -> web.Response:
        """Answer `POST /sign-out`: whatever the session, it is over."""
        session = await get_session(call.request)
        session.invalidate()
        return answer({"success": True})

    async def get_session(self, call: AuthCall) -> web.Response:
        """Answer `GET /get-session`; prolongs a session that is a day old, and is the only route that does."""
        sessions = self._accounts.sessions
        if call.key is not None:
            caller = await call.caller()
            return answer(None if caller is None else self._key_session(call, caller))
        token = sessions.token_of(call.request)
        live = None if token is None else await sessions.find(token)
        user = None if live is None else await self._accounts.users.get(live.session.user_id)
        named = await self._accounts.proxy_sign_in.user(call.request)
        if named is not None and (user is None or user.id != named.id):
            session, cookie = await self._accounts.proxy_sign_in.start(call.request, named, token)
            response = answer({"session": session.wire(), "user": named.wire()})
            response.headers.add("Set-Cookie", cookie)
            return response
        if live is None or user is None:
            if token is not None:
                (await get_session(call.request)).invalidate()
            return answer(None)
        if (
            call.query.get("disableRefresh") != "true"
            and sessions.wants_refresh(live)
            and sessions.is_remembered(call.request)
        ):
            live = await sessions.refresh(live)
            (await get_session(call.request)).changed()
        return answer({"session": live.session.wire(), "user": user.wire()})

    def _key_session(self, call: AuthCall, caller: Caller) -> dict[str, object]:
        """Make up the session of a key's owner, as the mobile app expects it."""
        now = self._accounts.clock.now_ms()
        key = caller.key
        session = {
            "id": "" if key is None else key.id,
            "token": caller.raw_key,
            "userId": caller.user.id,
            "expiresAt": (None if key is None else key.expires_at) or iso(now + _KEY_SESSION_MS),
            "createdAt": iso(now),
            "updatedAt": iso(now),
            "ipAddress": self._accounts.address.ip(call.request),
            "userAgent": well_formed(call.request.headers.get("User-Agent", "")),
        }
        return {"session": session, "user": caller.user.wire()}

    async def ok(self, _call: AuthCall) -> web.Response:
        """Answer `GET /ok`."""
        return answer({"ok": True})
