"""Hold all SQL of pairing. All methods raise StorageError when the database fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.storage import Row, Storage, Transaction

_CLAIM: Final = "SELECT status, relay_url, label, user_id, key_id, expires_at FROM setup_claim WHERE digest = ?"
_LINK: Final = (
    "SELECT status, relay_url, user_id, verification_token, device_name, scanned_url, key_id, expires_at, redeemed_at"
    " FROM mobile_link WHERE digest = ?"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold a setup claim as stored; `expires_at` is ISO 8601."""

    status: str
    relay_url: str
    label: str | None
    user_id: str | None
    key_id: str | None
    expires_at: str


@dataclass(frozen=True, slots=True)
class Link:
    """Hold a mobile link as stored."""

    status: str
    relay_url: str
    user_id: str
    verification_token: str | None
    device_name: str | None
    scanned_url: str | None
    key_id: str | None
    expires_at: str
    redeemed_at: str | None


class PairingStore:
    """Be the repository of claims and links; what takes a `Transaction` belongs inside `Storage.write`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    # Setup claims

    async def claim(self, digest: str) -> Claim | None:
        """Answer a claim."""
        return _claim(await self._storage.fetch_one(_CLAIM, (digest,)))

    async def claim_in(self, tx: Transaction, digest: str) -> Claim | None:
        """Answer a claim as the transaction sees it."""
        return _claim(await tx.fetch_one(_CLAIM, (digest,)))

    async def insert_claim(self, tx: Transaction, digest: str, claim: Claim, now: str) -> None:
        """Add a pending claim."""
        await tx.execute(
            "INSERT INTO setup_claim (digest, status, relay_url, label, created_at, expires_at)"
            " VALUES (?, 'pending', ?, ?, ?, ?)",
            (digest, claim.relay_url, claim.label, now, claim.expires_at),
        )

    async def count_claims(self, tx: Transaction, now: str) -> int:
        """Count the claims that have not expired."""
        row = await tx.fetch_one("SELECT count(*) AS count FROM setup_claim WHERE expires_at > ?", (now,))
        return int(row["count"]) if row else 0

    async def approve_claim(self, tx: Transaction, digest: str, user_id: str, key_id: str, now: str) -> None:
        """Turn a pending claim into an approved one."""
        await tx.execute(
            "UPDATE setup_claim SET status = 'approved', user_id = ?, key_id = ?, approved_at = ?"
            " WHERE digest = ? AND status = 'pending' AND expires_at > ?",
            (user_id, key_id, now, digest, now),
        )

    async def redeem_claim(self, tx: Transaction, digest: str, now: str) -> bool:
        """Turn an approved claim into a redeemed one; False when somebody was quicker."""
        changed = await tx.execute(
            "UPDATE setup_claim SET status = 'redeemed', redeemed_at = ?"
            " WHERE digest = ? AND status = 'approved' AND expires_at > ?",
            (now, digest, now),
        )
        return changed > 0

    async def expire_claim(self, tx: Transaction, digest: str) -> None:
        """Mark a claim as expired."""
        await tx.execute("UPDATE setup_claim SET status = 'expired', key_id = NULL WHERE digest = ?", (digest,))

    async def unredeemed_claims(self, tx: Transaction, now: str) -> list[tuple[str, Claim]]:
        """Answer the approved claims that have expired, by digest."""
        rows = await tx.fetch_all(
            "SELECT digest, status, relay_url, label, user_id, key_id, expires_at FROM setup_claim"
            " WHERE status = 'approved' AND expires_at <= ?",
            (now,),
        )
        return [(row["digest"], claim) for row in rows if (claim := _claim(row)) is not None]

    async def delete_claims(self, tx: Transaction, ended_before: str) -> None:
        """Delete the claims that expired before a time."""
        await tx.execute("DELETE FROM setup_claim WHERE expires_at <= ?", (ended_before,))

    # Mobile links

    async def link(self, digest: str) -> Link | None:
        """Answer a link."""
        return _link(await self._storage.fetch_one(_LINK, (digest,)))

    async def link_in(self, tx: Transaction, digest: str) -> Link | None:
        """Answer a link as the transaction sees it."""
        return _link(await tx.fetch_one(_LINK, (digest,)))

    async def insert_link(self, tx: Transaction, digest: str, link: Link, now: str) -> None:
        """Add a pending link; nothing happens when the user is gone."""
        await tx.execute(
            "INSERT INTO mobile_link (digest, status, relay_url, user_id, created_at, expires_at)"
            " SELECT ?, 'pending', ?, id, ?, ? FROM user WHERE id = ?",
            (digest, link.relay_url, now, link.expires_at, link.user_id),
        )

    async def scan_link(self, tx: Transaction, digest: str, code: str, device: str, url: str, now: str) -> None:
        """Turn a pending link into a scanned one; one that is not pending stays as it is."""
        await tx.execute(
            "UPDATE mobile_link SET status = 'scanned', verification_token = ?, device_name = ?, scanned_url = ?,"
            " scanned_at = ? WHERE digest = ? AND status = 'pending' AND expires_at > ?",
            (code, device, url, now, digest, now),
        )

    async def approve_link(self, tx: Transaction, digest: str, key_id: str, now: str) -> None:
        """Turn a scanned link into an approved one."""
        await tx.execute(
            "UPDATE mobile_link SET status = 'approved', key_id = ?, approved_at = ?"
            " WHERE digest = ? AND status = 'scanned' AND expires_at > ?",
            (key_id, now, digest, now),
        )

    async def redeem_link(self, tx: Transaction, digest: str, now: str) -> bool:
        """Note that the key of an approved link was handed out; False when it was before."""
        changed = await tx.execute(
            "UPDATE mobile_link SET redeemed_at = ?"
            " WHERE digest = ? AND status = 'approved' AND redeemed_at IS NULL AND key_id IS NOT NULL",
            (now, digest),
        )
        return changed > 0

    async def delete_links(self, tx: Transaction, ended_before: str) -> list[Link]:
        """Delete the links that expired before a time; answer them."""
        rows = await tx.fetch_all("DELETE FROM mobile_link WHERE expires_at <= ? RETURNING *", (ended_before,))
        return [link for row in rows if (link := _link(row)) is not None]


def _claim(row: Row | None) -> Claim | None:
    if row is None:
        return None
    return Claim(row["status"], row["relay_url"], row["label"], row["user_id"], row["key_id"], row["expires_at"])


def _link(row: Row | None) -> Link | None:
    if row is None:
        return None
    return Link(
        row["status"],
        row["relay_url"],
        row["user_id"],
        row["verification_token"],
        row["device_name"],
        row["scanned_url"],
        row["key_id"],
        row["expires_at"],
        row["redeemed_at"],
    )
