"""Serve API keys: verify from memory, mint, list, change, revoke (rest-account.md 1.4, 2.2, 3.3)."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, replace

from relay.accounts.api_keys import KeyState, Minted, Verdict, digest, is_metered, judge
from relay.accounts.audit.log import AuditLog
from relay.accounts.audit.records import AuditEvent
from relay.accounts.cache import Cache
from relay.accounts.limits import AccountLimits, KeyRateLimit
from relay.accounts.records import ApiKey
from relay.accounts.steps import Steps
from relay.accounts.store import AccountStore
from relay.clock import Clock, iso
from relay.events import Bus, CredentialsRevoked
from relay.http.identity import Scope
from relay.storage import Storage, StorageError, Transaction

log = logging.getLogger(__name__)

#: Name of the one key that register keeps per user (rest-account.md 4.3, row 7).
CLI_NAME = "cli"


@dataclass(slots=True)
class KnownKey:
    """Keep a verified key in memory; `touched` is the monotonic time when its use was last noted."""

    key: ApiKey
    user_name: str
    expires_ms: int | None
    touched: float


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """Answer a verification: the state, and for a known key its row and its user's name."""

    state: KeyState
    key: ApiKey | None = None
    user_name: str = ""
    try_again_in: int = 0


@dataclass(frozen=True, slots=True)
class KeyChange:
    """Say what to change of a key; None leaves a field as it is, `expires_in` (seconds) counts with `sets_expiry`."""

    name: str | None = None
    enabled: bool | None = None
    sets_expiry: bool = False
    expires_in: float | None = None


