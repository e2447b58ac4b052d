"""Read and write the durable links between sessions (sockets-agents.md 2.11, 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.storage import Storage, Transaction


@dataclass(frozen=True, slots=True)
class StoredLink:
    """Hold one row that ties a child to a parent; `expires_at` is ISO 8601."""

    parent_id: str
    child_id: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class StoredLinks:
    """Hold everything that is durable about links."""

    children: list[StoredLink]
    markers: list[StoredLink]
    pending: list[StoredLink]


@dataclass(frozen=True, slots=True)
class Registration:
    """Say what one registration of a child changes, all in one transaction; times are ISO 8601.

    The child leaves the sets of `former` parents and of `left`, then joins `joined`. With `confirmed`, its marker goes,
    and it leaves the unconfirmed delinks of `forgiven`.
    """

    child_id: str
    former: frozenset[str]
    joined: str | None
    left: str | None
    confirmed: bool
    forgiven: str | None
    now: str
    expires_at: str


class LinkStore:
    """Be the repository of `session_link`, `delink_marker` and `pending_delink`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def load(self, now: str) -> StoredLinks:
        """Answer everything that has not expired at `now`."""
        columns = "parent_id, child_id, expires_at"
        answers: list[list[StoredLink]] = []
        for table, order in (
            ("session_link", "linked_at, child_id"),
            ("delink_marker", "child_id"),
            ("pending_delink", "child_id"),
        ):
            rows = await self._storage.fetch_all(
                f"SELECT {columns} FROM {table} WHERE expires_at > ? ORDER BY {order}",  # noqa: S608 - constant names
                (now,),
            )
            answers.append([StoredLink(row["parent_id"], row["child_id"], row["expires_at"]) for row in rows])
        return StoredLinks(*answers)

    async def owner_of_open(self, session_id: str) -> tuple[str, bool] | None:
        """Answer the owner of a stored session and whether it has no end; None for an unknown id."""
        row = await self._storage.fetch_one("SELECT user_id, ended_at FROM relay_session WHERE id = ?", (session_id,))
        return None if row is None else (str(row["user_id"]), row["ended_at"] is None)

    async def register(self, change: Registration) -> None:
        """Carry out what a registration changes."""

        async def work(tx: Transaction) -> None:
            for parent in change.former:
                await _remove(tx, parent, change.child_id)
                await tx.execute(
                    "DELETE FROM pending_delink WHERE parent_id = ? AND child_id = ?", (parent, change.child_id)
                )
            if change.left is not None:
                await _remove(tx, change.left, change.child_id)
            if change.joined is not None:
                await _add(tx, change.joined, change.child_id, change.now, change.expires_at)
            if change.confirmed:
                await tx.execute("DELETE FROM delink_marker WHERE child_id = ?", (change.child_id,))
            if change.forgiven is not None:
                await tx.execute(
                    "DELETE FROM pending_delink WHERE parent_id = ? AND child_id = ?",
                    (change.forgiven, change.child_id),
                )

        await self._storage.write(work)

    async def delink(self, parent_id: str, children: Sequence[str], marker_until: str, pending_until: str) -> None:
        """Mark children as delinked, note that they are to be told, and take exactly them out of the parent's set."""
        pairs = [(parent_id, child) for child in children]

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "INSERT INTO delink_marker (child_id, parent_id, expires_at) VALUES (?, ?, ?)"
                " ON CONFLICT (child_id) DO UPDATE SET"
                " parent_id = excluded.parent_id, expires_at = excluded.expires_at",
                [(child, parent_id, marker_until) for child in children],
            )
            await tx.executemany(
                "INSERT INTO pending_delink (parent_id, child_id, expires_at) VALUES (?, ?, ?)"
                " ON CONFLICT (parent_id, child_id) DO UPDATE SET expires_at = excluded.expires_at",
                [(*pair, pending_until) for pair in pairs],
            )
            await tx.executemany("DELETE FROM session_link WHERE parent_id = ? AND child_id = ?", pairs)

        await self._storage.write(work)

    async def told(self, parent_id: str, children: Sequence[str]) -> None:
        """Forget that children of a parent were still to be told of their delink."""

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "DELETE FROM pending_delink WHERE parent_id = ? AND child_id = ?",
                [(parent_id, child) for child in children],
            )

        await self._storage.write(work)

    async def remove(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take children out of sets, as (parent, child) pairs."""

        async def work(tx: Transaction) -> None:
            await tx.executemany("DELETE FROM session_link WHERE parent_id = ? AND child_id = ?", pairs)

        await self._storage.write(work)

    async def tidy(self, renewed: Sequence[StoredLink], now: str) -> None:
        """Write links whose lifetime was renewed and delete what expired before `now`."""

        async def work(tx: Transaction) -> None:
            for link in renewed:
                await _add(tx, link.parent_id, link.child_id, now, link.expires_at)
            for table in ("session_link", "delink_marker", "pending_delink"):
                await tx.execute(f"DELETE FROM {table} WHERE expires_at <= ?", (now,))  # noqa: S608 - constant names

        await self._storage.write(work)


async def _add(tx: Transaction, parent_id: str, child_id: str, now: str, expires_at: str) -> None:
    await tx.execute(
        "INSERT INTO session_link (parent_id, child_id, linked_at, expires_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (parent_id, child_id) DO UPDATE SET expires_at = excluded.expires_at",
        (parent_id, child_id, now, expires_at),
    )
    # The whole set lives as long as its newest use (2.11).
    await tx.execute("UPDATE session_link SET expires_at = ? WHERE parent_id = ?", (expires_at, parent_id))


async def _remove(tx: Transaction, parent_id: str, child_id: str) -> None:
    await tx.execute("DELETE FROM session_link WHERE parent_id = ? AND child_id = ?", (parent_id, child_id))
