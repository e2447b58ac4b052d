"""Read and write the rows of attachments (rest-account.md 3.4, 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.storage import Row, Storage, Transaction

#: Nothing expires while the row of a session that it belongs to is kept (9.6, *ours*).
_KEPT: Final = (
    "EXISTS (SELECT 1 FROM attachment_session JOIN relay_session ON relay_session.id = attachment_session.session_id"
    " WHERE attachment_session.attachment_id = attachment.attachment_id)"
)

#: Images that the relay took out of transcripts are not the user's to weigh.
_USED: Final = (
    "SELECT coalesce(sum(size), 0) AS used, count(*) AS files FROM attachment"
    " WHERE owner_user_id = ? AND kind = 'upload'"
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Describe one stored file; times are ISO 8601, `size` is in bytes, `kind` is `upload` or `extracted`."""

    attachment_id: str
    kind: str
    owner_user_id: str
    uploader_user_id: str
    filename: str
    mime_type: str
    size: int
    disk_name: str
    created_at: str
    expires_at: str


class QuotaExceeded(Exception):
    """Say that an upload does not fit into what its owner may keep."""


class AttachmentStore:
    """Be the repository of `attachment` and `attachment_session`. All methods raise StorageError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def put(self, attachments: Sequence[Attachment], session_id: str) -> None:
        """Insert attachments, or renew those that are there, and let them belong to a session."""

        async def work(tx: Transaction) -> None:
            await _insert(tx, attachments, session_id)

        await self._storage.write(work)

    async def put_uploads(
        self, attachments: Sequence[Attachment], session_id: str, *, quota: int, most_files: int
    ) -> None:
        """Insert the uploads of one user; raises QuotaExceeded when they would have more bytes or files than these."""

        async def work(tx: Transaction) -> None:
            await _insert(tx, attachments, session_id)
            row = await tx.fetch_one(_USED, (attachments[0].owner_user_id,))
            if row is not None and (row["used"] > quota or row["files"] > most_files):
                raise QuotaExceeded

        await self._storage.write(work)

    async def used(self, user_id: str) -> int:
        """Answer how many bytes of uploads a user has."""
        row = await self._storage.fetch_one(_USED, (user_id,))
        return 0 if row is None else int(row["used"])

    async def valid(self, attachment_id: str, now: str) -> Attachment | None:
        """Answer an attachment that has not expired, or that a kept session has."""
        row = await self._storage.fetch_one(
            f"SELECT * FROM attachment WHERE attachment_id = ? AND (expires_at > ? OR {_KEPT})",  # noqa: S608 - constant
            (attachment_id, now),
        )
        return None if row is None else _attachment(row)

    async def all(self) -> list[Attachment]:
        """Answer every attachment."""
        return [_attachment(row) for row in await self._storage.fetch_all("SELECT * FROM attachment")]

    async def take_expired(self, now: str) -> list[Attachment]:
        """Delete the rows of what has expired and no kept session has; answer them."""

        async def work(tx: Transaction) -> list[Attachment]:
            rows = await tx.fetch_all(
                f"SELECT * FROM attachment WHERE expires_at <= ? AND NOT {_KEPT}",  # noqa: S608 - constant
                (now,),
            )
            await _delete(tx, [row["attachment_id"] for row in rows])
            return [_attachment(row) for row in rows]

        return await self._storage.write(work)

    async def take_ids(self, attachment_ids: Sequence[str]) -> None:
        """Delete rows by id."""

        async def work(tx: Transaction) -> None:
            await _delete(tx, attachment_ids)

        await self._storage.write(work)

    async def files_gone(self) -> list[str]:
        """Answer names of files whose row was deleted by whatever way, some at a time."""
        rows = await self._storage.fetch_all(
            "SELECT disk_name FROM attachment_file_gone AS gone"
            " WHERE NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.disk_name = gone.disk_name) LIMIT 1000"
        )
        return [row["disk_name"] for row in rows]

    async def forget_files(self, names: Sequence[str]) -> None:
        """Note that files are deleted."""

        async def work(tx: Transaction) -> None:
            await tx.executemany("DELETE FROM attachment_file_gone WHERE disk_name = ?", [(name,) for name in names])

        await self._storage.write(work)

    async def take_of_sessions(self, session_ids: Sequence[str]) -> list[Attachment]:
        """Delete what belonged to sessions that were just deleted and to no kept one; answer the rows."""

        async def work(tx: Transaction) -> list[Attachment]:
            gone: dict[str, Attachment] = {}
            for session_id in session_ids:
                rows = await tx.fetch_all(
                    f"SELECT attachment.* FROM attachment JOIN attachment_session USING (attachment_id)"  # noqa: S608 - constant
                    f" WHERE attachment_session.session_id = ? AND NOT {_KEPT}",
                    (session_id,),
                )
                gone |= {row["attachment_id"]: _attachment(row) for row in rows}
                await tx.execute("DELETE FROM attachment_session WHERE session_id = ?", (session_id,))
            await _delete(tx, list(gone))
            return list(gone.values())

        return await self._storage.write(work)


async def _insert(tx: Transaction, attachments: Sequence[Attachment], session_id: str) -> None:
    await tx.executemany(
        "INSERT INTO attachment (attachment_id, kind, owner_user_id, uploader_user_id, filename, mime_type,"
        " size, disk_name, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (attachment_id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
        [
            (
                item.attachment_id,
                item.kind,
                item.owner_user_id,
                item.uploader_user_id,
                item.filename,
                item.mime_type,
                item.size,
                item.disk_name,
                item.created_at,
                item.expires_at,
            )
            for item in attachments
        ],
    )
    await tx.executemany(
        "INSERT INTO attachment_session (attachment_id, session_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(item.attachment_id, session_id) for item in attachments],
    )


async def _delete(tx: Transaction, attachment_ids: Sequence[str]) -> None:
    await tx.executemany("DELETE FROM attachment WHERE attachment_id = ?", [(one,) for one in attachment_ids])


def _attachment(row: Row) -> Attachment:
    return Attachment(**dict(row))
