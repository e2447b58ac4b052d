"""Serve cookie sessions: find, start, refresh, revoke (rest-account.md 2.3).

A session is a row, revocable; the verified ones are kept in memory.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from relay.accounts import cookies
from relay.accounts.audit.log import AuditLog
from relay.accounts.audit.records import AuditEvent
from relay.accounts.cache import Cache
from relay.accounts.limits import AccountLimits
from relay.accounts.records import CookieSession
from relay.accounts.steps import Steps
from relay.accounts.store import AccountStore
from relay.accounts.tokens import new_token, well_formed
from relay.clock import Clock, iso
from relay.events import Bus, CredentialsRevoked
from relay.storage import Storage, Transaction

log = logging.getLogger(__name__)

_DAY_MS: Final = 86_400_000
#: Life of a session, and how long after the last refresh it is refreshed again (rest-account.md 2.3).
_LIFE_MS: Final = cookies.MAX_AGE * 1000
_REFRESH_AFTER_MS: Final = _DAY_MS
#: A browser's name is longer than this only on purpose.
_MAX_USER_AGENT: Final = 1024
#: Checking a signature costs more than the rest of a request's identity. Characters of a `Cookie` header that is
#: remembered with its token, and how many are.
_MEMORABLE: Final = 1024
_MEMORABLE_HEADERS: Final = 2000


@dataclass(frozen=True, slots=True)
class LiveSession:
    """Pair an unexpired session with its user's name."""

    session: CookieSession
    user_name: str
    expires_ms: int


