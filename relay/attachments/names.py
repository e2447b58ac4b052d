"""Name attachments on disk and in headers; pure functions (rest-account.md 9.1 to 9.3, 9.5)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

#: Types a browser may show in place; everything else is a download (9.3).
SAFE_TYPES: Final = frozenset(
    (
        *(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp", "x-icon", "tiff")),
        "image/vnd.microsoft.icon",
        "application/pdf",
        "text/plain",
        "video/mp4",
        "video/webm",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
    )
)
BINARY: Final = "application/octet-stream"
_EXTENSIONS: Final = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "ico"})
#: An RFC 9110 token after the slash.
_IMAGE_TYPE: Final = re.compile(r"image/[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: A media type, with any parameters.
_UPLOAD_TYPE: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+/[a-z0-9!#$%&'*+.^_`|~-]+(?:\s*;[\x20-\x7e]*)?")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
#: No file system has longer names; three response headers carry this one percent-encoded.
LONGEST_NAME: Final = 255
_DISK_NAME: Final = 150
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def image_type(declared: object) -> str:
    """Answer the type under which an image is stored, in lower case: `declared`, when it is an image's, else bytes."""
    if not isinstance(declared, str) or len(declared) > 100 or not _IMAGE_TYPE.fullmatch(declared):
        return BINARY
    return declared.lower()


def extracted_name(attachment_id: str, mime_type: str) -> str:
    """Answer the name of an image taken out of a transcript, on disk and for people."""
    kind = mime_type.rpartition("/")[2]
    return f"extracted-{attachment_id}.{kind if kind in _EXTENSIONS else 'bin'}"


def upload_name(sent: str, attachment_id: str) -> str:
    """Answer the name of an upload for people: as sent, without control characters, never empty (9.2)."""
    return _CONTROL.sub("_", sent)[:LONGEST_NAME] or f"attachment-{attachment_id}"


def upload_type(sent: str | None) -> str:
    """Answer the type under which an upload is stored: the part's own in lower case, else bytes (9.2)."""
    bare = (sent or "").strip().lower()
    return bare if len(bare) <= LONGEST_NAME and _UPLOAD_TYPE.fullmatch(bare) else BINARY


def upload_disk_name(attachment_id: str, filename: str) -> str:
    """Answer the name of an upload's file; the end of a long one is kept, for the sake of its suffix (9.1)."""
    return f"{attachment_id}-{_UNSAFE.sub('_', filename)[-_DISK_NAME:]}"


def served_type(mime_type: str) -> str:
    """Answer the Content-Type of a response: the stored one without parameters when it is safe, else bytes."""
    bare = mime_type.partition(";")[0].strip().lower()
    return bare if bare in SAFE_TYPES else BINARY


def disposition(filename: str, content_type: str) -> str:
    """Answer the Content-Disposition of a response."""
    kind = "inline" if content_type in SAFE_TYPES else "attachment"
    return f"{kind}; filename=\"{ascii_name(filename)}\"; filename*=UTF-8''{percent_name(filename)}"


def ascii_name(filename: str) -> str:
    """Answer a file name for the plain `filename` parameter."""
    plain = _CONTROL.sub("_", filename).encode("ascii", "replace").decode()
    # `replace` writes a question mark for what is not ASCII; a name may have question marks of its own.
    plain = "".join("_" if ord(original) > 0x7F else char for original, char in zip(filename, plain, strict=True))
    return plain.replace('"', "_").replace("\\", "_")


def percent_name(filename: str) -> str:
    """Answer a file name as `encodeURIComponent` writes it, with `' ( ) *` encoded too."""
    return quote(filename.encode("utf-8", "replace"), safe="!-._~")
