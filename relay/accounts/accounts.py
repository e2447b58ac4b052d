"""Put the room together and answer its one question: who is calling (rest-account.md 1)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from relay.accounts.api_keys import KeyState, mint_live
from relay.accounts.attempts import AuthPace, FixedWindow, SignInAttempts
from relay.accounts.audit.log import AuditLog
from relay.accounts.audit.records import AuditLimits
from relay.accounts.keys import KeyCheck, Keys
from relay.accounts.limits import AccountLimits, KeyRateLimit
from relay.accounts.pairing.claims import Claims, PairingParts
from relay.accounts.pairing.mobile_links import MobileLinks
from relay.accounts.passwords import Passwords
from relay.accounts.proxy_sign_in import ProxySignIn, ProxySignInConfig
from relay.accounts.sessions import Sessions
from relay.accounts.setup_code import SetupCode
from relay.accounts.signup import SignupGate
from relay.accounts.steps import Steps
from relay.accounts.store import AccountStore
from relay.accounts.users import UserParts, Users
from relay.clock import Clock
from relay.events import Bus
from relay.http.client_address import ClientAddress
from relay.http.errors import INVALID_KEY, MISSING_KEY
from relay.http.identity import Credential, Identity
from relay.http.origins import OriginPolicy
from relay.storage import Storage, StorageError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccountsConfig:
    """Hold what an operator decides about accounts.

    `secret` signs cookies. `open_signup` lets anybody make an account after the first one. `hostnames` are names that
    may stand in `Host` during set-up. `auth_origins` are further origins for `/api/auth` alone, `*` and `?` allowed.
    """

    secret: bytes
    open_signup: bool = False
    auth_rate_limit: bool = True
    hostnames: frozenset[str] = frozenset()
    auth_origins: tuple[str, ...] = ()
    key_rate_limit: KeyRateLimit = field(default_factory=KeyRateLimit)
    limits: AccountLimits = field(default_factory=AccountLimits)
    audit: AuditLimits = field(default_factory=AuditLimits)
    proxy_sign_in: ProxySignInConfig = field(default_factory=ProxySignInConfig)


def _print_nowhere(_code: str) -> None:
    """Leave a new set-up code to the next start."""


class Accounts:
    """Own the room's parts; made by `open`, ended by `close`."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        bus: Bus,
        config: AccountsConfig,
        *,
        address: ClientAddress,
        origins: OriginPolicy,
        announce: Callable[[str], None] = _print_nowhere,
    ) -> None:
        """`announce` prints a set-up code that is made while the relay runs."""
        limits = config.limits
        self.config = config
        self.clock = clock
        self.address = address
        self.origins = origins
        store = AccountStore(storage)
        self._steps = Steps()
        self.audit = AuditLog(storage, clock, config.audit)
        self._passwords = Passwords(threads=limits.password_threads, waiting=limits.password_queue)
        self._code = SetupCode(storage, store, announce)
        self.attempts = SignInAttempts(clock, limits.sign_in, limits.remembered)
        self.pace = AuthPace(clock, limits.remembered)
        self.registrations = FixedWindow(clock, limits.register_attempts, limits.register_window, limits.remembered)
        self.keys = Keys(
            storage, store, clock, bus, self._steps, limits=limits, rate_limit=config.key_rate_limit, audit=self.audit
        )
        self.sessions = Sessions(
            storage, store, clock, bus, self._steps, secret=config.secret, limits=limits, audit=self.audit
        )
        self.users = Users(
            UserParts(
                storage=storage,
                store=store,
                clock=clock,
                bus=bus,
                steps=self._steps,
                passwords=self._passwords,
                attempts=self.attempts,
                keys=self.keys,
                sessions=self.sessions,
                code=self._code,
                audit=self.audit,
            ),
            remembered=limits.remembered,
        )
        self.proxy_sign_in = ProxySignIn(config.proxy_sign_in, self.users, self.sessions, address)
        self.signup = SignupGate(
            self.users,
            self._code,
            self.attempts,
            address,
            origins,
            open_signup=config.open_signup,
            hostnames=config.hostnames,
            audit=self.audit,
        )
        pairing = limits.pairing
        self.pairings = FixedWindow(clock, pairing.attempts, pairing.window, limits.remembered)
        parts = PairingParts(storage, store, self.keys, self._steps, clock, pairing, config.secret)
        self.claims = Claims(parts)
        self.mobile_links = MobileLinks(parts)
        self._sweeping: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read what stands in the database; raises StorageError."""
        await self.audit.load()
        await self.users.load()

    async def start(self) -> None:
        """Load and start the upkeep; raises StorageError."""
        await self.load()
        self._sweeping = asyncio.get_running_loop().create_task(self._sweep(), name="accounts sweep")

    async def close(self) -> None:
        """End the upkeep, finish the steps under way, write what is noted; call it before the storage closes."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait({self._sweeping})
        await self._steps.close()
        await self.keys.close()
        await self._passwords.close()
        await self.audit.close()

    async def _sweep(self) -> None:
        while True:
            try:
                await self.keys.sweep()
                await self.sessions.sweep()
                await self.claims.sweep()
                await self.mobile_links.sweep()
                await self.audit.sweep()
            except StorageError:
                log.warning("could not delete expired credentials", exc_info=True)
            await asyncio.sleep(self.config.limits.sweep_interval)

    @property
    def hashing(self) -> int:
        """Answer how many password hashes are computed or wait."""
        return self._passwords.pending

    def setup_line(self) -> str | None:
        """Answer the set-up code for the start-up print, None when there is an account."""
        return self._code.current

    # Who is calling

    async def resolve(self, request: web.Request) -> Identity:
        """Answer the caller in the order of rest-account.md 1.2.

        `x-api-key` decides alone; a bad Bearer key is passed over. Raises ApiError 401, and StorageError.
        """
        raw = request.headers.get("x-api-key")
        if raw:
            identity = await self.verify_key(raw)
            if identity is None:
                raise INVALID_KEY()
            return identity
        bearer = bearer_key(request)
        if bearer is not None:
            identity = await self.verify_key(bearer, Credential.BEARER)
            if identity is not None:
                return identity
        identity = await self.verify_cookie(request)
        if identity is None:
            raise (MISSING_KEY if bearer is None else INVALID_KEY)()
        return identity

    async def verify_key(self, raw: str, via: Credential = Credential.KEY) -> Identity | None:
        """Answer the owner of a key, None when it is not valid; raises StorageError when that cannot be told."""
        known = self.keys.known(raw)
        if known is not None:
            ends = known.expires_ms
            return Identity(
                known.key.user_id,
                known.user_name,
                via,
                known.key.id,
                None if ends is None else ends / 1000,
                known.key.scope,
            )
        return key_identity(await self.keys.check(raw), via)

    async def verify_cookie(self, request: web.Request) -> Identity | None:
        """Answer the user of a cookie session, None without a live one; raises StorageError when it cannot be told."""
        token = self.sessions.token_of(request)
        live = None if token is None else self.sessions.known(token) or await self.sessions.find(token)
        if live is None:
            return None
        session = live.session
        return Identity(session.user_id, live.user_name, Credential.COOKIE, session.id, live.expires_ms / 1000)

    async def user_name(self, user_id: str) -> str:
        """Answer a user's name, or the id when there is no such user; raises StorageError."""
        return await self.users.name(user_id)

    async def mint_cli_key(self, user_id: str) -> str:
        """Make the user's `cli` key, revoking the earlier one, and answer it in the clear (rest-account.md 4.3)."""
        minted = mint_live()
        await self.keys.replace_cli_key(user_id, minted)
        return minted.raw


def bearer_key(request: web.Request) -> str | None:
    """Answer the key of `Authorization: Bearer <key>`, None for another scheme or no header."""
    scheme, _, key = request.headers.get("Authorization", "").strip().partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def key_identity(check: KeyCheck, via: Credential) -> Identity | None:
    """Answer the caller that a verified key stands for, None when it is not valid."""
    if check.state is not KeyState.VALID or check.key is None:
        return None
    key = check.key
    ends = key.expires_ms
    return Identity(key.user_id, check.user_name, via, key.id, None if ends is None else ends / 1000, key.scope)