class Sessions:
    """Own the cookie sessions."""

    def __init__(
        self,
        storage: Storage,
        store: AccountStore,
        clock: Clock,
        bus: Bus,
        steps: Steps,
        *,
        secret: bytes,
        limits: AccountLimits,
        audit: AuditLog,
    ) -> None:
        self._audit = audit
        self._storage = storage
        self._store = store
        self._clock = clock
        self._bus = bus
        self._steps = steps
        self._secret = secret
        self._cache: Cache[LiveSession] = Cache(limits.cached_credentials)
        # What a header is signed for never changes, so this memory can't grow stale; whether the session lives is
        # another question.
        self._tokens: Cache[str] = Cache(_MEMORABLE_HEADERS)

    def token_of(self, request: web.Request) -> str | None:
        """Answer the token that the request's cookie carries under our signature, whether its session lives or not."""
        header = request.headers.get("Cookie")
        if header is None:
            return None
        token = self._tokens.get(header)
        if token is None:
            token = cookies.read_signed(self._secret, header, cookies.SESSION_TOKEN)
            if token is not None and len(header) <= _MEMORABLE:
                self._tokens.put(header, token, self._tokens.ticket)
        return token

    def is_remembered(self, request: web.Request) -> bool:
        """Tell whether the sign-in asked to outlive the browser (`rememberMe`, the default)."""
        return cookies.read_signed(self._secret, request.headers.get("Cookie", ""), cookies.DONT_REMEMBER) != "true"

    def signed(self, text: str) -> str:
        """Answer `text` as a cookie value."""
        return cookies.sign(self._secret, text)

    def known(self, token: str) -> LiveSession | None:
        """Answer a session from memory; None says that `find` must decide."""
        live = self._cache.get(token)
        return None if live is None or live.expires_ms <= self._clock.now_ms() else live

    async def find(self, token: str) -> LiveSession | None:
        """Answer the live session of a token and delete an expired one; raises StorageError."""
        live = self.known(token)
        if live is not None:
            return live
        row, ticket = await self._cache.read(lambda: self._store.session(token))
        if row is None:
            return None
        session, user_name = row
        live = LiveSession(session, user_name, session.expires_ms)
        if live.expires_ms <= self._clock.now_ms():
            await self._steps.run(self._drop_expired(session))
            return None
        self._cache.put(token, live, ticket)
        return live

    async def _drop_expired(self, session: CookieSession) -> None:
        async def delete(tx: Transaction) -> None:
            await self._store.delete_session(tx, session.token, session.user_id)

        await self._storage.write(delete)
        self._cache.drop(lambda entry: entry.session.id == session.id)

    async def start(self, token: str, user_id: str, *, address: str, user_agent: str, remember: bool) -> CookieSession:
        """Store a new session: 7 days, one day when it is not to be remembered."""
        now = self._clock.now_ms()
        session = CookieSession(
            id=new_token(),
            token=token,
            user_id=user_id,
            expires_at=iso(now + (_LIFE_MS if remember else _DAY_MS)),
            created_at=iso(now),
            updated_at=iso(now),
            ip_address=address,
            user_agent=well_formed(user_agent[:_MAX_USER_AGENT]),
        )

        async def insert(tx: Transaction) -> None:
            await self._store.insert_session(tx, session)

        await self._storage.write(insert)
        self._audit.note(AuditEvent.SIGN_IN, user_id, session.id, userAgent=session.user_agent)
        return session

    def wants_refresh(self, live: LiveSession) -> bool:
        """Tell whether a day has passed since the session was last prolonged."""
        return live.expires_ms - _LIFE_MS + _REFRESH_AFTER_MS <= self._clock.now_ms()

    async def refresh(self, live: LiveSession) -> LiveSession:
        """Prolong a session to 7 days from now and answer it."""
        return await self._steps.run(self._refresh(live))

    async def _refresh(self, live: LiveSession) -> LiveSession:
        now = self._clock.now_ms()
        session = replace(live.session, expires_at=iso(now + _LIFE_MS), updated_at=iso(now))

        async def refresh(tx: Transaction) -> None:
            await self._store.refresh_session(tx, session)

        await self._storage.write(refresh)
        self._cache.drop(lambda entry: entry.session.id == session.id)
        return LiveSession(session, live.user_name, session.expires_ms)

    async def of_user(self, user_id: str) -> list[CookieSession]:
        """Answer the unexpired sessions of a user."""
        return await self._store.sessions(user_id, self._clock.now_iso())

    async def end(self, token: str) -> None:
        """Revoke the session of a token, whoever's it is; the token is proof enough."""
        row = await self._store.session(token)
        if row is not None:
            await self._steps.run(self._revoke(row[0].user_id, token, AuditEvent.SIGN_OUT))

    async def revoke(self, user_id: str, token: str) -> None:
        """Revoke one session of the user by its token; an unknown token is no error."""
        await self._steps.run(self._revoke(user_id, token, AuditEvent.SESSIONS_REVOKED))

    async def _revoke(self, user_id: str, token: str, event: AuditEvent) -> None:
        async def delete(tx: Transaction) -> list[str]:
            return await self._store.delete_session(tx, token, user_id)

        self.revoked(user_id, await self._storage.write(delete), event)

    async def revoke_all(self, user_id: str, *, except_token: str | None = None) -> None:
        """Revoke the sessions of the user, all but the one of `except_token`."""
        await self._steps.run(self._revoke_all(user_id, except_token))

    async def _revoke_all(self, user_id: str, except_token: str | None) -> None:
        async def delete(tx: Transaction) -> list[str]:
            return await self._store.delete_sessions(tx, user_id, except_token=except_token)

        self.revoked(user_id, await self._storage.write(delete))

    def revoked(self, user_id: str, session_ids: list[str], event: AuditEvent = AuditEvent.SESSIONS_REVOKED) -> None:
        """Forget deleted sessions and tell the sockets that they had admitted."""
        if not session_ids:
            return
        gone = frozenset(session_ids)
        self._cache.drop(lambda entry: entry.session.id in gone)
        log.info("sessions revoked", extra={"user_id": user_id, "count": len(gone)})
        for session_id in session_ids:
            self._audit.note(event, user_id, session_id)
        self._bus.publish(CredentialsRevoked(user_id, gone))

    def forget_user(self, user_id: str) -> None:
        """Drop a user's sessions from memory: their name changed or they are gone."""
        self._cache.drop(lambda entry: entry.session.user_id == user_id)

    async def sweep(self) -> None:
        """Delete sessions that have ended. Memory checks the end on every use, so nothing else follows."""

        async def delete(tx: Transaction) -> None:
            await self._store.delete_expired_sessions(tx, self._clock.now_iso())

        await self._storage.write(delete)
