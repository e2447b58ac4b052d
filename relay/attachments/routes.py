"""Answer the HTTP calls about attachments (rest-account.md 9.3, 9.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import BinaryIO, Final

from aiohttp import web

from relay.attachments import schemas
from relay.attachments.attachments import Attachments
from relay.attachments.names import disposition, percent_name, served_type
from relay.attachments.ranges import Span, Unsatisfiable, read_range
from relay.attachments.store import Attachment
from relay.attachments.tokens import AttachmentTokens, TokenClaims
from relay.clock import iso
from relay.http import scopes
from relay.http.errors import INVALID_KEY, MISSING_KEY, ApiError, ErrorSpec
from relay.http.identity import Identity, IdentityResolver, Scope
from relay.http.routes import Auth, Call, Json, Route
from relay.http.shapes import REFUSAL, Shape

log = logging.getLogger(__name__)

ATTACHMENT_NOT_FOUND: Final = ErrorSpec(404, "Attachment not found")
ATTACHMENT_FORBIDDEN: Final = ErrorSpec(403, "Forbidden")
MISSING_ATTACHMENT: Final = ErrorSpec(400, "Missing attachment ID")
TOKEN_MISMATCH: Final = ErrorSpec(403, "Token/attachment mismatch")
BAD_RANGE: Final = ErrorSpec(416, "Range Not Satisfiable")
INVALID_TOKEN: Final = ErrorSpec(401, "Invalid or expired token")

_NOT_STORED: Final = "private, no-store"
#: Bytes read and sent at a time.
_PIECE: Final = 256 * 1024

#: Answer the owner of an API key, None for a bad one; raises StorageError.
VerifyKey = Callable[[str], Awaitable[Identity | None]]


class AttachmentRoutes:
    """Serve the files to their owner."""

    def __init__(
        self,
        attachments: Attachments,
        tokens: AttachmentTokens,
        resolve_identity: IdentityResolver,
        verify_key: VerifyKey,
    ) -> None:
        self._attachments = attachments
        self._tokens = tokens
        self._resolve_identity = resolve_identity
        self._verify_key = verify_key

    def table(self) -> list[Route]:
        """Answer the rows of this room."""
        errors = (
            MISSING_ATTACHMENT,
            ATTACHMENT_NOT_FOUND,
            ATTACHMENT_FORBIDDEN,
            INVALID_TOKEN,
            TOKEN_MISMATCH,
            MISSING_KEY,
            INVALID_KEY,
            BAD_RANGE,
        )
        file = Shape(str, query=schemas.AttachmentQuery, media="*/*", statuses=(200, 206), any_auth=True)
        return [
            *(
                Route(
                    method,
                    path,
                    handler,
                    "Download an attachment",
                    auth=Auth.NONE,
                    streamed=True,
                    errors=errors,
                    shape=shape,
                )
                for method in ("GET", "HEAD")
                for path, handler, shape in (
                    ("/api/attachments/", self.nameless, REFUSAL),
                    ("/api/attachments/{attachmentId}", self.download, file),
                )
            ),
            Route(
                "POST",
                "/api/attachments//token",
                self.nameless,
                "Refuse a token for no attachment",
                errors=(MISSING_ATTACHMENT,),
                shape=REFUSAL,
            ),
            Route(
                "POST",
                "/api/attachments/{attachmentId}/token",
                self.token,
                "Make a link to an attachment that works for five minutes",
                errors=(ATTACHMENT_NOT_FOUND, ATTACHMENT_FORBIDDEN),
                shape=Shape(schemas.AttachmentToken),
            ),
        ]

    async def nameless(self, call: Call) -> Json:
        """Answer a path without an id."""
        raise MISSING_ATTACHMENT(headers={"Cache-Control": _NOT_STORED})

    async def token(self, call: Call) -> Json:
        """Answer a token for an attachment of the caller's."""
        attachment = await self._owned(call.params["attachmentId"], call.user.user_id)
        token, ends = self._tokens.make(TokenClaims(call.user.user_id, attachment.attachment_id))
        return {"token": token, "expiresAt": iso(ends)}

    async def download(self, call: Call) -> web.StreamResponse:
        """Answer the bytes of an attachment of the caller's; no answer, errors included, may be stored.

        The caller is who made the token, when there is one; else found by `x-api-key`, else by the deprecated
        `?apiKey=`, else as everywhere.
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
            return await _send(call.request, attachment, file, self._attachments.limits.idle)
        finally:
            file.close()

    async def _authorised(self, call: Call) -> Attachment:
        wanted = call.params["attachmentId"]
        token = call.query.get("token")
        if not token:
            return await self._owned(wanted, (await self._caller(call)).user_id)
        claims = self._tokens.read(token)
        if claims is None:
            raise INVALID_TOKEN()
        if claims.attachment_id != wanted:
            raise TOKEN_MISMATCH()
        return await self._owned(wanted, claims.user_id)

    async def _owned(self, attachment_id: str, user_id: str) -> Attachment:
        attachment = await self._attachments.get(attachment_id)
        if attachment is None:
            raise ATTACHMENT_NOT_FOUND()
        if attachment.owner_user_id != user_id:
            raise ATTACHMENT_FORBIDDEN()
        return attachment

    async def _caller(self, call: Call) -> Identity:
        key = call.query.get("apiKey")
        if not key or call.request.headers.get("x-api-key"):
            return scopes.require(await self._resolve_identity(call.request), Scope.RUNNER, Scope.READ)
        log.warning("an attachment was asked for with the deprecated apiKey parameter")
        identity = await self._verify_key(key)
        if identity is None:
            raise INVALID_KEY()
        return scopes.require(identity, Scope.RUNNER, Scope.READ)


async def _send(request: web.Request, attachment: Attachment, file: BinaryIO, idle: float) -> web.StreamResponse:
    """Answer with a file; raises ConnectionError for a client that left or took nothing for `idle` seconds."""
    content_type = served_type(attachment.mime_type)
    span = _span(request, attachment.size)
    response = web.StreamResponse(
        status=200 if span is None else 206,
        headers={
            "Content-Type": content_type,
            "Content-Disposition": disposition(attachment.filename, content_type),
            "X-Content-Type-Options": "nosniff",
            "X-Attachment-Id": attachment.attachment_id,
            "X-Attachment-Filename": percent_name(attachment.filename),
            "Cache-Control": _NOT_STORED,
            "Accept-Ranges": "bytes",
        },
    )
    left = attachment.size
    if span is not None:
        response.headers["Content-Range"] = span.content_range(attachment.size)
        file.seek(span.start)
        left = span.length
    response.content_length = left
    await response.prepare(request)
    if request.method != "HEAD":
        while left and (piece := await asyncio.to_thread(file.read, min(left, _PIECE))):
            try:
                async with asyncio.timeout(idle):
                    await response.write(piece)
            except TimeoutError as error:
                raise ConnectionAbortedError("the client takes nothing any more") from error
            left -= len(piece)
    await response.write_eof()
    return response


def _span(request: web.Request, size: int) -> Span | None:
    """Answer which bytes are wanted, None for all; raises ApiError 416.

    Only GET has ranges, and there is no validator that an If-Range could name (RFC 9110 13.1.5, 14.2).
    """
    if request.method != "GET" or "If-Range" in request.headers:
        return None
    try:
        return read_range(request.headers.get("Range"), size)
    except Unsatisfiable as error:
        raise BAD_RANGE(headers={"Content-Range": f"bytes */{size}", "Cache-Control": _NOT_STORED}) from error
