"""Read, pin and delete the durable rows of sessions (rest-runners.md 7, 10.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.sessions.history.cursor import Cursor
from relay.storage import Row, Storage, Transaction

_COLUMNS: Final = (
    "id, cwd, share_url, started_at, last_active_at, ended_at, is_ephemeral, expires_at, is_pinned, runner_id,"
    " runner_name, session_name, first_prompt"
)
_ORDER: Final = "ORDER BY is_pinned DESC, last_active_at DESC, id DESC"


@dataclass(frozen=True, slots=True)
class Stored:
    """Describe one stored session as lists show it; times are ISO 8601."""

    id: str
    cwd: str
    share_url: str
    started_at: str
    last_active_at: str
    ended_at: str | None
    is_ephemeral: bool
    expires_at: str | None
    is_pinned: bool
    runner_id: str | None
    runner_name: str | None
    session_name: str | None
    first_prompt: str | None

    def json(self) -> dict[str, object]:
        """Answer the Persisted object of rest-runners.md 2.4."""
        return {
            "sessionId": self.id,
            "cwd": self.cwd,
            "shareUrl": self.share_url,
            "startedAt": self.started_at,
            "lastActiveAt": self.last_active_at,
            "endedAt": self.ended_at,
            "isEphemeral": self.is_ephemeral,
            "expiresAt": self.expires_at,
            "isPinned": self.is_pinned,
            "runnerId": self.runner_id,
            "runnerName": self.runner_name,
            "sessionName": self.session_name,
            "status": "ended" if self.ended_at is not None else "idle",
            **({} if self.first_prompt is None else {"firstPrompt": self.first_prompt}),
        }


@dataclass(frozen=True, slots=True)
class Deleted:
    """Name a session whose row was deleted, and its owner."""

    session_id: str
    user_id: str


class HistoryStore:
    """Be the repository of listed sessions. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def page(self, user_id: str, after: Cursor | None, count: int) -> list[Stored]:
        """Answer up to `count` of a user's sessions behind a cursor: pinned first, then the most recently active."""
        where = "user_id = ?"
        params: list[object] = [user_id]
        if after is not None:
            where += " AND (is_pinned, last_active_at, id) < (?, ?, ?)"
            params += [after.pinned, after.last_active_at, after.id]
        rows = await self._storage.fetch_all(
            f"SELECT {_COLUMNS} FROM relay_session WHERE {where} {_ORDER} LIMIT ?",  # noqa: S608 - constant parts
            (*params, count),
        )
        return [_stored(row) for row in rows]

    async def pinned(self, user_id: str) -> list[Stored]:
        """Answer all pinned sessions of a user, the most recently active first."""
        rows = await self._storage.fetch_all(
            f"SELECT {_COLUMNS} FROM relay_session WHERE user_id = ? AND is_pinned = 1 {_ORDER}",  # noqa: S608 - constant parts
            (user_id,),
        )
        return [_stored(row) for row in rows]

    async def pin(self, user_id: str, session_id: str, *, pinned: bool) -> bool:
        """Pin or unpin a session; answer False when the user has none with this id."""

        async def work(tx: Transaction) -> bool:
            changed = await tx.execute(
                "UPDATE relay_session SET is_pinned = ? WHERE id = ? AND user_id = ?", (pinned, session_id, user_id)
            )
            return changed > 0

        return await self._storage.write(work)

    async def delete_old(self, now: str, count: int) -> Sequence[Deleted]:
        """Delete up to `count` ended, unpinned sessions that are kept no longer, with their states."""

        async def work(tx: Transaction) -> list[Deleted]:
            rows = await tx.fetch_all(
                "SELECT id, user_id FROM relay_session"
                " WHERE keep_until <= ? AND is_pinned = 0 AND ended_at IS NOT NULL LIMIT ?",
                (now, count),
            )
            await tx.executemany("DELETE FROM relay_session WHERE id = ?", [(row["id"],) for row in rows])
            return [Deleted(row["id"], row["user_id"]) for row in rows]

        return await self._storage.write(work)


def _stored(row: Row) -> Stored:
    values = dict(row)
    for flag in ("is_ephemeral", "is_pinned"):
        values[flag] = bool(values[flag])
    return Stored(**values)
