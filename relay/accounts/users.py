"""Serve users: create, authenticate, rename, change passwords, remove (rest-account.md 2.2, 3, 4).

Failed checks slow an account down and block only addresses; a check costs one scrypt whether the user exists or not.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from relay.accounts import emails
from relay.accounts.attempts import SignInAttempts
from relay.accounts.audit.log import AuditLog
from relay.accounts.audit.records import AuditEvent
from relay.accounts.cache import Cache
from relay.accounts.keys import Keys
from relay.accounts.passwords import Passwords
from relay.accounts.records import Login, User
from relay.accounts.sessions import Sessions
from relay.accounts.setup_code import SetupCode
from relay.accounts.steps import Steps
from relay.accounts.store import AccountStore, Summary
from relay.accounts.tokens import new_token, well_formed
from relay.clock import Clock
from relay.events import Bus, UserRemoved
from relay.storage import Storage, Transaction

log = logging.getLogger(__name__)


class SignupClosed(Exception):
    """Say that no further account may be made this way."""


class EmailTaken(Exception):
    """Say that a user has this e-mail already."""


class TooManyAttempts(Exception):
    """Say that this address failed too often; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Grant:
    """Say on what ground an account may be made.

    `anybody`: whatever accounts there are; else only as the first one, and `first` only if set-up let the request in.
    """

    anybody: bool = False
    first: bool = False


#: The ground of the operator, who holds the data directory.
OPERATOR = Grant(anybody=True, first=True)


@dataclass(frozen=True, slots=True)
class UserParts:
    """Collect what `Users` stands on."""

    storage: Storage
    store: AccountStore
    clock: Clock
    bus: Bus
    steps: Steps
    passwords: Passwords
    attempts: SignInAttempts
    keys: Keys
    sessions: Sessions
    code: SetupCode
    audit: AuditLog