class Keys:
    """Own the API keys."""

    def __init__(
        self,
        storage: Storage,
        store: AccountStore,
        clock: Clock,
        bus: Bus,
        steps: Steps,
        *,
        limits: AccountLimits,
        rate_limit: KeyRateLimit,
        audit: AuditLog,
    ) -> None:
        self._audit = audit
        self._storage = storage
        self._store = store
        self._clock = clock
        self._bus = bus
        self._steps = steps
        self._limits = limits
        self._rate_limit = rate_limit
        self._cache: Cache[KnownKey] = Cache(limits.cached_credentials)
        self._uses: dict[str, str] = {}
        self._touching: asyncio.Task[None] | None = None

    def known(self, raw: str) -> KnownKey | None:
        """Answer a key from memory: no database, no wait. None says that `check` must decide."""
        found = self._cache.get(digest(raw))
        if found is None or (found.expires_ms is not None and found.expires_ms <= self._clock.now_ms()):
            return None
        self._note_use(found)
        return found

    async def check(self, raw: str) -> KeyCheck:
        """Verify a key and count the use; raises StorageError when the database fails."""
        found = self.known(raw)
        if found is not None:
            return KeyCheck(KeyState.VALID, found.key, found.user_name)
        hashed = digest(raw)
        row, ticket = await self._cache.read(lambda: self._store.key(hashed))
        if row is None:
            return KeyCheck(KeyState.UNKNOWN)
        key, user_name = row
        verdict = judge(key, self._clock.now_ms(), limit_enabled=self._rate_limit.enabled)
        if verdict.delete or is_metered(key, limit_enabled=self._rate_limit.enabled):
            verdict = await self._steps.run(self._count(hashed, key))
            if verdict.state is KeyState.VALID:
                self._audit.key_used(key.id, key.user_id)
        elif verdict.state is KeyState.VALID:
            entry = KnownKey(key, user_name, key.expires_ms, float("-inf"))
            self._cache.put(hashed, entry, ticket)
            self._note_use(entry)
        return KeyCheck(verdict.state, verdict.key, user_name, verdict.try_again_in)

    async def _count(self, hashed: str, seen: ApiKey) -> Verdict:
        """Judge again inside a transaction and store the outcome: two uses at once must both count."""

        async def count(tx: Transaction) -> Verdict:
            key = await self._store.key_in(tx, hashed)
            if key is None:
                return Verdict(KeyState.UNKNOWN, seen)
            verdict = judge(key, self._clock.now_ms(), limit_enabled=self._rate_limit.enabled)
            if verdict.delete:
                await self._store.delete_key(tx, key.id, key.user_id)
            elif verdict.state is KeyState.VALID:
                await self._store.count_use(tx, verdict.key)
            return verdict

        verdict = await self._storage.write(count)
        if verdict.delete:
            self.revoked(seen.user_id, [seen.id])
        return verdict

    # Owners' actions

    async def create(
        self,
        user_id: str,
        minted: Minted,
        *,
        name: str | None,
        expires_in: float | None,
        scope: Scope = Scope.FULL,
    ) -> ApiKey:
        """Store a new key for `api-key/create`; `expires_in` is in seconds, None for never."""
        # The numbers are stored even while the limit is off, which is how upstream's list shows them.
        row = self._row(user_id, minted, name=name, window=self._rate_limit.window_ms)
        row = replace(row, rate_limit_max=self._rate_limit.max_requests, expires_at=self._end(expires_in), scope=scope)

        async def insert(tx: Transaction) -> None:
            await self._store.insert_key(tx, row)

        await self._storage.write(insert)
        self.created(row)
        return row

    async def replace_cli_key(self, user_id: str, minted: Minted) -> None:
        """Store the user's one `cli` key, which never ends, and revoke the earlier one (rest-account.md 4.3)."""
        await self._steps.run(self._replace_cli_key(user_id, minted))

    async def _replace_cli_key(self, user_id: str, minted: Minted) -> None:
        row = self.enrolled(user_id, minted, name=CLI_NAME, expires_in=None)

        async def swap(tx: Transaction) -> list[str]:
            gone = await self._store.delete_keys_named(tx, user_id, CLI_NAME)
            await self._store.insert_key(tx, row)
            return gone

        gone = await self._storage.write(swap)
        self.created(row)
        self.revoked(user_id, gone)

    def enrolled(self, user_id: str, minted: Minted, *, name: str, expires_in: float | None) -> ApiKey:
        """Answer the row of a key for register or enrollment, to be inserted by the caller (rest-account.md 3.3).

        `expires_in` is in seconds, None for never.
        """
        limited = self._rate_limit.enabled
        row = self._row(user_id, minted, name=name, window=self._rate_limit.window_ms if limited else None)
        return replace(
            row,
            id=str(uuid.uuid4()),
            rate_limit_max=self._rate_limit.max_requests if limited else None,
            expires_at=self._end(expires_in),
        )

    def _end(self, expires_in: float | None) -> str | None:
        return None if expires_in is None else iso(self._clock.now_ms() + expires_in * 1000)

    def _row(self, user_id: str, minted: Minted, *, name: str | None, window: int | None) -> ApiKey:
        now = self._clock.now_iso()
        return ApiKey(
            id=uuid.uuid4().hex,
            name=name,
            start=minted.start,
            prefix=minted.prefix,
            digest=digest(minted.raw),
            user_id=user_id,
            created_at=now,
            updated_at=now,
            rate_limit_enabled=self._rate_limit.enabled,
            rate_limit_time_window=window,
        )

    async def of_user(self, user_id: str) -> list[ApiKey]:
        """Answer all keys of a user in order of creation."""
        return await self._store.keys(user_id)

    async def delete(self, user_id: str, key_id: str) -> bool:
        """Revoke a key; False when it is not the user's."""
        return await self._steps.run(self._delete(user_id, key_id))

    async def _delete(self, user_id: str, key_id: str) -> bool:
        async def delete(tx: Transaction) -> bool:
            return await self._store.delete_key(tx, key_id, user_id)

        if not await self._storage.write(delete):
            return False
        self.revoked(user_id, [key_id])
        return True

    async def update(self, user_id: str, key_id: str, change: KeyChange) -> ApiKey | None:
        """Store the changed fields; None when the key is not the user's."""
        return await self._steps.run(self._update(user_id, key_id, change))

    async def _update(self, user_id: str, key_id: str, change: KeyChange) -> ApiKey | None:
        async def update(tx: Transaction) -> ApiKey | None:
            key = await self._store.key_of(tx, key_id, user_id)
            if key is None:
                return None
            key = replace(
                key,
                name=key.name if change.name is None else change.name,
                enabled=key.enabled if change.enabled is None else change.enabled,
                expires_at=self._end(change.expires_in) if change.sets_expiry else key.expires_at,
                updated_at=self._clock.now_iso(),
            )
            await self._store.update_key(tx, key)
            return key

        key = await self._storage.write(update)
        if key is not None:
            self._audit.note(AuditEvent.KEY_CHANGED, user_id, key_id, name=key.name, enabled=key.enabled)
            self._cache.drop(lambda entry: entry.key.id == key_id)
            if not key.enabled:
                self.revoked(user_id, [key_id])
        return key

    def created(self, key: ApiKey) -> None:
        """Note in the audit log that the row of a key was stored."""
        self._audit.note(AuditEvent.KEY_CREATED, key.user_id, key.id, name=key.name)

    def forget_user(self, user_id: str) -> None:
        """Drop a user's keys from memory: their name changed or they are gone."""
        self._cache.drop(lambda entry: entry.key.user_id == user_id)

    def revoked(self, user_id: str, key_ids: list[str]) -> None:
        """Forget keys whose rows were just deleted or disabled, and cut what they had admitted."""
        if not key_ids:
            return
        gone = frozenset(key_ids)
        self._cache.drop(lambda entry: entry.key.id in gone)
        log.info("API keys revoked", extra={"user_id": user_id, "key_ids": key_ids})
        for key_id in key_ids:
            self._audit.note(AuditEvent.KEY_REVOKED, user_id, key_id)
            self._audit.forget_key(key_id)
        self._bus.publish(CredentialsRevoked(user_id, gone))

    # Upkeep

    async def sweep(self) -> None:
        """Delete keys that have ended and cut what they had admitted."""
        await self._steps.run(self._sweep())

    async def _sweep(self) -> None:
        async def delete(tx: Transaction) -> list[tuple[str, str]]:
            return await self._store.delete_expired_keys(tx, self._clock.now_iso())

        gone: dict[str, list[str]] = {}
        for key_id, user_id in await self._storage.write(delete):
            gone.setdefault(user_id, []).append(key_id)
        for user_id, key_ids in gone.items():
            self.revoked(user_id, key_ids)

    def _note_use(self, entry: KnownKey) -> None:
        self._audit.key_used(entry.key.id, entry.key.user_id)
        now = self._clock.monotonic()
        if now - entry.touched < self._limits.last_request_interval:
            return
        entry.touched = now
        self._uses[entry.key.id] = self._clock.now_iso()
        if self._touching is None or self._touching.done():
            self._touching = asyncio.get_running_loop().create_task(self._write_uses_soon(), name="key uses")

    async def _write_uses_soon(self) -> None:
        await asyncio.sleep(self._limits.touch_delay)
        await self._write_uses()

    async def _write_uses(self) -> None:
        uses = list(self._uses.items())
        self._uses.clear()
        if not uses:
            return

        async def touch(tx: Transaction) -> None:
            await self._store.touch_keys(tx, uses)

        try:
            await self._storage.write(touch)
        except StorageError:
            # The time of the last use is a nicety; the next use writes it again.
            log.warning("could not store when keys were last used", exc_info=True)

    async def close(self) -> None:
        """Write the noted uses."""
        if self._touching is not None and not self._touching.done():
            self._touching.cancel()
            await asyncio.wait({self._touching})
        await self._write_uses()
