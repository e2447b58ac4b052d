"""Serve mobile links: a person shows a phone a code, sees what it sends back and approves it (rest-account.md 6)."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass, replace

from relay.accounts.api_keys import digest as key_digest
from relay.accounts.pairing.claims import PairingParts
from relay.accounts.pairing.store import Link, PairingStore
from relay.accounts.pairing.tokens import PairingKeys, digest_of, new_pairing_token
from relay.accounts.records import ApiKey
from relay.clock import iso
from relay.storage import Transaction

log = logging.getLogger(__name__)

_SHOWN = 8


class NotApproved(Exception):
    """Say that a link has no key to give."""


class AlreadyRedeemed(Exception):
    """Say that the key of a link was handed out before."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Hold what the phone sent."""

    verification_token: str
    device_name: str
    scanned_url: str


class MobileLinks:
    """Own the mobile links; answers are the claim objects of rest-account.md 6."""

    def __init__(self, parts: PairingParts) -> None:
        self._parts = parts
        self._store = PairingStore(parts.storage)
        self._minting = PairingKeys(parts.secret, "mobile link")

    async def create(self, relay_url: str, user_id: str) -> dict[str, object]:
        """Make a link of a user's."""
        parts = self._parts
        now = parts.clock.now_ms()
        token = new_pairing_token()
        ends = iso(now + parts.limits.life * 1000)
        link = Link("pending", relay_url, user_id, None, None, None, None, ends, None)

        async def insert(tx: Transaction) -> None:
            await self._store.insert_link(tx, str(digest_of(token)), link, iso(now))

        await parts.storage.write(insert)
        return self._wire(token, link)

    async def get(self, token: str) -> dict[str, object] | None:
        """Answer a link; None for an unknown one."""
        digest = digest_of(token)
        link = None if digest is None else await self._store.link(digest)
        return None if link is None else self._wire(token, link)

    async def scan(self, token: str, scan: Scan) -> dict[str, object] | None:
        """Note what a phone sent, the first time only; answer the link as it is now, None for an unknown one."""
        digest = await self._known(token)
        if digest is None:
            return None

        async def note(tx: Transaction) -> Link | None:
            now = self._parts.clock.now_iso()
            await self._store.scan_link(tx, digest, scan.verification_token, scan.device_name, scan.scanned_url, now)
            return await self._store.link_in(tx, digest)

        link = await self._parts.storage.write(note)
        return None if link is None else self._wire(token, link)

    async def approve(self, token: str, user_id: str, code: str, cap: float | None) -> dict[str, object] | None:
        """Approve a user's scanned link that shows `code`, with a key that lives at most `cap` seconds.

        None when it is unknown, another user's, not scanned, expired, or shows another code.
        """
        digest = digest_of(token)
        if digest is None:
            return None
        parts = self._parts

        async def approve(tx: Transaction) -> tuple[Link, ApiKey] | None:
            link = await self._store.link_in(tx, digest)
            now = parts.clock.now_iso()
            if link is None or link.user_id != user_id or link.status != "scanned" or link.expires_at <= now:
                return None
            if not hmac.compare_digest((link.verification_token or "").encode(), code.encode()):
                return None
            life = parts.limits.mobile_key_life
            row = parts.keys.enrolled(
                user_id,
                self._minting.mint(token),
                name=f"mobile-link-{token[:_SHOWN]}",
                expires_in=life if cap is None else min(life, cap),
            )
            await parts.accounts.insert_key(tx, row)
            await self._store.approve_link(tx, digest, row.id, now)
            return replace(link, status="approved"), row

        approved = await parts.storage.write(approve)
        if approved is None:
            return None
        link, key = approved
        parts.keys.created(key)
        log.info("mobile link approved", extra={"user_id": user_id})
        return self._wire(token, link)

    async def redeem(self, token: str) -> dict[str, object] | None:
        """Answer an approved link with its key, once; None for an unknown one. Raises NotApproved, AlreadyRedeemed."""
        digest = await self._known(token)
        if digest is None:
            return None
        minted = self._minting.mint(token)

        async def redeem(tx: Transaction) -> Link | None:
            link = await self._store.link_in(tx, digest)
            if link is None:
                return None
            if link.status != "approved":
                raise NotApproved
            key = await self._parts.accounts.key_in(tx, key_digest(minted.raw))
            if key is None or not await self._store.redeem_link(tx, digest, self._parts.clock.now_iso()):
                raise AlreadyRedeemed
            return link

        link = await self._parts.storage.write(redeem)
        return None if link is None else {**self._wire(token, link), "apiKey": minted.raw}

    async def sweep(self) -> None:
        """Forget links that ended a while ago, and revoke the keys that nobody fetched."""
        await self._parts.steps.run(self._sweep())

    async def _sweep(self) -> None:
        parts = self._parts

        async def sweep(tx: Transaction) -> list[tuple[str, str]]:
            gone = await self._store.delete_links(tx, iso(parts.clock.now_ms() - parts.limits.kept * 1000))
            unused = [(link.user_id, link.key_id) for link in gone if link.key_id and link.redeemed_at is None]
            return [
                (user_id, key_id) for user_id, key_id in unused if await parts.accounts.delete_key(tx, key_id, user_id)
            ]

        for user_id, key_id in await parts.storage.write(sweep):
            parts.keys.revoked(user_id, [key_id])

    async def _known(self, token: str) -> str | None:
        """Answer the digest of a link that is there: made-up ids of strangers must not keep the one writer busy."""
        digest = digest_of(token)
        return None if digest is None or await self._store.link(digest) is None else digest

    def _wire(self, token: str, link: Link) -> dict[str, object]:
        expired = link.status != "approved" and link.expires_at <= self._parts.clock.now_iso()
        body: dict[str, object] = {
            "id": token,
            "status": "expired" if expired else link.status,
            "relayUrl": link.relay_url,
        }
        if link.verification_token is not None:
            body |= {
                "verificationToken": link.verification_token,
                "deviceName": link.device_name or "",
                "scannedUrl": link.scanned_url or "",
            }
        return {**body, "expiresAt": link.expires_at}
