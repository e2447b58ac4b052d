"""Serve setup claims: a device makes one, a signed-in person approves it, the device gets a key (rest-account.md 5)."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Final

from relay.accounts.api_keys import digest as key_digest
from relay.accounts.keys import Keys
from relay.accounts.limits import PairingLimits
from relay.accounts.pairing.store import Claim, PairingStore
from relay.accounts.pairing.tokens import PairingKeys, digest_of, new_pairing_token
from relay.accounts.records import ApiKey
from relay.accounts.steps import Steps
from relay.accounts.store import AccountStore
from relay.clock import Clock, iso
from relay.storage import Storage, Transaction

log = logging.getLogger(__name__)

#: What a label may have in it: it becomes part of a key's name (5).
_LABEL_DROPS: Final = re.compile(r"[^A-Za-z0-9 _.-]")
_LONGEST_LABEL: Final = 64
_SHOWN: Final = 8


class TooManyClaims(Exception):
    """Say that there are as many open claims as the relay keeps."""


@dataclass(frozen=True, slots=True)
class PairingParts:
    """Collect what claims and links stand on."""

    storage: Storage
    accounts: AccountStore
    keys: Keys
    steps: Steps
    clock: Clock
    limits: PairingLimits
    secret: bytes


@dataclass(frozen=True, slots=True)
class ClaimState:
    """Answer a look at a claim; `api_key` is there once."""

    status: str
    relay_url: str
    label: str | None
    api_key: str | None = None


def clean_label(label: object) -> str | None:
    """Reduce a stranger's label to what may be shown; None for nothing left (5)."""
    if not isinstance(label, str):
        return None
    return _LABEL_DROPS.sub("", label.strip())[:_LONGEST_LABEL].strip() or None


class Claims:
    """Own the setup claims."""

    def __init__(self, parts: PairingParts) -> None:
        self._parts = parts
        self._store = PairingStore(parts.storage)
        self._minting = PairingKeys(parts.secret, "setup claim")

    async def create(self, relay_url: str, label: object) -> tuple[str, str]:
        """Make a claim; answer its token and its end as ISO 8601. Raises TooManyClaims."""
        parts = self._parts
        now = parts.clock.now_ms()
        token = new_pairing_token()
        ends = iso(now + parts.limits.life * 1000)
        claim = Claim("pending", relay_url, clean_label(label), None, None, ends)

        async def insert(tx: Transaction) -> None:
            if await self._store.count_claims(tx, iso(now)) >= parts.limits.open_claims:
                raise TooManyClaims
            await self._store.insert_claim(tx, str(digest_of(token)), claim, iso(now))

        await parts.storage.write(insert)
        return token, ends

    async def info(self, token: str) -> ClaimState | None:
        """Answer how a claim stands, and change nothing; None for an unknown one."""
        digest = digest_of(token)
        claim = None if digest is None else await self._store.claim(digest)
        if claim is None:
            return None
        expired = claim.status != "redeemed" and claim.expires_at <= self._parts.clock.now_iso()
        return ClaimState("expired" if expired else claim.status, claim.relay_url, claim.label)

    async def poll(self, token: str) -> ClaimState | None:
        """Answer how a claim stands, with the key to the first who asks after the approval; None for an unknown one."""
        digest = digest_of(token)
        claim = None if digest is None else await self._store.claim(digest)
        if digest is None or claim is None:
            return None
        if claim.status == "approved":
            # Both ends of an approved claim, redeemed or expired, need the writer: of two polls, one gets the key.
            return await self._parts.steps.run(self._redeem(digest, token))
        expired = claim.expires_at <= self._parts.clock.now_iso()
        return ClaimState("expired" if expired else claim.status, claim.relay_url, claim.label)

    async def _redeem(self, digest: str, token: str) -> ClaimState | None:
        minted = self._minting.mint(token)
        revoked: list[tuple[str, str]] = []

        async def redeem(tx: Transaction) -> ClaimState | None:
            claim = await self._store.claim_in(tx, digest)
            if claim is None:
                return None
            now = self._parts.clock.now_iso()
            # The key is gone when its owner revoked it, and another one when the relay's secret was changed.
            key = await self._parts.accounts.key_in(tx, key_digest(minted.raw))
            if claim.status == "approved" and key is not None and await self._store.redeem_claim(tx, digest, now):
                return ClaimState("approved", claim.relay_url, claim.label, minted.raw)
            if claim.status == "approved":
                revoked.extend(await self._expire(tx, digest, claim))
                return ClaimState("expired", claim.relay_url, claim.label)
            return ClaimState(claim.status, claim.relay_url, claim.label)

        state = await self._parts.storage.write(redeem)
        self._revoke(revoked)
        return state

    async def approve(self, token: str, user_id: str, cap: float | None) -> bool:
        """Approve a pending claim for a user, with a key that lives at most `cap` seconds; False when that is too late.

        Key and approval are one transaction: of several approvals at once, one wins and no other leaves a key.
        """
        digest = digest_of(token)
        if digest is None:
            return False
        parts = self._parts

        async def approve(tx: Transaction) -> ApiKey | None:
            claim = await self._store.claim_in(tx, digest)
            now = parts.clock.now_iso()
            if claim is None or claim.status != "pending" or claim.expires_at <= now:
                return None
            name = f"runner-{claim.label}" if claim.label else f"setup-claim-{token[:_SHOWN]}"
            life = parts.limits.runner_key_life
            row = parts.keys.enrolled(
                user_id, self._minting.mint(token), name=name, expires_in=life if cap is None else min(life, cap)
            )
            await parts.accounts.insert_key(tx, row)
            await self._store.approve_claim(tx, digest, user_id, row.id, now)
            return row

        key = await parts.storage.write(approve)
        if key is not None:
            parts.keys.created(key)
            log.info("setup claim approved", extra={"user_id": user_id})
        return key is not None

    async def sweep(self) -> None:
        """Revoke keys that nobody fetched in time, and forget claims that ended a while ago."""
        await self._parts.steps.run(self._sweep())

    async def _sweep(self) -> None:
        revoked: list[tuple[str, str]] = []

        async def sweep(tx: Transaction) -> None:
            now = self._parts.clock.now_ms()
            for digest, claim in await self._store.unredeemed_claims(tx, iso(now)):
                revoked.extend(await self._expire(tx, digest, claim))
            await self._store.delete_claims(tx, iso(now - self._parts.limits.kept * 1000))

        await self._parts.storage.write(sweep)
        self._revoke(revoked)

    async def _expire(self, tx: Transaction, digest: str, claim: Claim) -> list[tuple[str, str]]:
        """End an approved claim and its key; answer the owner and the id of the key."""
        await self._store.expire_claim(tx, digest)
        if claim.user_id is None or claim.key_id is None:
            return []
        gone = await self._parts.accounts.delete_key(tx, claim.key_id, claim.user_id)
        return [(claim.user_id, claim.key_id)] if gone else []

    def _revoke(self, revoked: list[tuple[str, str]]) -> None:
        for user_id, key_id in revoked:
            self._parts.keys.revoked(user_id, [key_id])
