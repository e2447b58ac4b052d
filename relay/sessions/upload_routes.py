"""Take files for a live session (rest-account.md 9.2); the files themselves are `attachments`'."""

from __future__ import annotations

from typing import Final

from relay.attachments.schemas import UploadedFiles, UploadForm
from relay.attachments.uploads import ERRORS, Uploads
from relay.http.errors import ErrorSpec
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import REFUSAL, Shape
from relay.sessions.registry import SessionRegistry

MISSING_SESSION: Final = ErrorSpec(400, "Missing session ID")
NOT_LIVE: Final = ErrorSpec(404, "Session is not live")
FORBIDDEN: Final = ErrorSpec(403, "Forbidden")


class UploadRoutes:
    """Answer the upload call."""

    def __init__(self, registry: SessionRegistry, uploads: Uploads) -> None:
        self._registry = registry
        self._uploads = uploads

    def table(self) -> list[Route]:
        """Answer the rows; the upload path has a body limit of its own (12.4)."""
        return [
            Route(
                "POST",
                "/api/sessions//attachments",
                self.nameless,
                "Refuse an upload for no session",
                body=Body.RAW,
                limit=self._uploads.limits.body,
                errors=(MISSING_SESSION,),
                shape=REFUSAL,
            ),
            Route(
                "POST",
                "/api/sessions/{sessionId}/attachments",
                self.upload,
                "Upload files for a session's agent",
                body=Body.RAW,
                limit=self._uploads.limits.body,
                guard=self._check,
                errors=(NOT_LIVE, FORBIDDEN, *ERRORS),
                shape=Shape(UploadedFiles, UploadForm, takes="multipart/form-data"),
            ),
        ]

    async def nameless(self, call: Call) -> Json:
        """Answer a path without an id."""
        raise MISSING_SESSION()

    async def upload(self, call: Call) -> Json:
        """Store the files of a form and describe them, those of `files` before those of `file`."""
        session_id = call.params["sessionId"]
        stored = await self._uploads.receive(
            call.request, session_id=session_id, owner_id=call.user.user_id, uploader_id=call.user.user_id
        )
        return {
            "attachments": [
                {
                    "attachmentId": one.attachment_id,
                    "filename": one.filename,
                    "mimeType": one.mime_type,
                    "size": one.size,
                    "expiresAt": one.expires_at,
                }
                for one in stored
            ]
        }

    def _check(self, call: Call) -> None:
        """Let only the owner of a live session send a body; raises ApiError 404 or 403."""
        session = self._registry.get(call.params["sessionId"])
        if session is None:
            raise NOT_LIVE()
        if session.user_id != call.user.user_id:
            raise FORBIDDEN()
