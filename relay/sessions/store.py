"""Read and write the durable rows of sessions (rest-runners.md 10.1; sockets-agents.md 2.16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from relay import jsontext
from relay.storage import Row, Storage, Transaction

_COLUMNS: Final = (
    "id, user_id, user_name, cwd, share_url, started_at, last_active_at, ended_at, ended_by, is_ephemeral, expires_at,"
    " is_pinned, collab_mode, runner_id, runner_name, session_name, session_file, parent_session_id, linked_parent_id,"
    " generation, viewer_seq, meta_version, meta, first_prompt"
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Hold one stored session; times are ISO 8601 text, `meta` is JSON text or None."""

    id: str
    user_id: str
    user_name: str | None
    cwd: str
    share_url: str
    started_at: str
    last_active_at: str
    ended_at: str | None
    ended_by: str | None
    is_ephemeral: bool
    expires_at: str | None
    is_pinned: bool
    collab_mode: bool
    runner_id: str | None
    runner_name: str | None
    session_name: str | None
    session_file: str | None
    parent_session_id: str | None
    linked_parent_id: str | None
    generation: str | None
    viewer_seq: int
    meta_version: int
    meta: str | None
    first_prompt: str | None

    @classmethod
    def read(cls, row: Row) -> SessionRow:
        """Make the value from a database row."""
        values = dict(row)
        for flag in ("is_ephemeral", "is_pinned", "collab_mode"):
            values[flag] = bool(values[flag])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class LiveRow:
    """Hold what write-behind keeps up to date while a session is live."""

    id: str
    user_id: str
    generation: str
    last_active_at: str
    expires_at: str | None
    runner_id: str | None
    runner_name: str | None
    session_name: str | None
    session_file: str | None
    parent_session_id: str | None
    linked_parent_id: str | None
    viewer_seq: int
    meta_version: int
    meta: str
    first_prompt: str | None


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Hold how and when a registration of a session ended; `ended_by` is None while it may come back (2.10)."""

    id: str
    user_id: str
    generation: str
    ended_at: str
    keep_until: str
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class StoredState:
    """Hold the stored state of a session and the overlay since, both JSON."""

    state: bytes
    overlay: bytes | None


class SessionStore:
    """Be the repository of session rows and their states."""

    def __init__(self, storage: Storage, changed: Callable[[str], None]) -> None:
        """Call `changed(user_id)` after each commit that changes what the lists of stored sessions show."""
        self._storage = storage
        self._changed = changed

    async def row(self, session_id: str) -> SessionRow | None:
        """Answer a stored session."""
        row = await self._storage.fetch_one(f"SELECT {_COLUMNS} FROM relay_session WHERE id = ?", (session_id,))  # noqa: S608 - constant columns
        return None if row is None else SessionRow.read(row)

    async def open_rows(self) -> list[SessionRow]:
        """Answer the sessions that have not ended: their agents are expected back after a start."""
        rows = await self._storage.fetch_all(f"SELECT {_COLUMNS} FROM relay_session WHERE ended_at IS NULL")  # noqa: S608 - constant columns
        return [SessionRow.read(row) for row in rows]

    async def state(self, session_id: str) -> StoredState | None:
        """Answer the stored state of a session."""
        row = await self._storage.fetch_one(
            "SELECT state, overlay FROM relay_session_state WHERE session_id = ?", (session_id,)
        )
        return None if row is None else StoredState(bytes(row["state"]), row["overlay"] and bytes(row["overlay"]))

    async def start(self, row: SessionRow) -> None:
        """Note a registration: insert, or bring an ended row of the same owner back to life.

        `started_at`, `cwd`, pin and expiry of an existing row stay; runner fields change only to a value.
        """

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO relay_session (id, user_id, user_name, cwd, share_url, started_at, last_active_at,"
                " is_ephemeral, expires_at, collab_mode, runner_id, runner_name, session_name, session_file,"
                " parent_session_id, linked_parent_id, generation, viewer_seq, meta_version, meta, first_prompt)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (id) DO UPDATE SET last_active_at = excluded.last_active_at, ended_at = NULL,"
                " ended_by = NULL, keep_until = NULL, generation = excluded.generation,"
                " collab_mode = excluded.collab_mode, expires_at = excluded.expires_at,"
                " runner_id = coalesce(excluded.runner_id, runner_id),"
                " runner_name = coalesce(excluded.runner_name, runner_name),"
                " session_name = coalesce(excluded.session_name, session_name),"
                " session_file = coalesce(excluded.session_file, session_file),"
                " parent_session_id = excluded.parent_session_id, linked_parent_id = excluded.linked_parent_id,"
                " viewer_seq = excluded.viewer_seq, meta_version = excluded.meta_version, meta = excluded.meta,"
                " first_prompt = coalesce(excluded.first_prompt, first_prompt)"
                " WHERE user_id = excluded.user_id",
                (
                    row.id,
                    row.user_id,
                    row.user_name,
                    row.cwd,
                    row.share_url,
                    row.started_at,
                    row.last_active_at,
                    row.is_ephemeral,
                    row.expires_at,
                    row.collab_mode,
                    row.runner_id,
                    row.runner_name,
                    row.session_name,
                    row.session_file,
                    row.parent_session_id,
                    row.linked_parent_id,
                    row.generation,
                    row.viewer_seq,
                    row.meta_version,
                    row.meta,
                    row.first_prompt,
                ),
            )

        await self._storage.write(work)
        self._changed(row.user_id)

    async def write_rows(self, rows: Sequence[LiveRow]) -> None:
        """Bring the small columns of live sessions up to date, in one transaction; older generations change nothing."""

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "UPDATE relay_session SET last_active_at = ?, expires_at = ?, runner_id = coalesce(?, runner_id),"
                " runner_name = coalesce(?, runner_name),"
                " session_name = ?, session_file = ?, parent_session_id = ?, linked_parent_id = ?,"
                " viewer_seq = max(viewer_seq, ?), meta_version = max(meta_version, ?), meta = ?,"
                " first_prompt = coalesce(?, first_prompt)"
                " WHERE id = ? AND generation = ?",
                [
                    (
                        row.last_active_at,
                        row.expires_at,
                        row.runner_id,
                        row.runner_name,
                        row.session_name,
                        row.session_file,
                        row.parent_session_id,
                        row.linked_parent_id,
                        row.viewer_seq,
                        row.meta_version,
                        row.meta,
                        row.first_prompt,
                        row.id,
                        row.generation,
                    )
                    for row in rows
                ],
            )

        await self._storage.write(work)
        for user_id in {row.user_id for row in rows}:
            self._changed(user_id)

    async def write_state(self, session_id: str, user_id: str, state: bytes, now: str) -> None:
        """Replace the stored state and drop the overlay that it contains; refused when the row has another owner."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO relay_session_state (session_id, state, overlay, updated_at)"
                " SELECT id, ?, NULL, ? FROM relay_session WHERE id = ? AND user_id = ?"
                " ON CONFLICT (session_id) DO UPDATE SET state = excluded.state, overlay = NULL,"
                " updated_at = excluded.updated_at",
                (state, now, session_id, user_id),
            )

        await self._storage.write(work)

    async def write_overlays(self, overlays: Sequence[tuple[str, bytes]], now: str) -> None:
        """Note metadata since the stored state, as (session id, JSON) pairs; without a state row nothing is written."""

        async def work(tx: Transaction) -> None:
            await tx.executemany(
                "UPDATE relay_session_state SET overlay = ?, updated_at = ? WHERE session_id = ?",
                [(overlay, now, session_id) for session_id, overlay in overlays],
            )

        await self._storage.write(work)

    async def end(self, session: SessionEnd) -> bool:
        """Note the end of a session unless a newer registration owns the row; answer whether it was noted."""
        now = session.ended_at

        async def work(tx: Transaction) -> bool:
            changed = await tx.execute(
                "UPDATE relay_session SET ended_at = ?, last_active_at = ?, keep_until = ?,"
                " expires_at = CASE WHEN is_ephemeral THEN ? ELSE expires_at END,"
                " ended_by = coalesce(?, ended_by) WHERE id = ? AND (generation = ? OR generation IS NULL)",
                (now, now, session.keep_until, now, session.ended_by, session.id, session.generation),
            )
            return changed > 0

        noted = await self._storage.write(work)
        self._changed(session.user_id)
        return noted

    async def set_ended_by(self, user_id: str, session_id: str, ended_by: str) -> bool:
        """Note how a user's session that is no longer live ended for good (sockets-agents.md 2.10).

        Answer False, and change nothing, when the session is somebody else's; one that never registered has no owner.
        """

        async def work(tx: Transaction) -> bool:
            row = await tx.fetch_one("SELECT user_id FROM relay_session WHERE id = ?", (session_id,))
            if row is not None and row["user_id"] != user_id:
                return False
            await tx.execute(
                "UPDATE relay_session SET ended_by = ? WHERE id = ? AND ended_at IS NOT NULL", (ended_by, session_id)
            )
            return True

        return await self._storage.write(work)

    async def away_since(self, before: str, limit: int) -> list[tuple[str, str]]:
        """Answer (session id, user id) of sessions that left before a time and of which nobody knows how they ended."""
        rows = await self._storage.fetch_all(
            "SELECT id, user_id FROM relay_session WHERE ended_at IS NOT NULL AND ended_by IS NULL AND ended_at < ?"
            " ORDER BY ended_at LIMIT ?",
            (before, limit),
        )
        return [(row["id"], row["user_id"]) for row in rows]


class SpawnKeyStore:
    """Be the repository of `spawn_key` (rest-runners.md 14.4). All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, user_id: str, runner_id: str, key: str) -> tuple[dict[str, object], str] | None:
        """Answer what a spawn with this key was answered, and when."""
        row = await self._storage.fetch_one(
            "SELECT answer, ts FROM spawn_key WHERE user_id = ? AND runner_id = ? AND key = ?",
            (user_id, runner_id, key),
        )
        answer = None if row is None else jsontext.loads(row["answer"])
        return (answer, row["ts"]) if row is not None and isinstance(answer, dict) else None

    async def put(self, user_id: str, runner_id: str, key: str, answer: Mapping[str, object], now: str) -> None:
        """Note an answer in the place of an earlier one."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO spawn_key (user_id, runner_id, key, answer, ts) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET answer = excluded.answer, ts = excluded.ts",
                (user_id, runner_id, key, jsontext.dumps(answer).decode(), now),
            )

        await self._storage.write(work)

    async def sweep(self, before: str) -> None:
        """Delete the keys noted before a time."""

        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM spawn_key WHERE ts < ?", (before,))

        await self._storage.write(work)
