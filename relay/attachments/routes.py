"""Answer the HTTP calls about attachments (rest-account.md 9.3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import BinaryIO, Final

from aiohttp import web

from relay.attachments.attachments import Attachments
from relay.attachments.names import disposition, percent_name, served_type
from relay.attachments.store import Attachment
from relay.http.errors import INVALID_KEY, ApiError, ErrorSpec
from relay.http.identity import Identity, IdentityResolver
from relay.http.routes import Auth, Call, Route

log = logging.getLogger(__name__)

ATTACHMENT_NOT_FOUND: Final = ErrorSpec(404, "Attachment not found")
ATTACHMENT_FORBIDDEN: Final = ErrorSpec(403, "Forbidden")
INVALID_TOKEN: Final = ErrorSpec(401, "Invalid or expired token")

_NOT_STORED: Final = "private, no-store"
#: Bytes read and sent at a time.
_PIECE: Final = 256 * 1024

#: Answer the owner of an API key, None for a bad one; raises StorageError.
VerifyKey = Callable[[str], Awaitable[Identity | None]]


class AttachmentRoutes:
    """Serve the files to their owner."""

    def __init__(self, attachments: Attachments, resolve_identity: IdentityResolver, verify_key: VerifyKey) -> None:
        self._attachments = attachments
        self._resolve_identity = resolve_identity
        self._verify_key = verify_key

    def table(self) -> list[Route]:
        """Answer the rows of this room."""
        errors = (ATTACHMENT_NOT_FOUND, ATTACHMENT_FORBIDDEN, INVALID_TOKEN, INVALID_KEY)
        return [
            Route(
                method,
                "/api/attachments/{attachmentId}",
                self.download,
                "Download an attachment",
                auth=Auth.NONE,
                streamed=True,
                errors=errors,
            )
            for method in ("GET", "HEAD")
        ]

    async def download(self, call: Call) -> web.StreamResponse:
        """Answer the bytes of an attachment of the caller's; no answer, errors included, may be stored.

        The caller is found by `x-api-key`, else by the deprecated `?apiKey=`, else as everywhere.
        """
        try:
            attachment = await self._authorised(call)
            file = await self._attachments.open(attachment)
            if file is None:
                raise ATTACHMENT_NOT_FOUND()
        except ApiError as error:
            error.headers.setdefault("Cache-Control", _NOT_STORED)
            raise
        try:
            return await _send(call.request, attachment, file)
        finally:
            file.close()

    async def _authorised(self, call: Call) -> Attachment:
        if call.query.get("token"):
            # A token decides alone; none is handed out, so none is valid.
            raise INVALID_TOKEN()
        identity = await self._caller(call)
        attachment = await self._attachments.get(call.params["attachmentId"])
        if attachment is None:
            raise ATTACHMENT_NOT_FOUND()
        if attachment.owner_user_id != identity.user_id:
            raise ATTACHMENT_FORBIDDEN()
        return attachment

    async def _caller(self, call: Call) -> Identity:
        key = call.query.get("apiKey")
        if not key or call.request.headers.get("x-api-key"):
            return await self._resolve_identity(call.request)
        log.warning("an attachment was asked for with the deprecated apiKey parameter")
        identity = await self._verify_key(key)
        if identity is None:
            raise INVALID_KEY()
        return identity


async def _send(request: web.Request, attachment: Attachment, file: BinaryIO) -> web.StreamResponse:
    content_type = served_type(attachment.mime_type)
    response = web.StreamResponse(
        headers={
            "Content-Type": content_type,
            "Content-Disposition": disposition(attachment.filename, content_type),
            "X-Content-Type-Options": "nosniff",
            "X-Attachment-Id": attachment.attachment_id,
            "X-Attachment-Filename": percent_name(attachment.filename),
            "Cache-Control": _NOT_STORED,
        }
    )
    response.content_length = attachment.size
    await response.prepare(request)
    if request.method != "HEAD":
        while piece := await asyncio.to_thread(file.read, _PIECE):
            await response.write(piece)
    await response.write_eof()
    return response
