"""Receive uploads: a form streamed to disk within limits, whole or not at all (rest-account.md 9.1, 9.2)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import uuid4

from aiohttp import web

from relay.attachments.attachments import Attachments
from relay.attachments.files import AttachmentFiles, Draft
from relay.attachments.form import Form, FormError, Part, boundary_of
from relay.attachments.limits import AttachmentLimits
from relay.attachments.names import upload_disk_name, upload_name, upload_type
from relay.attachments.store import Attachment, QuotaExceeded
from relay.clock import Clock, iso
from relay.http import body as bodies
from relay.http.errors import REQUEST_TIMEOUT, ApiError, ErrorSpec

log = logging.getLogger(__name__)

NO_FORM: Final = ErrorSpec(400, "Expected multipart/form-data")
BROKEN_FORM: Final = ErrorSpec(400, "Malformed multipart/form-data")
NO_FILES: Final = ErrorSpec(400, "No files uploaded")
FILE_TOO_LARGE: Final = ErrorSpec(413, "File too large: {name} exceeds {limit} bytes")
QUOTA_EXCEEDED: Final = ErrorSpec(413, "Attachment quota exceeded")
NOT_STORED: Final = ErrorSpec(503, "The attachment could not be stored")
ERRORS: Final = (NO_FORM, BROKEN_FORM, NO_FILES, FILE_TOO_LARGE, QUOTA_EXCEEDED, NOT_STORED)

#: Bytes gathered before a thread writes them; with the socket's buffer, all the memory that an upload takes.
_PIECE: Final = 256 * 1024
#: Fields that hold files, in the order in which they are answered (9.2).
_FIELDS: Final = ("files", "file")


class _File:
    """Hold one file of the form while it comes."""

    def __init__(self, part: Part, draft: Draft) -> None:
        self.field = part.name
        self.attachment_id = str(uuid4())
        self.filename = upload_name(part.filename or "", self.attachment_id)
        self.mime_type = upload_type(part.content_type)
        self.draft = draft
        self.size = 0
        self._gathered = bytearray()

    async def write(self, data: bytes) -> None:
        """Append bytes, on disk a piece at a time; raises OSError."""
        self.size += len(data)
        self._gathered += data
        if len(self._gathered) >= _PIECE:
            await self._flush()

    async def finish(self) -> None:
        """Write the rest and close; raises OSError."""
        await self._flush()
        self.draft.close()

    async def _flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        await asyncio.to_thread(self.draft.write, gathered)


class _Receiver:
    """Take one form apart into drafts."""

    def __init__(self, files: AttachmentFiles, form: Form, limits: AttachmentLimits) -> None:
        self.received: list[_File] = []
        self._files = files
        self._form = form
        self._limits = limits
        self._current: _File | None = None

    async def take(self, chunk: bytes) -> int:
        """Take one piece of the body; answer its bytes of files. Raises FormError, ApiError and OSError."""
        came = 0
        for event in self._form.feed(chunk):
            if isinstance(event, Part):
                self._current = None
                if event.name in _FIELDS and event.filename is not None:
                    self._current = _File(event, await asyncio.to_thread(self._files.draft))
                    self.received.append(self._current)
            elif self._current is not None and event is None:
                await self._current.finish()
                self._current = None
            elif self._current is not None and event is not None:
                came += len(event)
                if self._current.size + len(event) > self._limits.file:
                    raise FILE_TOO_LARGE(name=self._current.filename, limit=self._limits.file)
                await self._current.write(event)
        return came

    def finish(self) -> list[_File]:
        """Answer the files, those of `files` first; raises FormError for a form without its end, ApiError for none."""
        self._form.finish()
        if not self.received:
            raise NO_FILES()
        return sorted(self.received, key=lambda file: _FIELDS.index(file.field))

    def discard(self) -> None:
        """Delete what was not kept; blocks."""
        for file in self.received:
            file.draft.discard()


class Uploads:
    """Own the uploads under way."""

    def __init__(self, attachments: Attachments, clock: Clock) -> None:
        self._attachments = attachments
        self._clock = clock
        self.limits = attachments.limits
        #: Bytes per user of files that have no row yet.
        self._coming: Counter[str] = Counter()

    async def receive(
        self, request: web.Request, *, session_id: str, owner_id: str, uploader_id: str
    ) -> list[Attachment]:
        """Store the files of a form and answer them, those of `files` first.

        Raises ApiError of `ERRORS`, 413 for the body, 408 when nothing comes any more, 400 when the client leaves, and
        StorageError. Whatever is raised, nothing stays on disk.
        """
        boundary = boundary_of(request.headers.get("Content-Type", ""))
        if boundary is None:
            raise NO_FORM()
        receiver = _Receiver(self._attachments.files, Form(boundary, self.limits.parts), self.limits)
        try:
            await self._read(request, receiver, owner_id)
            rows = [(self._row(file, owner_id, uploader_id), file.draft) for file in receiver.finish()]
            await self._attachments.keep_uploads(rows, session_id)
        except FormError as error:
            raise BROKEN_FORM() from error
        except QuotaExceeded as error:
            raise QUOTA_EXCEEDED() from error
        except OSError as error:
            log.exception("upload not stored", extra={"session_id": session_id})
            raise NOT_STORED() from error
        finally:
            await asyncio.to_thread(receiver.discard)
        log.info("files uploaded", extra={"session_id": session_id, "count": len(rows)})
        return [row for row, _ in rows]

    async def _read(self, request: web.Request, receiver: _Receiver, owner_id: str) -> None:
        """Feed the body to the receiver; raises ApiError when the owner has no room for it, and what the receiver does.

        A body that is refused on the way is read to its end all the same, into nothing: browsers look for an answer
        only when they have sent everything, and take a closed connection for a broken one.
        """
        used = await self._attachments.used(owner_id)
        counted = 0
        refusal: ApiError | FormError | OSError | None = None
        try:
            async with aclosing(self._body(request)) as body:
                async for chunk in body:
                    if refusal is not None:
                        continue
                    try:
                        came = await receiver.take(chunk)
                        counted += came
                        self._coming[owner_id] += came
                        if used + self._coming[owner_id] > self.limits.quota:
                            raise QUOTA_EXCEEDED()
                    except (ApiError, FormError, OSError) as error:
                        refusal = error
                        await asyncio.to_thread(receiver.discard)
            if refusal is not None:
                raise refusal
        finally:
            self._coming[owner_id] -= counted
            if self._coming[owner_id] <= 0:
                del self._coming[owner_id]

    async def _body(self, request: web.Request) -> AsyncGenerator[bytes, None]:
        """Yield the body; raises ApiError 408 when nothing has come for `idle` seconds."""
        async with aclosing(bodies.chunks(request, self.limits.body)) as chunks:
            while True:
                try:
                    async with asyncio.timeout(self.limits.idle):
                        chunk = await anext(chunks, None)
                except TimeoutError as error:
                    raise REQUEST_TIMEOUT(headers={"Connection": "close"}) from error
                if chunk is None:
                    return
                yield chunk

    def _row(self, file: _File, owner_id: str, uploader_id: str) -> Attachment:
        now = self._clock.now_ms()
        return Attachment(
            attachment_id=file.attachment_id,
            kind="upload",
            owner_user_id=owner_id,
            uploader_user_id=uploader_id,
            filename=file.filename,
            mime_type=file.mime_type,
            size=file.size,
            disk_name=upload_disk_name(file.attachment_id, file.filename),
            created_at=iso(now),
            expires_at=iso(now + self.limits.upload_life * 1000),
        )
