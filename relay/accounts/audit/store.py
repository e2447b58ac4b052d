"""Hold all SQL of the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from relay import jsontext
from relay.accounts.audit.records import Entry
from relay.storage import Row, Storage, Transaction


def _entry(row: Row) -> Entry:
    details = jsontext.loads(row["details"].encode())
    return Entry(
        row["at"],
        row["event"],
        row["user_id"],
        row["credential_id"],
        row["address"],
        details if isinstance(details, dict) else {},
        row["id"],
    )


class AuditStore:
    """Append, page and trim; all methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def append(self, entries: Sequence[Entry]) -> None:
        """Add entries in their order."""
        rows = [
            (one.at, one.event, one.user_id, one.credential_id, one.address, jsontext.dumps(one.details).decode())
            for one in entries
        ]

        async def insert(tx: Transaction) -> None:
            await tx.executemany(
                "INSERT INTO audit_log (at, event, user_id, credential_id, address, details) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

        await self._storage.write(insert)

    async def page(self, user_id: str, before: int | None, limit: int) -> list[Entry]:
        """Answer a user's entries below an id, the newest first."""
        rows = await self._storage.fetch_all(
            "SELECT * FROM audit_log WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
            (user_id, 2**63 - 1 if before is None else before, limit),
        )
        return [_entry(row) for row in rows]

    async def addresses(self) -> list[tuple[str, str]]:
        """Answer the keys and the addresses from which they were used, as far as the log remembers."""
        rows = await self._storage.fetch_all(
            "SELECT DISTINCT credential_id, address FROM audit_log WHERE event = 'key.new_address'"
        )
        return [(row["credential_id"], row["address"]) for row in rows]

    async def trim(self, before: str, entries: int) -> int:
        """Delete what is older than `before` (ISO 8601) and what exceeds the number of entries; answer how many."""

        async def delete(tx: Transaction) -> int:
            gone = await tx.execute("DELETE FROM audit_log WHERE at < ?", (before,))
            return gone + await tx.execute(
                "DELETE FROM audit_log WHERE id <= (SELECT id FROM audit_log ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (entries,),
            )

        return await self._storage.write(delete)
