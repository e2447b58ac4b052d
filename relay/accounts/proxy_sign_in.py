"""Sign browsers in on the word of a proxy that has authenticated them (docs/proxies.md).

The proxy names the person's e-mail in a header. It counts only from the addresses that the operator listed for this
very purpose: a proxy that is believed about addresses is not for that reason believed about people.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from aiohttp import web

from relay.accounts import cookies, emails
from relay.accounts.records import CookieSession, User
from relay.accounts.sessions import Sessions
from relay.accounts.tokens import new_token
from relay.accounts.users import OPERATOR, EmailTaken, Users
from relay.http.client_address import ClientAddress, Network, parse_address

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProxySignInConfig:
    """Name the header and who may send it, an empty one switches it off; `create` makes accounts that are missing."""

    header: str = ""
    proxies: tuple[Network, ...] = ()
    create: bool = False


class ProxySignIn:
    """Turn the proxy's word into a cookie session, once per browser."""

    def __init__(self, config: ProxySignInConfig, users: Users, sessions: Sessions, address: ClientAddress) -> None:
        self._config = config
        self._users = users
        self._sessions = sessions
        self._address = address

    async def user(self, request: web.Request) -> User | None:
        """Answer whom the proxy names, None when nobody is named or the name is not to be believed."""
        email = self._email(request)
        if email is None:
            return None
        user = await self._users.by_email(email)
        if user is not None or not self._config.create:
            if user is None:
                log.info("the proxy names somebody who has no account")
            return user
        try:
            return await self._users.create_without_password(email=email, name=email.partition("@")[0], grant=OPERATOR)
        except EmailTaken:
            # Two of the browser's first requests at once.
            return await self._users.by_email(email)

    async def start(self, request: web.Request, user: User, replaced: str | None) -> tuple[CookieSession, str]:
        """Start a session, end the `replaced` token's, and answer it with its `Set-Cookie` value."""
        if replaced is not None:
            await self._sessions.end(replaced)
        token = new_token()
        session = await self._sessions.start(
            token,
            user.id,
            address=self._address.ip(request),
            user_agent=request.headers.get("User-Agent", ""),
            remember=True,
        )
        secure = self._address.scheme(request) == "https"
        cookie = cookies.set_cookie(
            cookies.SESSION_TOKEN, self._sessions.signed(token), secure=secure, max_age=cookies.MAX_AGE
        )
        return session, cookie

    def _email(self, request: web.Request) -> str | None:
        header = self._config.header
        if not header:
            return None
        named = request.headers.getall(header, ())
        if not named:
            return None
        peer = parse_address(request.remote)
        if peer is None or not any(peer in network for network in self._config.proxies):
            log.warning("a sign-in header from elsewhere is ignored", extra={"peer": request.remote or ""})
            return None
        email = emails.normalize(named[0].strip())
        if len(named) > 1 or not emails.is_registrable(email):
            # A proxy that adds its header to a client's instead of replacing it is no use.
            log.warning("a sign-in header that names nobody is ignored", extra={"count": len(named)})
            return None
        return email