class Users:
    """Own the users and their passwords."""

    def __init__(self, parts: UserParts, *, remembered: int) -> None:
        self._parts = parts
        self._any = False
        self._names: Cache[str] = Cache(remembered)

    @property
    def any(self) -> bool:
        """Tell whether there is an account; until then the set-up rule holds."""
        return self._any

    async def load(self) -> None:
        """Find out whether there is an account, and get the set-up code ready when there is none."""
        self._any = await self._parts.store.has_users()
        if not self._any:
            await self._parts.code.load()

    async def get(self, user_id: str) -> User | None:
        """Answer a user by id."""
        return await self._parts.store.user(user_id)

    async def by_email(self, email: str) -> User | None:
        """Answer a user by e-mail."""
        login = await self._parts.store.login(emails.normalize(email))
        return login.user if login else None

    async def name(self, user_id: str) -> str:
        """Answer a user's name, or the id when there is no such user (rest-account.md 1.2)."""
        known = self._names.get(user_id)
        if known is not None:
            return known
        ticket = self._names.ticket
        user = await self._parts.store.user(user_id)
        if user is None:
            return user_id
        self._names.put(user_id, user.name, ticket)
        return user.name

    async def summaries(self) -> list[Summary]:
        """Answer all users in order of creation."""
        return await self._parts.store.summaries()

    # Making accounts

    async def create(self, *, email: str, name: str, password: str, grant: Grant, image: str | None = None) -> User:
        """Add a user; raises SignupClosed, EmailTaken, PasswordsBusy.

        The ground is checked in the transaction that inserts: of two first users at once, one wins.
        """
        hashed = await self._parts.passwords.hash(password)
        return await self._parts.steps.run(self._create(email, name, hashed, grant, image))

    async def create_without_password(self, *, email: str, name: str, grant: Grant) -> User:
        """Add a user whom somebody else signs in; raises SignupClosed, EmailTaken."""
        return await self._parts.steps.run(self._create(email, name, None, grant, None))

    async def _create(self, email: str, name: str, hashed: str | None, grant: Grant, image: str | None) -> User:
        parts = self._parts
        now = parts.clock.now_iso()
        user = User(
            id=new_token(),
            name=well_formed(name),
            email=well_formed(emails.normalize(email)),
            email_verified=False,
            image=None if image is None else well_formed(image),
            created_at=now,
            updated_at=now,
        )

        async def insert(tx: Transaction) -> bool:
            first = await parts.store.count_users(tx) == 0
            if not (grant.first if first else grant.anybody):
                raise SignupClosed
            if await parts.store.email_taken(tx, user.email):
                raise EmailTaken
            await parts.store.insert_user(tx, user, hashed)
            await parts.code.use_up(tx)
            return first

        first = await parts.storage.write(insert)
        self._any = True
        parts.code.forget()
        # Whatever failed under this e-mail before was not about this account.
        parts.attempts.succeeded(user.email)
        parts.audit.note(AuditEvent.SETUP if first else AuditEvent.USER_ADDED, user.id)
        log.info("user created", extra={"user_id": user.id})
        return user

    # Passwords

    async def authenticate(self, email: str, password: str, address: str) -> User | None:
        """Answer the user whose password this is, None for a wrong one, an unknown user or one without password.

        Waits out the account's slow-down first. Raises TooManyAttempts for a blocked address, and PasswordsBusy.
        """
        parts = self._parts
        email = well_formed(emails.normalize(email))
        seconds = parts.attempts.blocked(address)
        if seconds:
            raise TooManyAttempts(seconds)
        parts.attempts.enter(address)
        try:
            delay = parts.attempts.delay(email)
            if delay:
                await asyncio.sleep(delay)
            login = await parts.store.login(email)
            if not await parts.passwords.verify(password, login.password if login else None):
                parts.attempts.failed(email, address)
                # What was typed in the place of an unknown e-mail may be a password: it is not written down.
                parts.audit.note(AuditEvent.SIGN_IN_FAILED, login.user.id if login else "")
                log.info("sign-in failed", extra={"address": address})
                return None
        finally:
            parts.attempts.leave(address)
        parts.attempts.succeeded(email)
        return login.user if login else None

    async def login_of(self, user: User) -> Login | None:
        """Answer the user with their password hash, for a check of the current password."""
        return await self._parts.store.login(user.email)

    async def set_password(self, user_id: str, password: str, *, revoke_sessions: bool) -> None:
        """Store a new password and, on demand, revoke every cookie session of the user. Keys stay."""
        hashed = await self._parts.passwords.hash(password)
        await self._parts.steps.run(self._set_password(user_id, hashed, revoke_sessions))

    async def _set_password(self, user_id: str, hashed: str, revoke_sessions: bool) -> None:
        parts = self._parts

        async def store(tx: Transaction) -> list[str]:
            await parts.store.set_password(tx, user_id, hashed, parts.clock.now_iso())
            return await parts.store.delete_sessions(tx, user_id) if revoke_sessions else []

        parts.sessions.revoked(user_id, await parts.storage.write(store))
        parts.audit.note(AuditEvent.PASSWORD_CHANGED, user_id)
        log.info("password changed", extra={"user_id": user_id})

    # Changes

    async def update(self, user: User, *, name: str | None, image: str | None, sets_image: bool) -> User:
        """Store a new name or image."""
        changed = replace(
            user,
            name=user.name if name is None else well_formed(name),
            image=(None if image is None else well_formed(image)) if sets_image else user.image,
            updated_at=self._parts.clock.now_iso(),
        )
        await self._parts.steps.run(self._update(changed))
        return changed

    async def _update(self, user: User) -> None:
        async def store(tx: Transaction) -> None:
            await self._parts.store.update_user(tx, user)

        await self._parts.storage.write(store)
        self._forget(user.id)

    async def remove(self, user_id: str) -> bool:
        """Delete a user with all that is theirs and cut their connections; False when there is no such user."""
        return await self._parts.steps.run(self._remove(user_id))

    async def _remove(self, user_id: str) -> bool:
        parts = self._parts

        async def delete(tx: Transaction) -> tuple[bool, bool]:
            gone = await parts.store.delete_user(tx, user_id)
            return gone, await parts.store.count_users(tx) > 0

        gone, self._any = await parts.storage.write(delete)
        if not gone:
            return False
        self._forget(user_id)
        parts.audit.note(AuditEvent.USER_REMOVED, user_id)
        log.info("user removed", extra={"user_id": user_id})
        parts.bus.publish(UserRemoved(user_id))
        if not self._any:
            await parts.code.load()
            parts.code.show()
        return True

    def _forget(self, user_id: str) -> None:
        self._parts.keys.forget_user(user_id)
        self._parts.sessions.forget_user(user_id)
        self._names.drop(lambda _name: True)
