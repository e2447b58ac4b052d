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
