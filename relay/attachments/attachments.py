"""Keep attachments: their files, their rows, and how long they live (rest-account.md 9.5, 9.6)."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from relay.attachments.files import AttachmentFiles, Draft
from relay.attachments.limits import AttachmentLimits
from relay.attachments.names import extracted_name
from relay.attachments.store import Attachment, AttachmentStore
from relay.clock import Clock, iso
from relay.storage import Storage

log = logging.getLogger(__name__)

#: References remembered as stored, so that the same images in the next snapshot cost no write.
MAX_KNOWN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Image:
    """Describe an image taken out of a transcript, whose file is written already."""

    attachment_id: str
    mime_type: str
    size: int


class Attachments:
    """Own the attachment directory and its rows."""

    def __init__(self, storage: Storage, directory: Path, clock: Clock, limits: AttachmentLimits | None = None) -> None:
        self.files = AttachmentFiles(directory)
        self._store = AttachmentStore(storage)
        self._clock = clock
        self.limits = limits or AttachmentLimits()
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()
        #: Files are deleted and rows are written one after the other, so that no row stays without its file.
        self._dropping = asyncio.Lock()

    async def load(self) -> None:
        """Put things in order at the start: drop what has expired and what has no file. Raises StorageError."""
        await self.sweep()
        stored = await self._store.all()
        await asyncio.to_thread(self.files.tidy, {attachment.disk_name for attachment in stored})
        missing = await asyncio.to_thread(self._missing, stored)
        if missing:
            log.warning("attachments without a file dropped", extra={"count": len(missing)})
            await self._store.take_ids(missing)

    async def get(self, attachment_id: str) -> Attachment | None:
        """Answer an attachment that still lives. Raises StorageError."""
        return await self._store.valid(attachment_id, self._clock.now_iso())

    async def open(self, attachment: Attachment) -> BinaryIO | None:
        """Open the file of an attachment; None when it is gone."""
        return await asyncio.to_thread(self.files.open, attachment.disk_name, attachment.size)

    async def keep_images(self, user_id: str, session_id: str, images: Sequence[Image]) -> None:
        """Note images of a session whose files are written; each then lives with the session.

        Raises StorageError, and OSError when a sweep deleted a file in the meantime.
        """
        now = self._clock.now_ms()
        stale = now - int(self.limits.renew_after * 1000)
        fresh = [image for image in images if self._known.get((image.attachment_id, session_id), -1) < stale]
        if not fresh:
            return
        created, expires = iso(now), iso(now + self.limits.extracted_life * 1000)
        rows = [
            Attachment(
                attachment_id=image.attachment_id,
                kind="extracted",
                owner_user_id=user_id,
                uploader_user_id="system",
                filename=extracted_name(image.attachment_id, image.mime_type),
                mime_type=image.mime_type,
                size=image.size,
                disk_name=extracted_name(image.attachment_id, image.mime_type),
                created_at=created,
                expires_at=expires,
            )
            for image in fresh
        ]
        async with self._dropping:
            if await asyncio.to_thread(self._missing, rows):
                raise FileNotFoundError("an image was dropped while it was stored again")
            await self._store.put(rows, session_id)
        for image in fresh:
            self._known[(image.attachment_id, session_id)] = now
            self._known.move_to_end((image.attachment_id, session_id))
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    async def used(self, user_id: str) -> int:
        """Answer how many bytes of uploads a user has. Raises StorageError."""
        return await self._store.used(user_id)

    async def keep_uploads(self, uploads: Sequence[tuple[Attachment, Draft]], session_id: str) -> None:
        """Keep the whole, closed files of one user's upload; each then lives with the session.

        Raises QuotaExceeded, StorageError and OSError, after which none is kept. Rows come before names: a crash in
        between leaves a row without a file, which `load` drops.
        """
        rows = [row for row, _ in uploads]
        async with self._dropping:
            limits = self.limits
            await self._store.put_uploads(rows, session_id, quota=limits.quota, most_files=limits.most_files)
            try:
                await asyncio.to_thread(_name_files, uploads)
            except OSError:
                await self._store.take_ids([row.attachment_id for row in rows])
                await self._drop(rows)
                raise

    async def forget_sessions(self, session_ids: Sequence[str]) -> None:
        """Drop what belonged to sessions whose rows were just deleted and to no kept one. Raises StorageError."""
        async with self._dropping:
            await self._drop(await self._store.take_of_sessions(session_ids))

    async def sweep(self) -> None:
        """Drop what has expired; the sweep of sockets-agents.md 2.10 calls this. Raises StorageError."""
        async with self._dropping:
            await self._drop(await self._store.take_expired(self._clock.now_iso()))

    async def _drop(self, gone: Sequence[Attachment]) -> None:
        """Delete the files of rows that are gone, these and any other, as after the removal of an account."""
        ids = {attachment.attachment_id for attachment in gone}
        for key in [key for key in self._known if key[0] in ids]:
            del self._known[key]
        while names := await self._store.files_gone():
            await asyncio.to_thread(self.files.delete, names)
            await self._store.forget_files(names)

    def _missing(self, attachments: Sequence[Attachment]) -> list[str]:
        return [one.attachment_id for one in attachments if not self.files.has(one.disk_name, one.size)]


def _name_files(uploads: Sequence[tuple[Attachment, Draft]]) -> None:
    for row, draft in uploads:
        draft.keep(row.disk_name)
