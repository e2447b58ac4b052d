"""Carry cookie sessions through aiohttp-session: the row is the session, the cookie its signed token.

The cookie is upstream's to the byte, so an imported database and secret keep browsers signed in (rest-account.md 2.3).
Only the auth endpoints load this; every other route asks `Sessions` directly and can never set a cookie.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp_session import AbstractStorage, Session, new_session

from relay.accounts import cookies
from relay.accounts.sessions import Sessions
from relay.accounts.tokens import new_token
from relay.http.client_address import ClientAddress

#: Fields of the session's mapping.
USER_ID = "userId"
_REMEMBER = "remember"


class SessionRows(AbstractStorage):
    """Load a session from its row; saving inserts a new one, deletes an emptied one, re-sends a touched one."""

    def __init__(self, sessions: Sessions, address: ClientAddress) -> None:
        super().__init__(cookie_name=cookies.SESSION_TOKEN, max_age=cookies.MAX_AGE, samesite="Lax")
        self._sessions = sessions
        self._address = address

    async def load_session(self, request: web.Request) -> Session:
        """Answer the live session of the request, else a new one; raises StorageError."""
        token = self._sessions.token_of(request)
        live = None if token is None else await self._sessions.find(token)
        if live is None:
            # The token of a session that is gone is kept, so that invalidating it clears the cookie.
            return Session(token, data=None, new=True, max_age=None)
        content = {USER_ID: live.session.user_id, _REMEMBER: self._sessions.is_remembered(request)}
        return Session(token, data={"session": content}, new=False, max_age=None)

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        """Write what changed and put the cookies on the response."""
        secure = self._address.scheme(request) == "https"
        token = str(session.identity or "")
        if session.empty:
            if token:
                await self._sessions.end(token)
            for cookie in cookies.clearing_cookies(secure=secure):
                response.headers.add("Set-Cookie", cookie)
            return
        remember = bool(session[_REMEMBER])
        if session.new:
            await self._sessions.start(
                token,
                str(session[USER_ID]),
                address=self._address.ip(request),
                user_agent=request.headers.get("User-Agent", ""),
                remember=remember,
            )
        max_age = cookies.MAX_AGE if remember else None
        value = self._sessions.signed(token)
        response.headers.add(
            "Set-Cookie", cookies.set_cookie(cookies.SESSION_TOKEN, value, secure=secure, max_age=max_age)
        )
        if not remember:
            marker = self._sessions.signed("true")
            response.headers.add(
                "Set-Cookie", cookies.set_cookie(cookies.DONT_REMEMBER, marker, secure=secure, max_age=None)
            )


async def sign_in(request: web.Request, user_id: str, *, remember: bool = True) -> str:
    """Make a session that the middleware stores before the answer leaves; answers its token."""
    session = await new_session(request)
    token = new_token()
    session.set_new_identity(token)
    session[USER_ID] = user_id
    session[_REMEMBER] = remember
    return token
