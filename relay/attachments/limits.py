"""Name the bounds and times of attachments; operators set some, tests shorten the times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20
#: The upload path's own body limit (rest-account.md 12.4).
_BODY: Final = 52_428_800


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """State how long attachments live without a kept session, in seconds, and how large they may be, in bytes (9.1)."""

    extracted_life: float = 86_400.0
    #: A stored reference is renewed when it is older than this.
    renew_after: float = 3600.0
    #: PIZZAPI_ATTACHMENT_TTL_MS.
    upload_life: float = 900.0
    #: PIZZAPI_ATTACHMENT_MAX_FILE_SIZE_BYTES, with the API reference's default.
    file: int = 10 * MIB
    #: What one user may have uploaded and kept at a time.
    quota: int = 1024 * MIB
    #: Files of one user: empty ones weigh nothing, but each is an inode and a row.
    most_files: int = 100_000
    #: Parts of one form; each file is an inode, and 50 MiB could name half a million of them.
    parts: int = 1000
    #: An upload from which nothing comes, or a download of which nothing is taken, for so long has lost its client.
    idle: float = 60.0
    #: Life of a download token (9.4).
    token_life: int = 300

    @property
    def body(self) -> int:
        """Answer the most bytes of a whole upload request: 50 MiB, or what one file of the largest size needs."""
        return max(_BODY, self.file + MIB)
