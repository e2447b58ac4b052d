"""Keep the durable rows of runners: who owns an id, and the folders that sessions were started in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.storage import Row, Storage, Transaction

#: Recent folders kept per user and runner (rest-runners.md 10.3).
MAX_FOLDERS: Final = 50


@dataclass(frozen=True, slots=True)
class RunnerIdentity:
    """State to whom a runner id belongs; times are ISO 8601, `profile` is the JSON text of the last registration."""

    runner_id: str
    user_id: str
    secret_hash: str
    name: str | None
    profile: str | None
    first_seen_at: str
    last_seen_at: str


class RunnerStore:
    """Read and write the tables `runner_identity` and `runner_recent_folder`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def claim(self, wanted: RunnerIdentity) -> RunnerIdentity:
        """Insert an identity unless its id is taken, and answer the row that holds now.

        When the row is the wanted one's (same owner and secret hash), name, profile and `last_seen_at` are renewed.
        """

        async def work(tx: Transaction) -> RunnerIdentity:
            await tx.execute(
                "INSERT INTO runner_identity"
                " (runner_id, user_id, secret_hash, name, profile, first_seen_at, last_seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (runner_id) DO UPDATE SET"
                " name = excluded.name, profile = excluded.profile, last_seen_at = excluded.last_seen_at"
                " WHERE user_id = excluded.user_id AND secret_hash = excluded.secret_hash",
                (
                    wanted.runner_id,
                    wanted.user_id,
                    wanted.secret_hash,
                    wanted.name,
                    wanted.profile,
                    wanted.first_seen_at,
                    wanted.last_seen_at,
                ),
            )
            row = await tx.fetch_one("SELECT * FROM runner_identity WHERE runner_id = ?", (wanted.runner_id,))
            if row is None:
                raise LookupError(wanted.runner_id)
            return _identity(row)

        return await self._storage.write(work)

    async def identity(self, runner_id: str) -> RunnerIdentity | None:
        """Answer the identity of a runner id, None when nobody ever claimed it."""
        row = await self._storage.fetch_one("SELECT * FROM runner_identity WHERE runner_id = ?", (runner_id,))
        return None if row is None else _identity(row)

    async def identities_of(self, user_id: str) -> list[RunnerIdentity]:
        """Answer a user's runners, connected or away, the most recently seen first."""
        rows = await self._storage.fetch_all(
            "SELECT * FROM runner_identity WHERE user_id = ? ORDER BY last_seen_at DESC, runner_id", (user_id,)
        )
        return [_identity(row) for row in rows]

    async def seen(self, runner_id: str, at: str) -> None:
        """Note when a runner was last connected."""

        async def work(tx: Transaction) -> None:
            await tx.execute("UPDATE runner_identity SET last_seen_at = ? WHERE runner_id = ?", (at, runner_id))

        await self._storage.write(work)

    async def release(self, runner_id: str) -> bool:
        """Delete an identity and the folders of its runner; answer whether there was one."""

        async def work(tx: Transaction) -> bool:
            await tx.execute("DELETE FROM runner_recent_folder WHERE runner_id = ?", (runner_id,))
            return await tx.execute("DELETE FROM runner_identity WHERE runner_id = ?", (runner_id,)) > 0

        return await self._storage.write(work)

    async def record_folder(self, user_id: str, runner_id: str, path: str, at: str) -> None:
        """Count one use of a folder; a new one pushes out the least used above MAX_FOLDERS, never itself (10.3)."""

        async def work(tx: Transaction) -> None:
            key = (user_id, runner_id, path)
            if await tx.execute(
                "UPDATE runner_recent_folder SET last_used_at = ?, usage_count = usage_count + 1"
                " WHERE user_id = ? AND runner_id = ? AND path = ?",
                (at, *key),
            ):
                return
            await tx.execute(
                "INSERT INTO runner_recent_folder (user_id, runner_id, path, last_used_at) VALUES (?, ?, ?, ?)",
                (*key, at),
            )
            await tx.execute(
                "DELETE FROM runner_recent_folder WHERE id IN ("
                " SELECT id FROM runner_recent_folder WHERE user_id = ? AND runner_id = ? AND path <> ?"
                " ORDER BY usage_count DESC, last_used_at DESC, id DESC LIMIT -1 OFFSET ?)",
                (*key, MAX_FOLDERS - 1),
            )

        await self._storage.write(work)

    async def folders(self, user_id: str, runner_id: str) -> list[str]:
        """Answer up to MAX_FOLDERS paths, the most used first, then the most recent."""
        rows = await self._storage.fetch_all(
            "SELECT path FROM runner_recent_folder WHERE user_id = ? AND runner_id = ?"
            " ORDER BY usage_count DESC, last_used_at DESC, id DESC LIMIT ?",
            (user_id, runner_id, MAX_FOLDERS),
        )
        return [str(row["path"]) for row in rows]

    async def delete_folder(self, user_id: str, runner_id: str, path: str) -> bool:
        """Forget a folder; answer whether it was there."""

        async def work(tx: Transaction) -> bool:
            return (
                await tx.execute(
                    "DELETE FROM runner_recent_folder WHERE user_id = ? AND runner_id = ? AND path = ?",
                    (user_id, runner_id, path),
                )
                > 0
            )

        return await self._storage.write(work)


def _identity(row: Row) -> RunnerIdentity:
    return RunnerIdentity(
        runner_id=row["runner_id"],
        user_id=row["user_id"],
        secret_hash=row["secret_hash"],
        name=row["name"],
        profile=row["profile"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
    )
