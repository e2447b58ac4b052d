"""Describe the bodies of the attachment calls (rest-account.md 9)."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

File = Annotated[str, Meta(extra_json_schema={"format": "binary"})]


class AttachmentToken(TypedDict):
    """Answer a token for `?token=`, and when it ends."""

    token: str
    expiresAt: str


class AttachmentQuery(TypedDict, total=False):
    """Say who calls, where no header can: a token, or the deprecated key."""

    token: str
    apiKey: str


class UploadedFile(TypedDict):
    """Describe a stored file; `size` is in bytes."""

    attachmentId: str
    filename: str
    mimeType: str
    size: int
    expiresAt: str


class UploadedFiles(TypedDict):
    """List the files that were stored."""

    attachments: list[UploadedFile]


class UploadForm(TypedDict, total=False):
    """Carry one or more files in fields of either name."""

    file: list[File]
    files: list[File]
